from __future__ import annotations

import pickle
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradio_proto.cookies import CookieJar, parse_http_date
from gradio_proto.limits import Limits
from gradio_proto.urls import Origin

HTTP = Origin("http", "127.0.0.1", 7860)
HTTPS = Origin("https", "example.com", 443)

DATE = "Tue, 15 Nov 2033 08:12:31 GMT"


def jar_with(
    *values: str, origin: Origin = HTTPS, target: str = "/config", date: str | None = None
) -> CookieJar:
    jar = CookieJar(origin)
    jar.store(values, target, 100.0, date)
    return jar


class TestGradioLogin:
    # As Gradio 4 to 6 send them, with an id that is URL-safe base64.
    COOKIES = (
        "access-token-a-b_c=TOKEN; HttpOnly; Path=/; SameSite=none; Secure",
        "access-token-unsecure-a-b_c=TOKEN; HttpOnly; Path=/; SameSite=lax",
    )

    def test_over_http_the_unsecure_one_is_sent(self) -> None:
        jar = jar_with(*self.COOKIES, origin=HTTP, target="/login")
        assert jar.header("/gradio_api/queue/join", 100) == "access-token-unsecure-a-b_c=TOKEN"
        assert len(jar) == 1

    def test_over_https_both_are_sent(self) -> None:
        jar = jar_with(*self.COOKIES, target="/login")
        assert jar.header("/config", 100) == "access-token-a-b_c=TOKEN; access-token-unsecure-a-b_c=TOKEN"


def test_its_values_can_be_had() -> None:
    jar = jar_with("a=1; Path=/x", "b=2")
    jar.set("c", "3")
    assert jar.values() == ["1", "2", "3"]


class TestStore:
    @pytest.mark.parametrize(
        ("value", "sent"),
        [
            ("a=1", "a=1"),
            (" a = 1 ; Path=/", "a=1"),
            ("a=", "a="),
            ('a="quoted value"', 'a="quoted value"'),
            ("a=x=y==", "a=x=y=="),
            ("a=1,2 3", "a=1,2 3"),
            ("a=1; Domain=evil.example; HttpOnly; SameSite=Strict; Unknown=x; ;", "a=1"),
            ("a=1; PATH=/; max-AGE=10", "a=1"),
            ("a=1; Path=relative", "a=1"),
            ("a=1; Path=", "a=1"),
            ("a=1; Max-Age=soon", "a=1"),
            ("a=1; Expires=whenever", "a=1"),
            ("a=1; Max-Age=99999999999999999999999", "a=1"),
            ("a", None),
            ("=1", None),
            ("", None),
            (";", None),
            ("a b=1", None),
            ("a=\x01", None),
            ("a=1\r\nX: y", None),
            ("a=é", None),
            ("a=1; Path=/\r\n", "a=1"),
        ],
    )
    def test_reads(self, value: str, sent: str | None) -> None:
        assert jar_with(value).header("/config", 100) == sent

    def test_the_last_of_equal_cookies_wins_in_its_old_place(self) -> None:
        assert jar_with("a=1", "b=2", "a=3").header("/", 100) == "a=3; b=2"

    def test_a_cookie_that_is_too_long_is_ignored(self) -> None:
        jar = CookieJar(HTTPS, Limits(cookie_bytes=20))
        jar.store(["a=" + "x" * 18, "b=" + "x" * 19, "c=1; Path=/" + "x" * 20], "/", 0)
        assert jar.header("/", 0) == "a=" + "x" * 18

    def test_the_oldest_is_dropped_first(self) -> None:
        jar = CookieJar(HTTPS, Limits(cookies=3))
        jar.store([f"c{number}={number}" for number in range(5)], "/", 0)
        assert jar.header("/", 0) == "c2=2; c3=3; c4=4"
        assert len(jar) == 3


