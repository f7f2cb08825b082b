"""The arguments and results of an endpoint as a Python function has them.

An app's components stand in any order, so that one without a value may follow others that have one; a Python
function lists those that may be left out last. Positions are what a call goes by, so nothing is moved: what follows
such a parameter is given by name. A parameter that has no name (Gradio up to 4.21) is given by position, and so is
everything before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from inspect import Parameter
from itertools import chain, repeat
from typing import Any

from ..api_info import ParameterInfo, ReturnInfo
from ..config import Component
from ..endpoints import Endpoint, snake_case
from ..identifiers import identifier, unique
from .types import Type, parameter_type, type_of, with_other_texts


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of an endpoint."""

    name: str
    """Its name in Python; made up for one without a name."""
    has_keyword: bool
    """Whether a call may give it by that name."""
    kind: Any
    """One of the kinds of :class:`inspect.Parameter`."""
    has_default: bool
    """Whether a call may leave it out."""
    type: Type
    """The type of its value."""
    info: ParameterInfo = field(repr=False)
    """What ``/info`` says of it."""


@dataclass(frozen=True, slots=True)
class Result:
    """One value that an endpoint returns."""

    name: str
    """Its name in Python, made of its label."""
    type: Type
    """Its type."""
    info: ReturnInfo = field(repr=False)
    """What ``/info`` says of it."""


def arguments_of(endpoint: Endpoint) -> tuple[Argument, ...]:
    """The arguments of an endpoint in their order, each with a name of its own."""
    keywords = endpoint.keywords
    taken = {keyword for keyword in keywords if keyword is not None}
    last_unnamed = max([i for i, keyword in enumerate(keywords) if keyword is None], default=-1)
    found: list[Argument] = []
    kind: Any = Parameter.POSITIONAL_ONLY
    shown = zip(keywords, endpoint.parameters, endpoint.parameter_components, strict=True)
    for position, (keyword, info, component) in enumerate(shown):
        name = keyword
        if name is None:
            name = unique(identifier(info.label, f"arg_{position}"), taken)
            taken.add(name)
        if position > last_unnamed:
            follows_default = bool(found) and found[-1].has_default
            if kind is Parameter.POSITIONAL_ONLY:
                kind = Parameter.POSITIONAL_OR_KEYWORD
            elif follows_default and not info.has_default:
                kind = Parameter.KEYWORD_ONLY
        has_default = info.has_default and kind is not Parameter.POSITIONAL_ONLY
        type = _offered(parameter_type(info), component)
        found.append(Argument(name, keyword is not None, kind, has_default, type, info))
    return tuple(found)


def returns_of(endpoint: Endpoint) -> tuple[Result, ...] | None:
    """The values that an endpoint returns, each with a name of its own; None if its server does not say."""
    if endpoint.info is None:
        return None
    found: dict[str, Result] = {}
    # /info may list more values than the config has components.
    components = chain(endpoint.result_components, repeat(None))
    for position, (info, component) in enumerate(zip(endpoint.info.returns, components, strict=False)):
        name = unique(identifier(snake_case(info.label), f"value_{position}"), found)
        found[name] = Result(name, _offered(type_of(info), component), info)
    return tuple(found.values())


def _offered(type: Type, component: Component | None) -> Type:
    # The schema of a dropdown holds its choices, whether or not they are all that it takes.
    is_open = component is not None and component.props.get("allow_custom_value") is True
    return with_other_texts(type) if is_open else type
