"""What a client, its endpoints and its jobs share: one transport, and the state that its flows run over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..carriers import Carrier, carrier_of
from ..config import AppConfig
from ..effects import Flow, Signal
from ..endpoints import App, Endpoint, rendered_elsewhere
from ..errors import ArgumentError, ClientClosed, ConnectionLost, GradioError
from ..files import FileInput, FileOutput, Uploads, check_size
from ..flows.calls import abandon, call, see_out
from ..flows.heartbeat import heartbeat
from ..flows.state import ClientState, LiveSession
from ..flows.streams import end_if_unused
from ..http import Headers
from ..job import Job, JobState
from ..journal import FIRST_IS_WHOLE_SINCE, Journal
from ..payload import chunk_payload, join_payload
from ..simple_api import RUN, call_payload, simple_route
from ..timeouts import deadline
from ..transfers import Transfer
from ..transport import Transport
from ..urls import space_name
from .logs import logger
from .options import CallOptions
from .recipe import Recipe

if TYPE_CHECKING:
    from ..input_stream import InputStream

X = TypeVar("X", bound=Transport)


class Engine(Generic[X]):
    """The working parts of one client. Whoever looks at ``state`` holds ``transport.lock``."""

    def __init__(
        self,
        transport: X,
        state: ClientState,
        recipe: Recipe,
        *,
        downloads: bool = False,
        on_transfer: Callable[[Transfer], Any] | None = None,
    ) -> None:
        self.transport = transport
        self.state = state
        self._recipe = recipe
        self.downloads = downloads
        """Whether files in outputs are fetched."""
        self._transfers: dict[FileInput | FileOutput, Transfer] = {}
        if on_transfer is not None:
            state.on_transfer = partial(self._transferred, on_transfer)
        self.is_forking = False
        """This is a forked child that ends what its parent had begun."""
        transport.on_fork(self._forked)

    @property
    def config(self) -> AppConfig:
        """What the app says about itself."""
        return self.state.app.config

    def current_app(self) -> App:
        """The app as it is in the session of new jobs."""
        with self.transport.lock:
            return self.state.app_in(self.state.live)

    def recipe(self) -> Recipe:
        """How to make a client like this one."""
        src = self._recipe.options["src"]
        if space_name(src) is None:
            # At the address as it has turned out: no secret goes out again to where there was only a redirect to https.
            src = f"{self.state.url}/"
        return replace(self._recipe, options={**self._recipe.options, "src": src})

    @property
    def max_workers(self) -> int | None:
        """How many jobs may be in flight."""
        most: int | None = self._recipe.options["max_workers"]
        return most

    @cached_property
    def key(self) -> str:
        """Tells this client from every other one, wherever that is."""
        return self.transport.token()

    def session(self) -> LiveSession:
        """The session that new jobs join, and its heartbeat if the app wants one; the lock is held."""
        is_new = self.state.live is None
        live = self.state.session()
        if is_new and self.state.heartbeat and self.config.connect_heartbeat:
            self.transport.spawn(heartbeat(self.state, live), promised=False)
        return live

    def retire_session(self) -> None:
        """Let new jobs join a new session; the lock is held."""
        live = self.state.live
        if live is not None:
            self.state.retire(live)
            end_if_unused(live)

    def begin(
        self,
        endpoint: Endpoint,
        options: CallOptions,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        *,
        keep_messages: bool,
    ) -> tuple[Job, LiveSession]:
        """Make a job of a call; the lock is held. Raises whatever is wrong with the arguments."""
        state = self.state
        live, write = self._way(endpoint, options, args, kwargs)
        uploads = Uploads(write, self.transport.token)
        payload = uploads.payload()
        self.measure(uploads)
        job = self._job(endpoint, live, keep_messages, payload, uploads, options.headers)
        state.add_job(job, live)
        return job, live

    def take_over(self, endpoint: Endpoint, session_hash: str, event_id: str) -> tuple[Job, LiveSession]:
        """Make a job of one that another client has handed over (see flows/handover.py); the lock is held."""
        live = self.state.session_of_its_own(Carrier.SHARED_STREAM)
        live.session.hash = session_hash
        job = self._job(endpoint, live, keep_messages=True)
        self.state.add_job(job, live)
        live.session.take_over(job, event_id)
        return job, live

    def _job(
        self,
        endpoint: Endpoint,
        live: LiveSession,
        keep_messages: bool,
        payload: bytes = b"",
        uploads: Uploads | None = None,
        headers: Headers = (),
    ) -> Job:
        state = self.state
        fetches = self.downloads and endpoint.returns_files
        convert = partial(endpoint.unbind_outputs, fetch=True) if fetches else endpoint.unbind_outputs
        journal = None
        if keep_messages:
            sends_diffs = self.config.protocol != "sse_v1" and live.carrier is Carrier.SHARED_STREAM
            journal = Journal(
                state.limits,
                state.budget,
                diffs=sends_diffs,
                convert=convert,
                first_is_whole=self.config.version_info >= FIRST_IS_WHOLE_SINCE,
            )
        return Job(
            fn_index=endpoint.fn_index,
            label=endpoint.label,
            payload=payload,
            headers=headers,
            convert=convert,
            journal=journal,
            version_info=self.config.version_info,
            is_generator=endpoint.is_generator or endpoint.is_stream,
            deadline=deadline(self.transport.monotonic(), state.timeouts.total),
            uploads=uploads if uploads and uploads.files else None,
            fetches_files=fetches,
            input_stream=_input_stream(endpoint, is_whole=not keep_messages),
        )

    def _way(
        self, endpoint: Endpoint, options: CallOptions, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[LiveSession, partial[bytes]]:
        """The session that a call is for, and what writes its payload."""
        oauth_token = self._oauth_token(endpoint)
        if options.via != "queue" and endpoint.is_stream:
            raise ArgumentError(
                f"/{options.via} carries no input in chunks, which {endpoint.label} takes: leave via= away"
            )
        if options.via in ("call", "call/v2"):
            if endpoint.is_rendered:
                raise rendered_elsewhere(endpoint)
            route = simple_route(self.config, endpoint, options.via)
            bind = endpoint.bind_named if options.via == "call/v2" else endpoint.bind
            write = partial(call_payload, bind(args, kwargs), oauth_token=oauth_token)
            return self.state.session_of_its_own(Carrier.SIMPLE_API, route), write
        if options.isolate and endpoint.is_rendered:
            raise rendered_elsewhere(endpoint)
        if options.via == "run" and endpoint.is_generator:
            raise ArgumentError(
                f"/run gives the first value of a generator and no other, and {endpoint.label} is one: leave via= away"
            )
        data = endpoint.bind(args, kwargs)
        live = self._session_for(endpoint, options)
        return live, partial(
            join_payload,
            fn_index=endpoint.fn_index,
            data=data,
            session_hash=live.session.hash,
            event_data=options.event_data,
            trigger_id=options.trigger_id,
            oauth_token=oauth_token,
        )

    def _session_for(self, endpoint: Endpoint, options: CallOptions) -> LiveSession:
        """The session in which a call is made: the one of new jobs, or one of its own."""
        carrier = Carrier.REPLY if options.via == "run" else carrier_of(self.config, endpoint.dependency)
        if carrier is Carrier.SHARED_STREAM:
            return self.state.session_of_its_own(carrier) if options.isolate else self.session()
        # 3.x takes two jobs of one function in one session for the same: see flows/conversation.py.
        is_alone = options.isolate or (self.config.protocol == "ws" and not endpoint.has_state)
        route = RUN if carrier is Carrier.REPLY else "queue/join"
        return self.state.session_of_its_own(carrier, route, of=None if is_alone else self.session())

    def chunk(self, live: LiveSession, job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Uploads:
        """Make one more chunk of a job's input, with the files in it; the lock is held.

        Raises:
            TypeError: The arguments do not fit the endpoint's parameters.
            ArgumentError: The endpoint takes no input in chunks, or an argument cannot be sent.
        """
        from ..input_stream import input_stream_of

        endpoint = input_stream_of(job).endpoint
        write = partial(
            chunk_payload,
            fn_index=endpoint.fn_index,
            data=endpoint.bind(args, kwargs),
            session_hash=live.session.hash,
        )
        chunk = Uploads(write, self.transport.token)
        self.measure(chunk)
        return chunk

    def measure(self, uploads: Uploads) -> None:
        """Find out how large the files of a call are, and refuse now what the app would refuse later."""
        most = self.config.max_file_size
        for file in uploads.files:
            if file.kind == "url":
                from ..flows.foreign import place_of  # of interest on 3.x only

                place_of(file)
            size = self.transport.file_size(str(file.source)) if file.kind == "path" else file.size
            check_size(file, size, most)
            uploads.sizes[file] = size

    def _oauth_token(self, endpoint: Endpoint) -> str | None:
        """The caller's token, for an endpoint that asks for it; None for every other one."""
        if endpoint.oauth_token is None:
            return None
        token = self.state.oauth_token
        # A cookie may belong to somebody who has logged in to the app with Hugging Face: then it needs no token.
        if token is None and endpoint.oauth_token == "required" and not self.state.cookies:
            raise ArgumentError(
                f"{endpoint.label} acts on your behalf and needs your Hugging Face token: "
                "if you trust the app, give Client(..., oauth_token=...)"
            )
        return token

    def call(self, live: LiveSession, job: Job) -> Flow[None]:
        """The flow of a job that :meth:`begin` made."""
        return call(self.state, live, job)

    def give_up(self, *calls: tuple[LiveSession, Job]) -> None:
        """Cancel jobs whose caller has gone; their server is told when flows run next. The lock is held."""
        tellings: list[Flow[None]] = []
        for live, job in sorted(calls, key=_runs):
            telling = abandon(self.state, live, job)
            if telling is not None:
                tellings.append(telling)
        for telling in () if self.state.closed else tellings:
            self.transport.spawn(telling, promised=True)

    def leave(self, over: Signal, live: LiveSession, job: Job) -> None:
        """The caller of a blocking call goes, with its result or without: what is left to be done is done without him.

        Args:
            over: Set when what carries the job has ended.
            live: The job's session.
            job: The call.
        """
        with self.transport.lock:
            if self.state.closed:
                return
            try:
                self.give_up((live, job))  # does nothing, unless the caller was interrupted
                if job.orphan is not None or not over.is_set:
                    # The caller's deadline has passed, and does not hold for what is left to be done.
                    self.transport.spawn(see_out(over, self.state, live, job), promised=True)
            except RuntimeError as error:  # what interrupted the caller is what he is to be told
                logger.warning("a call was left, and its server is not told of that: %s", error)

    def defer_callback(self, callback: Callable[[], Any], what: object) -> None:
        """Call a user's callback on the transport's own thread; the lock is held."""
        if self.is_forking:
            return  # the callbacks of the parent's jobs are the parent's to call
        try:
            self.transport.defer(lambda: call_safely(callback, what))
        except RuntimeError:  # no thread can be started; whoever waits for the job must not be left waiting
            logger.exception("a callback of %r cannot be called", what)

    def _transferred(
        self, on_transfer: Callable[[Transfer], Any], file: FileInput | FileOutput, transfer: Transfer
    ) -> None:
        """Tell the user how far a file has come; of a user who is slower than the file, the newest only."""
        waits = file in self._transfers
        self._transfers[file] = transfer
        if not waits:

            def tell() -> None:
                with self.transport.lock:
                    newest = self._transfers.pop(file)
                on_transfer(newest)

            self.defer_callback(tell, on_transfer)

    def close(self) -> None:
        """End every open job with ClientClosed, and close every connection."""

        def close() -> None:
            with self.transport.lock:
                self.state.closed = True
                self._end_jobs(lambda: ClientClosed("the client was closed"))
            self.transport.close()

        self.transport.when_free(close)

    def _forked(self) -> None:
        self.is_forking = True
        self._transfers.clear()  # the thread that would have told of them is the parent's
        self._end_jobs(
            lambda: ConnectionLost("this is a forked process, and the job its parent's", phase="stream_lost")
        )
        self.is_forking = False

    def _end_jobs(self, error: Callable[[], GradioError]) -> None:
        for job in tuple(self.state.open_jobs):
            job.fail(error())
        self.retire_session()


def _input_stream(endpoint: Endpoint, *, is_whole: bool) -> InputStream | None:
    if not endpoint.is_stream:
        return None
    from ..input_stream import InputStream  # few programs stream, and every one pays for imports

    return InputStream(endpoint, is_whole=is_whole)


def _runs(call: tuple[LiveSession, Job]) -> bool:
    return call[1].state is JobState.RUNNING


def call_safely(callback: Callable[[], Any], what: object) -> None:
    """Call a user's callback; what it raises is logged, as a Future's is."""
    try:
        callback()
    except BaseException:  # SystemExit would end the thread that calls the others
        logger.exception("a callback of %r raised", what)
