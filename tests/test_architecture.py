"""Guards of the architecture: the core is pure, arrows point one way, and the public names are what they seem.

The *core* is every module of ``gradio_proto`` but the client (a facade that knows threads' locks and logging),
the embedded server (sockets and threads, on purpose), the conformance tester and the command line.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import gradio_proto

PROJECT = Path(__file__).parent.parent
PACKAGE = PROJECT / "gradio_proto"
TRANSPORTS = PROJECT / "transports" / "gradio_transports"
EDGES = (
    "client/",
    "cli/",
    "conformance/",
    "testing/embedded.py",
    "recording/files.py",
    "recording/sockets.py",
)
REFERENCE_APP = tuple(f"conformance/reference/{name}.py" for name in ("app", "kinds", "twin_functions"))
"""Apps, whose functions are public by their endpoints; what those say of themselves is shown to clients."""
FLOWS = ("flows/", "exchange.py", "socks.py")

RUNNING_DATA = {
    *(
        "builtins",
        "cloudpickle",
        "code",
        "codeop",
        "ctypes",
        "dill",
        "imp",
        "jsonpickle",
        "marshal",
        "pickle",
    ),
    *("pty", "runpy", "shelve", "yaml"),
}
"""Modules by which data becomes code."""

STARTING_PROGRAMS = {
    "gradio_proto/cli/recording/commands.py",  # the program that the user records
    "gradio_proto/conformance/clients/command.py",  # the client that the user tests
    "gradio_proto/conformance/reference/launching.py",  # the servers that the user starts
    "gradio_proto/conformance/reference/processes.py",
}
"""The modules that may start other programs. None of them is loaded by a client."""

LOADING_BY_NAME = {
    "gradio_proto/__init__.py",  # by the names in tables of their own, all of them
    "gradio_proto/cli/lazy.py",
    "gradio_proto/client/__init__.py",
    "gradio_proto/client/transports.py",
    "gradio_proto/conformance/__init__.py",
    "gradio_proto/conformance/reference/__init__.py",
    "gradio_proto/conformance/registry.py",
    "gradio_proto/conformance/reports/__init__.py",
    "gradio_proto/cli/calls/serving.py",  # the app that the user serves
}
"""The modules that may load a module whose name is not written there."""


def sources(root: Path) -> dict[str, Path]:
    return {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*.py"))}


ALL = sources(PACKAGE)
CORE = {name: path for name, path in ALL.items() if not name.startswith(EDGES)}
TREES = {
    path: ast.parse(path.read_text(encoding="utf-8"))
    for path in [*ALL.values(), *sources(TRANSPORTS).values()]
}


def module_name(name: str) -> str:
    return ".".join(("gradio_proto", *name.removesuffix(".py").split("/"))).removesuffix(".__init__")


def where(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(PROJECT)}:{getattr(node, 'lineno', 0)}"


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def own_nodes(roots: list[ast.stmt]) -> Iterator[ast.AST]:
    """The nodes below ``roots``, without those of functions that are defined there."""
    todo: list[ast.AST] = list(roots)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            todo.extend(ast.iter_child_nodes(node))


def yields(roots: list[ast.stmt]) -> list[ast.AST]:
    return [node for node in own_nodes(roots) if isinstance(node, ast.Yield | ast.YieldFrom)]


# The rules. Each takes a tree and gives the nodes that break it.


def is_asynchronous(tree: ast.AST) -> Iterator[ast.AST]:
    """What runs in a loop; a protocol may say that something else does."""
    kinds = ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith
    for node in ast.walk(tree):
        declares = isinstance(node, ast.AsyncFunctionDef) and ast.unparse(node.body[-1]) == "..."
        if isinstance(node, kinds) and not declares:
            yield node


def is_flow(tree: ast.AST) -> Iterator[ast.AST]:
    """Generators that are more than a plain iterator: what a flow is, and a context manager is not."""
    for function in functions(tree):
        found = yields(function.body)
        statements = {id(node.value) for node in own_nodes(function.body) if isinstance(node, ast.Expr)}
        plain = function.returns is not None and ast.unparse(function.returns).startswith("Iterator[")
        if found and not (plain and all(id(node) in statements for node in found)):
            yield function


def is_mistyped_flow(tree: ast.AST) -> Iterator[ast.AST]:
    """Generators among the flows whose annotation does not say which rung they stand on."""
    for function in functions(tree):
        returns = "" if function.returns is None else ast.unparse(function.returns)
        if yields(function.body) and not returns.startswith(("Flow[", "ByteFlow[", "Generator[ByteEffect, ")):
            yield function


def yields_while_cleaning_up(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Try):
            yield from yields(node.finalbody)
            for handler in node.handlers:
                yield from yields(handler.body)


def prints(tree: ast.AST) -> Iterator[ast.AST]:
    return calls_of(tree, {"print"})


def calls_of(tree: ast.AST, names: set[str]) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


def runs_data(tree: ast.AST) -> Iterator[ast.AST]:
    """What would let a server's bytes run as code."""
    yield from calls_of(tree, {"eval", "exec", "compile", "__import__"})
    for node, module, _ in imports(tree):
        if module.split(".")[0] in RUNNING_DATA:
            yield node


