"""``component_server`` calls any method of a component, whether it is meant for clients or not.

On Gradio 3.50 and 4.0. A function that the component does not offer MUST be answered 404, and not be called
(component/unlisted).
"""

from __future__ import annotations

from plain import Untried
from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    for component in server.config["components"]:
        if component["props"].get("server_fns") == ["ls"]:
            break
    else:
        raise Untried("the app has no component with functions")
    call = {"session_hash": server.session(), "component_id": component["id"], "fn_name": "postprocess"}
    answer = server.post("/component_server", call | {"data": None})
    return (
        answer.status != 404,
        f"the component offers ls, and a call of postprocess was answered {answer.status}",
    )


if __name__ == "__main__":
    main(finding)
