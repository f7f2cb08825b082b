"""What the flows of one client share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..carriers import Carrier
from ..cookies import CookieJar
from ..effects import Flow, Signal
from ..endpoints import App, Endpoint, rendered_elsewhere
from ..errors import ArgumentError, ClientClosed, GradioError
from ..exchange import Exchange
from ..files import FileInput, FileOutput
from ..http import Headers
from ..job import Job
from ..journal import Budget
from ..limits import Limits
from ..payload import in_session
from ..redaction import Secrets, may_be_secret
from ..rendered import Rendered
from ..session import Session
from ..sse import SSEDecoder
from ..timeouts import Timeouts
from ..transfers import Transfer
from ..urls import AppURL, target

if TYPE_CHECKING:
    from ..messages import Message
    from ..tracing import Tracer

T = TypeVar("T")

IDEMPOTENT_RETRIES: Final = 2
"""How often a GET is tried again by default: once for the moment, once for the restart."""

CONVERSATIONS_AT_ONCE: Final = 256
"""Jobs below ``sse_v1`` that have a connection at once, since each has one of its own: processes are mostly allowed
1,024 descriptors. The others wait for their turn."""

JOINS_AT_ONCE: Final = 12
"""Joins on their way at once, each on a connection of its own: a burst of submits must not exhaust the file
descriptors of either side, and a join is answered within milliseconds."""

REMEMBERED_TARGETS: Final = 64
"""Request targets that are not built again: a client asks for the same few."""

LEAST_VALUE: Final = 8
"""Characters of a header or cookie from which on it is taken for a secret: shorter ones are words like others."""

_OWN_HEADERS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "cookie"}
)


@dataclass(frozen=True, slots=True, eq=False)
class Entropy:
    """Where a client's randomness comes from: the runner, or a test."""

    token: Callable[[], str]
    """A new session hash, unguessable."""
    jitter: Callable[[], float]
    """A number from 0 to 1, to spread retries."""


@dataclass(eq=False, slots=True)
class LiveSession:
    """A session together with what is open for it on the network."""

    session: Session
    """What is known of its jobs and its stream."""
    stream: Exchange | None = None
    """The exchange on which its event stream comes, while there is one."""
    left: Exchange | None = None
    """The exchange of the stream before, where that has announced its end, and not come to it."""
    decoder: SSEDecoder | None = None
    """What has come of that stream and is not read yet."""
    refusals: int = 0
    """How often in a row the server has put off the request for the stream."""
    retired: Signal = field(default_factory=Signal)
    """Set when no new job will join it and those that it had are over: its heartbeat and its stream may end."""
    carrier: Carrier = Carrier.SHARED_STREAM
    """What carries its jobs. Each but SHARED_STREAM carries one job only, which has this session for itself."""
    route: str = "queue/data"
    """Where its messages are to be had."""
    of: LiveSession | None = None
    """The session under whose name that one job runs, where it needs what lives there."""
    cancelling: list[frozenset[int]] = field(default_factory=list[frozenset[int]])
    """The functions of each cancellation on its way: the server would end what starts meanwhile, too."""
    held_back: list[Signal] = field(default_factory=list[Signal])
    """Who waits to join until a cancellation has passed."""
    open_jobs: dict[Job, None] = field(default_factory=dict[Job, None])
    """Its jobs that have not ended, those too that have not joined yet."""
    is_lost: bool = False
    """Its stream was lost, and not to be relied on again: a job that has not joined yet should join another session."""
    next: LiveSession | None = None
    """The session that such jobs have joined in its place."""
    turns: dict[int, Slots] = field(default_factory=dict[int, "Slots"])
    """By function, whose turn it is where only one job of a function may run in a session at once."""

    @property
    def home(self) -> LiveSession:
        """The session that the server knows by this one's name."""
        return self.of or self

    def now_of(self, job: Job) -> LiveSession:
        """The session of a job that was added to this one: this one, unless it was lost before the job had joined."""
        live = self
        while live.next is not None and job.session_hash not in (None, live.session.hash):
            live = live.next
        return live


