"""The statuses of a job, as users of the official client know them."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gradio_proto.status import Status, StatusUpdate


def test_statuses_compare_in_the_order_of_a_jobs_life() -> None:
    life = [
        Status.STARTING,
        Status.JOINING_QUEUE,
        Status.IN_QUEUE,
        Status.PROCESSING,
        Status.ITERATING,
        Status.FINISHED,
    ]
    assert all(a < b for a, b in pairwise(life))
    assert Status.FINISHED < Status.CANCELLED
    assert not Status.FINISHED < Status.STARTING
    assert not any(status < status for status in Status)


def test_a_status_is_written_as_it_is_named() -> None:
    assert [status.value for status in Status] == [status.name for status in Status]


def test_what_an_update_does_not_say() -> None:
    update = StatusUpdate(Status.STARTING, None, None, None, None, None, None)
    assert (update.log, update.time_limit) == (None, None)


def test_a_status_compares_with_nothing_else() -> None:
    with pytest.raises(TypeError):
        _ = Status.STARTING < "FINISHED"
