"""``map(executor=)``: the same call on an executor's workers, which may be other processes, or other machines.

What travels with each call is small: how to make the client, and which endpoint it is. A worker process makes each
client once and keeps it, so its connections and its session serve all the calls that the process is given.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, Protocol

from ..endpoints import Endpoint, rendered_elsewhere
from ..errors import ArgumentError, AuthenticationError, GradioError
from .client import Client
from .mapping import Outcome
from .options import CallOptions
from .recipe import Recipe

CLIENTS: Final = 8
"""Clients that a worker process keeps. A cluster lives for weeks and serves many programs; few of them at once."""


STAYED_AT_HOME: Final = (
    "; the client's credentials have stayed at home: Client(..., share_credentials=True) lets them travel"
)


class Executor(Protocol):
    """What runs calls: :class:`concurrent.futures.Executor`, or anything that has its ``submit()``."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Any:
        """Run ``fn(*args)`` somewhere; the future has ``result()``, ``cancel()`` and ``add_done_callback()``."""
        ...


def checked_executor(executor: Any) -> Executor:
    """An executor; of a Dask client, its own.

    Raises:
        TypeError: It is none.
    """
    if hasattr(executor, "get_executor"):
        # Dask runs a pure task once for equal arguments; a call is no such thing.
        executor = executor.get_executor(pure=False)
    if not callable(getattr(executor, "submit", None)):
        raise TypeError(
            f"executor needs a submit() like those of concurrent.futures, which {type(executor).__name__} has not"
        )
    checked: Executor = executor
    return checked


class RemoteCall:
    """Calls an endpoint: here by the caller's client if that is blocking, elsewhere by one like it.

    Args:
        key: Tells the caller's client from every other one.
        recipe: How to make one like it.
        endpoint: The endpoint.
        options: The options of its calls.
        predict: What calls it, if that may be used on any thread of this process.
    """

    def __init__(
        self,
        key: str,
        recipe: Recipe,
        endpoint: Endpoint,
        options: CallOptions,
        predict: Callable[..., Any] | None,
    ) -> None:
        self._key = key
        self._recipe = recipe
        self._endpoint = (endpoint.api_name, None if endpoint.api_name else endpoint.fn_index)
        self._rendered = endpoint if endpoint.is_rendered else None
        self._options = options
        self._predict = predict

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Outcome:
        """Call it and wait. An error is returned: executors do with those that are raised what they like."""
        try:
            if self._predict is not None:
                return Outcome(self._predict(*args, **kwargs))
            kept = _client(self._key, self._recipe)
            options = self._options
            endpoint = kept.client.endpoint(
                *self._endpoint,
                dict(options.headers),
                event_data=options.event_data,
                trigger_id=options.trigger_id,
                via=options.via,
                isolate=options.isolate,
            )
            return Outcome(endpoint.predict(*args, **kwargs))
        except (GradioError, TypeError, ValueError) as error:
            lacks_secrets = self._recipe.has_lost_secrets and isinstance(error, AuthenticationError)
            # Threads that have waited for one client share the error by which there is none.
            if lacks_secrets and not error.args[0].endswith(STAYED_AT_HOME):
                error.args = (f"{error.args[0]}{STAYED_AT_HOME}", *error.args[1:])
            return Outcome(None, error)

    def check(self, executor: object) -> None:
        """Find out whether it can travel to the executor's workers, if it has to.

        Raises:
            TypeError: The client cannot be pickled.
            ArgumentError: The call has headers, which stay at home, or its endpoint is one of ``gr.render``.
        """
        if self._predict is None or not isinstance(executor, ThreadPoolExecutor):
            self.__getstate__()

    def __getstate__(self) -> dict[str, Any]:
        if self._rendered is not None:
            raise rendered_elsewhere(self._rendered)
        if self._options.headers and not self._recipe.shares_credentials:
            raise ArgumentError(
                "headers= may be credentials, which leave this process only with Client(..., share_credentials=True)"
            )
        return {**self.__dict__, "_recipe": self._recipe.to_travel(), "_predict": None}


class _Kept:
    """A client that is closed when nobody calls it any more and it is not kept either, or when the process ends."""

    def __init__(self, client: Client) -> None:
        self.client = client
        weakref.finalize(self, client.close)


_CLIENTS: OrderedDict[str, Future[_Kept]] = OrderedDict()
"""The clients of this worker process, the newest last."""


def _client(key: str, recipe: Recipe) -> _Kept:
    mine: Future[_Kept] = Future()
    kept = _CLIENTS.setdefault(key, mine)
    if kept is mine:  # and no other thread of this process makes it too
        try:
            mine.set_result(_Kept(Client(**recipe.options, **recipe.secrets)))
        except BaseException as error:
            _CLIENTS.pop(key, None)  # the next call tries again
            mine.set_exception(error)
        while len(_CLIENTS) > CLIENTS:
            _CLIENTS.popitem(last=False)
    return kept.result()