class Slots:
    """How many jobs may be in flight (``most``; None for any number); the others wait for their turn, first
    come, first served.
    """

    def __init__(self, most: int | None) -> None:
        self._free = most
        self._waiting: dict[Signal, None] = {}

    def take(self, waiter: Signal) -> bool:
        """Take a slot, or queue for one: then ``waiter`` is set when it is worth trying again."""
        if self._free is None:
            return True
        self._waiting[waiter] = None
        if self._free == 0 or next(iter(self._waiting)) is not waiter:
            return False
        self._free -= 1
        del self._waiting[waiter]
        self._wake_first()
        return True

    def release(self, waiter: Signal, *, held: bool) -> None:
        """Give the slot back that the waiter held, or leave the queue for one; the first who queues is woken."""
        self._waiting.pop(waiter, None)
        if self._free is not None:
            self._free += held
            self._wake_first()

    def _wake_first(self) -> None:
        if self._free and self._waiting:
            next(iter(self._waiting)).set()


@dataclass(slots=True, eq=False)
class ClientState:
    """Everything that a client's flows know and change. No two of them run at the same instant."""

    url: AppURL
    """Where the app is."""
    limits: Limits
    """What a server may make this client hold."""
    timeouts: Timeouts
    """How long each kind of wait may take."""
    entropy: Entropy
    """Where random names come from."""
    headers: Headers = field(repr=False)
    """The caller's own headers, credentials among them: for ``url.origin`` and for nobody else."""
    cookies: CookieJar
    """Those of the app's origin."""
    budget: Budget
    """What the journals of all jobs may hold together."""
    auth: tuple[str, str] | None = field(default=None, repr=False)
    """The user name and password of an app with a login."""
    oauth_token: str | None = field(default=None, repr=False)
    """The caller's Hugging Face token for the app's own use: for the endpoints that ask for one, and no others."""
    max_retries: int | None = None
    """Retries of any request; None for the default: some for a GET, none for a join."""
    heartbeat: bool = True
    """Whether a heartbeat is held open where the app asks for one."""
    loaded: App | None = None
    """The app, once it was read."""
    live: LiveSession | None = None
    """The session that new jobs join; None before the first."""
    download_directory: str | None = None
    """Where downloads go; None for where the runner keeps them."""
    on_transfer: Callable[[FileInput | FileOutput, Transfer], None] | None = None
    """Told of each piece of a file; must not raise, and do no more than note it."""
    tracer: Tracer | None = None
    """Told of jobs and messages, where somebody asks."""
    slots: Slots = field(default_factory=lambda: Slots(None))
    """The jobs in flight (``max_workers``)."""
    joins: Slots = field(default_factory=lambda: Slots(JOINS_AT_ONCE))
    """The joins on their way."""
    conversations: Slots = field(default_factory=lambda: Slots(CONVERSATIONS_AT_ONCE))
    """The jobs that have a connection of their own."""
    open_jobs: dict[Job, None] = field(default_factory=dict[Job, None])
    """Every job that has not ended, in the order of their calls."""
    closed: bool = False
    """Whether the client was closed."""
    left_behind: Rendered | None = None
    """What ``gr.render`` had made in the last session that was left with something of the kind in it."""
    _targets: dict[tuple[str, tuple[tuple[str, str], ...], bool], str] = field(
        default_factory=dict[tuple[str, tuple[tuple[str, str], ...], bool], str]
    )

    @property
    def app(self) -> App:
        """The app, once the client is connected."""
        assert self.loaded is not None
        return self.loaded

    def app_in(self, live: LiveSession | None) -> App:
        """The app as it is in a live session: with what ``gr.render`` has made there."""
        return self.app if live is None else live.session.rendered.added_to(self.app)

    def resolve(self, api_name: str | None, fn_index: int | None, default: str | None) -> Endpoint:
        """Find the endpoint that a call in the session of new jobs means.

        Args:
            api_name: Its name.
            fn_index: Its number; the name wins.
            default: The name that is meant where neither is given.

        Raises:
            ArgumentError: As :meth:`App.resolve`.
            TypeError: As :meth:`App.resolve`.
        """
        try:
            return self.app_in(self.live).resolve(api_name, fn_index, default)
        except ArgumentError:
            if self.left_behind is None:
                raise
            try:
                endpoint = self.left_behind.added_to(self.app).resolve(api_name, fn_index, default)
            except ArgumentError:
                endpoint = None
            if endpoint is None or not endpoint.is_rendered:
                raise
            raise rendered_elsewhere(endpoint) from None

    def redact(self, error: GradioError, headers: Headers = ()) -> None:
        """Take this client's credentials out of an error, and those of a call with ``headers``: a server, or a proxy
        before it, may have said them again."""
        secrets = Secrets()
        for name, value in (*self.headers, *headers):
            if may_be_secret(name) and len(value) >= LEAST_VALUE:
                secrets.add(value)
                secrets.add(value.partition(" ")[2])  # what follows "Bearer"
        for value in self.cookies.values():
            if len(value) >= LEAST_VALUE:
                secrets.add(value)
        for secret in (self.oauth_token, *(self.auth or ())[1:]):
            if secret is not None:
                secrets.add(secret)
        secrets.take_out(error)

    def load(self, app: App) -> None:
        """Take an app that was read for the first time, or anew."""
        self.loaded = app
        self._targets.clear()  # its api_prefix may be another

    def session(self) -> LiveSession:
        """The session that new jobs join; made when the first one does."""
        self._check_open()
        if self.live is None:
            self.live = LiveSession(Session(self.entropy.token(), self.limits))
        return self.live

    def session_of_its_own(
        self, carrier: Carrier, route: str = "queue/data", *, of: LiveSession | None = None
    ) -> LiveSession:
        """A session for one job, which no other joins. On the server it has the name of ``of``, if that is given.

        Args:
            carrier: By what the job travels.
            route: On which its messages come.
            of: The session whose name it has on the server.
        """
        self._check_open()
        if of is not None:
            session_hash = of.session.hash
        else:  # the simple API's have no name until the server gives one
            session_hash = "" if carrier is Carrier.SIMPLE_API else self.entropy.token()
        live = LiveSession(Session(session_hash, self.limits), carrier=carrier, route=route, of=of)
        live.retired.set()
        return live

    def add_job(self, job: Job, live: LiveSession) -> None:
        """Count a job in a live session among the open ones, until it has ended."""

        def forget() -> None:
            del self.open_jobs[job]
            session: LiveSession | None = live
            while session is not None:
                if job in session.open_jobs:
                    del session.open_jobs[job]
                    self._let_go_of(session)
                session = session.of or session.next

        job.redact = self.redact
        self.open_jobs[job] = None
        live.open_jobs[job] = None
        live.home.open_jobs[job] = None
        job.on_settled.append(forget)
        if self.tracer is not None:
            self.tracer.job(job)

    def heard(self, live: LiveSession, message: Message, text: str, job: Job | None = None) -> None:
        """Tell whoever asks of a message, before anything comes of it; ``job`` is the one that has the connection
        for itself, and so may not be named.

        Args:
            live: The session in which it came.
            message: What was said.
            text: Its JSON.
            job: The job that has the connection for itself.
        """
        if self.tracer is not None:
            event_id = message.event_id or (job.event_id if job is not None else None)
            self.tracer.message(live.session.hash, event_id, message, len(text))

    def _check_open(self) -> None:
        if self.closed:
            raise ClientClosed("the client is closed; make a new one")

    def retire(self, live: LiveSession) -> None:
        """Let new jobs join another session than ``live``; those that it has go on. Twice does nothing."""
        if self.live is live:
            self.live = None
            if live.session.rendered:
                self.left_behind = live.session.rendered
            self._let_go_of(live)

    def session_to_join(self, live: LiveSession, job: Job) -> LiveSession:
        """The session that a job is to join which was added to ``live``: another one, if that was lost meanwhile.

        The server drops what joins a session that it is clearing away, without a word. A job stays where it is if it
        means what lives there: what was rendered, or chunks of input that name the session. And if the app wants a
        heartbeat, which the next call opens together with a session.
        """
        means_that_one = bool(live.session.rendered) or job.input_stream is not None
        wants_heartbeat = self.heartbeat and self.app.config.connect_heartbeat
        if not live.is_lost or means_that_one or wants_heartbeat or self.closed:
            return live
        live.next = joined = self.session()
        live.session.join_moved(job)
        job.payload = in_session(job.payload, live.session.hash, joined.session.hash)
        joined.open_jobs[job] = None
        del live.open_jobs[job]
        self._let_go_of(live)
        return joined

    def _let_go_of(self, live: LiveSession) -> None:
        # Not before its last job has ended: with the heartbeat a server lets go of the State under it.
        if live is not self.live and not live.open_jobs:
            live.retired.set()

    def is_worth_keeping(self, live: LiveSession) -> bool:
        """Whether a live session holds what a new one has not."""
        return self.has_state or bool(live.session.rendered)

    @property
    def has_state(self) -> bool:
        """Whether the app keeps State, which lives in a session and is lost with it."""
        return any(component.is_state for component in self.app.config.components.values())

    @property
    def get_retries(self) -> int:
        """How often a GET is tried again."""
        return IDEMPOTENT_RETRIES if self.max_retries is None else self.max_retries

    def target(self, route: str, query: tuple[tuple[str, str], ...] = (), *, prefixed: bool = True) -> str:
        """The request target of one of the app's routes. Only some stand under the ``api_prefix``.

        Args:
            route: Without the prefix.
            query: Names and values behind the ``?``.
            prefixed: Whether it is one of those that do, on servers that have a prefix.
        """
        known = self._targets.get((route, query, prefixed))
        if known is None:
            prefix = self.app.config.api_prefix if prefixed else ""
            known = target(self.url.base_path, prefix, route, query)
            if len(self._targets) >= REMEMBERED_TARGETS:
                self._targets.clear()
            self._targets[route, query, prefixed] = known
        return known


