"""No secret is written; what is no secret is written as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from gradio_proto.recording.model import Answered, Began, Ended, Frame, Happening, Passed, Received, Sent
from gradio_proto.recording.redacting import MOST_COLLECTED, MOST_SECRETS, Redactor

TOKEN = "hf_abcdefghijklmnop"
HEADERS = (
    ("authorization", f"Bearer {TOKEN}"),
    ("cookie", "theme=dark; access-token-1=verysecretcookie; odd"),
    ("x-ip-token", "a-token-of-the-address"),
    ("referer", "https://x/?__sign=signature12&a=1"),
    ("accept", "*/*"),
)
SECRETS = (TOKEN, "verysecretcookie", "a-token-of-the-address", "signature12", "hunter22", "newsecretcookie")


def written(happenings: Iterable[Happening], redactor: Redactor | None = None) -> list[Happening]:
    redactor = redactor or Redactor()
    return [each for happening in happenings for each in redactor.take(happening)]


def request(
    *bodies: bytes, target: str = "/queue/join", content_type: str = "application/json"
) -> list[Happening]:
    headers = (*HEADERS, ("content-type", content_type))
    return [Began(0.0, 1, "POST", target, headers), *(Sent(0.1, 1, body) for body in bodies)]


def bodies(happenings: Iterable[Happening]) -> bytes:
    return b"".join(each.data for each in happenings if isinstance(each, Sent | Received))


def test_headers_that_carry_credentials_are_shown_without_them() -> None:
    (began,) = written(request(target=f"/x?__sign=signature12&n=1&t={TOKEN}"))
    assert isinstance(began, Began)
    assert began.target == "/x?__sign=[redacted]&n=1&t=[redacted]"
    assert dict(began.headers) == {
        "authorization": "[redacted]",
        "cookie": "theme=[redacted]; access-token-1=[redacted]; [redacted]",
        "x-ip-token": "[redacted]",
        "referer": "https://x/?__sign=[redacted]&a=1",
        "accept": "*/*",
        "content-type": "application/json",
    }


def test_a_signature_is_found_elsewhere() -> None:
    began = Began(0.0, 1, "GET", "/?__sign=signature1234", ())
    page = Received(0.2, 1, b"made for signature1234")
    assert bodies(written([began, page, Ended(0.3, 1, "complete")])) == b"made for [redacted]"


def test_what_was_seen_in_a_header_is_found_elsewhere() -> None:
    answered = Answered(
        0.2, 1, 200, "OK", (("set-cookie", "t=newsecretcookie; Path=/; HttpOnly"), ("x-ip-token", "t"))
    )
    found = written(
        [
            *request(b'{"data":["verysecretcookie"]}'),
            answered,
            Received(0.3, 1, f"x{TOKEN}y".encode()),
            Passed(1, Frame(0.4, False, "text", b'"newsecretcookie"')),
            Ended(0.5, 1, "complete"),
        ]
    )
    assert found[1:] == [
        Sent(0.1, 1, b'{"data":["[redacted]"]}'),
        Answered(
            0.2,
            1,
            200,
            "OK",
            (("set-cookie", "t=[redacted]; Path=/; HttpOnly"), ("x-ip-token", "[redacted]")),
        ),
        Received(0.3, 1, b"x[redacted]y"),
        Passed(1, Frame(0.4, False, "text", b'"[redacted]"')),
        Ended(0.5, 1, "complete"),
    ]


def test_a_password_is_taken_out_of_a_login_however_it_is_sent() -> None:
    form = written(
        [*request(b"username=ada&pass", b"word=hunter22&x=1", target="/login"), Ended(1.0, 1, "complete")]
    )
    assert bodies(form) == b"username=ada&password=[redacted]&x=1"
    parts = (
        b'--b\r\nContent-Disposition: form-data; name="username"\r\n\r\nada\r\n'
        b'--b\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter22\r\n--b--\r\n'
    )
    sent = request(parts, target="/sub/login", content_type="multipart/form-data; boundary=b")
    shown = bodies(written([*sent, Ended(1.0, 1, "complete")]))
    assert shown == parts.replace(b"hunter22", b"[redacted]")


def test_a_password_elsewhere_is_a_word() -> None:
    sent = request(b"username=ada&password=hunter22", target="/other", content_type="text/plain")
    assert b"hunter22" in bodies(written([*sent, Ended(1.0, 1, "complete")]))


def test_a_token_in_a_call_is_taken_out_though_nobody_has_seen_it_before() -> None:
    sent = request(b'{"data":["a"],"oauth_token": "se\\"cret","fn_index":0}')
    assert (
        bodies(written([*sent, Ended(1.0, 1, "complete")]))
        == b'{"data":["a"],"oauth_token": "[redacted]","fn_index":0}'
    )


def test_an_answer_may_come_before_the_request_is_whole() -> None:
    answered = Answered(0.2, 1, 413, "", ())
    sent = [*request(b'{"oauth_token":"se'), answered, Sent(0.3, 1, b'"}'), Ended(0.4, 1, "complete")]
    assert bodies(written(sent)) == b'{"oauth_token":"[redacted]"}'
    login = [*request(b"username=a&pass", target="/login"), answered, Sent(0.3, 1, b"word=hunter22")]
    assert bodies(written([*login, Ended(0.4, 1, "complete")])) == b"username=a&pass"


def test_a_token_that_was_seen_in_a_call_is_found_in_its_answer() -> None:
    sent = [*request(b'{"oauth_token":"another-token-1"}'), Answered(0.2, 1, 200, "OK", ())]
    found = written([*sent, Received(0.3, 1, b"you are another-token-1"), Ended(0.4, 1, "complete")])
    assert bodies(found) == b'{"oauth_token":"[redacted]"}you are [redacted]'


def test_what_a_caller_adds_may_be_secret() -> None:
    added = Began(
        0.0, 1, "GET", "/", (("x-api-key", "a-key-of-the-caller"), ("user-agent", "somebody/1.0.0.0"))
    )
    rest = [
        Answered(0.1, 1, 200, "OK", (("server", "uvicorn-of-old"),)),
        Received(0.2, 1, b"a-key-of-the-caller"),
    ]
    began, answered, received = written([added, *rest])
    assert isinstance(began, Began)
    assert began.headers == (("x-api-key", "[redacted]"), ("user-agent", "somebody/1.0.0.0"))
    assert answered == rest[0]
    assert received == Received(0.2, 1, b"[redacted]")


def test_a_body_that_is_too_long_to_be_looked_at_as_a_whole() -> None:
    half = b"x" * (MOST_COLLECTED // 2 + 1)
    sent = [*request(half, half, b"verysecretcookie"), Ended(0.4, 1, "complete")]
    assert bodies(written(sent)) == half + half + b"[redacted]"
    login = [*request(half, half + b"&pass", b"word=hunter22", target="/login"), Ended(0.4, 1, "complete")]
    assert bodies(written(login)) == b"[redacted]"


def test_what_is_held_back_is_written_in_the_end() -> None:
    redactor = Redactor([TOKEN])
    sent = [
        *request(content_type="text/plain"),
        Sent(0.1, 1, b"ab hf_abc"),
        Answered(0.2, 1, 200, "OK", ()),
        Received(0.3, 1, b"cd hf_"),
    ]
    assert bodies(written(sent, redactor)) == b"ab hf_abccd "
    assert [*redactor.rest()] == [Received(0.3, 1, b"hf_")]
    assert [*redactor.rest()] == []


def test_the_oldest_of_too_many_secrets_is_forgotten() -> None:
    redactor = Redactor([TOKEN])
    for number in range(MOST_SECRETS):
        redactor.secrets.add(f"another-secret-{number}")
    assert redactor.secrets.hide(TOKEN.encode()) == TOKEN.encode()
    assert redactor.secrets.hide(b"another-secret-0") == b"[redacted]"


PARTS = st.lists(
    st.sampled_from([*SECRETS, *(secret[:5] for secret in SECRETS), "x", " ", "hf_", "é"]), max_size=8
)


@given(PARTS, st.data())
def test_no_secret_gets_through_however_a_body_is_cut(parts: list[str], data: st.DataObject) -> None:
    whole = " ".join(parts).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    redactor = Redactor(SECRETS)
    found = written(
        [
            Began(0.0, 1, "GET", "/", ()),
            Answered(0.0, 1, 200, "OK", ()),
            *(Received(0.1, 1, piece) for piece in pieces if piece),
            Ended(0.2, 1, "complete"),
        ],
        redactor,
    )
    expected = whole
    for secret in SECRETS:
        if len(secret) >= 12:
            expected = re.sub(re.escape(secret.encode()), b"[redacted]", expected)
    assert bodies(found) == expected
