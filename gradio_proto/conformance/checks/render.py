"""What ``gr.render`` makes while an app runs (4.36 and later)."""

from __future__ import annotations

import json
from typing import Any, cast

from gradio_proto.config import parse_dependency

from ..model import Violation
from ..registry import case
from ..session import Session
from ..tester import Tester


def render(session: Session, count: int) -> list[dict[str, Any]]:
    """Render that many functions; their dependencies."""
    job = session.submit(session.tester.endpoint("apply"), count)
    session.wait(job)
    config: Any = job.output.get("render_config")
    made = cast("dict[str, Any]", config).get("dependencies") if isinstance(config, dict) else None
    if not isinstance(made, list):
        raise Violation(f"the render_config of a render is {json.dumps(config)[:200]}")
    return cast("list[dict[str, Any]]", made)


@case("render/config", endpoints=("apply", "echo"))
def a_render_tells_what_it_has_made(tester: Tester) -> None:
    """Render three functions: all stand in the ``render_config``, and that of another job is null."""
    session = tester.session()
    made = render(session, 3)
    tester.check(len(made) == 3, f"a render of 3 functions told of {len(made)}")
    job = session.submit(tester.endpoint("echo"), "x")
    session.wait(job)
    config = job.output.get("render_config")
    tester.check(config is None, f"a job that renders nothing has the render_config {str(config)[:200]}")


@case("render/number", endpoints=("apply",))
def what_is_rendered_has_numbers_of_its_own(tester: Tester) -> None:
    """Render functions: each has an ``id`` that no other function has."""
    made = render(tester.session(), 3)
    numbers = [entry.get("id") for entry in made]
    tester.check(
        all(isinstance(number, int) for number in numbers),
        f"functions that were rendered have the ids {numbers}",
    )
    tester.check(len({*numbers}) == len(numbers), f"functions that were rendered share an id: {numbers}")
    shared = {*numbers} & {*tester.app.endpoints}
    tester.check(not shared, f"functions that were rendered have the ids {shared} of functions of the app")


@case("render/callable", endpoints=("apply",))
def what_is_rendered_can_be_called(tester: Tester) -> None:
    """Call each function that was rendered, in its session."""
    session = tester.session()
    for entry in render(session, 2):
        number = parse_dependency(entry, 0).fn_index
        reply = tester.post("queue/join", {"data": ["x"], "fn_index": number, "session_hash": session.hash})
        tester.check_status(reply, 200)
        job = session.adopt(tester.endpoint("echo"), ["x"], reply.json()["event_id"])
        session.wait(job)
        tester.check(job.values == ["x"], f"a function that was rendered as echo gave {job.values}")


@case("render/elsewhere", endpoints=("apply",))
def what_is_rendered_is_nobody_elses(tester: Tester) -> None:
    """Call a function that was rendered in another session: that is refused."""
    made = render(tester.session(), 1)
    tester.check(made and "id" in made[0], f"a render of one function told of {made}")
    body = {"data": ["x"], "fn_index": made[0]["id"], "session_hash": tester.session().hash}
    tester.check_refused(tester.post("queue/join", body))
