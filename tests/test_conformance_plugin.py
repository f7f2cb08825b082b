"""Cases of the tester as tests of pytest."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from made_cases import CASES, made_cases

from gradio_proto.conformance import pytest_plugin
from gradio_proto.conformance.choice import near_ids, patterns
from gradio_proto.conformance.pytest_plugin import names_of
from gradio_proto.conformance.runner import UNREADABLE
from gradio_proto.testing import TestApp, serve

pytest_plugins = ["pytester"]

APP = """
from gradio_proto.testing import TestApp

app = TestApp()

@app.endpoint("/greet")
def greet(name: str) -> str:
    return f"Hello, {name}!"
"""

app = TestApp()


@app.endpoint("/greet")
def greet(name: str) -> str:
    return f"Hello, {name}!"


@pytest.fixture(autouse=True)
def cases() -> Iterator[None]:
    with made_cases():
        yield


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(app) as address:
        yield address


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    # In the same process the filters of this suite are there too, and make errors of warnings.
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-W", "default", *arguments)


def outcomes(result: pytest.RunResult) -> dict[str, int]:
    return result.parseoutcomes()


# What it costs.


def test_importing_it_loads_nothing_but_pytest() -> None:
    program = """
        import json, sys
        import pytest
        before = set(sys.modules)
        import gradio_proto.conformance.pytest_plugin
        print(json.dumps(sorted(set(sys.modules) - before)))
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert json.loads(done.stdout) == [
        "gradio_proto",
        "gradio_proto.conformance",
        "gradio_proto.conformance.pytest_plugin",
    ]


