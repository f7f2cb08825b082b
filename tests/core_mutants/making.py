"""The mutants of a module: each a place in its text, and what is written there instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import deep_replace
from mutmut.mutation.mutators import mutation_operators

FOR_TYPE_CHECKERS: Final = {"cast", "TypeVar", "NewType", "ParamSpec"}
"""Functions whose arguments nothing reads when the program runs."""

SURE_TO_RAISE: Final = {"len", "isinstance"}
"""Functions that refuse whatever is put in place of their arguments: mutmut leaves them alone as well."""

NOT_OF_THE_PROGRAM: Final = {"__all__", "__slots__", "TYPE_CHECKING"}


@dataclass(frozen=True)
class Mutant:
    """A module with one mistake in it."""

    module: str
    """The module's name, like ``gradio_proto.flows.calls``."""
    line: int
    """Where in its text, counted from one."""
    before: str
    """What stands there."""
    after: str
    """What the mutant has there."""
    _tree: cst.Module = field(repr=False, compare=False)
    _old: cst.CSTNode = field(repr=False, compare=False)
    _new: cst.CSTNode = field(repr=False, compare=False)

    def text(self) -> str:
        """The whole module, with the mistake."""
        changed = deep_replace(self._tree, self._old, self._new)
        assert isinstance(changed, cst.Module)
        return changed.code

    def difference(self) -> str:
        """The mistake as a difference of the two texts."""
        return "\n".join(self._lines())

    def changed(self) -> tuple[str, str]:
        """The lines that the mistake changes, and what they become: by this a mutant is known again."""
        lines = self._lines()[3:]
        before, after = ([line[1:].strip() for line in lines if line[0] == sign] for sign in "-+")
        return " ".join(before), " ".join(after)

    def _lines(self) -> list[str]:
        return list(
            difflib.unified_diff(
                self._tree.code.splitlines(),
                self.text().splitlines(),
                self.module,
                "mutant",
                n=2,
                lineterm="",
            )
        )


class _Visitor(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, cst.CSTNode, cst.CSTNode]] = []
        self._raising = False

    def on_visit(self, node: cst.CSTNode) -> bool:
        if _says_nothing_to_the_program(node) or (self._raising and _is_prose(node)):
            return False
        if isinstance(node, cst.Raise):
            self._raising = True
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                place = self.get_metadata(PositionProvider, node, None)
                self.found += [(place.start.line if place else 0, node, new) for new in operator(node)]
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, cst.Raise):
            self._raising = False


def _is_prose(node: cst.CSTNode) -> bool:
    """Whether a string of an error is a sentence: a test of its wording would only be a copy of it."""
    return isinstance(node, cst.SimpleString) and " " in node.value


def _says_nothing_to_the_program(node: cst.CSTNode) -> bool:
    """Whether a node is for readers and type checkers, or can only be broken, not mistaken."""
    match node:
        case cst.Annotation() | cst.Decorator() | cst.Import() | cst.ImportFrom():
            return True
        case cst.Expr(value=cst.SimpleString() | cst.ConcatenatedString()):
            return True
        case cst.Call(func=cst.Name(value=name)):
            return name in FOR_TYPE_CHECKERS or name in SURE_TO_RAISE
        case (
            cst.If(test=cst.Name(value=name))
            | cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))])
        ):
            return name in NOT_OF_THE_PROGRAM
        case cst.AnnAssign(annotation=cst.Annotation(annotation=cst.Name(value="TypeAlias"))):
            return True
        case cst.Subscript(value=cst.Name(value="Literal")):
            return True
        case cst.FunctionDef(decorators=[cst.Decorator(decorator=cst.Name(value="overload")), *_]):
            return True
        case _:
            return False


def mutants_of(module: str, path: Path) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its text."""
    wrapper = MetadataWrapper(cst.parse_module(path.read_text("utf-8")))
    visitor = _Visitor()
    tree = wrapper.visit(visitor)
    for line, old, new in visitor.found:
        before, after = tree.code_for_node(old), tree.code_for_node(new)
        if before != after:
            yield Mutant(module, line, before.strip(), after.strip(), tree, old, new)