def redacted(state: ClientState, flow: Flow[T]) -> Flow[T]:
    """The same flow, with no credential of the client in its error."""
    try:
        return (yield from flow)
    except GradioError as error:
        state.redact(error)
        raise


def checked_headers(headers: Mapping[str, str] | None) -> Headers:
    """A caller's headers, copied.

    Raises:
        TypeError: A name or a value is no string.
        ArgumentError: It is a header that this library sets by itself, or one that cannot be sent.
    """
    checked: list[tuple[str, str]] = []
    given: Mapping[Any, Any] = headers or {}
    if not isinstance(given, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"headers are a mapping of str to str, not {type(given).__name__}")
    for name, value in given.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"headers are a mapping of str to str; got {name!r}: {type(value).__name__}")
        if name.lower() in _OWN_HEADERS:
            raise ArgumentError(
                f"the header {name} cannot be set: the client makes it from the request itself"
            )
        if not name or not _is_sendable(name) or not _is_sendable(value):
            # Its value may be a secret, such as a token that was read with the line break at its end.
            raise ArgumentError(
                f"the header {name!r} cannot be sent: its name is empty, or it holds a line break, spaces at an "
                "end, or what is not ASCII"
            )
        checked.append((name.lower(), value))
    return tuple(checked)


def _is_sendable(text: str) -> bool:
    return text.isascii() and text == text.strip() and not any(char in text for char in "\r\n\0")
