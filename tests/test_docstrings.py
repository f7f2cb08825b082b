"""Every public name says what it is: the docstrings that the reference shows are there, and complete.

What is public is what docs/reference documents. The first test holds that this is enough; the others look at each of
those names, and at its public methods, properties and fields:

- it has a docstring;
- its parameters and what it returns are annotated;
- its parameters are explained: all of them in an ``Args`` section, or, where there are one or two and no such section,
  by their names in the text, or in a docstring to which this one refers. An ``Args`` section names neither more nor
  less than what there is. Nobody calls the constructor of a class whose docstring says what it is made by, and the
  reference does not show it;
- what its body raises is named, or a class above it;
- the main classes and methods have an example, and that runs.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import inspect
import io
import re
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, get_origin

import pytest
from docs_apps import THE_APP, printed_by
from test_docs import app

import gradio_proto
from gradio_proto import conformance, errors, events, messages, recording, testing
from gradio_proto.client.transports import ASYNC, BLOCKING
from gradio_proto.conformance import strategies
from gradio_proto.testing import serve

DOCS = Path(__file__).parent.parent / "docs"
REFERENCE = DOCS / "reference"

WITH_EXAMPLES = (
    *("gradio_proto.Client", "gradio_proto.Client.predict", "gradio_proto.Client.submit"),
    *("gradio_proto.Client.map", "gradio_proto.Client.endpoint", "gradio_proto.Client.view_api"),
    *("gradio_proto.Job", "gradio_proto.Job.result", "gradio_proto.Job.events", "gradio_proto.Job.cancel"),
    *("gradio_proto.AsyncClient", "gradio_proto.AsyncJob"),
    *("gradio_proto.handle_file", "gradio_proto.Timeouts", "gradio_proto.Limits"),
    *("gradio_proto.testing.TestApp", "gradio_proto.testing.TestApp.endpoint", "gradio_proto.testing.serve"),
    *("gradio_proto.testing.Context", "gradio_proto.testing.memory.MemoryTransport"),
    *(
        "gradio_proto.http.HTTPConnection",
        "gradio_proto.sse.SSEDecoder",
        "gradio_proto.messages.parse_message",
    ),
    "gradio_proto.conformance.run",
)
"""What people meet first, and what cannot be used from its signature alone."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


# What is public.


def directives() -> Iterator[tuple[str, str, bool]]:
    """Each directive of the reference: its kind, the name, and whether a module's members are meant as well."""
    for page in sorted(REFERENCE.glob("*.md")):
        for found in re.finditer(
            r"^\.\. auto(\w+):: (\S+)\n((?:   .*\n)*)", page.read_text("utf-8"), re.MULTILINE
        ):
            yield found[1], found[2], ":members:" in found[3]


def public_members(module: ModuleType) -> Iterator[str]:
    """The names that a module offers, or else those that are at home in it: classes, functions, constants, aliases."""
    offered = getattr(module, "__all__", None)
    assigned = {ast.unparse(target) for node in syntax(module.__name__).body for target in targets_of(node)}
    for name, value in vars(module).items():
        is_home = name in assigned or getattr(value, "__module__", None) == module.__name__
        is_public = name in offered if offered else is_home and not name.startswith("_")
        if is_public and not isinstance(value, TypeVar):
            yield name


@cache
def syntax(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(sys.modules[module]))


def targets_of(node: ast.stmt) -> list[ast.expr]:
    """What a statement assigns to."""
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign) else []


def documented() -> dict[str, Any]:
    """What the reference documents: the classes, functions and values, by the names that it gives them."""
    found: dict[str, Any] = {}
    for kind, name, has_members in directives():
        if kind != "module":
            module, _, last = name.rpartition(".")
            found[name] = getattr(import_module(module), last)
        elif has_members:
            found |= {f"{name}.{member}": getattr(sys.modules[name], member)
                      for member in public_members(import_module(name))}  # fmt: skip
    return found


DOCUMENTED = documented()
WITHOUT_MEMBERS = {name for kind, name, has_members in directives() if kind == "class" and not has_members}
"""Classes whose methods nobody calls."""


def promised() -> Iterator[tuple[str, Any]]:
    """What has to be in the reference, whoever forgets it there."""
    for package in (gradio_proto, testing, recording, conformance, strategies):
        for name in package.__all__:
            yield f"{package.__name__}.{name}", getattr(package, name)
    for module in (events, messages, errors):
        for name in public_members(module):
            yield f"{module.__name__}.{name}", getattr(module, name)
    for place in {**BLOCKING, **ASYNC}.values():
        module_name, _, name = place.partition(":")
        yield place, getattr(import_module(module_name), name)


