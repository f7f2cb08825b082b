"""What a playback answers, asked by hand: which recorded answer it is, when it comes, and how it ends."""

from __future__ import annotations

import json
from typing import Any

import h11
import pytest
from played import ADDRESS, ByHand, answer, recording_of
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

from gradio_proto.recording import playback as module
from gradio_proto.recording.model import End, Exchange, Frame, How, Piece, Response
from gradio_proto.recording.script import Cue
from gradio_proto.recording.track import Track

JSON = (("content-type", "application/json"),)
STREAM = (("content-type", "text/event-stream"), ("transfer-encoding", "chunked"))


def exchange(
    method: str,
    target: str,
    body: str = "",
    *,
    said: str | bytes = "",
    at: float = 0.0,
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = JSON,
    how: How | None = "complete",
) -> Exchange:
    data = said if isinstance(said, bytes) else said.encode()
    if headers is JSON:
        headers = (*JSON, ("content-length", str(len(data))))
    pieces = (Piece(at + 0.2, data),) if data else ()
    end = None if how is None else End(at + 0.2, how)
    return Exchange(
        at, method, target, JSON, body.encode(), Response(at + 0.1, status, "OK", headers, pieces), (), end
    )


def stream(
    target: str, *events: tuple[float, dict[str, Any] | str], at: float = 0.0, how: How | None = "complete"
) -> Exchange:
    pieces = tuple(
        Piece(when, (said if isinstance(said, str) else f"data: {json.dumps(said)}\n\n").encode())
        for when, said in events
    )
    last = pieces[-1].at if pieces else at
    end = None if how is None else End(last, how)
    return Exchange(at, "GET", target, (), b"", Response(at, 200, "OK", STREAM, pieces), (), end)


def join(session: str, event_id: str, data: str = "x", at: float = 0.0) -> Exchange:
    body = json.dumps({"data": [data], "fn_index": 0, "session_hash": session})
    return exchange("POST", "/queue/join", body, said=json.dumps({"event_id": event_id}), at=at)


def body_of(there: ByHand, line: int, method: str = "GET", *, is_whole: bool = True) -> str:
    return answer(method, there.received(line), is_whole=is_whole)[2].decode()


def asked_to_join(there: ByHand, session: str, data: str = "x") -> str:
    body = json.dumps({"fn_index": 0, "session_hash": session, "data": [data], "event_data": None}).encode()
    line = there.ask("POST", "/queue/join", body)
    event_id: str = json.loads(body_of(there, line, "POST"))["event_id"]
    return event_id


# Which answer.


def test_alike_requests_are_answered_in_the_recorded_order() -> None:
    there = ByHand(
        recording_of(
            exchange("POST", "/run/x", '{"data":[1],"event_data":null}', said="1"),
            exchange("POST", "/run/x", '{"data":[1]}', said="2"),
            exchange("GET", "/config", said="a"),
            exchange("GET", "/config", said="b"),
        )
    )
    said = [body_of(there, there.ask("POST", "/run/x", b'{"data": [1]}'), "POST") for _ in range(5)]
    assert said == ["1", "2", "1", "2", "1"]
    by_browser = there.ask("POST", "/run/x?__theme=dark", b'{"data": [1], "trigger_id": 7}')
    assert body_of(there, by_browser, "POST") == "2"
    assert [body_of(there, there.ask("GET", "/config")) for _ in range(4)] == ["a", "b", "b", "b"]


def test_each_client_asks_for_the_info_in_its_own_way() -> None:
    infos = [
        exchange("GET", f"/info?{query}", said=query) for query in ("all_endpoints=True", "serialize=False")
    ]
    there = ByHand(recording_of(*infos))
    for query, said in (("serialize=False", "serialize=False"), ("other=1", "all_endpoints=True")):
        assert body_of(there, there.ask("GET", f"/info?{query}")) == said


def test_what_was_never_recorded_is_refused_and_told() -> None:
    unanswered = Exchange(0.0, "GET", "/lost", (), end=End(0.0, "server left"))
    there = ByHand(recording_of(exchange("POST", "/run/x", '{"data":[1]}'), unanswered))
    line = there.ask("POST", "/run/x", b'{"data":[2]}')
    status, headers, body = answer("POST", there.received(line))
    assert (status, headers["content-type"]) == (501, "text/plain; charset=utf-8")
    assert body.decode() == 'this request was never recorded: POST /run/x {"data":[2]}\n'
    assert answer("GET", there.received(there.ask("GET", "/lost", line=line)))[0] == 501
    assert answer("HEAD", there.received(there.ask("HEAD", "/lost", line=line)))[2] == b""
    there.ask("GET", "/x", headers=(("connection", "close"),), line=line)
    assert there.closed == {line}
    assert [text.partition(":")[2] for text in there.told] == [
        ' POST /run/x {"data":[2]}',
        " GET /lost",
        " HEAD /lost",
        " GET /x",
    ]


