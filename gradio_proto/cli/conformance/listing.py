"""``list`` and ``explain``: which cases there are, and what each of them is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from .choosing import globs, with_globs

if TYPE_CHECKING:
    from gradio_proto.conformance.model import Case, Needs


@click.command("list")
@with_globs
@click.option("--json", "as_json", is_flag=True, help="As JSON, with everything that is known of a case.")
@click.option("--roles", is_flag=True, help="Say instead which roles endpoints can play.")
@click.option("--defects", is_flag=True, help="Say instead which defects the embedded server can be given.")
def list_cases(
    select: tuple[str, ...], skip: tuple[str, ...], as_json: bool, roles: bool, defects: bool
) -> None:
    """Say which cases there are."""
    if defects:
        _list_defects(as_json=as_json)
        return
    if roles:
        _list_roles(as_json=as_json)
        return
    from gradio_proto.conformance.runner import Options, selected

    cases = selected(Options(select=globs(select), skip=globs(skip)))
    if as_json:
        click.echo(json.dumps([_as_json(case) for case in cases], indent=1))
        return
    from ..terminal import show, table

    shown = table("case", "level", "severity", "versions", "needs")
    for case in cases:
        requirement = case.requirement
        shown.add_row(case.id, requirement.level, case.severity, requirement.scope, needed(case.needs))
    show(shown)
    click.echo(f"\n{len(cases)} cases")


@click.command()
@click.argument("id")
def explain(id: str) -> None:
    """Say everything about the case ID: what the specification demands, what is tried, what it needs."""
    from gradio_proto.conformance import spec

    case = case_of(id)
    requirement = case.requirement
    lines = [
        case.id,
        "",
        f"Requirement  {requirement.level}, in spec/{requirement.link}",
        f"             {requirement.text}",
        f"Holds for    Gradio {requirement.scope} ({', '.join(requirement.generations)})",
        f"Severity     {case.severity}",
        f"Tried        {case.about}",
        f"Needs        {needed(case.needs) or 'nothing of the app'}",
    ]
    if case.examples > 1:
        lines.append(f"Examples     {case.examples} by default, drawn from the seed")
    if case.seconds:
        lines.append(f"Waits        about {case.seconds:g} s")
    for defect in spec.defects().values():
        if requirement.id in defect.breaks:
            lines.append(f"Known        {defect.text} (spec/{defect.link})")
    roles = "".join(f" --endpoint {role}=/NAME" for role in case.needs.endpoints if role != "any")
    allowed = " --destructive" if case.needs.is_destructive else ""
    lines += ["", f"gradio-proto conformance replay {case.id} URL{roles}{allowed}"]
    click.echo("\n".join(lines))


def case_of(id: str) -> Case:
    """The case of that id.

    Raises:
        click.UsageError: There is none; it names those that look like it.
    """
    from gradio_proto.conformance.choice import near_ids
    from gradio_proto.conformance.registry import all_cases

    cases = all_cases()
    if id in cases:
        return cases[id]
    near = near_ids(id, cases)
    hint = f"; did you mean {', '.join(near)}?" if near else "; `gradio-proto conformance list` has them all"
    raise click.UsageError(f"there is no case {id!r}{hint}")


def needed(needs: Needs) -> str:
    """What a case needs, in a line."""
    words = [f"endpoint {role}" for role in needs.endpoints]
    if needs.variant != "plain":
        words.append(f"app run as {needs.variant}")
    if needs.is_destructive:
        words.append("--destructive")
    return ", ".join(words)


def _list_roles(*, as_json: bool) -> None:
    """Show the endpoints of the reference app that cases need; an endpoint of that kind can play the role."""
    from gradio_proto.conformance.reference import reference_twin
    from gradio_proto.testing.generations import PROTOCOLS

    from .servers import roles as known_roles

    # Some are there in old versions alone.
    apps = [reference_twin(version) for version in PROTOCOLS]
    endpoints = {endpoint.name: endpoint for app in apps for endpoint in app.endpoints}
    entries = [
        {
            "role": role,
            "inputs": [component.type for component in endpoints[role].inputs],
            "outputs": [component.type for component in endpoints[role].outputs],
            "cases": number,
        }
        for role, number in known_roles().items()
        if role in endpoints
    ]
    if as_json:
        click.echo(json.dumps(entries, indent=1))
        return
    from ..terminal import show, table

    shown = table("role", "inputs", "outputs", "cases")
    for entry in entries:
        shown.add_row(
            *(", ".join(value) if isinstance(value, list) else str(value) for value in entry.values())
        )
    show(shown)


def _list_defects(*, as_json: bool) -> None:
    from gradio_proto.testing.defects import DEFECTS

    if as_json:
        entries = [
            {"name": defect.name, "text": defect.text, "breaks": defect.breaks, "versions": defect.versions}
            for defect in DEFECTS.values()
        ]
        click.echo(json.dumps(entries, indent=1))
        return
    from ..terminal import show, table

    shown = table("defect", "from", "to", "what is wrong")
    for defect in DEFECTS.values():
        shown.add_row(defect.name, defect.versions[0], defect.versions[-1], defect.text)
    show(shown)


def _as_json(case: Case) -> dict[str, Any]:
    return {
        "id": case.id,
        "about": case.about,
        "level": case.requirement.level,
        "severity": case.severity,
        "requirement": {
            "id": case.requirement.id,
            "text": case.requirement.text,
            "link": case.requirement.link,
            "generations": case.requirement.generations,
            "scope": case.requirement.scope,
        },
        "needs": {
            "endpoints": case.needs.endpoints,
            "variant": case.needs.variant,
            "destructive": case.needs.is_destructive,
        },
        "examples": case.examples,
        "seconds": case.seconds,
    }
