"""``client.api``: an app's endpoints as attributes, each with the signature and the docstring that ``/info`` gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from weakref import WeakKeyDictionary

from ..endpoints import App, Endpoint
from ..errors import ArgumentError
from ..flows.state import checked_headers
from ..simple_api import Via
from ..text import printable
from ..transport import Transport
from ..typed.annotations import signature_of
from ..typed.docstrings import docstring_of
from ..typed.names import python_names
from .base import BoundBase, ClientBase
from .client import BoundEndpoint
from .options import CallOptions

if TYPE_CHECKING:
    from inspect import Signature

    from .engine import Engine

_SHOWN: Final = 20
"""Endpoints that a repr names."""

_SIGNATURE: Final = 4_000
"""Characters of a signature in a docstring: a default can be an image."""

RESERVED: Final = frozenset({"with_options"})
"""The attributes of an :class:`Api` itself; an endpoint of such a name has an underscore behind it."""

E = TypeVar("E", bound="BoundBase[Any]")
X = TypeVar("X", bound=Transport)

_NAMED: Final[WeakKeyDictionary[App, dict[str, Endpoint]]] = WeakKeyDictionary()


def named_endpoints(app: App) -> dict[str, Endpoint]:
    """The endpoints of an app by their names in ``client.api``; made once for an app, since every call asks for one."""
    names = _NAMED.get(app)
    if names is None:
        names = _NAMED[app] = python_names(app, RESERVED)
    return names


def python_name(app: App, endpoint: Endpoint) -> str:
    """The name of an endpoint in ``client.api``, or what stands for it where it is not listed."""
    named = (name for name, each in named_endpoints(app).items() if each is endpoint)
    return next(named, f"fn_{endpoint.fn_index}")


class Described(BoundBase[X]):
    """An endpoint that says of itself how it is called, to :func:`inspect.signature`, to :func:`help` and to notebooks.

    It says what was true when it was taken from ``client.api``; taken anew after a refresh, it says what is true now.
    """

    def __init__(
        self,
        client: ClientBase[X],
        engine: Engine[X],
        found: tuple[App, Endpoint],
        options: CallOptions,
        name: str,
    ) -> None:
        super().__init__(client, engine, found, options)
        signature = signature_of(found[1])
        self.__name__ = self.__qualname__ = name
        self.__signature__: Signature = signature
        # help() shows no signature of what is no function.
        self.__doc__ = f"{printable(f'{name}{signature}', _SIGNATURE)}\n\n{docstring_of(found[1])}"


class ApiEndpoint(Described[Any], BoundEndpoint):
    """An endpoint with a signature. Made by :attr:`gradio_proto.Client.api`; otherwise it is what
    :meth:`gradio_proto.Client.endpoint` returns."""


class Api(Generic[X, E]):
    """The endpoints of an app as attributes: ``client.api.calculate(4, "add", num2=5)``.

    Each is called as it is written in Python, with the app's own defaults for what is left out, and has
    ``submit()`` and ``map()``. A name that is no identifier becomes one (``/some-name`` is ``some_name``, ``/class`` is
    ``class_``, and of two that would become the same the second has a number), and ``client.api["/some-name"]`` takes
    the name as it is, or a fn_index. The listed endpoints are there, in the app's order: ``list(client.api)``.

    What is here follows :meth:`gradio_proto.Client.refresh` and what ``gr.render`` makes.
    Made by :attr:`gradio_proto.Client.api` and :attr:`gradio_proto.AsyncClient.api`.
    """

    def __init__(
        self,
        client: ClientBase[X],
        engine: Engine[X],
        make: Callable[[ClientBase[X], Engine[X], tuple[App, Endpoint], CallOptions, str], E],
        options: CallOptions | None = None,
    ) -> None:
        self._client = client
        self._engine = engine
        self._make = make
        self._options = options or CallOptions()

    def __getattr__(self, name: str) -> E:
        if name.startswith("_"):  # asked for by Python or a notebook, and no endpoint
            raise AttributeError(name)
        app, names = self._names()
        endpoint = names.get(name)
        if endpoint is None:
            raise AttributeError(
                f"{self._client!r} has no endpoint {name!r}: list(client.api) names them", name=name, obj=self
            )
        return self._make(self._client, self._engine, (app, endpoint), self._options, name)

    def __getitem__(self, name: str | int) -> E:
        app = self._engine.current_app()
        try:
            endpoint = app.resolve(name) if isinstance(name, str) else app.resolve(fn_index=name)
        except ArgumentError as error:
            raise KeyError(str(error)) from None
        return self._make(
            self._client, self._engine, (app, endpoint), self._options, python_name(app, endpoint)
        )

    def with_options(
        self,
        headers: Mapping[str, str] | None = None,
        *,
        event_data: Any = None,
        trigger_id: int | None = None,
        via: Via = "queue",
        isolate: bool = False,
    ) -> Api[X, E]:
        """The same endpoints, with options for their calls: ``client.api.with_options(isolate=True).count(3)``.

        An endpoint that is itself called so is ``with_options_``.

        Args:
            headers: As for :meth:`gradio_proto.Client.endpoint`, and so are the others.
            event_data: What a function gets that takes a ``gr.EventData``.
            trigger_id: The id of the component whose event this would be in a browser.
            via: The way to the function.
            isolate: Give each call a session of its own.

        Raises:
            TypeError: An option is of a wrong type.
            ArgumentError: ``event_data`` is no JSON, or ``via`` is no way.
        """
        options = CallOptions(checked_headers(headers), event_data, trigger_id, via, isolate)
        return Api(self._client, self._engine, self._make, options)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names()[1])

    def __len__(self) -> int:
        return len(self._names()[1])

    def __dir__(self) -> list[str]:
        return [*object.__dir__(self), *self]

    def __repr__(self) -> str:
        names = list(self)
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        return f"<Api of {self._client.src}: {', '.join(names[:_SHOWN])}{more}>"

    def _repr_html_(self) -> str:
        from .notebook import client_html

        return client_html(repr(self._client), self._engine)

    def _names(self) -> tuple[App, dict[str, Endpoint]]:
        app = self._engine.current_app()
        return app, named_endpoints(app)