def test_what_is_told_of_a_refused_request_has_no_secrets() -> None:
    there = ByHand(recording_of())
    there.ask("POST", "/login?__sign=signature123", b"username=ada&password=open-sesame")
    assert there.told == [
        "this request was never recorded: POST /login?__sign=[redacted] username=ada&password=[redacted]"
    ]


def test_headers_need_not_be_ascii() -> None:
    headers = (("x-name", "\xe9"), ("content-length", "1"))
    there = ByHand(recording_of(exchange("GET", "/a", said="1", headers=headers)))
    assert b"x-name: \xe9\r\n" in there.received(there.ask("GET", "/a"))


def test_forms_are_alike_whatever_their_boundary_and_secrets_whatever_they_are() -> None:
    form = '--AAA\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\nx\r\n--AAA--\r\n'
    upload = Exchange(
        0.0, "POST", "/upload?upload_id=1", (("content-type", "multipart/form-data; boundary=AAA"),), form.encode(),
        Response(0.0, 200, "OK", JSON, (Piece(0.0, b'["p"]'),)), (), End(0.0, "complete"),
    )  # fmt: skip
    login = exchange("POST", "/login", "username=ada&password=[redacted]", said="{}")
    there = ByHand(recording_of(upload, login, exchange("POST", "/odd", "{odd", said="1")))
    sent = form.replace("AAA", "BBB").encode()
    line = there.ask(
        "POST", "/upload?upload_id=2", sent, (("content-type", "multipart/form-data; boundary=BBB"),)
    )
    assert body_of(there, line, "POST") == '["p"]'
    assert body_of(there, there.ask("POST", "/login", b"username=ada&password=other"), "POST") == "{}"
    assert body_of(there, there.ask("POST", "/odd", b"{odd"), "POST") == "1"
    assert there.told == []


def test_addresses_and_sessions_are_the_live_ones_in_texts_only() -> None:
    page = (("content-type", "text/html"), ("location", f"{ADDRESS}/x"))
    there = ByHand(
        recording_of(
            exchange("GET", "/", said=f"at {ADDRESS}/", headers=page),
            exchange("GET", "/file=a", said=f"{ADDRESS}", headers=(("content-type", "image/png"),)),
            exchange("POST", "/run/x", '{"session_hash":"recorded1"}', said='"recorded1"'),
            exchange("POST", "/run/y", '{"session_hash":"short"}', said='"short"'),
            exchange(
                "GET", "/heartbeat/recorded1", said="recorded1", headers=(("content-type", "text/plain"),)
            ),
        )
    )
    _, headers, body = answer("GET", there.received(there.ask("GET", "/")))
    assert (headers["location"], body) == ("http://here:7860/x", b"at http://here:7860/")
    assert body_of(there, there.ask("GET", "/file=a")) == ADDRESS
    assert body_of(there, there.ask("POST", "/run/x", b'{"session_hash":"live"}'), "POST") == '"live"'
    assert body_of(there, there.ask("POST", "/run/y", b'{"session_hash":"other"}'), "POST") == '"short"'
    assert body_of(there, there.ask("GET", "/heartbeat/live")) == "live"


def test_each_live_session_is_like_another_recorded_one() -> None:
    runs = [
        exchange(
            "POST", "/run/x", json.dumps({"session_hash": f"session{session}"}), said=f"{session}.{time}"
        )
        for time in range(2)
        for session in range(2)
    ]
    there = ByHand(recording_of(*runs))
    said = [
        body_of(there, there.ask("POST", "/run/x", json.dumps({"session_hash": live}).encode()), "POST")
        for live in ("a", "b", "b", "a")
    ]
    assert said == ["0.0", "1.0", "1.1", "0.1"]


# When and how.


def test_an_answer_takes_as_long_as_it_did() -> None:
    there = ByHand(recording_of(exchange("GET", "/config", said="{}", at=5.0)), speed=2.0)
    assert there.playback.next_deadline() is None
    line = there.ask("GET", "/config")
    assert there.playback.next_deadline() == pytest.approx(0.05)
    assert there.received(line) == b""
    there.wait(0.051)
    head = there.received(line)
    assert head.endswith(b"\r\n\r\n")
    there.wait(0.06)
    assert answer("GET", head + there.received(line))[2] == b"{}"


