"""The blocking client: a facade over the flows, with no loop, thread, clock or file of its own."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from ..effects import Signal
from ..flows.calls import carry_to, wait_for
from ..flows.connect import refresh
from ..flows.state import checked_headers
from ..simple_api import Via
from ..transport import BlockingTransport
from .base import BoundBase, ClientBase
from .job import Job
from .job_base import when_completed
from .options import CallOptions, checked_callbacks
from .transports import blocking_factory

if TYPE_CHECKING:
    from ..files import FileInput
    from ..typed.tools import ToolFormat
    from .api import Api, ApiEndpoint
    from .mapping import MapProgress
    from .maps import MapIterator

C = TypeVar("C", bound="Client")


class Client(ClientBase[BlockingTransport]):
    """A client of one Gradio app, for programs that wait.

    Connecting happens here, in the constructor. One client may be used by many threads; its calls share one
    session, and so one event stream and the app's State. Use it as a context manager, or call :meth:`close`.

    Args:
        src: The app's URL, or the name of a Hugging Face Space, ``"user/space"`` (extra ``hub``).
        token: A Hugging Face token for this app's origin, https only (this machine excepted), and for the Hub if
            ``src`` is a Space. By default, the saved login is used for Spaces, and their apps get
            it only if they are private; True: any Space's app gets it; False: nobody does.
        max_workers: How many jobs may be in flight at once; None for no bound.
        verbose: Print one line when connected, as the official client does, and while a Space is waited for its states.
        auth: The user name and password of an app with a login.
        httpx_kwargs: Not supported; see ``timeouts``, ``proxy``, ``ssl_verify``, ``headers`` and so on.
        space: Another name for ``src``.
        hf_token: Another name for ``token``.
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
        on_status: Called with a :class:`~gradio_proto.SpaceStatus` when the state of the Space is known and when it
            changes, until it runs; at once, where the client is opened, so that what it raises ends the waiting.
        oauth_token: A Hugging Face token by which the app may act on your behalf, https only (this machine
            excepted). Only endpoints that ask for one get it: :meth:`view_api` marks them.
        share_credentials: Let ``token``, ``oauth_token``, ``auth``, ``headers``, ``cookies`` and ``proxy`` travel with
            pickles of this client, and with :meth:`map` to the workers of its executor. Otherwise they stay here.
        analytics_enabled: Taken and ignored, for programs that switch the official client's telemetry off: there
            is none here.

    Raises:
        TypeError: An argument is of a wrong type, or not taken here, such as ``httpx_kwargs``.
        ArgumentError: An argument cannot be used.
        SpaceNotFound: There is no such Space, or none that the Hub shows to you.
        SpaceError: The Space does not run, and will not by itself.
        DeadlineExceeded: The Space does not run within ``Timeouts.space``.
        GradioError: The app cannot be reached, wants a login, or speaks a protocol that this library does not.

    Example:
        ::

            from gradio_proto import Client

            with Client("http://127.0.0.1:7860") as client:
                print(client.predict("Ada", api_name="/greet"))  # prints Hello, Ada!
    """

    def _open(self) -> None:
        self._find_space()
        transport = self._start(blocking_factory(self._options["transport"])).transport
        try:
            transport.run(self._connecting())
        except BaseException:
            transport.close()
            raise
        self._opened()

    def _find_space(self) -> None:
        finding = self._find(blocking_factory(self._options["transport"]))
        if finding is not None:
            transport, flow = finding
            try:
                place = transport.run(flow)
            finally:
                transport.close()
            self._found(place)

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
        self._find_space()
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

        Example:
            ::

                api = client.view_api(print_info=False, return_format="dict")
                print(api["named_endpoints"]["/greet"]["parameters"][0]["parameter_name"])  # prints name
        """
        return self._show_api(all_endpoints, print_info, return_format)

    @property
    def api(self) -> Api[BlockingTransport, ApiEndpoint]:
        """The app's endpoints as attributes, with signatures and docstrings: ``client.api.calculate(4, "add", 5)``."""
        from .api import Api, ApiEndpoint  # few programs use it, and every one pays for imports

        return Api(self, self._engine, ApiEndpoint)

    @overload
    def schema(self, format: None = None) -> dict[str, dict[str, Any]]: ...

    @overload
    def schema(self, format: ToolFormat) -> list[dict[str, Any]]: ...

    def schema(self, format: ToolFormat | None = None) -> dict[str, Any] | list[dict[str, Any]]:
        """Describe the app's listed endpoints to programs, and to language models.

        Args:
            format: The shape of tool definitions: ``"openai"`` (Chat Completions, with strict schemas where an
                endpoint allows it), ``"anthropic"`` or ``"mcp"``. :meth:`call_tool` makes the call that a model asks
                for. None for schemas alone.

        Returns:
            A list of tool definitions; or, without a format, a dict that has for each endpoint, by its name, a
            ``"description"``, and as JSON Schema (2020-12) the ``"input"``, an object of the arguments by name, and
            the ``"output"``. What a server says in a description is its word, not this library's.

        Raises:
            ValueError: ``format`` is none of these.
        """
        return self._schema(format)

    # Calling.

    def call_tool(
        self,
        name: str,
        arguments: Mapping[str, Any] | str,
        *,
        files: Mapping[str, FileInput] | None = None,
    ) -> Any:
        """Make the call that a language model asks for, by one of the tools of :meth:`schema`.

        Nothing that a model writes opens a file on this machine. Where an endpoint takes a file, the model gives an
        https URL, which the app's server fetches, or the name of a file in ``files``.

        Args:
            name: The tool's name, as its definition has it.
            arguments: What the model wrote, as an object, or as the text of one. Null stands for the default of a
                parameter that has one and cannot be null.
            files: The files that the model may name: ``{"photo.png": handle_file("photo.png")}``.

        Returns:
            As :meth:`predict`.

        Raises:
            TypeError: The arguments do not fit the endpoint's parameters.
            ArgumentError: There is no such tool, or the arguments are no object, or what should be a file is neither
                an https URL nor a name in ``files``. (An app of Gradio 3.x takes names only: a URL would be fetched
                by this machine.)
            AppError: The app raised.
            GradioError: The call did not get that far.
        """
        found, args = self._tool_call(name, arguments, files)
        return BoundEndpoint(self, self._engine, found, CallOptions()).predict(*args)

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

        Example:
            ::

                print(client.predict("Ada", api_name="/greet"))  # prints Hello, Ada!
                print(client.predict(name="Ada", api_name="/greet"))  # prints Hello, Ada!
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

        Example:
            ::

                job = client.submit(3, api_name="/count")
                print(list(job))  # prints [0, 1, 2]
                print(job.result())  # prints 2
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

        Example:
            ::

                greetings = client.map(["Ada", "Grace"], api_name="/greet")
                print(list(greetings))  # prints ['Hello, Ada!', 'Hello, Grace!']
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

        Example:
            ::

                greet = client.endpoint("/greet")
                print(greet(name="Ada"))  # prints Hello, Ada!
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
    """An endpoint of a client. Made by :meth:`Client.endpoint`; calling it is :meth:`predict`."""

    def predict(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call it and wait for the result; see :meth:`Client.predict`."""
        engine = self._engine
        transport = engine.transport
        over = Signal()
        begun = None
        try:
            with transport.lock:
                job, live = self._begin(args, kwargs, keep_messages=False)
                begun = live, job
                try:
                    transport.spawn(carry_to(over, engine.state, live, job), promised=False)
                except BaseException:
                    job.cancel()
                    raise
            # What carries the job is a flow of its own: it outlives a caller who is interrupted, to tell the server.
            transport.run(wait_for(over))
        finally:
            if begun is not None:
                engine.leave(over, *begun)
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
