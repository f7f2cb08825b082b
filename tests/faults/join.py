"""What can happen to the request that joins the queue."""

from __future__ import annotations

from gradio_proto.errors import ConnectionLost, DeadlineExceeded, LimitExceeded, TooManyRequestsError
from gradio_proto.limits import MIB, Limits

from .answers import closes, resets, responds, silent
from .bench import QUICK
from .model import Fault, raises
from .servers import faulty
from .uses import only_predicts, predicts

FAULTS = (
    Fault(
        id="join/reset",
        happens="The connection is reset when the join has been read.",
        phase="join",
        served=faulty({"queue/join": resets}),
        use=predicts,
        expect=raises(ConnectionLost, phase="sent_unknown", retryable=False),
    ),
    Fault(
        id="join/close",
        happens="The connection is closed when the join has been read, with no answer.",
        phase="join",
        served=faulty({"queue/join": closes}),
        use=predicts,
        expect=raises(ConnectionLost, phase="sent_unknown", retryable=False),
    ),
    Fault(
        id="join/silence",
        happens="The join is never answered.",
        phase="join",
        served=faulty({"queue/join": silent}),
        use=predicts,
        options={"timeouts": QUICK},
        expect=raises(DeadlineExceeded, phase="sent_unknown", kind="read"),
    ),
    Fault(
        id="join/too-many-requests",
        happens="The join is answered with 429 and a time to wait.",
        phase="join",
        served=faulty({"queue/join": responds("429 Too Many Requests", b"{}", headers={"retry_after": "7"})}),
        use=predicts,
        expect=raises(TooManyRequestsError, retry_after=7.0, retryable=True),
    ),
    Fault(
        id="join/endless",
        happens="The reply to the join goes on and on.",
        phase="join",
        served=faulty({"queue/join": responds("200 OK", b'{"event_id": "' + b"x" * (64 * MIB))}, times=None),
        use=only_predicts,
        options={"limits": Limits(json_body_bytes=MIB)},
        limit="json_body_bytes",
        expect=raises(LimitExceeded, name="json_body_bytes"),
    ),
)
