"""The other direction: a hostile scripted server, for testing clients.

For each case a small app is served at a URL of its own, and a command is told to call it with the client under test.
What the server does is a :class:`Scenario`: data, said step by step by ``server.ScriptedServer``. What the
client asks of the server is watched as closely as what comes out (see ``watch.py``), and so is a second server, where
nobody is to be seen who keeps to the specification.

The contract with the command:

It is started for each case, and finds in its environment

- ``GRADIO_URL``: the app's URL;
- ``GRADIO_API_NAME`` and ``GRADIO_DATA``: the endpoint to call, and a JSON list of its arguments by position.
  An argument ``{"$file": path}`` stands for a file of this machine that is to be uploaded;
- ``GRADIO_CALLS``, in some cases: a JSON list of ``{"api_name": ..., "data": ...}``. They are to be made all at once,
  with one client, in place of the one call;
- ``GRADIO_STREAM`` (``true``), in some cases: all values are asked for, not the last one alone;
- ``GRADIO_TIMEOUT``, in cases about silence: the seconds after which the client is to give up. Without it the command
  sets no limit of its own: that a client does not wait for ever where something has ended is what is tested;
- ``GRADIO_TOKEN`` and ``GRADIO_HEADERS`` (a JSON object), in some cases: a token and headers to be sent to the app.

``{url}``, ``{api_name}`` and ``{data}`` in its words are replaced likewise. It makes the call, and prints one line of
JSON, the last one on its standard output: ``{"value": ...}``, or ``{"values": [...]}`` for all values of a call, or
``{"error": "its text", "type": "its class"}``; for several calls ``{"results": [...]}``, with one of these for each.
A file that has been downloaded is the path to it. The exit status is 0 also for an error: an error is an outcome.

A *persistent* command, which is started with the tester, reads the same as one line of JSON for each case from its
standard input, in lower case and without the prefix (``{"url": ..., "api_name": ..., "data": [...], ...}``, with
``"scratch"``, a directory for files that it downloads), and answers a line each, until that ends. A hundred cases
take seconds so. It is killed and started anew when it does not answer in time.

``gradio_proto.conformance.clients.runners`` holds such commands for our own clients, and for the official one.
"""

from __future__ import annotations

from .command import CommandMissing
from .model import Case, ClientReport, Problem, Result, Scenario, Verdict, cases_of
from .report import report_data, report_text, result_text, summary_text
from .run import run_case, run_client, selected

__all__ = [
    "Case",
    "ClientReport",
    "CommandMissing",
    "Problem",
    "Result",
    "Scenario",
    "Verdict",
    "cases",
    "cases_of",
    "report_data",
    "report_text",
    "result_text",
    "run_case",
    "run_client",
    "selected",
    "summary_text",
]


def cases() -> list[Case]:
    """Every case of the package's own scenarios, in their order."""
    from .scenarios import SCENARIOS

    return cases_of(SCENARIOS)
