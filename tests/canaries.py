"""Secrets that can be told apart from everything else, and a search for them in whatever form they may be shown."""

from __future__ import annotations

import base64
import gc
import pickle
import re
import traceback
import types
from collections.abc import Iterator
from typing import Any, Final

STEM: Final = "kanary"
"""What each of them holds, and nothing else does. It has no character that any encoding would change."""


def canary(number: int) -> str:
    """A secret, which is known by its number."""
    return f"{STEM}{number:02d}sings"


TOKEN: Final = f"hf_{canary(1)}"
OAUTH_TOKEN: Final = f"hf_{canary(2)}"
PASSWORD: Final = f'{canary(3)} "quoted" \\ ä%&'
COOKIE: Final = canary(4)
HEADER: Final = f"Key {canary(5)}"
OF_A_CALL: Final = canary(6)
IP_TOKEN: Final = canary(7)
PROXY_PASSWORD: Final = canary(8)
SIGN: Final = canary(9)
SESSION_COOKIE: Final = canary(10)
"""A server sets this one, at the login."""
USER_INFO: Final = canary(11)
OWN_AUTHORIZATION: Final = f"Bearer {canary(12)}"

CALL_HEADERS: Final = {"x-call": OF_A_CALL, "x-ip-token": IP_TOKEN, "authorization": OWN_AUTHORIZATION}
"""Headers of a single call."""


def secrets(proxy: str | None = None) -> dict[str, Any]:
    """Every option of a client that is a credential."""
    options: dict[str, Any] = {
        "token": TOKEN,
        "oauth_token": OAUTH_TOKEN,
        "auth": ("ada", PASSWORD),
        "headers": {"x-key": HEADER},
        "cookies": {"sid": COOKIE},
    }
    return options if proxy is None else {**options, "proxy": proxy}


def _in_base64(text: str) -> Iterator[str]:
    """What base64 makes of a text that stands somewhere in what is encoded: what its neighbours leave alone of it."""
    for offset in range(3):
        encoded = base64.b64encode(b"." * offset + text.encode()).decode().rstrip("=")
        yield encoded[(offset * 8 + 5) // 6 : (offset + len(text)) * 8 // 6]


_FORMS: Final = re.compile(
    "|".join([STEM, *_in_base64(STEM), STEM.encode().hex(), STEM[::-1]]), re.IGNORECASE
)


def leaks(shown: str | bytes) -> list[str]:
    """Where a secret stands in what is shown, as it is or in base64, with what is around it."""
    text = shown.decode("latin-1") if isinstance(shown, bytes) else shown
    return [text[max(0, found.start() - 60) : found.end() + 20] for found in _FORMS.finditer(text)]


def shown_by_error(error: BaseException) -> Iterator[str]:
    """What an error says of itself where it is shown."""
    yield str(error)
    yield repr(error)
    yield repr(error.args)
    yield repr(getattr(error, "__notes__", ()))
    yield "".join(traceback.format_exception(error))


def held_by_error(error: BaseException) -> Iterator[str]:
    """What an error has for programs, and takes along to other processes."""
    yield repr(vars(error))
    yield pickle.dumps(error).decode("latin-1")


_NOT_FOLLOWED: Final = (
    type,
    types.ModuleType,
    types.BuiltinFunctionType,
    types.CodeType,
    str,
    bytes,
    int,
    float,
    complex,
    type(None),
)

_HOLD_OTHERS: Final = (
    dict,
    list,
    tuple,
    set,
    frozenset,
    types.MappingProxyType,
    types.CellType,
    types.FrameType,
    types.GeneratorType,
    types.CoroutineType,
    types.FunctionType,
)
"""What has no representation of its own, but that of its parts; a container of a program's own data shows the data."""


THE_PARTS_OF_OTHERS: Final = ("h11._events.Request", "h11._headers.Headers")
"""What the libraries below make of a request. Their representations show it, and are none of ours to change; nobody is
handed them."""


def reachable(*roots: object) -> Iterator[object]:
    """Every object that these lead to and that has a representation of its own, each once."""
    seen: set[int] = set()
    left: list[object] = list(roots)
    kept: list[object] = []  # so that no number is given twice
    while left:
        thing = left.pop()
        if id(thing) in seen or isinstance(thing, _NOT_FOLLOWED):
            continue
        if type(thing).__module__.startswith("_pytest"):  # which knows the texts of all tests
            continue
        seen.add(id(thing))
        kept.append(thing)
        if isinstance(thing, types.FunctionType):
            left += [
                thing.__closure__,
                thing.__defaults__,
                thing.__kwdefaults__,
            ]  # its globals are the module's
            continue
        left += gc.get_referents(thing)
        kind = f"{type(thing).__module__}.{type(thing).__qualname__}"
        if not isinstance(thing, _HOLD_OTHERS) and kind not in THE_PARTS_OF_OTHERS:
            yield thing