@pytest.mark.parametrize(("how", "is_closed"), [("server left", True), ("client left", False), (None, False)])
def test_an_answer_that_was_not_whole_ends_as_it_did(how: How | None, is_closed: bool) -> None:
    there = ByHand(recording_of(exchange("GET", "/config", said="half", how=how)))
    line = there.ask("GET", "/config")
    assert body_of(there, line, is_whole=False) == "half"
    assert (line in there.closed) == is_closed


def test_a_connection_carries_one_request_after_the_other() -> None:
    head = exchange("HEAD", "/file=a", said="not sent", headers=(("content-length", "9"),))
    empty = exchange("GET", "/none", status=204, headers=(("content-length", "0"),))
    there = ByHand(
        recording_of(exchange("GET", "/a", said="1"), exchange("GET", "/b", said="2"), head, empty)
    )
    line = there.open()
    there.send(line, b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n")
    assert there.received(line).count(b"200") == 2
    _, headers, _ = answer("HEAD", there.received(there.ask("HEAD", "/file=a", line=line)))
    assert headers["content-length"] == "9"
    assert answer("GET", there.received(there.ask("GET", "/none", line=line)))[0] == 204
    there.ask("GET", "/a", headers=(("connection", "close"),), line=line)
    assert line in there.closed
    there.send(line, b"late")


def test_whoever_leaves_is_forgotten() -> None:
    there = ByHand(recording_of())
    there.playback.connection_lost(7)
    there.playback.connection_lost(there.open())
    line = there.open()
    there.send(line, b"")
    assert line in there.closed
    assert there.playback.next_deadline() is None


def test_what_is_no_request_closes_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    there = ByHand(recording_of(exchange("POST", "/x", "abc", said="1")))
    line = there.open()
    there.send(line, b"what\r\n\r\n")
    assert line in there.closed
    expecting = there.open()
    there.send(expecting, b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    assert there.received(expecting).startswith(b"HTTP/1.1 100")
    monkeypatch.setattr(module, "MAX_BODY", 2)
    there.send(expecting, b"abc")
    assert expecting in there.closed


# Streams that jobs share.


def message(msg: str, event_id: str | None, **more: Any) -> dict[str, Any]:
    return {"msg": msg, "event_id": event_id, **more}


def two_jobs(how: How | None = "complete") -> ByHand:
    return ByHand(
        recording_of(
            join("recorded", "e1", "a"),
            join("recorded", "e2", "b", at=0.1),
            stream(
                "/queue/data?session_hash=recorded",
                (1.0, message("process_starts", "e1")),
                (2.0, message("heartbeat", None)),
                (3.0, message("process_completed", "e2")),
                (4.0, message("process_completed", "e1")),
                (5.0, message("close_stream", None)),
                how=how,
            ),
        )
    )


def messages(text: str) -> list[tuple[str, str | None]]:
    found = [json.loads(line[6:]) for line in text.split("\n\n") if line]
    return [(each["msg"], each["event_id"]) for each in found]


def test_a_stream_says_what_belongs_to_the_jobs_of_its_session() -> None:
    there = two_jobs()
    line = there.ask("GET", "/queue/data?session_hash=live")
    assert asked_to_join(there, "live", "b") == "e2"
    data = there.received(line)
    assert messages(answer("GET", data, is_whole=False)[2].decode()) == [
        ("heartbeat", None),
        ("process_completed", "e2"),
    ]
    assert asked_to_join(there, "live", "a") == "e1"
    assert messages(answer("GET", data + there.received(line))[2].decode())[2:] == [
        ("process_starts", "e1"),
        ("process_completed", "e1"),
        ("close_stream", None),
    ]


def test_a_second_round_has_events_of_its_own() -> None:
    there = two_jobs()
    for expected in (["e1", "e2"], ["01", "02"]):
        session = "-".join(expected)
        assert [asked_to_join(there, session, data) for data in "ab"] == expected
        line = there.ask("GET", f"/queue/data?session_hash={session}")
        said = messages(body_of(there, line))
        assert [event_id for msg, event_id in said if msg == "process_completed"] == [
            expected[1],
            expected[0],
        ]


@pytest.mark.parametrize("how", ["client left", None])
def test_a_stream_that_nobody_has_ended_stays_open(how: How | None) -> None:
    there = two_jobs(how)
    for data in "ab":
        asked_to_join(there, "live", data)
    line = there.ask("GET", "/queue/data?session_hash=live")
    assert messages(body_of(there, line, is_whole=False))[-1] == ("close_stream", None)
    assert line not in there.closed
    assert there.playback.next_deadline() is None


def test_a_stream_that_broke_breaks() -> None:
    there = two_jobs("server left")
    line = there.ask("GET", "/queue/data?session_hash=live")
    for data in "ab":
        asked_to_join(there, "live", data)
    assert line in there.closed


def test_messages_keep_their_distances_from_the_live_join() -> None:
    recording = recording_of(
        join("recorded", "e1", at=10.0),
        stream("/queue/data?session_hash=recorded", (12.0, message("process_completed", "e1")), at=10.5),
    )
    there = ByHand(recording, speed=1.0)
    line = there.ask("GET", "/queue/data?session_hash=live")
    there.wait(100.0)
    there.ask("POST", "/queue/join", b'{"data":["x"],"fn_index":0,"session_hash":"live"}')
    there.wait(1.9)
    assert body_of(there, line, is_whole=False) == ""
    there.wait(0.2)
    assert b"process_completed" in there.received(line)


def test_a_tail_waits_its_time_and_a_new_job_takes_it_away() -> None:
    recording = recording_of(
        join("recorded", "e1"),
        stream(
            "/queue/data?session_hash=recorded",
            (1.0, message("process_completed", "e1")),
            (9.0, message("close_stream", None)),
        ),
        join("recorded", "e2", "y", at=20.0),
        stream("/queue/data?session_hash=recorded", (21.0, message("process_completed", "e2")), at=20.0),
    )
    there = ByHand(recording, speed=1.0)
    line = there.ask("GET", "/queue/data?session_hash=live")
    there.ask("POST", "/queue/join", b'{"data":["x"],"fn_index":0,"session_hash":"live"}')
    there.wait(1.0)
    assert there.playback.next_deadline() == 9.0
    there.ask("POST", "/queue/join", b'{"data":["y"],"fn_index":0,"session_hash":"live"}')
    there.wait(1.0)
    there.wait(10.0)
    assert messages(body_of(there, line)) == [("process_completed", "e1"), ("process_completed", "e2")]


def test_what_came_because_of_a_request_waits_for_it() -> None:
    cancel = '{"session_hash":"recorded","fn_index":0,"event_id":"e1"}'
    recording = recording_of(
        join("recorded", "e1"),
        stream(
            "/queue/data?session_hash=recorded",
            (1.0, message("process_starts", "e1")),
            (8.0, message("process_completed", "e1")),
            at=0.5,
        ),
        exchange("POST", "/cancel", cancel, said='{"success":true}', at=7.0),
    )
    there = ByHand(recording)
    assert asked_to_join(there, "live") == "e1"
    line = there.ask("GET", "/queue/data?session_hash=live")
    data = there.received(line)
    assert messages(answer("GET", data, is_whole=False)[2].decode()) == [("process_starts", "e1")]
    for _ in range(2):
        there.ask("POST", "/cancel", cancel.replace("recorded", "live").encode())
    assert messages(answer("GET", data + there.received(line))[2].decode())[1:] == [
        ("process_completed", "e1")
    ]


def test_a_stream_without_jobs_is_an_answer_like_any_other() -> None:
    error = message("unexpected_error", None, message="Session not found.")
    there = ByHand(recording_of(stream("/queue/data?session_hash=recorded", (0.1, error), how="server left")))
    line = there.ask("GET", "/queue/data?session_hash=live")
    assert messages(body_of(there, line, is_whole=False)) == [("unexpected_error", None)]
    assert line in there.closed


def test_an_event_of_which_the_recording_knows_nothing() -> None:
    odd = stream("/queue/data?session_hash=recorded", (0.1, message("process_starts", "unknown")))
    body = '{"event_id":"unknown"}'
    there = ByHand(recording_of(odd, exchange("POST", "/cancel", body, said="1")))
    assert body_of(there, there.ask("POST", "/cancel", body.encode()), "POST") == "1"
    assert messages(body_of(there, there.ask("GET", "/queue/data?session_hash=live"))) == [
        ("process_starts", "unknown")
    ]


def test_the_simple_api_is_asked_by_the_live_event() -> None:
    def call(event_id: str, data: str, said: str) -> list[Exchange]:
        body = json.dumps({"data": [data]})
        return [
            exchange("POST", "/call/greet", body, said=json.dumps({"event_id": event_id})),
            stream(f"/call/greet/{event_id}", (0.1, f"event: complete\ndata: {said}\n\n"), (0.2, ": bye")),
        ]

    there = ByHand(recording_of(*call("e1", "a", "1"), *call("e2", "b", "2")))
    for _ in range(2):
        for data, said in (("b", "2"), ("a", "1")):
            posted = there.ask("POST", "/call/greet", json.dumps({"data": [data]}).encode())
            event_id = json.loads(body_of(there, posted, "POST"))["event_id"]
            assert (
                body_of(there, there.ask("GET", f"/call/greet/{event_id}"))
                == f"event: complete\ndata: {said}\n\n: bye"
            )


def test_a_stream_that_asks_for_data_goes_on_as_the_data_want() -> None:
    def job(event_id: str, data: str, at: float) -> list[Exchange]:
        body = {"data": [data], "fn_index": 0, "session_hash": "recorded", "event_id": event_id}
        return [
            stream(
                "/queue/join?fn_index=0&session_hash=recorded",
                (at + 1, {"msg": "estimation"}),
                (at + 2, message("send_data", event_id)),
                (at + 4, {"msg": "process_completed", "output": {"data": [data]}}),
                at=at,
            ),
            exchange("POST", "/queue/data", json.dumps(body), said="null", at=at + 3),
        ]

    there = ByHand(recording_of(*job("e1", "a", 0.0), *job("e2", "b", 10.0)))
    for data in ("b", "a", "b"):
        line = there.ask("GET", "/queue/join?fn_index=0&session_hash=live")
        begun = there.received(line)
        asked = answer("GET", begun, is_whole=False)[2].decode().rpartition("data: ")[2]
        event_id = json.loads(asked)["event_id"]
        body = {"data": [data], "fn_index": 0, "session_hash": "live", "event_id": event_id}
        assert body_of(there, there.ask("POST", "/queue/data", json.dumps(body).encode()), "POST") == "null"
        assert json.dumps([data]) in answer("GET", begun + there.received(line))[2].decode()
    assert there.told == []


def test_a_track_knows_what_it_waits_for() -> None:
    track = Track([Cue(1.0, b"a"), Cue(5.0, b"b")], 0.0, 100.0, {7: 2.0})
    assert track.due(1.0) == 101.0
    track.position += 1
    assert track.due(1.0) is None
    track.meet(6, 150.0)
    assert track.due(1.0) is None
    track.meet(7, 200.0)
    assert (track.due(1.0), track.due(0.0)) == (203.0, 200.0)
    track.position += 1
    assert track.due(1.0) is None


# WebSockets.

UPGRADE = (
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
)


def socket(*frames: tuple[bool, str], session: str = "recorded", how: How | None = "complete") -> Exchange:
    """A recorded WebSocket: what was said, and by the client or not; a closing one is named so."""
    made = [Frame(0.0, False, "text", b'{"msg":"send_hash"}')]
    for number, (by_client, text) in enumerate(frames, 1):
        said = text.replace("SESSION", session)
        kinds = {"close": "close", "ping": "ping", "bytes": "binary"}
        kind: Any = kinds.get(text, "text")
        made.append(
            Frame(
                float(number),
                by_client,
                kind,
                said.encode(),
                1000 if kind == "close" and not by_client else 0,
            )
        )
    end = None if how is None else End(made[-1].at, how)
    return Exchange(
        0.0, "GET", "/queue/join", UPGRADE, response=Response(0.0, 101, "", ()), frames=tuple(made), end=end
    )


class Talk:
    """The client's side of a WebSocket with a playback."""

    def __init__(self, there: ByHand) -> None:
        self.there = there
        self.frames = Connection(ConnectionType.CLIENT)
        self.line = there.ask("GET", "/queue/join", headers=UPGRADE)
        head, _, rest = there.received(self.line).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101")
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
        self.frames.receive_data(rest)

    def heard(self) -> list[Any]:
        data = self.there.received(self.line)
        if data:
            self.frames.receive_data(data)
        found: list[Any] = []
        for event in self.frames.events():
            if isinstance(event, CloseConnection):
                found.append(event.code)
            elif isinstance(event, TextMessage | BytesMessage):
                found.append(event.data)
            else:
                found.append(type(event).__name__)
        return found

    def say(self, *events: Event | str) -> list[Any]:
        for event in events:
            self.there.send(
                self.line, self.frames.send(TextMessage(data=event) if isinstance(event, str) else event)
            )
        return self.heard()


HASH = '{"session_hash": "SESSION", "fn_index": 0}'


def test_what_the_client_says_tells_which_websocket_it_is() -> None:
    there = ByHand(
        recording_of(
            socket(
                (True, HASH),
                (False, '"ready SESSION"'),
                (True, '{"data":[1]}'),
                (False, "one"),
                (False, "close"),
            ),
            socket(
                (True, HASH),
                (False, '"ready SESSION"'),
                (True, '{"data":[2]}'),
                (False, "bytes"),
                session="other77",
            ),
            socket((True, '{"fn_index": 9}')),
        )
    )
    first, second = Talk(there), Talk(there)
    assert first.heard() == second.heard() == ['{"msg":"send_hash"}']
    assert first.say('{"fn_index":0,"session_hash":"live"}') == ['"ready live"']
    assert second.say('{"fn_index":0,"session_hash":"other"}') == ['"ready other"']
    assert first.say('{"data":[2]}') == [b"bytes"]
    assert second.say('{"data":[1]}') == ["one", 1000]
    assert second.say(CloseConnection(code=1000)) == []
    assert second.line in there.closed
    assert first.say(Pong(payload=b"p"), Ping(payload=b"p")) == ["Pong"]
    assert first.say(CloseConnection(code=1000)) == [1000]
    assert first.line in there.closed
    assert there.told == []


def test_equal_websockets_are_played_in_turn() -> None:
    there = ByHand(
        recording_of(*(socket((True, HASH), (False, str(number)), (True, "close")) for number in range(2)))
    )
    said = [Talk(there).say('{"fn_index":0,"session_hash":"live"}') for _ in range(3)]
    assert [heard[-1] for heard in said] == ["0", "1", "0"]


def test_a_message_that_was_never_recorded_ends_it() -> None:
    there = ByHand(recording_of(socket((True, HASH))))
    talk = Talk(there)
    assert talk.say('{"fn_index":1,"session_hash":"live"}') == ['{"msg":"send_hash"}', 1011]
    there.send(talk.line, b"\x81\x80\0\0\0\0\x89\x80\0\0\0\0")  # an empty message and a ping, after the close
    assert there.told == ['this WebSocket message was never recorded: {"fn_index":1,"session_hash":"live"}']
    more = Talk(there)
    assert more.say('{"fn_index":0,"session_hash":"live"}', "more")[-1] == 1011


def test_a_websocket_that_broke_breaks() -> None:
    there = ByHand(recording_of(socket((False, "ping"), (True, HASH), (False, "last"), how="server left")))
    talk = Talk(there)
    assert talk.say('{"fn_index":0,"session_hash":"live"}')[-1] == "last"
    assert talk.line in there.closed


def test_a_client_may_be_faster_than_the_recorded_one_or_slower() -> None:
    there = ByHand(recording_of(socket((False, "wait"), (True, HASH), (False, "late"), how=None)), speed=1.0)
    talk = Talk(there)
    assert talk.say('{"fn_index":0,"session_hash":"live"}') == ['{"msg":"send_hash"}', "wait"]
    there.wait(0.9)
    assert talk.heard() == []
    there.wait(0.2)
    assert talk.heard() == ["late"]


def test_a_message_may_come_in_pieces_or_as_bytes_and_early() -> None:
    there = ByHand(recording_of(socket((True, HASH), (False, "yes"))))
    talk = Talk(there)
    pieces = (
        TextMessage(data='{"fn_index":0,', message_finished=False),
        TextMessage(data='"session_hash":"live"}'),
    )
    assert talk.say(*pieces)[-1] == "yes"
    data = Connection(ConnectionType.CLIENT).send(BytesMessage(data=b'{"fn_index":0,"session_hash":"live"}'))
    request = h11.Request(method="GET", target="/queue/join", headers=[("host", "x"), *UPGRADE])
    line = there.open()
    there.send(line, (h11.Connection(h11.CLIENT).send(request) or b"") + data)
    assert there.received(line).endswith(b"yes")


def test_a_plain_get_is_no_websocket_and_a_refused_one_is_refused() -> None:
    there = ByHand(recording_of(socket((True, HASH))))
    assert answer("GET", there.received(there.ask("GET", "/queue/join")))[0] == 501
    refused = ByHand(recording_of(exchange("GET", "/queue/join", status=403)))
    assert answer("GET", refused.received(refused.ask("GET", "/queue/join", headers=UPGRADE)))[0] == 403


def test_importing_loads_no_socket() -> None:
    import gradio_proto.recording as package

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        package.nothing  # noqa: B018