def test_the_reference_is_complete() -> None:
    known = {id(value) for value in DOCUMENTED.values()}
    missing = [name for name, value in promised() if id(value) not in known]
    assert missing == []


def imported_by_examples() -> Iterator[str]:
    """What the documentation's programs import from this library, by its full names."""
    texts = [path.read_text("utf-8") for path in sorted((DOCS / "howto").rglob("*.py"))]
    for page in [DOCS.parent / "README.md", *sorted(DOCS.rglob("*.md"))]:
        texts += re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    for text in texts:
        for node in ast.walk(ast.parse(text)):
            module = getattr(node, "module", None) or ""
            if isinstance(node, ast.ImportFrom) and module.startswith(("gradio_proto", "gradio_transports")):
                yield from (f"{module}.{name.name}" for name in node.names)


@pytest.mark.parametrize("name", sorted({*imported_by_examples()}))
def test_what_the_documentation_uses_is_in_the_reference(name: str) -> None:
    module, _, last = name.rpartition(".")
    value = getattr(import_module(module), last)
    assert inspect.ismodule(value) or any(value is known for known in DOCUMENTED.values())


# What a docstring has to say.


def definition(value: Any) -> ast.ClassDef | Function:
    """Where a class or function is defined."""
    node: Any = syntax(value.__module__)
    for part in value.__qualname__.split("."):
        (*_, node) = [
            below
            for below in ast.iter_child_nodes(node)
            if isinstance(below, ast.ClassDef | Function) and below.name == part
        ]
    assert isinstance(node, ast.ClassDef | Function)
    return node


def sections(text: str, name: str) -> dict[str, str] | None:
    """The entries of a section of a docstring, or None where it has no such section."""
    found = re.search(rf"^{name}:\n((?:    .*\n|\n)*)", text + "\n", re.MULTILINE)
    if found is None:
        return None
    return {
        entry[1]: entry[2]
        for entry in re.finditer(r"^    \*{0,2}([\w.]+)(?: \([^)]*\))?: (.*)", found[1], re.MULTILINE)
    }


def parameters(node: Function, *, is_method: bool) -> list[ast.arg]:
    """What a function takes from its caller."""
    takes = node.args
    names = [*takes.posonlyargs, *takes.args]
    is_static = any(ast.unparse(decorator) == "staticmethod" for decorator in node.decorator_list)
    names = names[1:] if is_method and not is_static else names
    names += [takes.vararg] if takes.vararg else []
    names += takes.kwonlyargs
    names += [takes.kwarg] if takes.kwarg else []
    return [name for name in names if not name.arg.startswith("_")]


def is_said(name: str, text: str) -> bool:
    """Whether a text speaks of a name: "the file name" of ``file_name``."""
    return re.search(rf"\b{name.replace('_', '[ _]')}s?\b", text, re.IGNORECASE) is not None


def unexplained(names: list[str], text: str, known: set[str]) -> Iterator[str]:
    """What is wrong with how a docstring explains parameters.

    ``known`` are those that are explained elsewhere: in a docstring that this one refers to, or by an attribute of
    the same name.
    """
    told = sections(text, "Args")
    if told is not None:
        for name in sorted({*told} - {*names}):
            yield f"{name} is in Args, and no parameter"
    rest = [name for name in names if name not in known and name not in (told or ())]
    if told is not None or len(rest) > 2:
        yield from (f"{name} is not in Args" for name in rest)
    else:
        yield from (f"{name} is not explained" for name in rest if not is_said(name, text))


ELSEWHERE = re.compile(r"(?:\b[Ss]ee|\b[Aa]s|[Tt]win of|[Tt]hose of)(?: for)?\s+:\w+:`~?([\w.]+)`")
"""How a docstring refers to another one, which explains the same parameters."""


def explained_elsewhere(text: str) -> set[str]:
    """The parameters that the docstrings explain to which this one refers."""
    known: set[str] = set()
    for reference in ELSEWHERE.findall(text):
        for name, value in DOCUMENTED.items():
            owner, _, method = reference.rpartition(".")
            if f".{name}".endswith(f".{reference}"):
                known |= {*(sections(inspect.getdoc(value) or "", "Args") or ())}
            elif owner and f".{name}".endswith(f".{owner}") and hasattr(value, method):
                known |= {*(sections(inspect.getdoc(getattr(value, method)) or "", "Args") or ())}
    return known


