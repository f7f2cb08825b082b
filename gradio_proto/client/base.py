"""What the blocking client and the async one have in common: their options, and what they know without asking."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from ..api_info import ApiInfo, parse_api_info
from ..config import parse_config
from ..cookies import CookieJar
from ..effects import Flow
from ..endpoints import App, Endpoint
from ..errors import ArgumentError, LocalProtocolError
from ..exchange import Proxy
from ..files import FileInput
from ..flows.connect import connect
from ..flows.state import ClientState, Entropy, LiveSession, Slots, checked_headers
from ..http import Headers
from ..job import Job
from ..journal import Budget
from ..limits import Limits
from ..socks import SOCKSProxy
from ..text import printable
from ..timeouts import Timeouts
from ..transfers import Transfer
from ..transport import Transport, TransportOptions
from ..urls import Origin, parse_app_url, space_name, without_secrets
from .engine import Engine
from .logs import log_as_asked, logger
from .options import (
    CallOptions,
    checked_auth,
    checked_callable,
    checked_callback,
    checked_cookies,
    checked_directory,
    count,
    instance,
    one_of,
    string,
)
from .recipe import Recipe

if TYPE_CHECKING:
    import ssl
    from os import PathLike

    from ..spaces import Place, SpaceStatus
    from ..tracing import TraceRecord
    from ..typed.tools import ToolFormat
    from .maps import Source
    from .spaces import SpaceSearch

X = TypeVar("X", bound=Transport)
B = TypeVar("B", bound="ClientBase[Any]")


class ClientBase(Generic[X]):
    """A client's options and its engine; :class:`gradio_proto.Client` documents them."""

    def __init__(
        self,
        src: str | None = None,
        token: str | bool | None = None,
        max_workers: int | None = None,
        verbose: bool = False,
        auth: tuple[str, str] | None = None,
        httpx_kwargs: None = None,
        *,
        space: str | None = None,
        hf_token: str | bool | None = None,
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        download_files: str | PathLike[str] | bool = True,
        ssl_verify: bool = True,
        ssl_context: ssl.SSLContext | None = None,
        api_name: str | None = None,
        timeouts: Timeouts | None = None,
        max_retries: int | None = None,
        proxy: str | None = None,
        trust_env: bool = True,
        transport: str | Callable[[TransportOptions], X] | None = None,
        heartbeat: bool = True,
        limits: Limits | None = None,
        on_transfer: Callable[[Transfer], Any] | None = None,
        on_trace: Callable[[TraceRecord], Any] | None = None,
        on_status: Callable[[SpaceStatus], Any] | None = None,
        oauth_token: str | None = None,
        share_credentials: bool = False,
        analytics_enabled: bool | None = None,
    ) -> None:
        self._closed = True  # until there is something to close
        self._started: Engine[X] | None = None
        if httpx_kwargs is not None:
            raise TypeError(
                "httpx_kwargs is not supported, since there is no httpx here: use timeouts=, proxy=, ssl_verify=, "
                "ssl_context=, headers= or cookies="
            )
        self._options: dict[str, Any] = {
            "src": one_of("src", src, "space", space, wanted="the app's URL, or the name of a Space"),
            "max_workers": max_workers,
            "ssl_verify": ssl_verify,
            "api_name": api_name,
            "timeouts": timeouts or Timeouts(),
            "max_retries": max_retries,
            "trust_env": trust_env,
            "heartbeat": heartbeat,
            "limits": limits or Limits(),
            "transport": transport,
            "download_files": checked_directory(download_files),
            "share_credentials": share_credentials,
        }
        given = one_of("token", token, "hf_token", hf_token)
        if isinstance(given, bool):  # whether to use the saved login is no secret
            self._options["token"] = given
            given = None
        secrets: dict[str, Any] = {
            "token": given,
            "oauth_token": oauth_token,
            "auth": auth,
            "headers": headers,
            "cookies": cookies,
            "proxy": proxy,
            "ssl_context": ssl_context,
        }
        self._secrets = secrets
        self._app: App | None = None
        """What it knows from a pickle."""
        self._cookies: CookieJar | None = None
        """The cookies that have come with one."""
        self._on_transfer = on_transfer
        self._on_trace = on_trace
        self._on_status = on_status
        self._place: Place | None = None
        """Where the app is of the Space that ``src`` names, once that is known."""
        self._search: SpaceSearch | None = None
        """What has found it."""
        self._verbose = verbose
        self._open()

    def _open(self) -> None:
        """What the constructor ends with."""

    @classmethod
    def duplicate(
        cls: type[B],
        from_id: str,
        to_id: str | None = None,
        token: str | None = None,
        private: bool = True,
        hardware: str | None = None,
        secrets: Mapping[str, str] | None = None,
        sleep_timeout: int = 5,
        max_workers: int | None = None,
        verbose: bool = False,
        *,
        hf_token: str | None = None,
        **options: Any,
    ) -> B:
        """A client of your own copy of a Hugging Face Space, which is made unless you have it already.

        The copy costs what its hardware costs: that of the original, unless you name another. On a copy that is there,
        hardware and the time to sleep are set too; its secrets stay as they are, and you are warned.

        Args:
            from_id: The name of the Space to copy: ``"user/space"``.
            to_id: The name of the copy, by itself or as ``"user/name"``; by default yours, and the original's name.
            token: A token that may write; by default the saved login. Also ``hf_token=``.
            private: Whether nobody but you is to see the copy.
            hardware: What it is to run on: ``"cpu-basic"`` (which costs nothing), ``"t4-small"`` and so on.
            secrets: Secrets of the copy, which its app finds in its environment.
            sleep_timeout: Minutes without a request after which it sleeps and costs nothing; ``"cpu-basic"`` has a
                time of its own.
            max_workers: As for the client.
            verbose: As for the client.
            hf_token: Another name of ``token``.
            options: Any other option of the client.

        Returns:
            The client, which waits for the copy as for any Space. Of an AsyncClient, what ``await`` and ``async with``
            open: the copy is made then.

        Raises:
            ArgumentError: An argument cannot be used.
            AuthenticationError: Nobody is logged in, or the token may not write.
            SpaceNotFound: There is no such Space.
            SpaceError: ``to_id`` is a Space that was duplicated from another one.
            GradioError: As for the client.
        """
        from .spaces import duplication  # few programs do that, and every one pays for imports

        copy: Any = duplication(from_id, to_id, private, hardware, secrets, sleep_timeout)
        return cls(copy, token, max_workers=max_workers, verbose=verbose, hf_token=hf_token, **options)

    def _find(self, make_transport: Callable[[TransportOptions], X]) -> tuple[X, Flow[Place]] | None:
        """What finds the Space that ``src`` names, and the transport to run it on; None where there is none to find."""
        src = self._options["src"]
        if self._place is not None or (isinstance(src, str) and space_name(src) is None):
            return None
        from .spaces import SpaceSearch  # most programs name a URL, and every one pays for imports

        self._check()  # nothing is to be copied for a client that cannot be made
        token = self._secrets.get("token")
        if token is None:
            token = self._options.get("token")
        self._search = SpaceSearch(src, token, self._on_status, self._say)
        # The transport of the app is for the app's origin alone.
        transport = make_transport(self._transport_options(self._search.hub.endpoint.origin))
        return transport, self._search.find(self._options["timeouts"], self._options["max_retries"])

    def _found(self, place: Place) -> None:
        """Go on with the app of the Space."""
        self._place = place
        self._options["src"] = place.id
        if self._search is not None:
            self._search.found(place)

    def _connecting(self) -> Flow[App]:
        """What makes the client ready."""
        state = self._engine.state
        if self._place is None or self._search is None:
            return connect(state)
        return self._search.connect(state, self._place)

    def _check(self) -> None:
        """Find the mistakes in the options that have nothing to do with the app's URL."""
        options, secrets = self._options, self._secrets
        checked_auth(secrets.get("auth"))
        checked_headers(secrets.get("headers"))
        checked_cookies(secrets.get("cookies"))
        count("max_retries", options["max_retries"], least=0)
        count("max_workers", options["max_workers"], least=1)
        instance("timeouts", options["timeouts"], Timeouts)
        instance("limits", options["limits"], Limits)
        checked_callable("on_transfer", self._on_transfer)
        for name, callback in (("on_trace", self._on_trace), ("on_status", self._on_status)):
            if callback is not None:
                checked_callback(name, callback)
        for name in ("token", "oauth_token", "proxy"):
            if secrets.get(name) is not None:
                string(name, secrets[name])
        _token_headers(secrets.get("token"))  # an HTTP library would quote one that cannot be sent

    def _transport_options(self, origin: Origin) -> TransportOptions:
        options, proxy = self._options, self._secrets.get("proxy")
        return TransportOptions(
            origin=origin,
            limits=options["limits"],
            timeouts=options["timeouts"],
            ssl_verify=options["ssl_verify"],
            ssl_context=self._secrets.get("ssl_context"),
            proxy=None if proxy is None or origin.is_loopback else _proxy(proxy),
            trust_env=options["trust_env"],
        )

    def _start(self, make_transport: Callable[[TransportOptions], X]) -> Engine[X]:
        """Make the state and the transport, without sending anything."""
        options, secrets, place = self._options, self._secrets, self._place
        self._check()
        url = parse_app_url(string("src", options["src"])) if place is None else place.url
        sent = checked_headers(secrets.get("headers"))
        token = secrets.get("token")
        if place is not None:
            token = token or place.token
        elif options.get("token"):
            raise ArgumentError(
                "token=True is the saved login, which is for Spaces alone: give token= itself"
            )
        oauth_token = secrets.get("oauth_token")
        has_token = token is not None or oauth_token is not None
        if has_token and not url.origin.tls and not url.origin.is_loopback:
            raise ArgumentError(f"a token is sent over https only, and {url} is not")
        sent = (*_token_headers(token), *sent)  # of the same name, the one that the caller gives wins
        cookies = self._cookies or CookieJar(url.origin, options["limits"])
        for name, value in checked_cookies(secrets.get("cookies")).items():
            cookies.set(name, value)
        directory = options["download_files"]
        logs = log_as_asked()  # before there is anything to close: it warns, and a warning may be an error
        transport = make_transport(self._transport_options(url.origin))
        tracer = None
        if logs or self._on_trace is not None:
            from .observing import observed  # few programs look, and every one pays for imports

            transport, tracer = observed(transport, self._on_trace)
        state = ClientState(
            url=url,
            limits=options["limits"],
            timeouts=options["timeouts"],
            entropy=Entropy(token=transport.token, jitter=transport.jitter),
            headers=sent,
            cookies=cookies,
            budget=Budget(options["limits"].client_unread_bytes),
            auth=checked_auth(secrets.get("auth")),
            oauth_token=oauth_token,
            max_retries=options["max_retries"],
            heartbeat=options["heartbeat"],
            tracer=tracer,
            slots=Slots(options["max_workers"]),
            download_directory=directory if isinstance(directory, str) else None,
        )
        self._started = Engine(
            transport,
            state,
            Recipe(options, {name: secret for name, secret in secrets.items() if secret is not None}),
            downloads=directory is not False,
            on_transfer=self._on_transfer,
        )
        return self._started

    @property
    def _engine(self) -> Engine[X]:
        if self._started is None:
            raise LocalProtocolError("the client is not open yet: async with AsyncClient(...) as client")
        return self._started

    def _opened(self) -> None:
        self._closed = False
        config = self._engine.config
        logger.info(
            "connected to %s: Gradio %s, %s", self.src, printable(config.version), printable(config.protocol)
        )
        self._say(f"Loaded as API: {self.src}")

    def _say(self, text: str) -> None:
        if self._verbose:
            print(text)

    def _close(self) -> None:
        if not self._closed:
            self._engine.close()
            self._closed = True

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self, stacklevel=2)
            # At the end parts of Python are gone, and the process takes its sockets along.
            if not sys.is_finalizing():
                self._close()

    def __repr__(self) -> str:
        src = without_secrets(str(self._options["src"])) if self._started is None else self.src
        return f"<{type(self).__name__} of {src}>"

    def __getstate__(self) -> dict[str, Any]:
        # A pickle travels: it carries no credentials and no cookies, unless they are shared, and a session of its own
        # is made from it.
        engine = self._engine
        recipe = engine.recipe().to_travel()
        # By its cookies it may be logged in.
        cookies = engine.state.cookies.for_another_clock() if recipe.shares_credentials else None
        return {
            "options": recipe.options,
            "secrets": {name: secret for name, secret in recipe.secrets.items() if name != "cookies"},
            "cookies": cookies,
            "place": None if self._place is None else replace(self._place, token=None),
            "config": self.config,
            "info": _raw_info(engine.state.app.info),
        }

    def _unpickle(self, pickled: Mapping[str, Any]) -> None:
        self._closed = True
        self._started = None
        self._options = pickled["options"]
        self._secrets = pickled["secrets"]
        self._cookies = pickled["cookies"]
        self._on_transfer = None
        self._on_trace = None
        self._on_status = None
        self._search = None
        self._place = pickled["place"]
        # Where the app gets the saved login, it is that of this machine.
        gets_login = self._place is not None and (self._place.private or self._options.get("token") is True)
        if gets_login and "token" not in self._secrets:
            self._place = None
        self._verbose = False
        self._app = App(parse_config(pickled["config"]), parse_api_info(pickled["info"]))

    # What it knows.

    @property
    def src(self) -> str:
        """The app's URL, with a slash at its end."""
        return f"{self._engine.state.url}/"

    @property
    def space_id(self) -> str | None:
        """The name of the Hugging Face Space that the app is (``"user/space"``), as the Hub has it now; None for an app
        that was given by its URL."""
        return None if self._place is None else self._place.id

    @property
    def config(self) -> dict[str, Any]:
        """The app's config, as its server sent it."""
        return dict(self._engine.config.raw)

    @property
    def protocol(self) -> str:
        """The generation of the protocol: ``"sse_v3"``."""
        return self._engine.config.protocol

    @property
    def app_version(self) -> str:
        """The version of Gradio that the app's server says it runs."""
        return self._engine.config.version

    @property
    def app_id(self) -> int | str | None:
        """What tells this run of the app from others; None if its server does not say. See :meth:`refresh`."""
        return self._engine.config.app_id

    @property
    def session_hash(self) -> str:
        """The session that new jobs join; State lives in it."""
        with self._engine.transport.lock:
            return self._engine.session().session.hash

    def _resolve(self, api_name: str | None, fn_index: int | None) -> tuple[App, Endpoint]:
        """The endpoint that a call means, and the app that has it, as it is in the session of new jobs."""
        state = self._engine.state
        with self._engine.transport.lock:
            endpoint = state.resolve(api_name, fn_index, self._options["api_name"])
            return state.app_in(state.live), endpoint

    def _show_api(
        self, all_endpoints: bool | None, print_info: bool, return_format: Literal["dict", "str"] | None
    ) -> dict[str, Any] | str | None:
        from ..view_api import (  # few programs show it, and every one pays for imports
            api_as_dict,
            api_as_text,
        )

        app = self._engine.current_app()
        text = api_as_text(app, all_endpoints)
        if print_info:
            print(text)
        if return_format == "str":
            return text
        return api_as_dict(app) if return_format == "dict" else None

    def _schema(self, format: ToolFormat | None) -> dict[str, Any] | list[dict[str, Any]]:
        from ..typed.schemas import app_schema  # few programs ask for it, and every one pays for imports
        from ..typed.tools import tools_of

        app = self._engine.current_app()
        return app_schema(app) if format is None else tools_of(app, format)

    def _tool_call(
        self, name: str, arguments: Mapping[str, Any] | str, files: Mapping[str, FileInput] | None
    ) -> tuple[tuple[App, Endpoint], list[Any]]:
        """What a model's call of a tool means: an endpoint, and its arguments by position."""
        from ..typed.tools import tool, tool_arguments

        app = self._engine.current_app()
        endpoint = tool(app, string("name", name))
        provided = dict(files or {})
        for file in provided.values():
            instance("each of files", file, FileInput)
        return (app, endpoint), tool_arguments(app, endpoint, arguments, provided, self._engine.state.limits)

    def _repr_html_(self) -> str:
        from .notebook import client_html  # only notebooks ask for it

        return client_html(repr(self), self._started)


