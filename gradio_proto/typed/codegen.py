"""A Python module with a typed method for each endpoint of an app.

The module is made of a few shapes of code, in the app's order and in no other, so that an app that has not changed
gives the same text. Its header holds a digest of what the calls are, by which :func:`digest_in` tells later whether
the module still fits the app; what is only said about them (descriptions, labels) does not count.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from hashlib import sha256
from inspect import Parameter
from keyword import iskeyword
from typing import Any, Final, Literal, TypeAlias

from ..config import is_list, is_object
from ..endpoints import App, Endpoint
from ..identifiers import unique
from ..text import printable
from .arguments import arguments_of, returns_of
from .docstrings import docstring_of
from .names import python_names
from .schemas import app_schema
from .source import BUILTIN_TYPES, IMPORTED, WIDTH, Definitions, class_name, default, docstring, string

Style: TypeAlias = Literal["sync", "async", "both"]

_BASES: Final = {"sync": ("GeneratedClient", "Job"), "async": ("AsyncGeneratedClient", "AsyncJob")}

_TAKEN_METHODS: Final = frozenset({"client", "close", "default_src"})
"""What the class of a module has already."""

_TAKEN_ARGUMENTS: Final = frozenset({"self", "value"})
"""What the body of a method needs."""

_TAKEN_FIELDS: Final = frozenset({"count", "index"}) | BUILTIN_TYPES
"""What a field of a NamedTuple may not be called: methods of tuples, and the types of its other fields."""

_DIGEST: Final = re.compile(r"^Schema: +([0-9a-f]{64})$", re.MULTILINE)
_HEADER: Final = 4_000
"""Characters of a module in which its header ends."""

_SAID: Final = frozenset({"$schema", "description", "title"})


@dataclass(frozen=True, slots=True)
class _Annotations:
    """What an endpoint takes and returns, as source code."""

    arguments: tuple[str, ...]
    result: str
    result_class: str | None = None
    """What the values are put into, if there are several."""
    fields: Collection[str] = ()
    """What they are called in that."""


@dataclass(frozen=True, slots=True)
class _Method:
    """What the two classes of a module have in common of an endpoint."""

    name: str
    submit_name: str
    endpoint: Endpoint
    parameters: tuple[str, ...]
    """The lines of the parameters behind ``self``."""
    arguments: tuple[str, ...]
    """The lines that hand them on."""
    by_name: bool
    """Whether they are handed on by name."""
    annotations: _Annotations
    documentation: str


def generate(
    app: App, src: str, *, name: str | None = None, style: Style = "both", command: str | None = None
) -> str:
    """Write a module for an app.

    Args:
        app: The app.
        src: Its URL, without credentials: what the module connects to.
        name: The name of the class; by default made of the app's title. The async one has ``Async`` before it.
        style: Which classes are written.
        command: What makes the module anew, for its header.

    Raises:
        ValueError: ``name`` is no name for a class.
    """
    base = app_class_name(app) if name is None else name
    if not re.fullmatch("[A-Z][a-zA-Z0-9_]*", base) or iskeyword(base) or _is_taken(base):
        raise ValueError(f"a class is called like 'Calculator', not {base!r}")
    classes = {"sync": base, "async": f"Async{base}"}
    styles = [each for each in classes if style in (each, "both")]
    definitions = Definitions(classes.values())
    methods = list(_methods(app, definitions))
    blocks = [*definitions.blocks]
    for each in styles:
        blocks.append(list(_class(classes[each], src, methods, is_async=each == "async")))
    used = set(definitions.used)
    imported = {_BASES[each][0] for each in styles}
    if methods:
        used.update(_BASES[each][1] for each in styles)
    if any(line.endswith(" = DEFAULT") for method in methods for line in method.parameters):
        imported.add("DEFAULT")
    header = _header(app, src, command)
    return "\n".join([*header, *_imports(used, imported), *_spread(blocks)]) + "\n"


def app_class_name(app: App) -> str:
    """The name of a class for an app, made of its title: ``"Calculator"``; ``"App"`` for one without."""
    title = app.config.raw.get("title")
    name = class_name(title if isinstance(title, str) and title != "Gradio" else "", "App")
    return f"{name}App" if _is_taken(name) else name


def _is_taken(name: str) -> bool:
    """Whether a module needs the name for something else than its class, or ``Async`` and the name."""
    return bool({name, f"Async{name}"} & IMPORTED)


def digest_of(app: App) -> str:
    """A digest of the calls of an app: their names, and the types and defaults of what they take and return."""
    calls = _without_said(app_schema(app))
    return sha256(json.dumps(calls, ensure_ascii=True).encode("ascii")).hexdigest()


def digest_in(module: str) -> str | None:
    """The digest in the header of a generated module; None if it has none."""
    found = _DIGEST.search(module[:_HEADER])
    return found[1] if found else None


def _without_said(value: Any) -> Any:
    # One frame a level, which Limits.json_depth counts on: a default can be that deep.
    if is_object(value):
        entries: dict[str, Any] = {}
        for key, entry in value.items():
            if not (key in _SAID and isinstance(entry, str)):
                entries[key] = _without_said(entry)
        return entries
    if is_list(value):
        items: list[Any] = []
        for item in value:
            items.append(_without_said(item))
        return items
    return value


def _header(app: App, src: str, command: str | None) -> list[str]:
    lines = [
        "Calls of a Gradio app, generated by gradio-proto. Do not edit.",
        "",
        f"App:    {printable(src)}",
        f"Gradio: {printable(app.config.version, 40) or 'unknown'}",
        f"Schema: {digest_of(app)}",
    ]
    if command is not None:
        lines += ["", "Make it anew with:", f"    {printable(command)}"]
    return [*docstring("\n".join(lines), "", wraps=False), "", "from __future__ import annotations", ""]


def _imports(used: set[str], bases: set[str]) -> Iterator[str]:
    typing = sorted(used & {"Any", "Literal", "NamedTuple", "TypeAlias", "TypedDict", "Union"})
    if typing:
        yield f"from typing import {', '.join(typing)}"
        yield ""
    ours = sorted(used & {"AsyncJob", "FileInput", "Job"})
    if ours:
        yield f"from gradio_proto import {', '.join(ours)}"
    # A constant comes first, as import sorters have it.
    inherited = sorted(bases, key=lambda name: (not name.isupper(), name))
    yield f"from gradio_proto.client.generated import {', '.join(inherited)}"


def _spread(blocks: list[list[str]]) -> Iterator[str]:
    for block in blocks:
        yield from ("", "", *block)


def _methods(app: App, definitions: Definitions) -> Iterator[_Method]:
    # The types come first, since no method may have the name of a class.
    annotations = {endpoint.label: _annotations(endpoint, definitions) for endpoint in app.listed}
    reserved = _TAKEN_METHODS | BUILTIN_TYPES | definitions.names
    names = python_names(app, reserved)
    taken = {*names, *reserved}
    for name, endpoint in names.items():
        submit_name = unique(f"submit_{name}", taken)
        taken.add(submit_name)
        yield _method(name, submit_name, endpoint, annotations[endpoint.label], definitions.names)


def _annotations(endpoint: Endpoint, definitions: Definitions) -> _Annotations:
    hint = endpoint.label[1:]
    types = tuple(
        [
            definitions.write(argument.type, f"{hint}_{argument.name}", is_input=True)
            for argument in arguments_of(endpoint)
        ]
    )
    returns = returns_of(endpoint)
    if returns is None:
        definitions.used.add("Any")
        return _Annotations(types, "Any")
    values = [definitions.write(result.type, f"{hint}_{result.name}", is_input=False) for result in returns]
    if len(values) < 2:
        return _Annotations(types, values[0] if values else "None")
    definitions.used.add("NamedTuple")
    name = definitions.name(f"{hint}_result", "Endpoint")
    fields: dict[str, None] = {}  # in order, each once
    for result in returns:
        field = f"{result.name}_" if result.name in _TAKEN_FIELDS else result.name
        fields[unique(field, fields)] = None
    block = [f"class {name}(NamedTuple):"]
    block += [f"    {field}: {value}" for field, value in zip(fields, values, strict=True)]
    definitions.blocks.append(block)
    return _Annotations(types, name, name, fields)


def _method(
    name: str,
    submit_name: str,
    endpoint: Endpoint,
    annotations: _Annotations,
    names: Collection[str],
) -> _Method:
    """Write what is common to an endpoint's methods; ``names`` are those of the module, which no argument may hide."""
    arguments = arguments_of(endpoint)
    by_name = all(argument.has_keyword for argument in arguments)
    taken = {*_TAKEN_ARGUMENTS, *names}
    own = {argument.name for argument in arguments} - taken
    renamed: dict[str, str] = {}
    parameters: list[str] = []
    passed: list[str] = []
    kind: Any = Parameter.POSITIONAL_OR_KEYWORD
    for argument, annotation in zip(arguments, annotations.arguments, strict=True):
        shown = argument.name
        if shown in taken:
            shown = unique(f"{shown}_", {*taken, *own, *renamed.values()})
            renamed[argument.name] = shown
        if kind is Parameter.POSITIONAL_ONLY and argument.kind is not kind:
            parameters.append("/")
        if argument.kind is Parameter.KEYWORD_ONLY and kind is not argument.kind:
            parameters.append("*")
        kind = argument.kind
        value = f" = {default(argument.info.default, argument.type)}" if argument.has_default else ""
        parameters.append(f"{shown}: {annotation}{value}")
        passed.append(f"{string(argument.name)}: {shown}" if by_name else shown)
    if kind is Parameter.POSITIONAL_ONLY:
        parameters.append("/")
    return _Method(
        name=name,
        submit_name=submit_name,
        endpoint=endpoint,
        parameters=tuple(parameters),
        arguments=tuple(passed),
        by_name=by_name,
        annotations=annotations,
        documentation=docstring_of(endpoint, renamed, annotations.fields),
    )