def own_statements(node: Function) -> Iterator[ast.AST]:
    """What a function does itself, without the functions in it."""
    todo: list[ast.AST] = [*node.body]
    while todo:
        statement = todo.pop()
        yield statement
        if not isinstance(statement, Function | ast.ClassDef | ast.Lambda):
            todo.extend(ast.iter_child_nodes(statement))


UNTOLD = {"NotImplementedError", "StopIteration", "StopAsyncIteration"}
"""What Python's own rules make a method raise."""


def untold_errors(node: Function, module: str, text: str) -> Iterator[str]:
    """The errors that a function makes and raises itself, and that its docstring does not name."""
    for statement in own_statements(node):
        if isinstance(statement, ast.Raise) and isinstance(statement.exc, ast.Call):
            made = ast.unparse(statement.exc.func)
            error = getattr(sys.modules[module], made, getattr(builtins, made, None))
            if inspect.isclass(error) and made not in UNTOLD:
                above = {cls.__name__ for cls in error.__mro__} - {"object", "BaseException", "Exception"}
                if not any(re.search(rf"\b{name}\b", text) for name in above):
                    yield f"{made} is raised, and not told"


def unannotated(node: Function, *, is_method: bool) -> Iterator[str]:
    for parameter in parameters(node, is_method=is_method):
        if parameter.annotation is None:
            yield f"{parameter.arg} has no type"
    if node.returns is None:
        yield "what is returned has no type"


def is_overload(node: Function) -> bool:
    return any(ast.unparse(decorator).endswith(("overload", ".setter")) for decorator in node.decorator_list)


def problems_of_function(node: Function, module: str, text: str, *, is_method: bool) -> Iterator[str]:
    if not text:
        yield "no docstring"
        return
    yield from unannotated(node, is_method=is_method)
    names = [name.arg for name in parameters(node, is_method=is_method)]
    yield from unexplained(names, text, explained_elsewhere(text))
    yield from untold_errors(node, module, text)


def problems_of_fields(node: ast.ClassDef, text: str) -> Iterator[str]:
    """Fields are documented by the string below them, or in the docstring of their class."""
    told = {*(sections(text, "Attributes") or ()), *(sections(text, "Args") or ())}
    for field, below in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            name = field.target.id
            is_documented = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            if not (name.startswith("_") or is_documented or name in told):
                yield f"{name}: no docstring"


MADE_BY = re.compile(r"\bMade\s+by ")
"""What a class says whose constructor nobody but the library calls."""


def problems_of_constructor(cls: type[Any], above: type[Any], node: Function) -> Iterator[str]:
    """What is missing on a constructor, which is explained by the docstring of its class, and by those above it."""
    texts = [
        inspect.cleandoc(known.__doc__ or "")
        for known in cls.__mro__
        if known.__module__.startswith("gradio_")
    ]
    known = {name for text in texts for name in sections(text, "Attributes") or ()}
    known |= {name for text in texts for name in explained_elsewhere(text)}
    own = inspect.cleandoc(above.__doc__ or "")
    known |= {name for text in texts if text != own for name in sections(text, "Args") or ()}
    names = [name.arg for name in parameters(node, is_method=True)]
    prose = "\n".join(text.partition("\nArgs:\n")[0] for text in texts)
    yield from unexplained(names, own if sections(own, "Args") else prose, known)
    yield from untold_errors(node, above.__module__, "\n".join([*texts, ast.get_docstring(node) or ""]))


def problems_of_class(cls: type[Any], *, has_members: bool) -> Iterator[str]:
    """What is missing on a class, and on what it has from classes of ours that are above it."""
    text = inspect.cleandoc(cls.__doc__ or "")
    if not ast.get_docstring(definition(cls)):  # dataclasses and enumerations would make one up
        yield "no docstring"
    seen: set[str] = set()
    for above in cls.__mro__:
        if not above.__module__.startswith(("gradio_proto", "gradio_transports")):
            continue
        node = definition(above)
        assert isinstance(node, ast.ClassDef)
        yield from problems_of_fields(node, inspect.getdoc(above) or "")
        for method in node.body:
            if not isinstance(method, Function) or method.name in seen or is_overload(method):
                continue
            seen.add(method.name)
            if method.name == "__init__":
                if not MADE_BY.search(text):
                    yield from problems_of_constructor(cls, above, method)
            elif has_members and not method.name.startswith("_"):
                said = inspect.getdoc(getattr(cls, method.name)) or ""
                for problem in problems_of_function(method, above.__module__, said, is_method=True):
                    yield f"{method.name}: {problem}"