class TestPath:
    @pytest.mark.parametrize(
        ("cookie_path", "target", "sent"),
        [
            ("/", "/", True),
            ("/", "/a/b?c", True),
            ("/a", "/a", True),
            ("/a", "/a/", True),
            ("/a", "/a/b", True),
            ("/a", "/a?x=1", True),
            ("/a", "/ab", False),
            ("/a/", "/a", False),
            ("/a/", "/a/b", True),
            ("/a", "/", False),
        ],
    )
    def test_match(self, cookie_path: str, target: str, sent: bool) -> None:
        jar = jar_with(f"a=1; Path={cookie_path}")
        assert jar.header(target, 100) == ("a=1" if sent else None)

    @pytest.mark.parametrize(
        ("target", "sent_to", "not_to"),
        [
            ("/config", "/x", None),
            ("/", "/x", None),
            ("", "/x", None),
            ("/sub/config?x=/y/z", "/sub/x", "/x"),
            ("/sub/deep/", "/sub/deep/x", "/sub/x"),
        ],
    )
    def test_default_is_the_folder_of_the_request(
        self, target: str, sent_to: str, not_to: str | None
    ) -> None:
        jar = jar_with("a=1", target=target)
        assert jar.header(sent_to, 100) == "a=1"
        if not_to is not None:
            assert jar.header(not_to, 100) is None

    def test_longer_paths_come_first(self) -> None:
        assert jar_with("a=root; Path=/", "a=sub; Path=/sub").header("/sub/x", 100) == "a=sub; a=root"


class TestExpiry:
    def test_max_age_counts_from_now(self) -> None:
        jar = jar_with("a=1; Max-Age=10")
        assert jar.header("/", 109.9) == "a=1"
        assert jar.header("/", 110) is None
        assert len(jar) == 0

    @pytest.mark.parametrize(
        "attribute", ["Max-Age=0", "Max-Age=-1", "Expires=Thu, 01 Jan 1970 00:00:00 GMT"]
    )
    def test_a_cookie_can_be_deleted(self, attribute: str) -> None:
        jar = jar_with("a=1; Path=/x", "b=2", f"a=; Path=/x; {attribute}")
        assert len(jar) == 1
        assert jar.header("/x", 100) == "b=2"

    def test_expires_is_measured_against_the_date_of_the_response(self) -> None:
        jar = jar_with("a=1; Expires=Tue, 15 Nov 2033 08:12:41 GMT", date=DATE)
        assert jar.header("/", 109.9) == "a=1"
        assert jar.header("/", 110) is None
        assert jar_with("a=1; Expires=Tue, 15 Nov 2033 08:12:31 GMT", date=DATE).header("/", 100) is None

    @pytest.mark.parametrize("date", [None, "no date"])
    def test_without_a_date_only_the_long_past_has_expired(self, date: str | None) -> None:
        assert jar_with("a=1; Expires=Tue, 31 Dec 2019 23:59:59 GMT", date=date).header("/", 100) is None
        assert jar_with("a=1; Expires=Wed, 01 Jan 2020 00:00:00 GMT", date=date).header("/", 1e9) == "a=1"

    def test_max_age_wins(self) -> None:
        assert jar_with("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=5").header("/", 104) == "a=1"


class TestMoving:
    def test_the_cookies_go_along_and_the_two_jars_part(self) -> None:
        old = CookieJar(HTTP)
        old.set("a", "1")
        new = old.moved_to(HTTPS)
        new.store(["b=2; Secure"], "/", 0.0)
        old.set("c", "3")
        assert new.header("/", 1.0) == "a=1; b=2"
        assert old.header("/", 1.0) == "a=1; c=3"
        assert str(HTTPS) in repr(new)


