"""Types as annotations: what :func:`inspect.signature` and a type checker show of an endpoint.

A file is a :class:`~gradio_proto.FileInput` where it is given and a local path where it is returned. JSON has no
tuples: a list with a type for each place may be given as a tuple, and comes back as a list.
"""

from __future__ import annotations

from inspect import Parameter, Signature
from types import GenericAlias
from typing import Any, Final, Literal

from ..endpoints import Endpoint, copy_json
from ..files import FileInput
from .arguments import arguments_of, returns_of
from .types import DictOf, File, ListOf, Literals, Record, Scalar, TupleOf, Type, union

_SCALARS: Final[dict[str, Any]] = {
    "Any": Any,
    "None": None,
    "bool": bool,
    "float": float,
    "int": int,
    "str": str,
}


def annotation_of(type: Type, *, is_input: bool) -> Any:
    """The annotation of a value that is given to an endpoint, or that one returns.

    An object with known keys is a plain ``dict`` here: the name of a class that exists nowhere would tell a reader
    less. A generated module has a TypedDict in its place.
    """
    if isinstance(type, Scalar):
        return _SCALARS[type.name]
    if isinstance(type, File):
        return FileInput if is_input else str
    if isinstance(type, Literals):
        return Literal[type.values]
    if isinstance(type, TupleOf):
        if is_input:
            return GenericAlias(tuple, tuple([annotation_of(item, is_input=True) for item in type.items]))
        return GenericAlias(list, (annotation_of(union(type.items), is_input=False),))
    if isinstance(type, ListOf):
        return GenericAlias(list, (annotation_of(type.item, is_input=is_input),))
    if isinstance(type, DictOf):
        return GenericAlias(dict, (str, annotation_of(type.value, is_input=is_input)))
    if isinstance(type, Record):
        return dict[str, Any]
    members: list[Any] = [annotation_of(member, is_input=is_input) for member in type.members]
    found = members[0]
    for member in members[1:]:
        found = found | member
    return found


def signature_of(endpoint: Endpoint) -> Signature:
    """How an endpoint is called from Python: with what names, types and defaults, and what it returns."""
    return Signature(
        [
            Parameter(
                argument.name,
                argument.kind,
                default=copy_json(argument.info.default) if argument.has_default else Parameter.empty,
                annotation=annotation_of(argument.type, is_input=True),
            )
            for argument in arguments_of(endpoint)
        ],
        return_annotation=_returned(endpoint),
    )


def _returned(endpoint: Endpoint) -> Any:
    returns = returns_of(endpoint)
    if returns is None:
        return Any
    values = [annotation_of(each.type, is_input=False) for each in returns]
    return values[0] if len(values) == 1 else GenericAlias(tuple, tuple(values))