def starts_programs(tree: ast.AST) -> Iterator[ast.AST]:
    """What would let a server's words become a command."""
    for node, module, _ in imports(tree):
        if module in ("subprocess", "_posixsubprocess", "multiprocessing"):
            yield node
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and re.fullmatch(
            r"os\.(system|popen|startfile|(posix_)?(exec|spawn)\w*)", ast.unparse(node)
        ):
            yield node


def loads_by_name(tree: ast.AST) -> Iterator[ast.AST]:
    """Imports whose name is not written there."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).endswith("import_module")
            and not isinstance(node.args[0], ast.Constant)
        ):
            yield node


def imports(tree: ast.AST) -> Iterator[tuple[ast.AST, str, str]]:
    """Each import: its node, the module (with leading dots), and the name taken from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node, "." * node.level + (node.module or ""), alias.name


def imports_the_root(name: str) -> Callable[[ast.AST], Iterator[ast.AST]]:
    """Imports of the package itself, which would make ``import gradio_proto`` a cycle."""
    submodules = {path.split("/")[0].removesuffix(".py") for path in ALL}
    dots = "." * (name.count("/") + 1)

    def rule(tree: ast.AST) -> Iterator[ast.AST]:
        for node, module, taken in imports(tree):
            if module in ("gradio_proto", dots) and taken not in submodules:
                yield node

    return rule


def is_undocumented(tree: ast.AST) -> Iterator[ast.AST]:
    assert isinstance(tree, ast.Module)
    documented = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    todo: list[ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef] = [tree]
    while todo:
        node = todo.pop()
        decorators = [] if isinstance(node, ast.Module) else map(ast.unparse, node.decorator_list)
        elsewhere = ("twin_of(", "overload")  # the docstring is that of the twin, or of what is overloaded
        if not ast.get_docstring(node) and not any(name.startswith(elsewhere) for name in decorators):
            yield node
        if isinstance(node, ast.Module | ast.ClassDef):
            todo.extend(
                child
                for child in node.body
                if isinstance(child, documented) and not child.name.startswith("_")
            )


def broken(rule: Callable[[ast.AST], Iterator[ast.AST]], path: Path) -> list[str]:
    return [where(path, node) for node in rule(TREES[path])]


@pytest.mark.parametrize("name", CORE)
def test_the_core_knows_no_event_loop(name: str) -> None:
    assert broken(is_asynchronous, CORE[name]) == []


@pytest.mark.parametrize("name", [name for name in CORE if not name.startswith(FLOWS)])
def test_flows_are_where_flows_belong(name: str) -> None:
    assert broken(is_flow, CORE[name]) == []


@pytest.mark.parametrize("name", [name for name in CORE if name.startswith(FLOWS)])
def test_a_flow_says_what_it_is_and_never_yields_while_it_cleans_up(name: str) -> None:
    assert broken(is_mistyped_flow, CORE[name]) == []
    assert broken(yields_while_cleaning_up, CORE[name]) == []


