"""Every public name of the official client, read from its source: what docs/migrating.md has to have an answer for."""

from __future__ import annotations

import ast
import concurrent.futures
from collections.abc import Iterator, Mapping
from pathlib import Path

MODULES = ("__init__", "client", "data_classes", "exceptions", "utils")
"""Those that programs import. ``documentation`` and ``snippet`` make Gradio's own pages."""

DUNDERS = ("__version__", "__iter__", "__next__", "__aiter__")
"""Names with underscores that programs rely on all the same."""


def names(package: Path) -> Mapping[str, set[str]]:
    """The names of each module and class, and the parameters of each of their functions.

    Args:
        package: Where the official client is installed.

    Returns:
        Names by where they are: ``"gradio_client.utils"``, ``"Job"``, ``"Client.submit()"``.
    """
    found: dict[str, set[str]] = {}
    for module in MODULES:
        tree = ast.parse((package / f"{module}.py").read_text("utf-8"))
        owner = "gradio_client" if module == "__init__" else f"gradio_client.{module}"
        found[owner] = set(_members(tree.body))
        if module == "__init__":
            found[owner] |= _exported(tree)
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and _is_public(node.name):
                found[node.name] = {*_members(node.body), *_attributes(node)}
                for method in node.body:
                    if isinstance(method, _Function) and (
                        _is_public(method.name) or method.name == "__init__"
                    ):
                        found[f"{node.name}.{method.name}()"] = set(_parameters(method)) - {"self"}
            elif isinstance(node, _Function) and _is_public(node.name):
                found[f"{node.name}()"] = set(_parameters(node))
    found["Job"] |= {name for name in vars(concurrent.futures.Future) if _is_public(name)}
    return found


_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _is_public(name: str) -> bool:
    return not name.startswith("_") or name in DUNDERS


def _exported(tree: ast.Module) -> set[str]:
    """What ``__all__`` lists."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                return set(ast.literal_eval(value))
            case _:
                pass
    raise AssertionError("there is no __all__")


def _members(body: list[ast.stmt]) -> Iterator[str]:
    """What a module or a class defines."""
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                defined = [name]
            case ast.Assign(targets=targets):
                defined = [target.id for target in targets if isinstance(target, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name)):
                defined = [name]
            case _:
                defined = []
        yield from filter(_is_public, defined)


def _attributes(owner: ast.ClassDef) -> Iterator[str]:
    """What its methods set on ``self``."""
    for node in ast.walk(owner):
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()) if _is_public(name):
                yield name
            case _:
                pass


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    yield from (argument.arg for argument in every if not argument.arg.startswith("_"))