class TestPreset:
    def test_goes_everywhere(self) -> None:
        jar = CookieJar(HTTP)
        jar.set("route", "pod-1")
        assert jar.header("/any/where", 1e12) == "route=pod-1"

    @pytest.mark.parametrize("name", ["", "a b", "a=b", "a;b", "a\r\n", "é", 'a"'])
    def test_names_that_cannot_be_sent(self, name: str) -> None:
        with pytest.raises(ValueError, match="no cookie name"):
            CookieJar(HTTP).set(name, "x")

    @pytest.mark.parametrize("value", ["secret;x", "secret\r\n", "secret\x7f", "sécret", " secret"])
    def test_values_that_cannot_be_sent_are_not_repeated(self, value: str) -> None:
        with pytest.raises(ValueError, match="printable ASCII") as caught:
            CookieJar(HTTP).set("a", value)
        assert value.strip() not in str(caught.value)

    def test_is_bounded(self) -> None:
        with pytest.raises(ValueError, match=r"Limits\.cookie_bytes = 10"):
            CookieJar(HTTP, Limits(cookie_bytes=10)).set("name", "1234567")


class TestJar:
    def test_repr_shows_no_values(self) -> None:
        assert repr(CookieJar(HTTP)) == "<CookieJar for http://127.0.0.1:7860: empty>"
        assert repr(jar_with("a=secret", "b=secret")) == "<CookieJar for https://example.com: a, b>"

    def test_can_be_pickled(self) -> None:
        jar = jar_with("a=1; Max-Age=10", "b=2")
        copy = pickle.loads(pickle.dumps(jar))  # noqa: S301
        assert copy.header("/", 105) == jar.header("/", 105) == "a=1; b=2"
        assert copy.header("/", 111) == "b=2"

    def test_for_another_clock_it_knows_no_ends(self) -> None:
        jar = jar_with("a=1; Max-Age=10", "b=2; Path=/x")
        elsewhere = jar.for_another_clock()
        assert (elsewhere.header("/", 10**9), elsewhere.header("/x", 0)) == ("a=1", jar.header("/x", 100))
        assert jar.header("/", 111) is None

    @given(
        st.lists(
            st.text(st.sampled_from('ab=;, "\r\n\x00é/PathMx-Age:0159'), max_size=30) | st.text(max_size=30)
        )
    )
    def test_sends_nothing_but_printable_ascii(self, values: list[str]) -> None:
        header = jar_with(*values).header("/", 100)
        assert header is None or (header.isascii() and header.replace("\t", " ").isprintable())


class TestDates:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 784111777),
            ("Sun Nov  6 08:49:37 1994", 784111777),
            ("06 nov 1994 8:49:37", 784111777),
            ("Thu, 29-Feb-2024 00:00:00 UTC", 1709164800),
            ("Fri, 31-Dec-69 23:59:59 GMT", 3155759999),
            ("Thu, 01-Jan-70 00:00:00 GMT", 0),
            ("Wed, 28 Feb 2001 23:59:60 GMT", 983404800),
            ("Thu, 01 Mar 2001 00:00:00 GMT", 983404800),
            ("Sat, 31 Mar 2001 23:59:59 GMT", 986083199),
            ("Mon, 01 Jan 1601 00:00:00 GMT", -11644473600),
        ],
    )
    def test_forms(self, text: str, seconds: int) -> None:
        assert parse_http_date(text) == seconds

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "0",
            "tomorrow",
            "Thu, 01 Xyz 1970 00:00:00 GMT",
            "Thu, 00 Jan 1970 00:00:00 GMT",
            "Thu, 32 Jan 1970 00:00:00 GMT",
            "Thu, 01 Jan 1970 24:00:00 GMT",
            "Thu, 01 Jan 1970 00:60:00 GMT",
            "Thu, 01 Jan 1970 00:00:61 GMT",
            "Thu, 01 Jan 1600 00:00:00 GMT",
            "Thu, 01 Jan 1970 00:00:00 PST",
            "Thu, 01 Jan 1970",
            "Thu, ٠١ Jan 1970 00:00:00 GMT",
            "Thu," + " " * 100_000,
        ],
    )
    def test_none(self, text: str) -> None:
        assert parse_http_date(text) is None

    @given(st.integers(-(10**10), 10**11))
    def test_agrees_with_the_standard_library(self, seconds: int) -> None:
        moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
        assert parse_http_date(format_datetime(moment, usegmt=True)) == seconds