class BoundBase(Generic[X]):
    """An endpoint of a client, with the options of its calls."""

    def __init__(
        self,
        client: ClientBase[X],
        engine: Engine[X],
        found: tuple[App, Endpoint],
        options: CallOptions,
    ) -> None:
        self._client = client  # an endpoint keeps its client open
        self._engine = engine
        self._app: App
        self._app, self._endpoint = found
        self._options = options

    def __repr__(self) -> str:
        return f"<Endpoint {self._endpoint.label} of {self._client.src}>"

    def _repr_html_(self) -> str:
        from .notebook import endpoint_html  # only notebooks ask for it

        return endpoint_html(self._endpoint, self._app)

    def _current(self) -> Endpoint:
        """The endpoint as the app has it now, which may have been refreshed, or rendered anew; the lock is held."""
        app = self._engine.state.app_in(self._engine.state.live)
        if app is not self._app:
            self._endpoint = app.successor(self._endpoint, self._app)
            self._app = app
        return self._endpoint

    def _begin(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], *, keep_messages: bool
    ) -> tuple[Job, LiveSession]:
        """Make the job of a call; the lock is held."""
        return self._engine.begin(self._current(), self._options, args, kwargs, keep_messages=keep_messages)

    def _source(self, predict: Callable[..., Any] | None) -> Source[X]:
        """What :meth:`Client.map` needs; ``predict`` calls this endpoint on any thread, if anything does."""
        from .maps import Source  # few programs map, and every one pays for imports
        from .remote import RemoteCall

        engine = self._engine

        def remote() -> RemoteCall:
            recipe = engine.recipe()
            if predict is None and isinstance(recipe.options["transport"], str):
                # That one is for a loop, and workers have none.
                recipe = replace(recipe, options={**recipe.options, "transport": None})
            return RemoteCall(engine.key, recipe, self._endpoint, self._options, predict)

        return Source(
            engine=engine,
            client=self._client,
            label=self._endpoint.label,
            begin=partial(self._begin, keep_messages=False),
            remote=remote,
        )


def _token_headers(token: str | None) -> Headers:
    return () if token is None else checked_headers({"x-hf-authorization": f"Bearer {token}"})


def _proxy(url: str) -> Proxy | SOCKSProxy:
    from ..proxies import parse_proxy  # few programs have one

    return parse_proxy(url)


def _raw_info(info: ApiInfo) -> dict[str, Any]:
    return {
        "named_endpoints": {name: dict(endpoint.raw) for name, endpoint in info.named.items()},
        "unnamed_endpoints": {str(index): dict(endpoint.raw) for index, endpoint in info.unnamed.items()},
    }
