"""The state machine: what programs, networks and servers do, and what holds whatever they do."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
)

from gradio_proto import AsyncClient, Client
from gradio_proto.carriers import Carrier
from gradio_proto.client.engine import Engine
from gradio_proto.errors import (
    AppError,
    ClientClosed,
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    GradioError,
    LocalProtocolError,
)
from gradio_proto.events import Cancelled, Completed, Output, Terminal
from gradio_proto.exchange import IDLE_CONNECTIONS
from gradio_proto.flows.state import LiveSession
from gradio_proto.job import Job, JobState
from gradio_proto.session import REMEMBERED_EVENTS
from gradio_proto.testing.memory import MemoryTask, MemoryTransport

from .app import MANY, VERSIONS, Witness, server_of
from .network import Network, Wire
from .waiting import AsyncMemoryTransport, Gone, task

HOST: Final = "app"
SECRET: Final = "a-secret-of-this-client"

SILENCE: Final = 60.0
"""Seconds after which nobody waits any more for a network that has fallen silent."""

PATIENCE: Final = 1200.0
"""Virtual seconds in which everything that a machine can have begun is over, one run after the other."""

STOPPED: Final = MANY + 10.0
"""Seconds after which a generator that nobody stops has come to its end."""

WIRES: Final = st.integers(0, 5)
"""Which connection: the newest of those that are alive is 0."""

FUNCTIONS: Final = st.sampled_from(["/echo", "/many", "/slow", "/few", "/many", "/none", "/fail", "/count"])

BYTES: Final = st.sampled_from([0, 40, 400, 10_000])
"""How much of what is under way still arrives."""

LATENCIES: Final = st.sampled_from([0.3, 0.0, 0.05])
"""Seconds that bytes travel. On a slow network much is under way when something breaks."""

LONGEST_WAY: Final = 60
"""Things that happen, at most, until a join that is sent has reached the server."""

EVENTS: Final = st.integers(0, 12)
"""How many things happen before something breaks."""

MANY_EVENTS: Final = 99
"""How many things happen, at most, before Ctrl-C."""


@dataclass(eq=False)
class Call:
    """One call, and what has been seen of it."""

    name: str
    function: str
    job: Job
    live: LiveSession
    began: float
    is_harmed: bool
    """The network or the server has failed while it was open: it may fail, too."""
    submitted: Any = None
    """What the blocking ``submit()`` has given."""
    waiter: MemoryTask[Any] | None = None
    """The task that awaits it, or until it is submitted."""
    is_submitted: bool = False
    """The task waits for ``submit()`` only."""
    is_told_off: bool = False
    """Its caller has tried to be rid of it."""
    outcome: Terminal | None = None
    """Its first terminal event."""
    ended: float | None = None
    endings: int = 0
    news_after_end: int = 0
    callbacks: int = 0
    """How often the caller was told that it is done."""

    @property
    def facade(self) -> Any:
        """What ``submit()`` has given; None for a call that is awaited, or not submitted yet."""
        return self.waiter.result if self.waiter is not None and self.is_submitted else self.submitted

    def __repr__(self) -> str:
        return self.name


@dataclass
class World:
    """What a machine is about, once it is connected."""

    is_async: bool
    witness: Witness
    network: Network
    client: Any
    engine: Engine[Any]
    has_state: bool
    fails: bool
    """Networks and servers may fail; else nothing but what programs do ends a call early."""
    closes_early: bool
    """It is closed in the middle of things."""
    calls: list[Call] = field(default_factory=list[Call])
    cancellations: list[MemoryTask[Any]] = field(default_factory=list[MemoryTask[Any]])
    is_well: bool = True
    """The network does what it should."""
    harmed_at: list[float] = field(default_factory=list[float])
    """When it did not."""
    silent_since: float | None = None


def may_fail(machine: Promises) -> bool:
    """Whether this is one of the machines in which something fails."""
    return machine.here.fails


class Promises(RuleBasedStateMachine):
    """A client, a server, what lies between them, and what holds whatever they do."""

    versions: tuple[str, ...] = VERSIONS
    """The servers that are tried."""

    calls = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.world: World | None = None
        self.picks: list[int] = []
        """Which of the things that may happen does so next; after these, always the oldest."""
        self.interrupts_after: int | None = None
        """How many things happen before Ctrl-C."""

    @initialize(
        data=st.data(),
        is_async=st.booleans(),
        limit=st.sampled_from([None, 1]),
        slots=st.sampled_from([None, None, 2]),
        has_state=st.booleans(),
        size=st.sampled_from([10_000, 60, 7]),
        latency=LATENCIES,
        fails=st.booleans(),
        closes_early=st.booleans(),
    )
    def connects(
        self,
        data: st.DataObject,
        is_async: bool,
        limit: int | None,
        slots: int | None,
        has_state: bool,
        size: int,
        latency: float,
        fails: bool,
        closes_early: bool,
    ) -> None:
        """A client connects to a server, on a network that is well, and may go on to be."""
        version = data.draw(st.sampled_from(self.versions), label="version")
        witness = Witness()
        network = Network(
            lambda start: server_of(witness, version, limit=limit, has_state=has_state, start=start),
            HOST,
            choose=self._choose,
            split=lambda data: [data[at : at + size] for at in range(0, len(data), size)],
            secret=SECRET.encode(),
        )
        options: dict[str, Any] = {"max_workers": slots, "verbose": False, "headers": {"x-secret": SECRET}}
        client: Any
        if is_async:
            client = AsyncClient(
                f"http://{HOST}", transport=lambda given: AsyncMemoryTransport(given, network), **options
            )
            network.run(task(client))
        else:
            client = Client(
                f"http://{HOST}", transport=lambda given: MemoryTransport(given, network), **options
            )
        self.world = World(is_async, witness, network, client, client._engine, has_state, fails, closes_early)
        network.latency = latency
        self._watch(self.world)

    def _choose(self, most: int) -> int:
        if self.interrupts_after is not None:
            self.interrupts_after -= 1
            if self.interrupts_after < 0:
                self.interrupts_after = None
                raise KeyboardInterrupt
        return self.picks.pop(0) % most if self.picks else 0

    def _watch(self, world: World) -> None:
        """See every call that is begun, by whatever way."""
        begin = world.engine.begin

        def watched(endpoint: Any, options: Any, args: Any, kwargs: Any, **more: Any) -> Any:
            job, live = begin(endpoint, options, args, kwargs, **more)
            call = Call(args[0], endpoint.label, job, live, world.network.now, not world.is_well)

            def heard() -> None:
                call.news_after_end += call.outcome is not None  # the end itself is news, once
                call.outcome = call.outcome or job.outcome

            def settled() -> None:
                call.endings += 1
                call.ended = world.network.now

            job.on_news.append(heard)
            job.on_settled.append(settled)
            world.calls.append(call)
            return job, live

        world.engine.begin = watched  # type: ignore[method-assign]

    @property
    def here(self) -> World:
        """The world, which is there from the first step on."""
        assert self.world is not None
        return self.world

    # What programs do.

    def _arguments(self, function: str) -> tuple[str, str]:
        world = self.here
        if function == "/count" and not world.has_state:
            function = "/echo"
        return f"call {len(world.calls) + 1}", function

    def _do(self, awaitable: Any) -> Any:
        """Have a coroutine that only takes its turn run to its end, before anything else happens."""
        network = self.here.network
        doing = network.spawn(task(awaitable))
        while not doing.done:
            network.step(doing)
        if doing.error is not None:
            raise doing.error
        return doing.result

    @rule(target=calls, function=FUNCTIONS, isolate=st.booleans())
    def submits(self, function: str, isolate: bool) -> Call:
        """A program submits a job."""
        world = self.here
        name, function = self._arguments(function)
        submitted = world.client.submit(name, api_name=function, isolate=isolate)
        if world.is_async:
            waiter = world.network.spawn(task(submitted))
            world.network.step(waiter)
            world.calls[-1].waiter = waiter
            world.calls[-1].is_submitted = True
            return world.calls[-1]
        call = world.calls[-1]

        def done(_: Any) -> None:
            call.callbacks += 1

        call.submitted = submitted
        submitted.add_done_callback(done)
        return call

    @rule(target=calls, function=FUNCTIONS, number=st.integers(2, 3))
    def submits_several(self, function: str, number: int) -> MultipleResults[Call]:
        """A program submits jobs of one function: siblings, which a server may take for each other."""
        return multiple(*[self.submits(function, False) for _ in range(number)])

    @precondition(lambda self: self.here.is_async)
    @rule(target=calls, function=FUNCTIONS, isolate=st.booleans())
    def awaits(self, function: str, isolate: bool) -> Call:
        """A task awaits a prediction."""
        world = self.here
        name, function = self._arguments(function)
        predicting = world.client.predict(name, api_name=function, isolate=isolate)
        waiter = world.network.spawn(task(predicting))
        world.network.step(waiter)
        world.calls[-1].waiter = waiter
        return world.calls[-1]

    @precondition(
        lambda self: not self.here.is_async and self.here.silent_since is None and not self._holds()
    )
    @rule(function=FUNCTIONS, isolate=st.booleans(), events=st.integers(0, MANY_EVENTS))
    def predicts_until_ctrl_c(self, function: str, isolate: bool, events: int) -> None:
        """A program predicts; after so many events, if it still waits, the user presses Ctrl-C."""
        world = self.here
        name, function = self._arguments(function)
        self.interrupts_after = events
        with contextlib.suppress(GradioError, KeyboardInterrupt):
            world.client.predict(name, api_name=function, isolate=isolate)
        if self.interrupts_after is None and world.calls[-1].name == name:
            world.calls[-1].is_told_off = True
        self.interrupts_after = None

    def _holds(self) -> bool:
        return any(wire.is_held for wire in self.here.network.wires())

    @rule(call=calls, force=st.booleans())
    def cancels(self, call: Call, force: bool) -> None:
        """A program cancels a job."""
        world = self.here
        if call.facade is not None:
            call.is_told_off = True
            cancelling = call.facade.cancel(force)
            if world.is_async:
                waiter = world.network.spawn(task(cancelling))
                world.network.step(waiter)
                world.cancellations.append(waiter)

    @precondition(lambda self: self.here.is_async)
    @rule(call=calls)
    def goes_away(self, call: Call) -> None:
        """A task that awaits a call is cancelled, or the block of a submitted job is left."""
        world = self.here
        if call.waiter is not None and not call.waiter.done:
            call.is_told_off = True
            world.network.cancel(call.waiter, Gone())
            assert call.job.is_settled
        elif call.facade is not None:
            call.is_told_off = True
            self._do(call.facade.__aexit__(None, None, None))
            assert call.job.is_settled

    @precondition(lambda self: bool(self.here.cancellations))
    @rule(number=st.integers(0, 3))
    def gives_up_cancelling(self, number: int) -> None:
        """A task that waits for ``cancel()`` is cancelled."""
        cancelling = self.here.cancellations
        self.here.network.cancel(cancelling[number % len(cancelling)], Gone())

    @rule()
    def resets_the_session(self) -> None:
        """A program asks for a new session."""
        world = self.here
        resetting = world.client.reset_session()
        if world.is_async:
            self._do(resetting)

    # What happens.

    @rule(picks=st.lists(st.integers(0, 4), min_size=1, max_size=25))
    def things_happen(self, picks: list[int]) -> None:
        """As many as there are picks, each the one that is picked of those that may."""
        self.picks = list(picks)
        self.here.network.turn(len(picks))
        self.picks = []

    @rule(seconds=st.sampled_from([0.3, 1.5, 4.5, 20.0, 70.0]))
    def time_passes(self, seconds: float) -> None:
        """Everything happens that does in that time."""
        network = self.here.network
        network.run_until(lambda: False, network.now + seconds)

    # What networks do that is no fault.

    @rule(seconds=LATENCIES)
    def is_slow(self, seconds: float) -> None:
        """From now on every piece of bytes takes so long."""
        self.here.network.latency = seconds

    @rule(wire=WIRES)
    def a_connection_is_late(self, wire: int) -> None:
        """For a second: whatever comes on others overtakes."""
        network = self.here.network
        for found in self._wire(wire):
            network.hold(found)
            network.run_until(lambda: False, network.now + 1.0)
            if self.here.silent_since is None:
                network.release(found)

    @rule(target=calls, function=FUNCTIONS, seconds=st.sampled_from([1.0, 5.0]))
    def a_join_is_answered_late(self, function: str, seconds: float) -> Call:
        """A program submits a job. The reply to its join is late, so that what the stream says of it overtakes."""
        call = self.submits(function, False)
        network = self.here.network
        for joining in self._joining(call):
            network.hold(joining)
            network.run_until(lambda: False, network.now + seconds)
            if self.here.silent_since is None:
                network.release(joining)
        return call

    def _joining(self, call: Call) -> list[Wire]:
        """The connection on which a call's join has just reached the server, if it comes so far."""
        network = self.here.network
        inputs = f'"{call.name}"'.encode()
        for _ in range(LONGEST_WAY):
            network.turn(1)
            if any(inputs in request for request in network.arrived):
                break
        return [wire for wire in network.wires() if inputs in wire.request and not wire.is_answered]

    @rule(wire=WIRES)
    def an_event_comes_twice(self, wire: int) -> None:
        """Something repeats the next event of a stream that says the same twice."""
        for found in self._wire(wire):
            found.repeats_event = True

    # What networks and servers do that is one.

    def _harm(self) -> Network:
        world = self.here
        world.is_well = False
        world.harmed_at.append(world.network.now)
        for call in world.calls:
            call.is_harmed = call.is_harmed or call.outcome is None
        return world.network

    def _wire(self, number: int) -> list[Wire]:
        wires = self.here.network.wires()
        return [wires[number % len(wires)]] if wires else []

    @precondition(may_fail)
    @rule(wire=WIRES, after=EVENTS, up=BYTES, down=BYTES, cleanly=st.booleans())
    def a_connection_is_cut(self, wire: int, after: int, up: int, down: int, cleanly: bool) -> None:
        """After so many things that happen, and so many of the bytes that are under way by then."""
        self.here.network.turn(after)
        for found in self._wire(wire):
            self._harm().cut(found, up=up, down=down, cleanly=cleanly)

    @precondition(may_fail)
    @rule(target=calls, function=FUNCTIONS, cleanly=st.booleans())
    def a_join_loses_its_reply(self, function: str, cleanly: bool) -> Call:
        """A program submits a job. The server takes it, and the connection is cut before anybody is told."""
        call = self.submits(function, False)
        for joining in self._joining(call):
            self._harm().cut(joining, up=sum(map(len, joining.going_up)), down=0, cleanly=cleanly)
        return call

    @precondition(may_fail)
    @rule(wire=WIRES)
    def a_connection_falls_silent(self, wire: int) -> None:
        """Nothing passes there any more, and nobody is told."""
        for found in self._wire(wire):
            self._harm().hold(found)

    @precondition(may_fail)
    @rule(after=EVENTS, seconds=st.sampled_from([0.0, 7.0, 62.0, 62.0]))
    def the_network_falls_silent(self, after: int, seconds: float) -> None:
        """After so many things that happen nothing passes anywhere; so long at least."""
        self.here.network.turn(after)
        network = self._harm()
        network.fall_silent()
        if self.here.silent_since is None:
            self.here.silent_since = network.now
        network.run_until(lambda: False, network.now + seconds)

    @precondition(may_fail)
    @rule()
    def connections_are_refused(self) -> None:
        """No new connection is made."""
        self._harm().refuses = True

    @precondition(may_fail)
    @rule(wire=WIRES)
    def a_proxy_repeats_a_request(self, wire: int) -> None:
        """A GET, since its own connection to the server broke."""
        for found in self._wire(wire):
            self._harm().repeat_request(found)

    @precondition(may_fail)
    @rule(status=st.sampled_from([429, 500, 502, 503, 504]), reaches=st.booleans())
    def a_gateway_answers(self, status: int, reaches: bool) -> None:
        """The next request, in the server's place; one that says 502 or 504 may have passed it on."""
        self._harm().page = (status, reaches and status in (502, 504))

    @precondition(may_fail)
    @rule()
    def a_portal_redirects(self) -> None:
        """The next GET, to another host."""
        self._harm().redirects = True

    @precondition(may_fail)
    @rule(cleanly=st.booleans())
    def the_server_is_restarted(self, cleanly: bool) -> None:
        """It knows no session any more."""
        self._harm().restart(cleanly=cleanly)

    @precondition(may_fail)
    @rule()
    def the_network_gets_well(self) -> None:
        """What was held comes, and the next call works."""
        world = self.here
        world.network.heal()
        world.network.settle()
        world.is_well, world.silent_since = True, None
        call = self.submits("/echo", False)
        world.network.run_until(lambda: call.outcome is not None, world.network.now + PATIENCE)
        assert isinstance(call.outcome, Completed), f"the next call ends with {call.outcome}"

    # What holds.

    def check_invariants(self, *_: Any) -> None:
        """Ask for each promise after each step; a story that is printed tells of the steps only."""
        if self.world is not None:
            self.promises_hold(self.world)

    def promises_hold(self, world: World) -> None:
        """All of them."""
        for call in world.calls:
            self.it_ends_once(call)
            if call.outcome is not None:
                self.its_end_is_right(call, call.outcome)
            self.it_is_sent_once(call)
        self.one_stream_for_each_session(world)
        self.somebody_reads(world)
        self.silence_ends(world)
        self.nobody_polls(world)
        self.nobody_else_hears_the_secret(world)
        self.what_is_kept_is_bounded(world)

    def it_ends_once(self, call: Call) -> None:
        """Every job gets exactly one terminal event, and nothing after it."""
        assert call.endings == call.job.is_settled, f"{call} has ended {call.endings} times"
        assert call.job.outcome is call.outcome, f"{call} has ended in two ways"
        assert call.news_after_end == 0, f"{call} has news after its end"
        assert call.callbacks <= 1, f"the caller of {call} was told {call.callbacks} times"

    def its_end_is_right(self, call: Call, outcome: Terminal) -> None:
        """A value is the one that the function gave; an error has a reason, and tells the truth."""
        world = self.here
        witness = world.witness
        assert witness.runs[call.name] <= 1, f"the function ran twice for {call}"
        said = witness.yielded.get(call.name, [])
        if isinstance(outcome, Completed):
            assert call.function != "/fail"
            assert outcome.value == witness.values[call.name], f"{call} has the value {outcome.value!r}"
        elif isinstance(outcome, Cancelled):
            assert call.is_told_off or (outcome.by_server and call.is_harmed), f"nobody has cancelled {call}"
        elif isinstance(outcome.error, AppError):
            assert call.function == "/fail", outcome.error
            assert call.name in outcome.error.message
        else:
            self._check_error(call, outcome.error)
        journal = call.job.journal
        if journal is not None and call.facade is not None:
            events = self._events(call)
            assert [event for event in events if isinstance(event, Terminal)] == events[-1:]
            outputs = [event.value for event in events if isinstance(event, Output)]
            whole = isinstance(outcome, Completed) and call.job.is_generator
            assert outputs == (said if whole else said[: len(outputs)]), f"{call} gave {outputs}"

    def _events(self, call: Call) -> list[Any]:
        """All that a job that has ended tells."""
        events = call.facade.events()
        if not self.here.is_async:
            return list(events)

        async def collect() -> list[Any]:
            return [event async for event in events]

        collected: list[Any] = self._do(collect())
        return collected

    def _check_error(self, call: Call, error: GradioError) -> None:
        if isinstance(error, ClientClosed):
            assert self.here.client._closed
            return
        assert call.is_harmed, f"{call} ended with {error!r}, and nothing had failed"
        assert type(error) is not GradioError, f"{call} ended with an error of no kind: {error!r}"
        assert not isinstance(error, LocalProtocolError), f"{call} ended with {error!r}"
        ran = self.here.witness.runs[call.name]
        assert not (error.retryable and ran), f"{call} may be repeated, says {error!r}, and has run"
        if isinstance(error, ConnectionLost | ConnectError | DeadlineExceeded):
            is_sent = any(call.name.encode() in request for request in self.here.network.sent)
            assert not (error.phase == "not_sent" and ran), (
                f"{call} was not sent, says {error!r}, and has run"
            )
            if error.phase in ("accepted", "stream_lost") and call.live.carrier is Carrier.SHARED_STREAM:
                assert is_sent

    def it_is_sent_once(self, call: Call) -> None:
        """Nothing that may make a function run is sent again."""
        inputs = f'"{call.name}"'.encode()
        times = sum(inputs in request for request in self.here.network.sent)
        assert times <= 1, f"the inputs of {call} were sent {times} times"

    def one_stream_for_each_session(self, world: World) -> None:
        """Whatever the number of its jobs."""
        streams = Counter(wire.open_stream_of() for wire in world.network.wires())
        del streams[None]
        assert not streams or max(streams.values()) == 1, f"a session has several streams: {streams}"

    def somebody_reads(self, world: World) -> None:
        """Where anybody waits for the right to read a stream, somebody has it, or is about to take it."""
        for baton in {call.live.session.baton for call in world.calls}:
            is_idle = bool(baton._waiting) and not baton.is_held
            assert not is_idle or next(iter(baton._waiting)).is_set, "nobody reads, and nobody is told to"

    def silence_ends(self, world: World) -> None:
        """Nobody waits for ever, where the server of that generation would give a sign of life."""
        if world.silent_since is None:
            return
        # Who waits for a place begins when another call has ended, which may be well into the silence.
        is_in_turn = world.engine.max_workers is not None or world.has_state
        turns = [call.ended for call in world.calls if call.ended is not None and is_in_turn]
        for call in world.calls:
            since = max(world.silent_since, call.began, *turns)
            if call.outcome is None and world.network.now > since + SILENCE:
                has_sign = call.live.carrier is not Carrier.EVENT_STREAM
                waits_for_turn = call.job.state is JobState.NEW
                assert not has_sign or waits_for_turn, f"{call} has waited for {world.network.now - since} s"

    def nobody_polls(self, world: World) -> None:
        """What is waited for wakes whoever waits."""
        naps = world.network.naps
        assert naps <= 4 + 2 * len(world.calls), f"somebody has slept {naps} times for a moment"

    def nobody_else_hears_the_secret(self, world: World) -> None:
        """Credentials belong to an origin."""
        assert not world.network.told_elsewhere, "another host was told a secret, or asked"

    def what_is_kept_is_bounded(self, world: World) -> None:
        """By the limits, and for somebody."""
        limits = world.engine.state.limits
        assert len(world.engine.transport.pool._idle) <= IDLE_CONNECTIONS
        assert world.engine.state.budget.used <= limits.client_unread_bytes
        for session in {call.live.session for call in world.calls}:
            assert len(session._early) <= limits.orphan_messages
            assert session._early_bytes <= limits.orphan_bytes
            assert len(session._ended) <= REMEMBERED_EVENTS
            assert session.joining or not (session._early or session._spoilt), "kept for nobody"

    # The end.

    def teardown(self) -> None:
        """Everything ends, the next call works, what was given up has stopped, and nothing stays open."""
        if self.world is None:
            return
        if sys.exc_info()[1] is not None:  # what was found is told, and not what comes of it
            with contextlib.suppress(Exception):
                self._close(self.world)
            return
        try:
            if not self.world.closes_early:
                self._finish(self.world)
        finally:
            self._close(self.world)
        self._check_closed(self.world)

    def _finish(self, world: World) -> None:
        network = world.network
        self.the_network_gets_well()
        waiting = [*world.cancellations, *(call.waiter for call in world.calls if call.waiter)]

        def is_over() -> bool:
            return all(call.outcome for call in world.calls) and all(waiter.done for waiter in waiting)

        network.run_until(is_over, network.now + PATIENCE)
        for call in world.calls:
            assert call.outcome is not None, f"{call} never ends: it is {call.job.state.name}"
        assert is_over(), "a cancellation never ends"
        for cancelling in world.cancellations:
            assert cancelling.error is None or isinstance(cancelling.error, Gone), "to cancel has failed"
        network.run_until(lambda: False, network.now + 2 * STOPPED)
        self.promises_hold(world)
        for call in world.calls:
            assert not self._should_have_stopped(call) or call.name not in world.witness.finished, (
                f"{call} was cancelled and runs on at the server"
            )
            session = call.live.session
            left = session.jobs or session.joining or session.baton.is_held
            assert not left, f"{call} has left something behind"
        assert not world.engine.state.open_jobs
        assert len(network.tasks) <= (1 if world.has_state else 0), f"somebody still waits: {network.tasks}"

    def _should_have_stopped(self, call: Call) -> bool:
        """Whether a call was cancelled where that could harm nobody, and nothing has failed because of which the server
        may not have heard of it."""
        if call.function != "/many" or not isinstance(call.outcome, Cancelled) or call.ended is None:
            return False
        until = call.ended + STOPPED
        if call.is_harmed or any(call.began <= time <= until for time in self.here.harmed_at):
            return False
        siblings = [other for other in self.here.calls if other.job.session_hash == call.job.session_hash]
        return not any(
            other.function == call.function and other.began <= until and call.ended <= (other.ended or until)
            for other in siblings
            if other is not call
        )

    def _close(self, world: World) -> None:
        closing = world.client.close()
        if world.is_async:
            self._do(closing)

    def _check_closed(self, world: World) -> None:
        network = world.network
        network.settle()
        waiters = [*world.cancellations, *(call.waiter for call in world.calls if call.waiter)]
        assert all(waiter.done for waiter in waiters), "somebody waits for a client that was closed"
        self.promises_hold(world)
        for call in world.calls:
            assert call.job.is_settled, f"{call} was left open"
        assert not network.tasks, f"flows of a closed client go on: {network.tasks}"
        assert not any(isinstance(wire, Wire) and not wire.closed for wire in network.streams), (
            "a connection is open"
        )
        sent = len(network.sent)
        network.heal()
        network.run_until(lambda: False, network.now + SILENCE)
        assert len(network.sent) == sent, "a closed client talks"
