"""Uses the installed wheel as somebody else's program would; CI runs and type-checks it outside the tree."""

from __future__ import annotations

from importlib.resources import files

from gradio_proto.errors import AppError, GradioError, LimitExceeded
from gradio_proto.limits import Limits


def describe(error: GradioError) -> str:
    if isinstance(error, LimitExceeded):
        return f"{error.name} = {error.limit}"
    return str(error.with_context(endpoint="/predict"))


assert describe(LimitExceeded("redirects", Limits().redirects)) == "redirects = 3"
assert "/predict" in describe(AppError("no"))
for package in ("gradio_proto", "gradio_transports"):
    assert files(package).joinpath("py.typed").is_file(), f"{package} is not typed"
