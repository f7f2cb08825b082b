"""The blocking client: a facade over the flows, with no loop, thread, clock or file of its own."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from ..api_info import ApiInfo, parse_api_info
from ..config import parse_config
from ..cookies import CookieJar
from ..endpoints import App, Endpoint
from ..errors import ArgumentError
from ..exchange import Proxy
from ..flows.connect import connect, refresh
from ..flows.state import ClientState, Entropy, Slots, checked_headers
from ..journal import Budget
from ..limits import Limits
from ..simple_api import Via
from ..timeouts import Timeouts
from ..transfers import Transfer
from ..transport import TransportOptions
from ..urls import parse_app_url
from .engine import Engine
from .job import Job
from .options import (
    CallOptions,
    checked_auth,
    checked_callable,
    checked_directory,
    count,
    instance,
    one_of,
    string,
)
from .transports import BlockingFactory, blocking_factory

if TYPE_CHECKING:
    import ssl
    from os import PathLike

T = TypeVar("T")

logger = logging.getLogger("gradio_proto")


class Client:
    """A client of one Gradio app, for programs that wait.

    Connecting happens here, in the constructor. One client may be used by many threads; its calls share one
    session, and so one event stream and the app's State. Use it as a context manager, or call :meth:`close`.

    Args:
        src: The app's URL. (Names of Hugging Face Spaces are not supported yet.) Also by keyword ``space=``.
        token: A Hugging Face token for this app's origin, https only (this machine excepted); also ``hf_token=``.
        max_workers: How many jobs may be in flight at once; None for no bound.
        verbose: Print one line when connected, as the official client does.
        auth: The user name and password of an app with a login.
        httpx_kwargs: Not supported; see ``timeouts``, ``proxy``, ``ssl_verify``, ``headers`` and so on.
        headers: Sent with every request to this app, and to nobody else. Headers of a single call win over them,
            on each request that is the call's alone, and on the event stream if that is opened while the call is
            the first open one with headers: one stream serves all calls of a session.
        cookies: Sent likewise.
        download_files: Where files in outputs are put, each at ``<directory>/<SHA-256>/<name>``; the output holds
            that path. True: in ``$GRADIO_TEMP_DIR``, or else in a new directory of its own, which is kept. False: an
            output holds the server's FileData, a dict, and nothing is fetched.
        ssl_verify: False accepts any certificate.
        ssl_context: A TLS context of your own.
        api_name: The endpoint that calls mean which name none.
        timeouts: How long each kind of wait may take.
        max_retries: How often a request is tried again that failed without reaching the app. By default a GET is
            tried twice more and a call is not; a number holds for both.
        proxy: The URL of an HTTP proxy.
        trust_env: Whether the environment may name a proxy (``HTTPS_PROXY`` and so on; never for this machine).
        transport: The name of a transport, or what makes one.
        heartbeat: Whether to hold the heartbeat open that an app with State asks for.
        limits: What a server may make this client hold.
        on_transfer: Called with a :class:`~gradio_proto.Transfer` as files go up and come down, on a thread of the
            client's; what it raises is logged.
        oauth_token: A Hugging Face token by which the app may act on your behalf, https only (this machine
            excepted). Only endpoints that ask for one get it: :meth:`view_api` marks them.
        analytics_enabled: Taken and ignored, for programs that switch the official client's telemetry off: there
            is none here.

    Raises:
        ArgumentError: An argument cannot be used.
        GradioError: The app cannot be reached, wants a login, or speaks a protocol that this library does not.
    """

    def __init__(
        self,
        src: str | None = None,
        token: str | None = None,
        max_workers: int | None = None,
        verbose: bool = False,
        auth: tuple[str, str] | None = None,
        httpx_kwargs: None = None,
        *,
        space: str | None = None,
        hf_token: str | None = None,
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
        transport: str | BlockingFactory | None = None,
        heartbeat: bool = True,
        limits: Limits | None = None,
        on_transfer: Callable[[Transfer], Any] | None = None,
        oauth_token: str | None = None,
        analytics_enabled: bool | None = None,
    ) -> None:
        self._closed = True  # until there is something to close
        if httpx_kwargs is not None:
            raise TypeError(
                "httpx_kwargs is not supported, since there is no httpx here: use timeouts=, proxy=, ssl_verify=, "
                "ssl_context=, headers= or cookies="
            )
        self._options: dict[str, Any] = {
            "src": one_of("src", src, "space", space, wanted="the app's URL"),
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
        }
        secrets: dict[str, Any] = {
            "token": one_of("token", token, "hf_token", hf_token),
            "oauth_token": oauth_token,
            "auth": auth,
            "headers": headers,
            "cookies": cookies,
            "proxy": proxy,
            "ssl_context": ssl_context,
        }
        self._start(secrets, on_transfer)
        try:
            self._engine.transport.run(connect(self._engine.state))
        except BaseException:
            self._engine.transport.close()
            raise
        self._closed = False
        if verbose:
            print(f"Loaded as API: {self.src}")

    def _start(
        self, secrets: Mapping[str, Any], on_transfer: Callable[[Transfer], Any] | None = None
    ) -> None:
        """Make the state and the transport, without sending anything."""
        options = self._options
        auth = checked_auth(secrets.get("auth"))
        max_retries = count("max_retries", options["max_retries"], least=0)
        max_workers = count("max_workers", options["max_workers"], least=1)
        instance("timeouts", options["timeouts"], Timeouts)
        instance("limits", options["limits"], Limits)
        checked_callable("on_transfer", on_transfer)
        url = parse_app_url(string("src", options["src"]))
        sent = checked_headers(secrets.get("headers"))
        tokens = {name: secrets[name] for name in ("token", "oauth_token") if secrets.get(name) is not None}
        for name, token in tokens.items():
            string(name, token)
            if not url.origin.tls and not url.origin.is_loopback:
                raise ArgumentError(f"a token is sent over https only, and {url} is not")
        if "token" in tokens:
            sent += (("x-hf-authorization", f"Bearer {tokens['token']}"),)
        cookies = CookieJar(url.origin, options["limits"])
        preset: Mapping[Any, Any] = secrets.get("cookies") or {}
        is_mapping = isinstance(preset, Mapping)  # pyright: ignore[reportUnnecessaryIsInstance]
        if not is_mapping or not all(isinstance(part, str) for part in (*preset, *preset.values())):
            raise TypeError("cookies must be a mapping of str to str: cookies={'name': 'value'}")
        for name, value in preset.items():
            cookies.set(name, value)
        proxy = secrets.get("proxy")
        if proxy is not None:
            string("proxy", proxy)
        directory = options["download_files"]
        transport = blocking_factory(options["transport"])(
            TransportOptions(
                origin=url.origin,
                limits=options["limits"],
                timeouts=options["timeouts"],
                ssl_verify=options["ssl_verify"],
                ssl_context=secrets.get("ssl_context"),
                proxy=None if proxy is None or url.origin.is_loopback else _proxy(proxy),
                trust_env=options["trust_env"],
            )
        )
        state = ClientState(
            url=url,
            limits=options["limits"],
            timeouts=options["timeouts"],
            entropy=Entropy(token=transport.token, jitter=transport.jitter),
            headers=sent,
            cookies=cookies,
            budget=Budget(options["limits"].client_unread_bytes),
            auth=auth,
            oauth_token=tokens.get("oauth_token"),
            max_retries=max_retries,
            heartbeat=options["heartbeat"],
            slots=Slots(max_workers),
            download_directory=directory if isinstance(directory, str) else None,
        )
        self._engine = Engine(transport, state, downloads=directory is not False, on_transfer=on_transfer)

    # Its life.

    def close(self) -> None:
        """End every open job with ClientClosed, and close every connection. A second time does nothing.

        It may be called from a signal's handler: the thread that waits for the client closes it then.
        """
        if not self._closed:
            self._closed = True
            self._engine.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self, stacklevel=2)
            self.close()

    def __repr__(self) -> str:
        return f"<Client of {self.src}>"

    def __getstate__(self) -> dict[str, Any]:
        # A pickle travels: it carries no credentials and no cookies, and a session of its own is made from it.
        transport = self._options["transport"]
        if transport is not None and not isinstance(transport, str):
            raise TypeError("a client whose transport is no name cannot be pickled")
        return {
            "options": self._options,
            "config": self.config,
            "info": _raw_info(self._engine.state.app.info),
        }

    def __setstate__(self, pickled: dict[str, Any]) -> None:
        self._closed = True
        self._options = pickled["options"]
        self._start({})
        self._engine.state.loaded = App(parse_config(pickled["config"]), parse_api_info(pickled["info"]))
        self._closed = False

    # What it knows.

    @property
    def src(self) -> str:
        """The app's URL, with a slash at its end."""
        return f"{self._engine.state.url}/"

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

    def view_api(
        self,
        all_endpoints: bool | None = None,
        print_info: bool = True,
        return_format: Literal["dict", "str"] | None = None,
    ) -> dict[str, Any] | str | None:
        """Show how to call the app.

        Args:
            all_endpoints: Whether unnamed endpoints are shown too; by default only if no others are there.
            print_info: Print it.
            return_format: Return it as well, as text or as a dict.

        Returns:
            What ``return_format`` asks for, or None.
        """
        from ..view_api import (  # few programs show it, and every one pays for imports
            api_as_dict,
            api_as_text,
        )

        text = api_as_text(self._engine.state.app, all_endpoints)
        if print_info:
            print(text)
        if return_format == "str":
            return text
        return api_as_dict(self._engine.state.app) if return_format == "dict" else None

    # Calling.

    def predict(
        self,
        *args: Any,
        api_name: str | None = None,
        fn_index: int | None = None,
        headers: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Call an endpoint and wait for its result, on this thread.

        Args:
            args: Its arguments by position. State is left out.
            api_name: The endpoint's name (``"/predict"``); not needed where the app has one public endpoint.
            fn_index: Its number instead; ``api_name`` wins.
            headers: Sent with this call's request; they win over the client's.
            kwargs: Its arguments by name. For a parameter that is called ``api_name``, ``fn_index`` or ``headers``
                itself, use :meth:`endpoint`.

        Returns:
            The endpoint's value, or the tuple of its values; a generator's last.

        Raises:
            TypeError: The arguments do not fit the endpoint's parameters.
            ArgumentError: There is no such endpoint, or an argument cannot be sent.
            AppError: The app raised.
            GradioError: The call did not get that far.
        """
        return self.endpoint(api_name=api_name, fn_index=fn_index, headers=headers).predict(*args, **kwargs)

    def submit(
        self,
        *args: Any,
        api_name: str | None = None,
        fn_index: int | None = None,
        headers: Mapping[str, str] | None = None,
        result_callbacks: Callable[..., Any] | Sequence[Callable[..., Any]] | None = None,
        **kwargs: Any,
    ) -> Job:
        """Begin a call, and return its job at once. The job goes on whether or not anybody waits for it.

        Args:
            args: As for :meth:`predict`.
            api_name: As for :meth:`predict`.
            fn_index: As for :meth:`predict`.
            headers: As for :meth:`predict`.
            result_callbacks: Called with the result (several values as several arguments) once it is there, in order,
                on a thread of the client's; not called for a job that fails.
            kwargs: As for :meth:`predict`.

        Raises:
            TypeError: The arguments do not fit the endpoint's parameters.
            ArgumentError: There is no such endpoint, or an argument cannot be sent.
        """
        job = self.endpoint(api_name=api_name, fn_index=fn_index, headers=headers).submit(*args, **kwargs)
        callbacks = [result_callbacks] if callable(result_callbacks) else result_callbacks or ()
        for callback in callbacks:
            job.add_done_callback(_with_result(callback))
        return job

    def endpoint(
        self,
        api_name: str | None = None,
        fn_index: int | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        event_data: Any = None,
        trigger_id: int | None = None,
        via: Via = "queue",
    ) -> BoundEndpoint:
        """One endpoint, to call with whatever names its parameters have: ``client.endpoint("/f").predict(headers=1)``.

        Args:
            api_name: As for :meth:`predict`.
            fn_index: As for :meth:`predict`.
            headers: As for :meth:`predict`.
            event_data: What a function gets that takes a ``gr.EventData``, such as ``{"index": 0, "value": "a"}``
                for a ``gr.SelectData``.
            trigger_id: The id of the component whose event this would be in a browser.
            via: The way to the function. ``"call"`` is the API that Gradio offers to users of ``curl`` (Gradio 4.20 and
                later), ``"call/v2"`` the one with named arguments (6.13 and later). A call by them has a session
                and a connection of its own: its State is fresh, and no other call is touched when it is cancelled.
                No queue position, progress or log is heard of it, and up to Gradio 5 no text of an error.

        Raises:
            TypeError: An option is of a wrong type.
            ArgumentError: There is no such endpoint, or ``event_data`` is no JSON, or ``via`` is no way. Whether the
                endpoint can be called that way is told by the call.
        """
        app = self._engine.state.app
        found = app.resolve(api_name, fn_index, self._options["api_name"])
        options = CallOptions(checked_headers(headers), event_data, trigger_id, via)
        return BoundEndpoint(self, self._engine, app, found, options)

    def component_server(self, component_id: int, fn_name: str, data: Any = None) -> Any:
        """Call a function that a component has on the server, such as a FileExplorer's ``"ls"``.

        Args:
            component_id: The component's id in :attr:`config`.
            fn_name: One of the names in its ``props["server_fns"]``.
            data: What the function takes, as JSON.

        Returns:
            What it returns.

        Raises:
            TypeError: An argument is of a wrong type.
            ArgumentError: There is no such component or function, or ``data`` is no JSON. Nothing was sent.
            GradioError: The server did not answer, or said no.
        """
        from ..flows.component_server import call_component  # few programs do that

        return self._engine.transport.run(
            call_component(self._engine.state, self.session_hash, component_id, fn_name, data)
        )

    def reset_session(self) -> None:
        """Begin a new session, with fresh State. Open jobs go on in the old one."""
        with self._engine.transport.lock:
            self._engine.retire_session()

    def refresh(self) -> None:
        """Read again what the app is, after it was deployed anew: log in, read its config and its endpoints.

        Endpoints of :meth:`endpoint` go on by their names; one that is gone says so when it is called. If
        :attr:`app_id` has changed, new jobs join a new session, with fresh State. Open jobs are left alone.

        Raises:
            GradioError: As the constructor; then everything stays as it was.
        """
        self._engine.transport.run(refresh(self._engine.state))


class BoundEndpoint:
    """An endpoint of a client: what :meth:`Client.endpoint` returns. Calling it is :meth:`predict`."""

    def __init__(
        self, client: Client, engine: Engine, app: App, endpoint: Endpoint, options: CallOptions
    ) -> None:
        self._client = client  # an endpoint keeps its client open
        self._engine = engine
        self._app: App = app
        self._endpoint = endpoint
        self._options = options

    def __repr__(self) -> str:
        return f"<Endpoint {self._endpoint.label} of {self._client.src}>"

    def _current(self) -> Endpoint:
        """The endpoint as the app has it now, which may have been refreshed; the lock is held."""
        app: App = self._engine.state.app
        if app is not self._app:
            self._endpoint = app.successor(self._endpoint, self._app)
            self._app = app
        return self._endpoint

    def predict(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call it and wait for the result; see :meth:`Client.predict`."""
        engine = self._engine
        with engine.transport.lock:
            job, live = engine.begin(self._current(), self._options, args, kwargs, keep_messages=False)
        engine.run(live, job)
        return job.result()

    __call__ = predict

    def submit(self, /, *args: Any, **kwargs: Any) -> Job:
        """Begin a call; see :meth:`Client.submit`."""
        engine = self._engine
        with engine.transport.lock:
            job, live = engine.begin(self._current(), self._options, args, kwargs, keep_messages=True)
            facade = Job(self._client, engine, live, job)
            try:
                engine.transport.spawn(engine.call(live, job), promised=True)
            except BaseException:
                job.cancel()
                raise
        return facade


def _proxy(url: str) -> Proxy:
    from ..proxies import parse_proxy  # few programs have one

    return parse_proxy(url)


def _raw_info(info: ApiInfo) -> dict[str, Any]:
    return {
        "named_endpoints": {name: dict(endpoint.raw) for name, endpoint in info.named.items()},
        "unnamed_endpoints": {str(index): dict(endpoint.raw) for index, endpoint in info.unnamed.items()},
    }


def _with_result(callback: Callable[..., Any]) -> Callable[[Job], Any]:
    def run(job: Job) -> None:
        if job.exception(0) is None:
            result = job.result(0)
            callback(*result) if isinstance(result, tuple) else callback(result)

    return run