def test_pytest_loads_it_by_itself(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.pluginmanager.get_plugin("gradio_proto") is pytest_plugin


def test_without_the_option_nothing_is_added(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_own(): pass")
    result = run(pytester, "-v")
    assert outcomes(result) == {"passed": 1}
    assert "gradio" not in result.stdout.str().partition("collected")[2]


# Items.


def test_each_case_is_an_item(pytester: pytest.Pytester, url: str) -> None:
    pytester.makepyfile("def test_own(): pass")
    result = run(pytester, "-v", "-rs", "--gradio-url", url, "--gradio-seed", "5")
    assert outcomes(result) == {
        "passed": 5,  # the suite's own, made/holds, made/warns, made/told, made/draws/well
        "failed": 2,
        "warnings": 1,
        "skipped": 3,
        "errors": 1,
    }
    shown = result.stdout.str()
    assert f"gradio server: {url}, seed 5\n" in shown
    for line in (
        "gradio_proto::made/holds PASSED",
        "gradio_proto::made/fails FAILED",
        "gradio_proto::made/warns PASSED",
        "gradio_proto::made/told PASSED",
        "gradio_proto::made/cannot SKIPPED (there is nothing to try)",
        "gradio_proto::made/breaks ERROR",
        "gradio_proto::made/draws FAILED",
        "gradio_proto::made/draws/well PASSED",
    ):
        assert re.search(rf"^{re.escape(line)}", shown, re.MULTILINE), line
    assert "there is nothing to try" in shown
    assert "disturbs others on the same server" in shown


def test_a_failure_shows_what_was_said(pytester: pytest.Pytester, url: str) -> None:
    result = run(
        pytester,
        *("--gradio-url", url, "--gradio-select", "made/fails", "--gradio-seed", "5", "--gradio-strict"),
        *("--gradio-endpoint", "/greet", "--gradio-profile", "quick", "--gradio-destructive"),
    )
    assert outcomes(result) == {"failed": 1}
    result.stdout.fnmatch_lines(
        [
            "FAIL made/fails (MUST, major)",
            f"  {CASES['made/fails'].requirement.text}",
            "  it was answered 404",
            "* > GET *no-such-route",
            "* < 404 Not Found*",
            "  last request: curl -i -N *",
            "  seed 5",
            f"  replay: pytest gradio_proto::made/fails --gradio-url {url} --gradio-seed 5 --gradio-endpoint /greet"
            " --gradio-profile quick --gradio-strict --gradio-destructive",
            "FAILED gradio_proto::made/fails*",
        ]
    )
    assert "pytest_plugin.py" not in result.stdout.str()


def test_an_error_of_the_tester_is_no_failure(pytester: pytest.Pytester, url: str) -> None:
    result = run(pytester, "--gradio-url", url, "--gradio-select", "made/breaks")
    assert outcomes(result) == {"errors": 1}
    result.stdout.fnmatch_lines(
        ["ERROR made/breaks (MUST, major)", "  ZeroDivisionError: the tester divides by zero"]
    )


def test_a_warning(pytester: pytest.Pytester, url: str) -> None:
    arguments = ("--gradio-url", url, "--gradio-select", "made/warns")
    result = run(pytester, *arguments)
    assert outcomes(result) == {"passed": 1, "warnings": 1}
    result.stdout.fnmatch_lines(["*ConformanceWarning: WARN made/warns (SHOULD, major)"])
    assert outcomes(run(pytester, "-W", "error", *arguments)) == {"failed": 1}
    assert outcomes(run(pytester, *arguments, "--gradio-strict")) == {"failed": 1}


def test_the_example_is_the_smallest(pytester: pytest.Pytester, url: str) -> None:
    result = run(
        pytester, "--gradio-url", url, "--gradio-select", "made/draws", "--gradio-skip", "made/draws/well"
    )
    assert outcomes(result) == {"failed": 1}
    result.stdout.re_match_lines([r"  \d\d was answered 404"])


def test_roles_and_what_disturbs(pytester: pytest.Pytester, url: str) -> None:
    selected = ("--gradio-url", url, "--gradio-select", "made/wants", "--gradio-select", "made/disturbs")
    assert outcomes(run(pytester, *selected)) == {"skipped": 2}
    allowed = ("--gradio-endpoint", "echo=/greet", "--gradio-destructive")
    assert outcomes(run(pytester, *selected, *allowed)) == {"passed": 2}


def test_an_item_can_be_named(pytester: pytest.Pytester, url: str) -> None:
    pytester.makepyfile("def test_own(): pass")
    assert outcomes(run(pytester, "gradio_proto::made/holds", "--gradio-url", url)) == {"passed": 1}
    both = ("gradio_proto::made/holds", "test_an_item_can_be_named.py", "--gradio-url", url)
    assert outcomes(run(pytester, *both)) == {"passed": 2}
    every = run(pytester, "gradio_proto::", "--gradio-url", url, "--collect-only", "-q")
    assert [line for line in every.outlines if "::" in line] == [f"gradio_proto::{id}" for id in CASES]


def test_k_chooses_among_the_items(pytester: pytest.Pytester, url: str) -> None:
    result = run(pytester, "--gradio-url", url, "-k", "holds")
    assert outcomes(result) == {"passed": 1, "deselected": len(CASES) - 1}


def test_collecting_says_nothing_to_the_server(pytester: pytest.Pytester) -> None:
    result = run(pytester, "--collect-only", "--gradio-url", "http://127.0.0.1:1")
    assert result.ret == 0
    assert f"{len(CASES)} tests collected" in result.stdout.str()


def test_a_server_that_is_not_there(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        "--gradio-url",
        "http://127.0.0.1:1",
        "--gradio-select",
        "made/holds",
        "--gradio-select",
        "made/fails",
    )
    assert outcomes(result) == {"errors": 2}
    result.stdout.fnmatch_lines(["Unreachable: no connection to 127.0.0.1:1*"])
    assert "wire.py" not in result.stdout.str()


def test_a_server_whose_config_cannot_be_read(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(TestApp):
        def config(self, *arguments: Any, **options: Any) -> Any:
            return {"version": 1}

    monkeypatch.setitem(CASES, UNREADABLE, replace(CASES["made/holds"], id=UNREADABLE))
    with serve(Broken()) as url:
        result = run(pytester, "--gradio-url", url, "-rs")
    assert outcomes(result) == {"failed": 1, "skipped": len(CASES) - 1}
    result.stdout.fnmatch_lines([f"FAIL {UNREADABLE} (MUST, major)", "*the server's config cannot be read*"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--gradio-url", "127.0.0.1"], "--gradio-url: '127.0.0.1' is no URL*"),
        (
            ["gradio_proto::made/holds"],
            "gradio_proto::made/holds is a case of a server: --gradio-url URL says which",
        ),
        (
            ["--gradio-url", "http://127.0.0.1:1", "--gradio-select", "made/hold"],
            "no case matches 'made/hold'; did you mean made/holds*",
        ),
    ],
)
def test_what_cannot_be_meant(arguments: list[str], message: str, pytester: pytest.Pytester) -> None:
    result = run(pytester, *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])


def test_a_query_of_the_url_is_not_shown(pytester: pytest.Pytester, url: str) -> None:
    result = run(pytester, "--gradio-url", f"{url}/?token=hunter22", "--gradio-select", "made/fails")
    assert "hunter22" not in result.stdout.str() + result.stderr.str()


# In a suite of one's own.

CONFTEST = """
import pytest
from app import app
from gradio_proto.testing import serve

@pytest.fixture(scope="session")
def gradio_server():
    with serve(app) as url:
        yield url
"""

OWN = """
from gradio_proto.conformance.pytest_plugin import conformance_tests

test_conformance = conformance_tests({})
"""


def suite(pytester: pytest.Pytester, arguments: str, conftest: str = CONFTEST) -> None:
    pytester.makepyfile(app=APP, test_server=OWN.format(arguments))
    pytester.makeconftest(conftest)
    pytester.syspathinsert()


def test_a_test_of_ones_own(pytester: pytest.Pytester) -> None:
    suite(pytester, "seed=5")
    result = run(pytester, "-v")
    assert outcomes(result) == {"passed": 4, "failed": 2, "warnings": 1, "skipped": 3, "errors": 1}
    assert "test_server.py::test_conformance[made/holds] PASSED" in result.stdout.str()
    result.stdout.fnmatch_lines(
        [
            "FAIL made/fails (MUST, major)",
            "* > GET *no-such-route",
            "  seed 5",
            "  replay: pytest 'test_server.py::test_conformance[[]made/fails[]]' --gradio-seed 5",
        ]
    )
    assert "pytest_plugin.py" not in result.stdout.str().partition("= warnings summary")[0]


def test_the_command_line_wins(pytester: pytest.Pytester) -> None:
    suite(pytester, "seed=5, select=['made/fails'], profile='quick'")
    result = run(pytester, "--gradio-seed", "6", "--gradio-profile", "thorough")
    result.stdout.fnmatch_lines(["  replay: pytest *--gradio-seed 6 --gradio-profile thorough"])


def test_all_cases_of_a_session_have_one_seed(pytester: pytest.Pytester) -> None:
    suite(pytester, "select=['made/fails', 'made/draws']")
    # Where CI is set, pytest's summary repeats the whole text of each failure.
    shown = run(pytester).stdout.str().partition("= short test summary info")[0]
    assert len(re.findall(r"^  seed \d+$", shown, re.MULTILINE)) == 2
    assert len(set(re.findall(r"^  seed \d+$", shown, re.MULTILINE))) == 1


@pytest.mark.parametrize(("endpoints", "wants"), [("", "skipped"), (", endpoints=['echo=/greet']", "passed")])
def test_an_app_in_place_of_a_url(endpoints: str, wants: str, pytester: pytest.Pytester) -> None:
    suite(
        pytester,
        f"select=['made/holds', 'made/wants']{endpoints}",
        "import pytest\nfrom app import app\n\n@pytest.fixture\ndef gradio_server():\n    return app\n",
    )
    assert outcomes(run(pytester)) == Counter(["passed", wants])


def test_a_fixture_of_another_name(pytester: pytest.Pytester) -> None:
    suite(pytester, "select=['made/holds'], fixture='other'", CONFTEST.replace("gradio_server", "other"))
    assert outcomes(run(pytester)) == {"passed": 1}


def test_a_server_for_each_test(pytester: pytest.Pytester) -> None:
    suite(
        pytester,
        "select=['made/holds', 'made/told', 'made/cannot']",
        CONFTEST.replace('scope="session"', 'scope="function"'),
    )
    assert outcomes(run(pytester)) == {"passed": 2, "skipped": 1}


def test_a_fixture_that_yields_something_else(pytester: pytest.Pytester) -> None:
    suite(
        pytester,
        "select=['made/holds']",
        "import pytest\n\n@pytest.fixture\ndef gradio_server():\n    return 7860\n",
    )
    result = run(pytester)
    assert outcomes(result) == {"errors": 1}
    result.stdout.fnmatch_lines(["TypeError: a server is a URL or a TestApp, and not 7860"])


def test_a_pattern_that_matches_nothing(pytester: pytest.Pytester) -> None:
    suite(pytester, "select=['made/hold']")
    result = run(pytester)
    assert outcomes(result) == {"errors": 1}
    result.stdout.fnmatch_lines(["*UsageError: no case matches 'made/hold'; did you mean made/holds*"])


def test_secrets_are_not_shown(pytester: pytest.Pytester, url: str) -> None:
    suite(
        pytester,
        "select=['made/fails'], token='hunter22', headers={'x-key': 'hunter23'}",
        f"import pytest\n\n@pytest.fixture\ndef gradio_server():\n    return {url!r}\n",
    )
    result = run(pytester, "-vv")
    assert outcomes(result) == {"failed": 1}
    shown = result.stdout.str() + result.stderr.str()
    assert "authorization: [redacted]" in shown
    assert "hunter2" not in shown


def test_the_extra_is_named(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio_proto.conformance.runner", None)
    result = run(pytester, "--gradio-url", "http://127.0.0.1:1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: *it comes with the extra 'conformance': pip install 'gradio_proto[[]conformance[]]'"]
    )


# Parts.


def test_which_endpoints_of_an_app_may_be_called() -> None:
    many = TestApp()
    everywhere: dict[str, Any] = {"inputs": ["textbox"], "outputs": ["textbox"]}
    for name, options in {
        "plain": {},
        "hidden": {"api_visibility": "private"},
        "chunks": {"connection": "stream"},
        "stop": {"cancels": ["plain"]},
    }.items():
        many.endpoint(name, **everywhere, **options)(lambda text: text)
    assert names_of(many) == ("/plain", "/stop")


def test_patterns() -> None:
    ids = ["queue/join/a", "queue/join", "stream/a"]
    assert patterns(["queue/join", "*/a"], ids) == ("queue/join", "queue/join/*", "*/a", "*/a/*")
    with pytest.raises(LookupError, match=r"^no case matches 'queue/jon'; did you mean queue/join"):
        patterns(["queue/jon"], ids)
    with pytest.raises(LookupError, match=r"^no case matches 'zzzzzzzzzzz'$"):
        patterns(["zzzzzzzzzzz"], ids)


def test_near_ids() -> None:
    ids = [f"queue/join/{number}" for number in range(9)]
    assert near_ids("join", ids) == ids[:5]
    assert near_ids("", ids) == []
