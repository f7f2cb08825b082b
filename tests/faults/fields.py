"""Fields of what an app says about itself, each of them absent, null, and of every other type.

An app's config and info grew over the years, every version sends other fields, and apps have been seen that change
them. So whatever is wrong with a field, a value or a typed error must come out; never an error of Python's own, and
never later, at a call.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal

from faulty import FaultyServer, Peer, Seen

from gradio_proto.errors import GradioError
from gradio_proto.testing import TestApp

from .answers import Answer, responds
from .bench import Bench
from .model import Expected, Fault, Gives, Served, Use
from .servers import faulty
from .uses import connects

Form = Literal["absent", "null", "odd"]
FORMS: Final[tuple[Form, ...]] = ("absent", "null", "odd")

VALUES: Final[tuple[Any, ...]] = (True, -7, float("nan"), "odd", ["odd", None], {"odd": None})
"""Values of every type that JSON has."""

KINDS: Final = (bool, int | float, str, list, dict)

WELL: Final = Gives()
"""The value of the call."""

Said = dict[str, Any]
Holders = Callable[[Said], list[Said]]
"""The objects within what is said that have a field."""


def app() -> TestApp:
    """The app that everything is said of; its config and info have the fields that Gradio 6.31 sends."""
    made = TestApp()
    made.endpoint("/predict")(_predict)
    return made


def _predict(x: str) -> str:
    return x


def others(value: Any) -> Iterator[Any]:
    """Values of other types than this one's."""
    for other in VALUES:
        kind = next(kind for kind in KINDS if isinstance(other, kind))
        if not isinstance(value, kind):
            yield other


def versions(said: Said, holders: Holders, field: str, form: Form) -> list[Said]:
    """What is said, with a field that is not as it should be, in each way that this form has."""
    values = [None] if form != "odd" else [*others(holders(said)[0].get(field))]
    made: list[Said] = []
    for value in values:
        changed = copy.deepcopy(said)
        for holder in holders(changed):
            holder.pop(field, None)
            if form != "absent":
                holder[field] = value
        made.append(changed)
    return made


def one_after_the_other(route: str, said: list[Said]) -> Served:
    """A server whose app is described so at the first request, and so at the next."""
    asked = iter(said)

    def answer(peer: Peer, _: Seen, __: FaultyServer) -> None:
        peer.reply(json.dumps(next(asked)).encode())

    def answers(_: Bench) -> Mapping[str, Answer]:
        nonlocal asked
        asked = iter(said)
        return {route: answer}

    return faulty(answers, times=None)


def connects_each(times: int) -> Use:
    """Connect and make a call, so often; what comes out must be the same each time."""

    async def use(bench: Bench) -> Any:
        values: list[Any] = []
        errors: list[GradioError] = []
        for _ in range(times):
            try:
                async with bench.client() as client:
                    values.append(await client.predict("hello"))
            except GradioError as error:
                errors.append(error)
        if errors:
            assert len({type(error) for error in errors}) == 1, f"it was not always the same: {errors}"
            assert not values, f"it was not always the same: {values}, {errors}"
            raise errors[0]
        assert all(value == values[0] for value in values), f"it was not always the same: {values}"
        return values[0]

    return use


WHAT: Final[Mapping[Form, str]] = {"absent": "is absent", "null": "is null", "odd": "is of another type"}


def faults(
    route: str,
    said: Said,
    parts: Mapping[str, tuple[str, Holders]],
    fields: Mapping[str, tuple[str, ...]],
    expected: Mapping[str, Expected],
) -> Iterator[Fault]:
    """A fault for each form of each field, and for those of all other fields of a part.

    Args:
        route: Where it is said; the ids begin with it.
        said: What is said when all is well.
        parts: By their names in ids, what a part is called, and what of what is said that is.
        fields: By the same, the fields that a client reads.
        expected: By id without the route, what comes out where that is not the value of the call.
    """
    for part, (called, holders) in parts.items():
        read = fields[part]
        for form in FORMS:
            for field in read:
                id = "/".join([*filter(None, [part]), f"{field.replace('_', '-')}-{form}"])
                yield _fault(
                    f"{route}/{id}",
                    f"In {called}, {field} {WHAT[form]}.",
                    route,
                    versions(said, holders, field, form),
                    expected.get(id, WELL),
                )
            unread = [field for field in holders(said)[0] if field not in read]
            changed = copy.deepcopy(said)
            for field in unread:
                (changed, *_) = versions(changed, holders, field, form)
            id = "/".join([*filter(None, [part]), f"all-others-{form}"])
            yield _fault(
                f"{route}/{id}",
                f"In {called}, every field that no client needs {WHAT[form]}.",
                route,
                [changed],
                expected.get(id, WELL),
            )


def answered(
    route: str,
    name: str,
    happens: str,
    answer: Answer,
    expect: Expected,
    *,
    times: int | None = 1,
    **more: Any,
) -> Fault:
    """A fault in which the first requests for what an app says about itself are answered so."""
    return Fault(
        id=f"{route}/{name}",
        happens=happens,
        phase="connect",
        served=faulty({route: answer}, times=times),
        expect=expect,
        **{"options": {"max_retries": 0}, "use": connects, **more},
    )


def told(route: str, name: str, happens: str, said: Any, expect: Expected = WELL) -> Fault:
    """A fault in which an app says that about itself."""
    return answered(route, name, happens, responds(body=json.dumps(said).encode()), expect)


def _fault(id: str, happens: str, route: str, said: list[Said], expect: Expected) -> Fault:
    return Fault(
        id=id,
        happens=happens,
        phase="connect",
        served=one_after_the_other(route, said),
        use=connects_each(len(said)),
        expect=expect,
        options={"max_retries": 0},
    )
