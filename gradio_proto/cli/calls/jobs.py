"""``submit``, ``events`` and ``cancel``: a job that one process begins, and others follow and cancel.

``submit`` brings a job to its server and goes. The line that it prints has all that the others need. Why that works,
and that a job can be followed once, is told in :mod:`gradio_proto.flows.handover`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ..failing import NotDone
from ..terminal import json_line, json_text
from .arguments import STDIN, parse_json, tell_of_reading
from .calling import (
    Call,
    display_of,
    downloads_to,
    end_as,
    fitting,
    opened,
    with_call,
    with_downloads,
)
from .connecting import CallCommand, Connection, with_connection
from .display import Display
from .naming import EndpointPair, app_of, labels_of_outputs

if TYPE_CHECKING:
    from gradio_proto.client import Client, Job
    from gradio_proto.client.handover import JobHandle


@dataclass(frozen=True, slots=True)
class Named:
    """A job as the line of ``submit`` names it."""

    src: str
    """Where its app is."""
    handle: JobHandle


@click.command(cls=CallCommand)
@with_call
@click.option("--events", "follows", is_flag=True, help="Then print what happens to the job, as events does.")
@with_downloads
@with_connection
def submit(
    connection: Connection,
    src: str,
    endpoint: EndpointPair,
    arguments: tuple[str, ...],
    follows: bool,
    directory: str | None,
    no_download: bool,
) -> None:
    """Begin a job, and print one line of JSON that names it. The job goes on when this command has ended.

    The arguments are those of predict. Give the line to events and cancel, each once, on any machine:

    \b
        gradio-proto submit http://127.0.0.1:7860 /train epochs=3 > job.json
        gradio-proto events - < job.json

    Gradio 4.9 and later keep a job for whoever asks. Before, it lives as long as its connection: take --events.
    """
    from gradio_proto.client import handover

    display = display_of(connection) if not follows else _display_of_lines(connection)
    with (
        display,
        opened(
            connection, src, endpoint, arguments, display, directory=directory, no_download=no_download
        ) as call,
    ):
        client, given = call.client, call.arguments
        if handover.can_hand_over(client, *endpoint):
            with fitting():
                handle = handover.hand_over(client, *endpoint, given.args, given.kwargs)
            display.stop()
            _name(call, handle)
            if follows:
                with handover.take_over(client, handle) as job:
                    _follow(job, call.labels, display)
        elif follows:
            with call.submit() as job:
                _name(call, None)
                _follow(job, call.labels, display)
        else:
            raise NotDone(
                f"{client.src} speaks {client.protocol!r}, where a job of this endpoint lives no longer than the "
                "connection on which it was begun: take submit --events, stream or predict"
            )


@click.command(cls=CallCommand)
@click.argument("job", default=STDIN, metavar="[JOB]")
@with_downloads
@with_connection
def events(connection: Connection, job: str, directory: str | None, no_download: bool) -> None:
    """Print what happens to a job: one line of JSON for each event, as it comes, from its first to its last.

    JOB is the line that submit has printed; by default it is read from stdin.

    \b
        gradio-proto submit http://127.0.0.1:7860 /count n=3 | gradio-proto events

    A job can be followed once: what was read is gone, and who stops reading gives the job up, so Ctrl-C cancels it.
    """
    from gradio_proto.client import handover

    named = read_name(job)
    display = _display_of_lines(connection)
    downloads = downloads_to(directory, no_download)
    with (
        display,
        connection.open(named.src, download_files=downloads, on_transfer=display.transferred) as client,
        handover.take_over(client, named.handle) as followed,
    ):
        _follow(followed, labels_of_outputs(client, (None, named.handle.fn_index)), display)


@click.command(cls=CallCommand)
@click.argument("job", default=STDIN, metavar="[JOB]")
@with_connection
def cancel(connection: Connection, job: str) -> None:
    """Have the server give up a job, whether it waits or runs, and whoever follows it.

    JOB is the line that submit has printed; by default it is read from stdin. What is printed says what was done. A
    function that is no generator goes on to its end, and nobody gets its result.

    \b
        gradio-proto cancel < job.json
    """
    from gradio_proto.client import handover

    named = read_name(job)
    with connection.open(named.src) as client:
        report = handover.stop(client, named.handle)
    click.echo(
        json_text(
            {
                "event_id": named.handle.event_id,
                "server_told": report.server_told,
                "reason": report.reason,
            }
        )
    )
    if not report.server_told:
        raise NotDone(f"the server was not told: {report.reason}")


def read_name(text: str) -> Named:
    """Read what ``submit`` has printed, which is ``text``, or on stdin.

    Raises:
        click.UsageError: It is something else.
    """
    from gradio_proto.client.handover import JobHandle
    from gradio_proto.config import object_of

    if text == STDIN:
        tell_of_reading()
        text = sys.stdin.readline()
        if not text.strip():  # what submit says of that is on stderr
            raise click.UsageError("there is no job on stdin: submit has printed none")
    told = object_of(parse_json(text, "the job"))
    match told:
        case {
            "src": str(src),
            "event_id": str(event),
            "session_hash": str(session),
            "fn_index": int(number),
        } if not isinstance(number, bool):
            return Named(src, JobHandle(event, session, number))
        case {"src": str(), "event_id": None}:
            raise click.UsageError("no other command can follow or cancel this job: its server gives no ids")
        case _:
            raise click.UsageError("a job is the line of JSON that submit prints, and this is none")


def _name(call: Call, handle: JobHandle | None) -> None:
    client: Client = call.client
    endpoint = app_of(client).resolve(*call.endpoint)
    named: dict[str, Any] = {
        "src": client.src,
        "endpoint": endpoint.label,
        "fn_index": endpoint.fn_index,
        "event_id": None if handle is None else handle.event_id,
        "session_hash": None if handle is None else handle.session_hash,
        "protocol": client.protocol,
    }
    click.echo(json_line(named))


def _display_of_lines(connection: Connection) -> Display:
    """Bars, where the lines do not come between them."""
    return Display(has_bars=connection.shows_progress and not sys.stdout.isatty(), tells=False)


def _follow(job: Job, labels: list[str], display: Display) -> None:
    from .happenings import as_json

    for event in job.events():
        display.happened(event)
        click.echo(json_line(as_json(event, labels)))
        end_as(event)