def _class(name: str, src: str, methods: list[_Method], *, is_async: bool) -> Iterator[str]:
    base, job = _BASES["async" if is_async else "sync"]
    yield f"class {name}({base}):"
    yield from docstring(f"The endpoints of the app at {printable(src)}.", "    ")
    yield ""
    yield f"    default_src = {string(src)}"
    for method in methods:
        yield ""
        yield from _signature(method.name, method.parameters, method.annotations.result, is_async=is_async)
        yield from docstring(method.documentation, " " * 8)
        yield from _call(method, is_async=is_async)
        yield ""
        yield from _signature(method.submit_name, method.parameters, job, is_async=is_async)
        yield from docstring(f"Begin {method.name}(), and return its job.", " " * 8)
        yield from _passing("return ", "_submit", method, is_async=is_async)


def _signature(name: str, parameters: tuple[str, ...], returns: str, *, is_async: bool) -> Iterator[str]:
    head = f"    {'async def' if is_async else 'def'} {name}("
    line = f"{head}self) -> {returns}:"
    if not parameters and len(line) <= WIDTH:
        yield line
        return
    yield head
    yield "        self,"
    for parameter in parameters:
        yield f"        {parameter},"
    yield f"    ) -> {returns}:"


def _call(method: _Method, *, is_async: bool) -> Iterator[str]:
    if method.annotations.result_class is not None:
        yield from _passing("value = ", "_predict", method, is_async=is_async)
        yield f"        return {method.annotations.result_class}(*value)"
    elif method.annotations.result in ("Any", "None"):
        start = "return " if method.annotations.result == "Any" else ""
        yield from _passing(start, "_predict", method, is_async=is_async)
    else:
        declaration = f"        value: {method.annotations.result}"
        start = f"{declaration.lstrip()} = "
        if len(f"{declaration} = await self._predict(") > WIDTH:
            yield declaration
            start = "value = "
        yield from _passing(start, "_predict", method, is_async=is_async)
        yield "        return value"


def _passing(start: str, call: str, method: _Method, *, is_async: bool) -> Iterator[str]:
    opening, closing = "{}" if method.by_name else "[]"
    yield f"        {start}{'await ' if is_async else ''}self.{call}("
    yield f"            {string(method.endpoint.label)},"
    if method.arguments:
        yield f"            {opening}"
        for argument in method.arguments:
            yield f"                {argument},"
        yield f"            {closing},"
    else:
        yield f"            {opening}{closing},"
    yield "        )"