def problems_of_value(name: str, value: Any) -> Iterator[str]:
    """A constant or an alias of a type is documented by the string below it, wherever it is at home."""
    for module in [module for known, module in sys.modules.items() if known.startswith("gradio_proto")]:
        if vars(module).get(name) is value:
            body = syntax(module.__name__).body
            for statement, below in zip(body, [*body[1:], None], strict=True):
                if [ast.unparse(target) for target in targets_of(statement)] == [name]:
                    if not (isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)):
                        yield "no docstring"
                    return
    yield "its module was not found"


def problems(name: str, value: Any) -> list[str]:
    if inspect.isclass(value) and not get_origin(value):  # on Python 3.10 list[int] is a class
        return list(problems_of_class(value, has_members=name not in WITHOUT_MEMBERS))
    value = inspect.unwrap(value) if callable(value) else value  # one that is cached
    if inspect.isfunction(value):
        node = definition(value)
        assert isinstance(node, Function)
        text = inspect.getdoc(value) or ""
        return list(problems_of_function(node, value.__module__, text, is_method=False))
    return list(problems_of_value(name.rpartition(".")[2], value))


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_docstrings_say_all(name: str) -> None:
    assert problems(name, DOCUMENTED[name]) == []


# Examples.


def find(name: str) -> Any:
    """A class, function or method by its full name."""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        with contextlib.suppress(ModuleNotFoundError):
            value: Any = import_module(".".join(parts[:length]))
            for part in parts[length:]:
                value = getattr(value, part)
            return value
    raise AssertionError(name)


def example(name: str) -> str:
    """The code of a docstring's example."""
    found = re.search(
        r"^Example:\n    ::\n\n((?:        .*\n|\n)+)",
        (inspect.getdoc(find(name)) or "") + "\n",
        re.MULTILINE,
    )
    assert found, f"{name} has no example"
    return textwrap.dedent(found[1])


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_run(name: str) -> None:
    # Those of methods of clients and jobs have a client.
    code = example(name)
    with (
        serve(app) as url,
        contextlib.ExitStack() as stack,
        contextlib.redirect_stdout(io.StringIO()) as printed,
    ):
        names: dict[str, Any] = {"__name__": "example"}
        if "client" in code and "Client(" not in code:
            names["client"] = stack.enter_context(gradio_proto.Client(url))
        exec(compile(code.replace(THE_APP, url), name, "exec"), names)
    assert printed.getvalue().splitlines() == printed_by(code)


def test_an_example_that_nobody_looks_at_is_none() -> None:
    with_example = {
        name for name, value in DOCUMENTED.items()
        if callable(value) and "Example:\n    ::\n" in (inspect.getdoc(value) or "")
    }  # fmt: skip
    tested = {id(find(name)) for name in WITH_EXAMPLES}
    assert {name for name in with_example if id(DOCUMENTED[name]) not in tested} == set()


# The rules themselves.


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("def f(a: int) -> int: return a", "no docstring"),
        ('def f(number) -> None: "Take the number."', "number has no type"),
        ('def f(number: int): "Take the number."', "what is returned has no type"),
        ('def f(number: int) -> None: "Take it."', "number is not explained"),
        ('def f(a: int, b: int, c: int) -> None: "Take a, b and c."', "a is not in Args"),
        (
            'def f(a: int) -> None:\n    """Take it.\n\n    Args:\n        b: It.\n    """',
            "b is in Args, and no parameter",
        ),
        (
            'def f() -> None:\n    "Do nothing."\n    raise ValueError("no")',
            "ValueError is raised, and not told",
        ),
        ('def f(file_name: str) -> None: "Open the file of that name, the file name."', None),
        (
            'def f() -> None:\n    """Fail.\n\n    Raises:\n        OSError: Always.\n    """\n    raise OSError(1)',
            None,
        ),
        (
            'def f() -> None:\n    """Fail with an OSError."""\n    raise FileNotFoundError(1)',
            None,
        ),
    ],
)
def test_what_is_wrong_is_found(source: str, wrong: str | None) -> None:
    node = ast.parse(source).body[0]
    assert isinstance(node, Function)
    found = list(problems_of_function(node, __name__, ast.get_docstring(node) or "", is_method=False))
    assert wrong in found if wrong else found == []


def test_fields_without_docstrings_are_found() -> None:
    (node,) = ast.parse('class C:\n    a: int\n    b: int\n    "It."\n    c: int\n    _d: int').body
    assert isinstance(node, ast.ClassDef)
    assert list(problems_of_fields(node, "A class.\n\nAttributes:\n    c: Also it.")) == ["a: no docstring"]