@pytest.mark.parametrize("path", TREES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_only_the_client_prints_and_nobody_runs_data(path: Path) -> None:
    if path != PACKAGE / "client" / "base.py":
        assert broken(prints, path) == []
    assert broken(runs_data, path) == []


@pytest.mark.parametrize(
    ("rule", "may"), [(starts_programs, STARTING_PROGRAMS), (loads_by_name, LOADING_BY_NAME)]
)
def test_programs_and_modules_are_started_where_it_is_known(
    rule: Callable[[ast.AST], Iterator[ast.AST]], may: set[str]
) -> None:
    assert {path.relative_to(PROJECT).as_posix() for path in TREES if broken(rule, path)} == may


# The linter forbids the same, and much else that data could run by.


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("import pickle\n\nx = pickle.loads(b'')", "S301"),
        ("import marshal\n\nx = marshal.loads(b'')", "S302"),
        ("import shelve\n\nx = shelve.open('a')", "S301"),
        ("x = eval('1')", "S307"),
        ("exec('1')", "S102"),
        ("import yaml\n\nx = yaml.load('1')", "S506"),
        ("import subprocess\n\nsubprocess.run('ls', shell=True)", "S602"),
        ("import os\n\nos.system(x)", "S605"),
        ("import tempfile\n\nx = tempfile.mktemp()", "S306"),
        ("import os\n\nos.chmod('a', 0o777)", "S103"),
        ("import ssl\n\nx = ssl._create_unverified_context()", "S323"),
        ("import xml.etree.ElementTree as E\n\nx = E.fromstring('')", "S314"),
        ("import hashlib\n\nx = hashlib.md5()", "S324"),
        ("from urllib.request import urlopen\n\nx = urlopen(y)", "S310"),
        ("import tarfile\n\ntarfile.open('a').extractall()", "S202"),
    ],
)
@pytest.mark.parametrize("package", ["gradio_proto/flows", "transports/gradio_transports"])
def test_the_linter_fires_on_what_is_planted(source: str, rule: str, package: str) -> None:
    found = subprocess.run(
        [
            *(sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise"),
            *("--stdin-filename", f"{package}/planted.py", "-"),
        ],
        cwd=PROJECT,
        input=f"{source}\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.returncode == 1, found.stderr
    assert f" {rule} " in found.stdout


@pytest.mark.parametrize("name", [name for name in ALL if name != "__init__.py"])
def test_no_module_imports_the_package_itself(name: str) -> None:
    assert broken(imports_the_root(name), ALL[name]) == []


@pytest.mark.parametrize("name", [name for name in ALL if not name.startswith(REFERENCE_APP)])
def test_what_is_public_is_documented(name: str) -> None:
    assert broken(is_undocumented, ALL[name]) == []


@pytest.mark.parametrize(
    ("rule", "source", "lines"),
    [
        (is_asynchronous, "async def f(): await g()", [1, 1]),
        (is_asynchronous, "class P(Protocol):\n    async def f(self): ...", []),
        (is_flow, "def f() -> Flow[int]:\n    yield g()", [1]),
        (is_flow, "def f() -> Iterator[int]:\n    x = yield 1", [1]),
        (is_flow, "def f() -> Iterator[int]:\n    yield 1\ndef g(): return (x for x in f())", []),
        (is_mistyped_flow, "def f():\n    yield 1\ndef g() -> Flow[int]:\n    yield 1", [1]),
        (yields_while_cleaning_up, "def f():\n  try: yield\n  finally:\n    if x: yield 1", [4]),
        (yields_while_cleaning_up, "def f():\n  try: x\n  except E:\n    yield from g()", [4]),
        (yields_while_cleaning_up, "def f():\n  try: x\n  finally:\n    def g(): yield\n  yield", []),
        (prints, "x.print()\nprint(1)", [2]),
        (
            runs_data,
            "import re\nre.compile('')\nimport pickle\nfrom marshal import loads\neval('1')",
            [5, 3, 4],
        ),
        (runs_data, "__import__(x)\nimport ctypes\nimport yaml.loader\nx.eval('1')", [1, 2, 3]),
        (
            starts_programs,
            "import subprocess\nos.system('x')\nos.path.join('x')\nos.execv(a, b)\nfrom multiprocessing import Pool",
            [1, 5, 2, 4],
        ),
        (loads_by_name, "import_module('.x')\nimport_module(x)\nimportlib.import_module(f'a.{x}')", [2, 3]),
        (
            imports_the_root("http.py"),
            "import gradio_proto\nfrom . import Client\nfrom . import errors",
            [1, 2],
        ),
        (
            imports_the_root("flows/x.py"),
            "from . import calls\nfrom .. import Client\nfrom .. import job",
            [2],
        ),
        (imports_the_root("x.py"), "from gradio_proto import Job\nfrom gradio_proto.job import Job", [1]),
        (is_undocumented, '"""x"""\nclass A:\n  """x"""\n  def f(self): ...\n  def _g(self): ...', [4]),
    ],
)
def test_the_rules_find_what_they_forbid(
    rule: Callable[[ast.AST], Iterator[ast.AST]], source: str, lines: list[int]
) -> None:
    assert [getattr(node, "lineno", 0) for node in rule(ast.parse(source))] == lines


# The table of public names.


def test_the_table_of_public_names_is_what_type_checkers_see() -> None:
    tree = TREES[PACKAGE / "__init__.py"]
    (block,) = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    ]
    typed: list[tuple[str, str]] = []
    for statement in block.body:
        assert isinstance(statement, ast.ImportFrom)
        assert statement.level == 1
        assert statement.module is not None
        for alias in statement.names:
            assert alias.asname == alias.name  # "as", or type checkers take it for private
            typed.append((statement.module, alias.name))
    homes = {name: module for module, names in gradio_proto._HOMES.items() for name in names}
    assert typed == sorted(typed)
    assert {name: module for module, name in typed} == homes
    assert len(typed) == len(homes) == len(gradio_proto.__all__)


# Imports.


def test_the_import_contracts_hold() -> None:
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
            "--no-logo",
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "0 broken" in run.stdout


def test_every_module_has_its_place_among_the_layers() -> None:
    contract = (PROJECT / "pyproject.toml").read_text(encoding="utf-8").partition("layers = [")[2]
    layers = set(contract.partition("]")[0].replace('"', " ").replace(",", " ").split())
    tops = {module_name(name.split("/")[0]) for name in ALL} - {"gradio_proto"}
    assert tops <= layers


# A whole session, from connecting to a generator's last value, in an interpreter that cannot do anything else.

BLOCKED = (
    "asyncio",
    "concurrent",
    "email",
    "gevent",
    "http",
    "httpcore",
    "httpx",
    "huggingface_hub",
    "logging",
    "multiprocessing",
    "queue",
    "random",
    "secrets",
    "select",
    "selectors",
    "shutil",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "trio",
    "uuid",
)

# The interpreter itself, and h11 by way of inspect, load os and time before anybody can stop them: those are
# imported by no module of the core (the import contracts), and do nothing here (the audit hook, the dead clocks).
PURE_SESSION = """
    import sys

    class Blocked:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in blocked:
                raise ImportError(f"{name} is blocked: the core is pure")

    modules, blocked = sys.argv[1].split(","), set(sys.argv[2].split(","))
    for name in [name for name in sys.modules if name.partition(".")[0] in blocked]:
        del sys.modules[name]
    sys.meta_path.insert(0, Blocked())

    from importlib import import_module
    for name in modules:
        import_module(name)

    from gradio_proto.cookies import CookieJar
    from gradio_proto.exchange import ConnectionPool, lower
    from gradio_proto.flows.calls import call
    from gradio_proto.flows.connect import connect
    from gradio_proto.flows.state import ClientState, Entropy
    from gradio_proto.job import Job
    from gradio_proto.journal import Budget
    from gradio_proto.limits import Limits
    from gradio_proto.payload import join_payload
    from gradio_proto.testing.app import TestApp
    from gradio_proto.testing.memory import MemoryRunner
    from gradio_proto.testing.protocol import ServerProtocol
    from gradio_proto.timeouts import Timeouts
    from gradio_proto.urls import parse_app_url

    def dead(*_):
        raise AssertionError("the core looked at a clock, or waited")

    import time
    for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep"):
        setattr(time, name, dead)

    def audit(event, arguments):
        if armed and event.partition(".")[0] in ("open", "os", "socket", "subprocess", "import", "_thread"):
            raise AssertionError(f"the core did {event} {arguments}")

    armed = False
    sys.addaudithook(audit)
    armed = True

    app = TestApp()

    @app.endpoint("/count", inputs=["number"], outputs=["number"])
    def count(n):
        for i in range(n):
            yield i

    limits, timeouts, url = Limits(), Timeouts(), parse_app_url("http://app")
    runner = MemoryRunner(ServerProtocol(app), split=lambda data: [data[:7], data[7:]])
    pool = ConnectionPool(limits, timeouts)
    state = ClientState(
        url=url,
        limits=limits,
        timeouts=timeouts,
        entropy=Entropy(token=lambda: "session", jitter=lambda: 0.5),
        headers=(),
        cookies=CookieJar(url.origin, limits),
        budget=Budget(limits.client_unread_bytes),
    )
    runner.run(lower(connect(state), pool))
    live = state.session()
    job = Job(
        fn_index=0,
        label="/count",
        payload=join_payload(fn_index=0, data=[3], session_hash=live.session.hash),
        convert=lambda data: data[0],
        journal=None,
        version_info=state.app.config.version_info,
    )
    runner.run(lower(call(state, live, job), pool))
    pool.close()
    runner.settle()
    armed = False
    assert all(stream.closed for stream in runner.streams)
    assert not blocked.intersection(name.partition(".")[0] for name in sys.modules)
    print(job.result())
"""


def test_the_core_runs_a_session_where_nothing_else_can_be_done() -> None:
    modules = [module_name(name) for name in CORE]
    run = subprocess.run(
        [
            sys.executable,
            "-I",
            "-W",
            "error",
            "-c",
            textwrap.dedent(PURE_SESSION),
            ",".join(modules),
            ",".join(BLOCKED),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.stderr == ""
    assert (run.returncode, run.stdout) == (0, "2\n")
