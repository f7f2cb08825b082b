"""Each case of the tester as a test of pytest.

``pytest --gradio-url URL`` runs the cases besides the tests that there are, each as an item of its own:
``gradio_proto::queue/join/unknown-fn``. Such a name can also be given to pytest, and ``gradio_proto::`` stands for all
of them, without other tests.

:func:`conformance_tests` makes a test of one's own suite, for a server that a fixture called ``gradio_server`` yields.

A case that fails is a test that fails, with what was said in its text. One that warns is a warning, one that cannot be
tried is skipped, and where the tester itself fails, or the server cannot be reached, that is an error, not a failure.

pytest loads this module in every run of everybody who has installed this package. So it imports pytest alone, and does
nothing before it is asked.
"""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from gradio_proto.testing import TestApp

    from .model import Report, Result
    from .runner import Profile, Run

NODE: Final = "gradio_proto"
"""What the names of the items begin with."""

LARGEST_SEED: Final = 1_000_000
"""Of those that are drawn: a seed is typed by people."""


class ConformanceWarning(UserWarning):
    """A server does not do what it SHOULD, or did something wrong once that did not happen again."""


@dataclass(frozen=True)
class Asked:
    """What is asked for."""

    endpoints: tuple[str, ...] | None = None
    """Which may be called: ``/name`` or ``role=/name``; None for all of a TestApp, and none of a URL."""
    select: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    profile: Profile | None = None
    seed: int | None = None
    strict: bool = False
    destructive: bool = False
    auth: tuple[str, str] | None = field(default=None, repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    token: str | None = field(default=None, repr=False)
    rate: float | None = None

    def case_ids(self) -> list[str]:
        """The ids of the cases.

        Raises:
            pytest.UsageError: A pattern matches none, or the extra that the tester takes is not installed.
        """
        try:
            from .choice import patterns
            from .registry import all_cases
            from .runner import Options, selected

            select, skip = patterns(self.select, all_cases()), patterns(self.skip, all_cases())
            return [case.id for case in selected(Options(select=select, skip=skip))]
        except LookupError as error:
            raise pytest.UsageError(str(error)) from None
        except ModuleNotFoundError as error:
            message = (
                f"{error}: it comes with the extra 'conformance': pip install 'gradio_proto[conformance]'"
            )
            raise pytest.UsageError(message) from None


class Server:
    """A server, on which cases are tried one by one as their tests come.

    Args:
        where: Its URL, or an app that is to be served.
        asked: What is asked for; profile and seed are settled.
    """

    def __init__(self, where: str | TestApp, asked: Asked) -> None:
        self.where = where
        self.asked = asked
        self._stack = ExitStack()
        self._run: Run | None = None
        self._failure = ""
        """Why it cannot be reached: once is enough to wait for."""
        self._unreadable = ""
        """What is wrong with its config, where that cannot be read."""

    def result(self, case_id: str, replay: str) -> tuple[Report, Result]:
        """Try a case.

        Args:
            case_id: Which.
            replay: The command that does it again.

        Raises:
            pytest.fail.Exception: The server cannot be reached.
        """
        from .model import Result, Verdict
        from .registry import all_cases
        from .runner import UNREADABLE

        run = self._begun()
        if not self._unreadable:
            result = run.result(all_cases()[case_id])
        elif case_id == UNREADABLE:
            result = Result(case_id, Verdict.FAIL, self._unreadable)
        else:
            result = Result(case_id, Verdict.SKIP, "the server's config cannot be read")
        return self._report(run, replace(result, replay=replay))

    def close(self) -> None:
        """Close all connections, and the server if it is served here."""
        self._stack.close()

    def _begun(self) -> Run:
        """The run, with what the server is read."""
        from gradio_proto.errors import GradioError

        from .model import Unreachable, Violation

        if self._failure:
            pytest.fail(self._failure, pytrace=False)
        if self._run is None:
            try:
                self._run = self._opened()
                self._run.tester("plain")
            except Violation as violation:
                self._unreadable = str(violation)
            except (Unreachable, GradioError, TypeError) as error:
                # Not raised again for each case: its traceback would grow from one to the next.
                self._failure = f"{type(error).__name__}: {error}"
                pytest.fail(self._failure, pytrace=False)
        assert self._run is not None
        return self._run

    def _opened(self) -> Run:
        from .runner import Options, Run
        from .target import live

        asked, where, endpoints = self.asked, self.where, self.asked.endpoints
        if isinstance(where, str):
            url = where
        else:
            from gradio_proto.testing import TestApp, serve

            if not isinstance(where, TestApp):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError(f"a server is a URL or a TestApp, and not {where!r}")
            if endpoints is None:
                endpoints = names_of(where)
            url = self._stack.enter_context(serve(where))
        target = self._stack.enter_context(
            live(
                url,
                endpoints=endpoints or (),
                auth=asked.auth,
                headers=dict(asked.headers),
                token=asked.token,
                rate=asked.rate,
            )
        )
        run = Run(
            target,
            Options(
                seed=asked.seed or 0,
                profile=asked.profile or "default",
                strict=asked.strict,
                destructive=asked.destructive,
            ),
        )
        self._stack.callback(run.close)
        return run

    def _report(self, run: Run, result: Result) -> tuple[Report, Result]:
        """A report of one result, for the text that shows it."""
        from .model import Report

        version = protocol = ""
        if not self._unreadable:
            config = run.tester("plain").config
            version, protocol = config.version, config.protocol
        report = Report(
            url=str(run.target.url),
            title="",
            version=version,
            protocol=protocol,
            seed=run.options.seed,
            profile=run.options.profile,
            started="",
            seconds=result.seconds,
            results=[result],
        )
        return report, result


def names_of(app: TestApp) -> tuple[str, ...]:
    """The endpoints of an app that can be called like functions."""
    return tuple(
        f"/{endpoint.name}"
        for endpoint in app.endpoints
        if endpoint.visibility == "public" and not endpoint.is_stream
    )


def _text(report: Report, result: Result) -> str:
    from .registry import all_cases
    from .reports.catalogue import facts_of
    from .reports.details import details

    return "\n".join(details(report, result, facts_of(result.case_id, all_cases())))


def _settle(report: Report, result: Result) -> None:
    """End the set-up of a test where its case says nothing about the server."""
    from .model import Verdict

    if result.verdict is Verdict.SKIP:
        pytest.skip(result.reason)
    if result.verdict is Verdict.ERROR:
        pytest.fail(_text(report, result), pytrace=False)


def _judge(report: Report, result: Result) -> None:
    """End a test as its case has ended."""
    from .model import Verdict

    if result.verdict is Verdict.FAIL:
        pytest.fail(_text(report, result), pytrace=False)
    if result.verdict is Verdict.WARN:
        warnings.warn(ConformanceWarning(_text(report, result)), stacklevel=2)


# Items of their own: --gradio-url.


_SERVERS: Final = pytest.StashKey[list[Server]]()
_SEED: Final = pytest.StashKey[int]()
"""The seed where none is given: one for the whole session."""

_NAMED: Final = pytest.StashKey[set[str]]()
"""The items that were named as arguments."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--gradio-url`` and what goes with it."""
    group = parser.getgroup("gradio", "conformance to the Gradio protocol")
    group.addoption(
        "--gradio-url", metavar="URL", help="Try what the server at URL does: each case is a test."
    )
    group.addoption(
        "--gradio-endpoint",
        action="append",
        default=[],
        metavar="[ROLE=]/NAME",
        help="An endpoint that may be called; with a ROLE, one that does what the reference app's endpoint of that"
        " name does.",
    )
    group.addoption(
        "--gradio-select", action="append", default=[], metavar="GLOB", help="Only cases whose id matches."
    )
    group.addoption(
        "--gradio-skip", action="append", default=[], metavar="GLOB", help="No case whose id matches."
    )
    group.addoption(
        "--gradio-profile",
        choices=["quick", "default", "thorough"],
        help="How much is tried.",
    )
    group.addoption(
        "--gradio-seed",
        type=int,
        metavar="N",
        help="What examples are drawn from; random if it is not given.",
    )
    group.addoption("--gradio-strict", action="store_true", help="A SHOULD that is broken is a failure.")
    group.addoption(
        "--gradio-destructive", action="store_true", help="Also try what disturbs others, or intrudes."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Take the names of items out of the arguments: pytest itself looks there for files."""
    named = {argument for argument in config.args if argument.startswith(f"{NODE}::")}
    if named and _option(config, "--gradio-url") is None:
        raise pytest.UsageError(f"{min(named)} is a case of a server: --gradio-url URL says which")
    config.stash[_SERVERS] = []
    config.stash[_NAMED] = named
    if named:
        config.args[:] = [argument for argument in config.args if argument not in named]


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which server is tried, and with which seed."""
    url = _option(config, "--gradio-url")
    return None if url is None else f"gradio server: {_address(url)}, seed {_seed(config)}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add an item for each case, before others choose among the items."""
    if _option(config, "--gradio-url") is not None:
        named = config.stash[_NAMED]
        cases = Cases.from_parent(  # pyright: ignore[reportUnknownMemberType]
            session, name=NODE, nodeid=NODE, server=_live(config)
        )
        for node in session.genitems(cases):
            assert isinstance(node, pytest.Item)
            if not named or node.nodeid in named or f"{NODE}::" in named:
                items.append(node)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Close what was opened."""
    for server in session.config.stash[_SERVERS]:
        server.close()


def _option(config: pytest.Config, name: str) -> Any:
    # Its type is known to pytest_addoption() alone.
    return config.getoption(name)


def _address(url: str) -> str:
    """The URL without a query, which may hold a secret."""
    from gradio_proto.errors import ArgumentError
    from gradio_proto.urls import parse_app_url

    try:
        return str(parse_app_url(url))
    except ArgumentError as error:
        raise pytest.UsageError(f"--gradio-url: {error}") from None


def _seed(config: pytest.Config, own: int | None = None) -> int:
    """The seed of the command line, or else that of the suite's author, or else a random one."""
    given: int | None = _option(config, "--gradio-seed")
    if given is None:
        given = own
    if given is not None:
        return given
    if _SEED not in config.stash:
        import secrets

        config.stash[_SEED] = secrets.randbelow(LARGEST_SEED)
    return config.stash[_SEED]


def _live(config: pytest.Config) -> Server:
    """The server that the command line names."""
    asked = Asked(
        endpoints=tuple(_option(config, "--gradio-endpoint")),
        select=tuple(_option(config, "--gradio-select")),
        skip=tuple(_option(config, "--gradio-skip")),
        profile=_option(config, "--gradio-profile"),
        seed=_seed(config),
        strict=_option(config, "--gradio-strict"),
        destructive=_option(config, "--gradio-destructive"),
    )
    server = Server(_address(_option(config, "--gradio-url")), asked)
    config.stash[_SERVERS].append(server)
    return server


class Cases(pytest.Collector):
    """The cases of a server."""

    def __init__(self, *, server: Server, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # pyright: ignore[reportUnknownMemberType]
        self.server = server
        self.case_ids = server.asked.case_ids()

    def collect(self) -> Generator[CaseItem]:
        """An item for each."""
        for case_id in self.case_ids:
            yield CaseItem.from_parent(  # pyright: ignore[reportUnknownMemberType]
                self, name=case_id, server=self.server
            )


class CaseItem(pytest.Item):
    """A case, tried on a server."""

    def __init__(self, *, server: Server, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # pyright: ignore[reportUnknownMemberType]
        self.server = server
        self.outcome: tuple[Report, Result] | None = None

    def setup(self) -> None:
        """Try it, so that what is no failure of the server is an error of the test."""
        self.outcome = self.server.result(self.name, self._replay())
        _settle(*self.outcome)

    def runtest(self) -> None:
        """Judge what came out."""
        assert self.outcome is not None
        _judge(*self.outcome)

    def reportinfo(self) -> tuple[str, None, str]:
        """There is no file, so the name stands for itself."""
        return NODE, None, self.name

    def _replay(self) -> str:
        asked = self.server.asked
        assert isinstance(self.server.where, str)
        words = ["pytest", self.nodeid, "--gradio-url", self.server.where, "--gradio-seed", str(asked.seed)]
        for endpoint in asked.endpoints or ():
            words += ["--gradio-endpoint", endpoint]
        words += [] if asked.profile is None else ["--gradio-profile", asked.profile]
        words += ["--gradio-strict"] if asked.strict else []
        words += ["--gradio-destructive"] if asked.destructive else []
        return shlex.join(words)


# Tests of one's own suite.


@dataclass(frozen=True)
class OwnCase:
    """A case of a test that :func:`conformance_tests` has made."""

    id: str
    asked: Asked
    fixture: str


def conformance_tests(
    *,
    endpoints: Iterable[str] | None = None,
    select: Iterable[str] = (),
    skip: Iterable[str] = (),
    profile: Profile | None = None,
    seed: int | None = None,
    strict: bool = False,
    destructive: bool = False,
    auth: tuple[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    token: str | None = None,
    rate: float | None = None,
    fixture: str = "gradio_server",
) -> Callable[..., None]:
    """Make a test that runs once for each case, on the server that a fixture yields::

        @pytest.fixture(scope="session")
        def gradio_server():
            with serve(app) as url:
                yield url

        test_conformance = conformance_tests(endpoints=["/greet"])

    The fixture yields a URL, or a :class:`~gradio_proto.testing.TestApp`, which is then served.

    Args:
        endpoints: The endpoints that may be called: ``/name``, or ``role=/name`` for one that does what the endpoint
            ``role`` of the reference app does. By default all of a TestApp, and none of a URL.
        select: Ids of cases, beginnings of ids, or patterns; without any, all are tried.
        skip: Likewise, of those to leave out.
        profile: How much is tried: ``quick``, ``default`` or ``thorough``. ``--gradio-profile`` wins.
        seed: What examples are drawn from; by default random. ``--gradio-seed`` wins.
        strict: A SHOULD that is broken is a failure.
        destructive: Others on the same server may be disturbed.
        auth: User name and password.
        headers: Sent with everything; their values are never shown.
        token: Sent as a bearer token; never shown.
        rate: The most requests a second; by default 5, and any number on this machine.
        fixture: The name of the fixture.

    Raises:
        pytest.UsageError: A pattern matches no case.
    """
    asked = Asked(
        endpoints=None if endpoints is None else tuple(endpoints),
        select=tuple(select),
        skip=tuple(skip),
        profile=profile,
        seed=seed,
        strict=strict,
        destructive=destructive,
        auth=auth,
        headers=tuple((headers or {}).items()),
        token=token,
        rate=rate,
    )
    cases = [OwnCase(id, asked, fixture) for id in asked.case_ids()]

    @pytest.mark.parametrize("gradio_case", cases, ids=lambda case: case.id)
    def test_conformance(gradio_case: OwnCase, gradio_outcome: tuple[Report, Result]) -> None:
        _judge(*gradio_outcome)

    return test_conformance


@pytest.fixture
def gradio_outcome(request: pytest.FixtureRequest, gradio_case: OwnCase) -> tuple[Report, Result]:
    """What came out of a case, on the server that the suite's own fixture yields."""
    server = _server_of(request.config, request.getfixturevalue(gradio_case.fixture), gradio_case.asked)
    words = ["pytest", request.node.nodeid, "--gradio-seed", str(server.asked.seed)]
    words += [] if server.asked.profile is None else ["--gradio-profile", server.asked.profile]
    outcome = server.result(gradio_case.id, shlex.join(words))
    _settle(*outcome)
    return outcome


def _server_of(config: pytest.Config, where: str | TestApp, asked: Asked) -> Server:
    """The server of the test before, if it is the same.

    The suite's fixture may be of any scope, and nobody tells when it ends. So a server counts as gone when the fixture
    yields another one.
    """
    servers = config.stash[_SERVERS]
    settled = replace(
        asked,
        profile=_option(config, "--gradio-profile") or asked.profile,
        seed=_seed(config, asked.seed),
    )
    for server in [server for server in servers if server.asked == settled]:
        if server.where == where:
            return server
        server.close()
        servers.remove(server)
    servers.append(Server(where, settled))
    return servers[-1]
