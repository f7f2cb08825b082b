"""Checking what a caller gives: each mistake is told at once, and in words that say what to do instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from .. import jsontext
from ..errors import ArgumentError
from ..http import Headers
from ..simple_api import Via, check_via


def one_of(name: str, value: Any, other_name: str, other: Any, wanted: str | None = None) -> Any:
    """The value of an option that has two names."""
    if value is not None and other is not None and value != other:
        raise TypeError(f"{name}= and {other_name}= are two names of one option: give one of them")
    chosen = value if value is not None else other
    if chosen is None and wanted is not None:
        raise TypeError(f"{name} is missing: {wanted}")
    return chosen


def string(name: str, value: Any) -> str:
    """A string, or a TypeError that names the option."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    return value


def count(name: str, value: Any, *, least: int) -> int | None:
    """A number of at least ``least``, or None."""
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int or None, not {type(value).__name__}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, not {value}")
    return value


def instance(name: str, value: Any, cls: type) -> None:
    """A value of that class, or a TypeError that names the option."""
    if not isinstance(value, cls):
        raise TypeError(
            f"{name} must be a {cls.__name__}, not {type(value).__name__}: {name}={cls.__name__}(...)"
        )


def checked_callable(name: str, value: Any) -> None:
    """A callable or None, or a TypeError that names the option."""
    if value is not None and not callable(value):
        raise TypeError(f"{name} must be callable, not {type(value).__name__}")


_IS_COROUTINE: Final = 0x80
"""The flag of a function that is ``async``, which importing :mod:`inspect` would say at a price."""


def checked_callback(name: str, value: Any) -> Callable[..., Any]:
    """A plain callable, or a TypeError that names the option."""
    if not callable(value):
        raise TypeError(f"{name} must be callable, not {type(value).__name__}")
    if getattr(getattr(value, "__code__", None), "co_flags", 0) & _IS_COROUTINE:
        raise TypeError(
            f"{name} must be a plain function, which may start a task: nobody would await this one"
        )
    return cast("Callable[..., Any]", value)


def checked_callbacks(name: str, value: Any) -> list[Callable[..., Any]]:
    """One plain callable or a sequence of them, as a list; or a TypeError that names the option."""
    given: Any = [value] if callable(value) else () if value is None else value
    if not isinstance(given, list | tuple):
        raise TypeError(f"{name} must be callable, or a list of callables, not {type(value).__name__}")
    return [checked_callback(name, callback) for callback in cast(Sequence[Any], given)]


def checked_auth(auth: Any) -> tuple[str, str] | None:
    """A user name and a password, or None."""
    if auth is None:
        return None
    parts: Sequence[Any] = cast(Sequence[Any], auth) if isinstance(auth, tuple | list) else ()
    if len(parts) != 2 or not all(isinstance(part, str) for part in parts):
        raise TypeError("auth must be a pair of strings: auth=('user', 'password')")
    return parts[0], parts[1]


def checked_cookies(cookies: Any) -> Mapping[str, str]:
    """Names of cookies and their values, or a TypeError that says so."""
    given: Mapping[Any, Any] = cast("Mapping[Any, Any]", cookies or {})
    is_mapping = isinstance(given, Mapping)  # pyright: ignore[reportUnnecessaryIsInstance]
    if not is_mapping or not all(isinstance(part, str) for part in (*given, *given.values())):
        raise TypeError("cookies must be a mapping of str to str: cookies={'name': 'value'}")
    return given


def path_of(value: Any) -> str | None:
    """The path that a str or a ``pathlib.Path`` says; None for anything else."""
    path = value.__fspath__() if hasattr(value, "__fspath__") else value
    return path if isinstance(path, str) else None


def checked_directory(value: Any) -> str | bool:
    """Where downloads go: a directory, True for one of ours, False for no downloads."""
    if isinstance(value, bool):
        return value
    path = path_of(value)
    if not path:
        raise TypeError(f"download_files is a directory, True or False, not {type(value).__name__}")
    return path


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What a call is given beside its arguments.

    Raises:
        TypeError: ``trigger_id`` is no int.
        ArgumentError: ``event_data`` is no JSON, or ``via`` names no way, or one that does not carry the others.
    """

    headers: Headers = field(default=(), repr=False)
    """For the requests that are this call's alone; they win over the client's."""
    event_data: Any = None
    """What the function gets as ``gr.EventData``."""
    trigger_id: int | None = None
    """The id of the component whose event a browser would report."""
    via: Via = "queue"
    """The way to the function."""
    isolate: bool = False
    """A session of its own."""

    def __post_init__(self) -> None:
        check_via(self.via)
        if self.via in ("call", "call/v2") and (self.event_data is not None or self.trigger_id is not None):
            raise ArgumentError(f"/{self.via} carries no event_data= and no trigger_id=: leave via= away")
        count("trigger_id", self.trigger_id, least=0)
        instance("isolate", self.isolate, bool)
        try:
            jsontext.dumps(self.event_data)
        except (TypeError, ValueError, RecursionError) as error:
            raise ArgumentError(f"event_data cannot be sent as JSON: {error}") from error
