"""The blocking client: a facade over the flows, with no loop, thread, clock or file of its own."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from ..flows.calls import carry, see_off
from ..flows.connect import connect, refresh
from ..flows.state import checked_headers
from ..simple_api import Via
from ..transport import BlockingTransport
from .base import BoundBase, ClientBase
from .job import Job
from .job_base import when_completed
from .options import CallOptions, checked_callbacks
from .transports import blocking_factory

if TYPE_CHECKING:
    from .mapping import MapProgress
    from .maps import MapIterator

C = TypeVar("C", bound="Client")


class Client(ClientBase[BlockingTransport]):
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
        proxy: The URL of a proxy: ``http://user:password@host:port``, or ``socks5://`` (extra ``socks``).
        trust_env: Whether the environment may name a proxy (``HTTPS_PROXY`` and so on; never for this machine).
        transport: The name of a transport, or what makes one.
        heartbeat: Whether to hold the heartbeat open that an app with State asks for.
        limits: What a server may make this client hold.
        on_transfer: Called with a :class:`~gradio_proto.Transfer` as files go up and come down, on a thread of the
            client's; what it raises is logged.
        on_trace: Called with a record of each exchange, message and job as it happens: see :mod:`gradio_proto.tracing`.
            It is called in the middle of things, so it must be quick and must not call this client; what it raises is
            logged.
        oauth_token: A Hugging Face token by which the app may act on your behalf, https only (this machine
            excepted). Only endpoints that ask for one get it: :meth:`view_api` marks them.
        share_credentials: Let ``token``, ``oauth_token``, ``auth``, ``headers``, ``cookies`` and ``proxy`` travel with
            pickles of this client, and with :meth:`map` to the workers of its executor. Otherwise they stay here.
        analytics_enabled: Taken and ignored, for programs that switch the official client's telemetry off: there
            is none here.

    Raises:
        ArgumentError: An argument cannot be used.
        GradioError: The app cannot be reached, wants a login, or speaks a protocol that this library does not.
    """

    def _open(self) -> None:
        transport = self._start(blocking_factory(self._options["transport"])).transport
        try:
            transport.run(connect(self._engine.state))
        except BaseException:
            transport.close()
            raise
        self._opened()

    # Its life.

    def close(self) -> None:
        """End every open job with ClientClosed, and close every connection. A second time does nothing.

        It may be called from a signal's handler: whoever waits for the client closes it then.
        """
        self._close()

    def __enter__(self: C) -> C:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __setstate__(self, pickled: dict[str, Any]) -> None:
        self._unpickle(pickled)
        self._start(blocking_factory(self._options["transport"])).state.loaded = self._app
        self._closed = False

    # What it knows.

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
        return self._show_api(all_endpoints, print_info, return_format)

    # Calling.

    def predict(
        self,
        *args: Any,
        api_name: str | None = None,
        fn_index: int | None = None,
        headers: Mapping[str, str] | None = None,
        isolate: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Call an endpoint and wait for its result.

        Args:
            args: Its arguments by position. State is left out.
            api_name: The endpoint's name (``"/predict"``); not needed where the app has one public endpoint.
            fn_index: Its number instead; ``api_name`` wins.
            headers: Sent with this call's request; they win over the client's.
            isolate: Give the call a session of its own, with an event stream of its own: its State is fresh, and
                nothing that happens to other calls touches it.
            kwargs: Its arguments by name. For a parameter that has the name of an option here, use :meth:`endpoint`.

        Returns:
            The endpoint's value, or the tuple of its values; a generator's last.

        Raises:
            TypeError: The arguments do not fit the endpoint's parameters.
            ArgumentError: There is no such endpoint, or an argument cannot be sent.
            AppError: The app raised.
            GradioError: The call did not get that far.
        """
        return self.endpoint(api_name, fn_index, headers, isolate=isolate).predict(*args, **kwargs)

    def submit(
        self,
        *args: Any,
        api_name: str | None = None,
        fn_index: int | None = None,
        headers: Mapping[str, str] | None = None,
        isolate: bool = False,
        result_callbacks: Callable[..., Any] | Sequence[Callable[..., Any]] | None = None,
        **kwargs: Any,
    ) -> Job:
        """Begin a call, and return its job at once. The job goes on whether or not anybody waits for it.

        Args:
            args: As for :meth:`predict`.
            api_name: As for :meth:`predict`.
            fn_index: As for :meth:`predict`.
            headers: As for :meth:`predict`.
            isolate: As for :meth:`predict`.
            result_callbacks: Called with the result (several values as several arguments) once it is there, in order,
                on a thread of the client's; not called for a job that fails.
            kwargs: As for :meth:`predict`.

        Raises:
            TypeError: The arguments do not fit the endpoint's parameters.
            ArgumentError: There is no such endpoint, or an argument cannot be sent.
        """
        callbacks = checked_callbacks("result_callbacks", result_callbacks)
        job = self.endpoint(api_name, fn_index, headers, isolate=isolate).submit(*args, **kwargs)
        for callback in callbacks:
            when_completed(job, callback)
        return job

    def map(
        self,
        inputs: Iterable[Any],
        *,
        api_name: str | None = None,
        fn_index: int | None = None,
        headers: Mapping[str, str] | None = None,
        isolate: bool = False,
        concurrency: int | None = None,
        ordered: bool = True,
        return_exceptions: bool = False,
        skip: Container[int] = (),
        progress: bool | Callable[[MapProgress], Any] | None = False,
        executor: Any = None,
    ) -> MapIterator:
        """Call an endpoint with each of many inputs, several at once, and iterate over the results.

        Inputs are read and calls begun as results are asked for: nothing before the first, and never more than a
        few ahead, however many inputs there are. The iteration may be left at any time; what is on its way is then
        given up.

        Args:
            inputs: One for each call: a tuple is its arguments by position, a mapping (a dict) those by name, anything
                else its only argument. An argument that is itself a tuple or a dict is written ``(argument,)``. They
                may have no end. An AsyncClient takes an async iterable as well.
            api_name: As for :meth:`predict`.
            fn_index: As for :meth:`predict`.
            headers: As for :meth:`predict`.
            isolate: As for :meth:`predict`.
            concurrency: How many calls are on their way at once, at most; by default 16, and never more than
                ``max_workers`` of the client.
            ordered: Give the results in the order of the inputs; otherwise each as it comes. ``indexed()`` of what is
                returned gives the index of its input with each.
            return_exceptions: Give an error in the place of a result and go on. Otherwise it is raised, and ends the
                iteration. A closed client is no result of a call, and always raised.
            skip: The indexes of inputs that are read and not sent, and have no result: those done before. Anything
                that has ``in``: ``range(1000)``, a set, a dict whose keys are indexes.
            progress: True for a line on stderr, or what is called with a :class:`~gradio_proto.MapProgress` after each
                wait in which results have come, on this thread.
            executor: Make the calls on the workers of a :class:`concurrent.futures.Executor`, or of what has its
                ``submit()``, or of a Dask client. Each worker process has a client of its own, without the credentials
                of this one unless ``share_credentials`` says so.

        Raises:
            TypeError: An option, or what is given for the inputs, is of a wrong type; or this client cannot be pickled
                for an executor.
            ValueError: ``concurrency`` is less than 1.
            ArgumentError: There is no such endpoint.
        """
        return self.endpoint(api_name, fn_index, headers, isolate=isolate).map(
            inputs,
            concurrency=concurrency,
            ordered=ordered,
            return_exceptions=return_exceptions,
            skip=skip,
            progress=progress,
            executor=executor,
        )

    def endpoint(
        self,
        api_name: str | None = None,
        fn_index: int | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        event_data: Any = None,
        trigger_id: int | None = None,
        via: Via = "queue",
        isolate: bool = False,
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
                No queue position, progress or log is heard of it, and up to Gradio 5 no text of an error. ``"run"``
                goes around the queue, on every version, unless the app's author has closed it: nothing at all is
                heard of such a call but its result, it cannot be stopped, and a generator cannot be called so.
            isolate: As for :meth:`predict`.

        Raises:
            TypeError: An option is of a wrong type.
            ArgumentError: There is no such endpoint, or ``event_data`` is no JSON, or ``via`` is no way. Whether the
                endpoint can be called that way is told by the call.
        """
        options = CallOptions(checked_headers(headers), event_data, trigger_id, via, isolate)
        return BoundEndpoint(self, self._engine, self._resolve(api_name, fn_index), options)

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


class BoundEndpoint(BoundBase[BlockingTransport]):
    """An endpoint of a client: what :meth:`Client.endpoint` returns. Calling it is :meth:`predict`."""

    def predict(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call it and wait for the result; see :meth:`Client.predict`."""
        engine = self._engine
        transport = engine.transport
        with transport.lock:
            job, live = self._begin(args, kwargs, keep_messages=False)
        try:
            transport.run(carry(engine.state, live, job))
        finally:
            with transport.lock:
                job.cancel()  # if the flow never took its first step
                if job.orphan is not None and not engine.state.closed:
                    # The caller's deadline has passed, and does not hold for the orphan.
                    transport.spawn(see_off(engine.state, live, job.orphan), promised=True)
        return job.result()

    __call__ = predict

    def submit(self, /, *args: Any, **kwargs: Any) -> Job:
        """Begin a call; see :meth:`Client.submit`."""
        engine = self._engine
        with engine.transport.lock:
            job, live = self._begin(args, kwargs, keep_messages=True)
            facade = Job(self._client, engine, live, job)
            try:
                engine.transport.spawn(engine.call(live, job), promised=True)
            except BaseException:
                job.cancel()
                raise
        return facade

    def map(
        self,
        inputs: Iterable[Any],
        *,
        concurrency: int | None = None,
        ordered: bool = True,
        return_exceptions: bool = False,
        skip: Container[int] = (),
        progress: bool | Callable[[MapProgress], Any] | None = False,
        executor: Any = None,
    ) -> MapIterator:
        """Call it with each of many inputs; see :meth:`Client.map`."""
        from .mapping import MapOptions  # few programs map, and every one pays for imports
        from .maps import MapIterator

        options = MapOptions(concurrency, ordered, return_exceptions, skip)
        return MapIterator(self._source(self.predict), inputs, options, progress, executor)
