"""Defects in cancelling and resetting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from ..answers import Answer, Later, Request, json_reply
from ..bodies import Unprocessable
from ..queueing import Job, Message, Queue, Run, completed
from ..routes import Routes
from .table import SSE_V21, V4, defect


def _is_cancellation(message: Message) -> bool:
    return message["msg"] == "process_completed" and not message["output"]


@defect("cancel/kills-sibling", "cancel/route/only-that-job", since=V4)
class CancelKillsSibling(Queue):
    """``/cancel`` ends all that runs of the function in the session, and tells of one job only."""

    def cancel(self, event_id: str, session_hash: str, fn_index: int, now: float) -> None:
        """What ``POST /cancel`` does."""
        super().cancel(event_id, session_hash, fn_index, now)
        for line in [line for line in self._lines.values() if line.endpoint.id == fn_index]:
            for run in [run for run in line.runs if run.jobs[0].session_hash == session_hash]:
                self._end(run, now)


@defect("cancel/ignored", "cancel/route/completes", since=V4)
class CancelIgnored(Queue):
    """``/cancel`` is answered, and nothing happens."""

    def cancel(self, event_id: str, session_hash: str, fn_index: int, now: float) -> None:
        """What ``POST /cancel`` does."""


@defect("cancel/no-terminal", "cancel/route/completes", since=V4)
class CancelNoTerminal(Queue):
    """A cancelled job ends without a completion."""

    def _send(self, job: Job, message: Message) -> None:
        if not _is_cancellation(message):
            super()._send(job, message)


@defect("cancel/success-false", "cancel/route/completes", since=V4)
class CancelSuccessFalse(Queue):
    """A cancelled job is completed as one that has failed."""

    def _send(self, job: Job, message: Message) -> None:
        super()._send(job, {**message, "success": False} if _is_cancellation(message) else message)


@defect("cancel/waiting-runs", "cancel/route/waiting", since=V4)
class CancelWaitingRuns(Queue):
    """A job that is cancelled while it waits runs in its turn all the same."""

    def cancel(self, event_id: str, session_hash: str, fn_index: int, now: float) -> None:
        """What ``POST /cancel`` does."""
        lines = [
            (line, job) for line in self._lines.values() for job in line.waiting if job.event_id == event_id
        ]
        super().cancel(event_id, session_hash, fn_index, now)
        for line, job in lines:
            line.waiting.appendleft(job)


@defect("cancel/completes-again", "cancel/route/idempotent", since=V4)
class CancelCompletesAgain(Queue):
    """A second cancellation completes the job once more."""

    @cached_property
    def _cancelled(self) -> set[str]:
        return set()

    def cancel(self, event_id: str, session_hash: str, fn_index: int, now: float) -> None:
        """What ``POST /cancel`` does."""
        super().cancel(event_id, session_hash, fn_index, now)
        mailbox = self.mailbox(session_hash)
        if event_id in self._cancelled and mailbox is not None:
            self.post(mailbox, completed(event_id, {}))
        self._cancelled.add(event_id)


@defect("cancel/place-kept", "cancel/route/frees-place", since=V4)
class CancelPlaceKept(Queue):
    """A job that was cancelled as it ran keeps its place, and no other starts there."""

    def _leave(self, run: Run, job: Job, now: float) -> None:
        self._lines[run.endpoint].runs.append(replace(run))
        super()._leave(run, job, now)


@defect("cancel/malformed-accepted", "cancel/route/malformed", since=V4)
class CancelMalformedAccepted(Routes):
    """A ``/cancel`` that does not say what is to be cancelled is answered like any other."""

    def _post_cancel(self, request: Request, later: Later, now: float) -> Answer:
        try:
            return super()._post_cancel(request, later, now)
        except Unprocessable:
            return json_reply(200, {"success": True})


@defect("reset/ends-job", "cancel/reset/no-op", since=V4)
class ResetEndsJob(Routes):
    """``/reset`` ends a generator."""

    def _post_reset(self, request: Request, later: Later, now: float) -> Answer:
        answer = super()._post_reset(request, later, now)
        event_id: Any = self._parse(request, {})["event_id"]
        self._queue.reset(event_id)
        return answer


@defect("reset/refused", "cancel/reset/no-op", since=V4)
class ResetRefused(Routes):
    """``/reset`` says that it has not worked."""

    def _post_reset(self, request: Request, later: Later, now: float) -> Answer:
        super()._post_reset(request, later, now)
        return json_reply(200, {"success": False})


@defect("cancel-event/ignored", "cancel/event/ends", until=SSE_V21)
class CancelEventIgnored(Queue):
    """An event that cancels does nothing."""

    def _cancel_runs(self, session_hash: str | None, names: Sequence[str], now: float) -> None:
        pass


@defect("cancel-event/other-sessions", "cancel/event/ends", until=SSE_V21)
class CancelEventOtherSessions(Queue):
    """An event that cancels ends the jobs of all sessions."""

    def _cancel_runs(self, session_hash: str | None, names: Sequence[str], now: float) -> None:
        runs = [run for line in self._lines.values() for run in line.runs]
        for session in dict.fromkeys([session_hash, *(run.jobs[0].session_hash for run in runs)]):
            super()._cancel_runs(session, names, now)
