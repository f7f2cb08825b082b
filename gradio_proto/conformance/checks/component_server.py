"""Functions that components have on the server."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from gradio_proto.config import list_of, object_of

from ..model import Skipped
from ..registry import case
from ..tester import Tester

NOT_OFFERED: Final = (
    "no_such_function",
    "get_config",
    "get_block_name",
    "get_expected_parent",
    "unrender",
    "example_inputs",
    "get_component_class_id",
    "__init__",
    "__class__",
    "__repr__",
    "_id",
    "",
    "ls.__call__",
    "../ls",
)
"""What a component in Python has, or what nothing has; none is meant for clients."""


def _explorer(tester: Tester) -> int:
    """The id of the component of the reference app whose function `ls` lists a folder.

    Raises:
        Skipped: There is none that may be called.
    """
    if not tester.target.is_reference:
        raise Skipped("only of the reference app is it known which functions of components may be called")
    for component in list_of(tester.config_json.get("components")):
        offered = object_of(object_of(component).get("props")).get("server_fns")
        if "ls" in list_of(offered):
            return int(component["id"])
    raise Skipped("the app has no component with a function ls")


def _body(tester: Tester, id: int, name: str = "ls") -> dict[str, Any]:
    # Up to 4.x without a folder is the outermost one, later the list of its parts.
    folder: Any = [] if tester.version >= (5, 0) else None
    return {"session_hash": tester.new_name(), "component_id": id, "fn_name": name, "data": folder}


@case("component/call")
def a_function_of_a_component(tester: Tester) -> None:
    """Call the function of a component that it offers: it is answered 200 with what it returns."""
    reply = tester.post("component_server", _body(tester, _explorer(tester)))
    tester.check_status(reply, 200)
    value = reply.json()
    tester.check_schema("replies/component_server", value)
    entries = list_of(value)
    tester.check(
        entries and all(isinstance(entry, dict) for entry in entries),
        f"a listing of a folder with files in it was answered {reply.text()[:200]!r}",
    )


@case("component/unlisted", severity="critical", examples=20)
def a_function_that_is_not_offered(tester: Tester) -> None:
    """Call methods of a component that it does not offer, and functions that it does not have: it is answered 404."""
    name = tester.draw(st.sampled_from(NOT_OFFERED), "fn_name")
    reply = tester.post("component_server", _body(tester, _explorer(tester), name))
    tester.check(
        reply.status == 404,
        f"a call of {name!r}, which the component does not offer, was answered {reply.status} and not 404: "
        f"{reply.text()[:200]!r}",
    )


@case("component/malformed", examples=8)
def a_body_without_a_key(tester: Tester) -> None:
    """Call the function of a component without one of the keys that the body needs: it is answered 400 or 422."""
    body = _body(tester, _explorer(tester))
    missing = tester.draw(
        st.lists(st.sampled_from(sorted(body)), min_size=1, max_size=4, unique=True), "missing"
    )
    for key in missing:
        del body[key]
    tester.check_status(tester.post("component_server", body), 400, 422)
