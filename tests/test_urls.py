from __future__ import annotations

import pickle
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradio_proto.errors import ArgumentError, LocalProtocolError, RemoteProtocolError
from gradio_proto.urls import (
    AppURL,
    Origin,
    SpaceNameError,
    encode_path,
    encode_path_segment,
    encode_query,
    parse_api_prefix,
    parse_app_url,
    resolve,
    same_origin,
    space_name,
    target,
    without_secrets,
)

HTTP = Origin("http", "example.com", 80)

# Everything that JSON can carry, lone surrogates included.
any_text = st.text(st.characters(exclude_categories=()), max_size=20)
hosts = st.sampled_from(
    ["example.com", "127.0.0.1", "::1", "2001:db8::2", "a_b", "localhost", "xn--bcher-kva.example"]
)
origins = st.builds(Origin, st.sampled_from(["http", "https"]), hosts, st.integers(1, 65535))
hostile = st.lists(
    st.sampled_from(
        [
            "/",
            "\\",
            "..",
            ".",
            "%2e",
            "%2E%2e",
            "@",
            ":",
            "//",
            "?",
            "#",
            "evil.com",
            "http:",
            "a",
            "é",
            "%",
            " ",
        ]
    ),
    max_size=8,
).map("".join)


def is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


class TestOrigin:
    @pytest.mark.parametrize(
        ("origin", "text", "host"),
        [
            (Origin("http", "Example.COM", 80), "http://example.com", "example.com"),
            (Origin("http", "example.com", 443), "http://example.com:443", "example.com"),
            (Origin("https", "example.com", 443), "https://example.com", "example.com"),
            (Origin("https", "[2001:DB8:0::1]", 8443), "https://[2001:db8::1]:8443", "2001:db8::1"),
            (
                Origin("http", "bücher.example", 7860),
                "http://xn--bcher-kva.example:7860",
                "xn--bcher-kva.example",
            ),
            (Origin("http", "gradio_app", 80), "http://gradio_app", "gradio_app"),
        ],
    )
    def test_is_normal(self, origin: Origin, text: str, host: str) -> None:
        assert str(origin) == text
        assert origin.host == host
        assert origin.netloc == text.partition("//")[2]
        assert origin.tls is text.startswith("https")

    @pytest.mark.parametrize(
        ("scheme", "host", "port", "words"),
        [
            ("ftp", "h", 80, "scheme"),
            ("http", "h", 0, "port"),
            ("http", "h", 65536, "port"),
            ("http", "", 80, "missing"),
            ("http", "a b", 80, "host name"),
            ("http", "a/b", 80, "host name"),
            ("http", "a\r\nb", 80, "host name"),
            ("http", "-a", 80, "host name"),
            ("http", "a" * 254, 80, "host name"),
            ("http", "é" * 100_000, 80, "host name"),
            ("http", "a／b", 80, "host name"),  # a fullwidth slash becomes a plain one in IDNA
            ("http", "é..é", 80, "host name"),
            ("http", "[::g]", 80, "IPv6"),
            ("http", "a:b", 80, "IPv6"),
            ("http", "fe80::1%eth0", 80, "zone"),
        ],
    )
    def test_refuses(self, scheme: Any, host: str, port: int, words: str) -> None:
        with pytest.raises(ValueError, match=words):
            Origin(scheme, host, port)

    def test_accepts_as_much_as_may_be(self) -> None:
        for port in (1, 65535):
            assert Origin("http", "h", port).port == port
        for host in ("a" * 253, "a", "_", "a_", "a-b", "9", "a.b."):
            assert Origin("http", host, 80).host == host

    def test_knows_loopback_by_name(self) -> None:
        for host in ("localhost", "app.localhost", "127.0.0.1", "127.8.9.1", "::1", "127.255.249.199"):
            assert Origin("http", host, 80).is_loopback
        for host in (
            "127.0.0.1.example.com",
            "127.999.0.1",
            "notlocalhost",
            "10.0.0.1",
            "::2",
            "localhost.x",
        ):
            assert not Origin("http", host, 80).is_loopback
        for host in ("127.0.1", "127.0.0.256", "127.0.0.0.1", "1127.0.0.1", "128.0.0.1"):
            assert not Origin("http", host, 80).is_loopback

    @given(origins)
    def test_is_a_value(self, origin: Origin) -> None:
        assert pickle.loads(pickle.dumps(origin)) == origin  # noqa: S301
        assert parse_app_url(str(origin)) == AppURL(origin, "")
        assert len({origin, Origin(origin.scheme, origin.host, origin.port)}) == 1
        for value, name in ((origin, "host"), (AppURL(origin, ""), "base_path")):
            with pytest.raises(AttributeError):
                setattr(value, name, "evil")


class TestParseAppURL:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("http://127.0.0.1:7860", "http://127.0.0.1:7860"),
            ("http://127.0.0.1:7860/", "http://127.0.0.1:7860"),
            ("HTTP://Example.com:80/Sub/Path/", "http://example.com/Sub/Path"),
            ("https://example.com/app?__theme=dark#top", "https://example.com/app"),
            ("https://example.com?view=api", "https://example.com"),
            ("https://example.com/a%20b/ü", "https://example.com/a%20b/%C3%BC"),
            ("https://example.com//a///b//", "https://example.com/a/b"),
            ("https://example.com/a/../b/./c/..", "https://example.com/b"),
            ("https://example.com/../../a", "https://example.com/a"),
            ("https://example.com/100%", "https://example.com/100%25"),
            ("https://[::1]:7860/x", "https://[::1]:7860/x"),
            ("https://example.com:/x", "https://example.com/x"),
        ],
    )
    def test_reads(self, text: str, expected: str) -> None:
        url = parse_app_url(text)
        assert str(url) == expected
        assert parse_app_url(expected) == url

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "with its scheme"),
            ("localhost:7860", "with its scheme"),
            ("//example.com", "with its scheme"),
            ("http:example.com", "with its scheme"),
            ("/tmp/app", "with its scheme"),
            ("localhost/app", "with its scheme"),
            ("ws://example.com", "scheme is http or https, not 'ws'"),
            ("ftp://example.com", "scheme"),
            ("http://", "host is missing"),
            ("http://:80", "host is missing"),
            ("http://example.com:99999", "port"),
            ("http://example.com:0", "port"),
            ("http://example.com:x", "host and port"),
            ("http://[::1", "host and port"),
            ("http://ex ample.com", "spaces"),
            (" http://example.com", "spaces"),
            ("http://example.com/a\r\nb", "control characters"),
            ("http://example.com\\a", "backslashes"),
        ],
    )
    def test_refuses(self, text: str, words: str) -> None:
        with pytest.raises(ArgumentError, match=words) as caught:
            parse_app_url(text)
        assert not isinstance(caught.value, SpaceNameError)

    @pytest.mark.parametrize("url", ["http://user:secret@example.com", "http://secret@example.com/a"])
    def test_refuses_credentials(self, url: str) -> None:
        with pytest.raises(ArgumentError, match="auth="):
            parse_app_url(url)

    @pytest.mark.parametrize(
        "url",
        [
            "http://user:secret@example.com",
            "user:secret@example.com",
            "http://user:secret @example.com",
            "http://user:secret/@example.com",
            "ftp://example.com?token=secret",
            "example.com?token=secret",
        ],
    )
    def test_repeats_no_secrets(self, url: str) -> None:
        with pytest.raises(ArgumentError) as caught:
            parse_app_url(url)
        assert "secret" not in str(caught.value)
        assert ("the URL" in str(caught.value)) is ("@" in url)

    @pytest.mark.parametrize("name", ["gradio/hello_world", "user-1/My.Space"])
    def test_knows_the_names_of_spaces(self, name: str) -> None:
        with pytest.raises(SpaceNameError, match="Space") as caught:
            parse_app_url(name)
        assert caught.value.space == name

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("gradio/hello_world", "gradio/hello_world"),
            ("https://huggingface.co/spaces/user-1/My.Space", "user-1/My.Space"),
            ("https://hf.co/spaces/user/space/?a=b#c", "user/space"),
            ("https://huggingface.co/spaces/user/space/tree/main", None),
            ("https://huggingface.co/spaces/user", None),
            ("https://huggingface.co.example.org/spaces/user/space", None),
            ("http://huggingface.co/spaces/user/space", None),
            ("https://user-space.hf.space", None),
            ("spaces/user/space", None),
            ("user--space", None),
            ("user", None),
            ("user/", None),
            ("./space", None),
            ("../space", None),
            ("user/..", None),
            ("localhost/space", None),
            ("example.org/app", None),
            ("user/space\n", None),
            ("", None),
        ],
    )
    def test_tells_a_space_from_a_url(self, text: str, name: str | None) -> None:
        assert space_name(text) == name

    @given(any_text)
    def test_accepts_or_raises_an_argument_error(self, text: str) -> None:
        for url in (text, f"http://{text}", f"http://h/{text}"):
            try:
                parsed = parse_app_url(url)
            except ArgumentError:
                continue
            assert is_plain(str(parsed))
            assert parse_app_url(str(parsed)) == parsed

    @given(hostile)
    def test_what_follows_the_host_cannot_move_it(self, rest: str) -> None:
        try:
            parsed = parse_app_url(f"http://example.com/{rest}")
        except ArgumentError:
            return
        assert parsed.origin == HTTP
        assert ".." not in parsed.base_path.split("/")


class TestParseApiPrefix:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("", ""),
            ("/", ""),
            ("/gradio_api", "/gradio_api"),
            ("gradio_api/", "/gradio_api"),
            ("//evil.com/x", "/evil.com/x"),
            ("/a/ü", "/a/%C3%BC"),
        ],
    )
    def test_is_a_path(self, value: str, expected: str) -> None:
        assert parse_api_prefix(value) == expected

    @pytest.mark.parametrize(
        "value",
        [
            "http://evil.com/x",
            "/../x",
            "/a/./b",
            "/%2e%2E/x",
            "/a/.%2e",
            "/a?b",
            "/a#b",
            "/a b",
            "/a\r\nb",
            "\\\\evil",
        ],
    )
    def test_is_nothing_else(self, value: str) -> None:
        with pytest.raises(RemoteProtocolError, match="api_prefix"):
            parse_api_prefix(value)

    @given(any_text | hostile)
    def test_fits_a_target_or_is_refused(self, value: str) -> None:
        try:
            prefix = parse_api_prefix(value)
        except RemoteProtocolError:
            return
        assert is_plain(target("", prefix, "config"))


class TestEncoding:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", ""),
            ("abc-._~", "abc-._~"),
            ("a b+c", "a%20b%2Bc"),
            ("a/b", "a%2Fb"),
            ("é", "%C3%A9"),
            ("%41", "%2541"),
            (".", "%2E"),
            ("..", "%2E%2E"),
            ("...", "..."),
            ("\ud800", "%ED%A0%80"),
            ("?#&;", "%3F%23%26%3B"),
        ],
    )
    def test_segment(self, text: str, expected: str) -> None:
        assert encode_path_segment(text) == expected

    def test_path_cannot_climb(self) -> None:
        assert encode_path("/tmp/../a.b/./..c/..") == "/tmp/%2E%2E/a.b/%2E/..c/%2E%2E"
        assert encode_path("..") == "%2E%2E"
        assert encode_path("plain/a.txt") == "plain/a.txt"

    @given(any_text)
    def test_segment_comes_back(self, text: str) -> None:
        encoded = encode_path_segment(text)
        assert is_plain(encoded)
        assert "/" not in encoded
        assert unquote(encoded, errors="surrogatepass") == text

    @given(any_text)
    def test_path_comes_back(self, text: str) -> None:
        encoded = encode_path(text)
        assert is_plain(encoded)
        assert not {".", ".."} & set(encoded.split("/"))
        assert unquote(encoded, errors="surrogatepass") == text

    @given(st.lists(st.tuples(any_text, any_text), max_size=4))
    def test_query_comes_back(self, pairs: list[tuple[str, str]]) -> None:
        encoded = encode_query(pairs)
        assert is_plain(encoded)
        assert parse_qsl(encoded, keep_blank_values=True, errors="surrogatepass") == pairs


class TestTarget:
    @pytest.mark.parametrize(
        ("base", "prefix", "route", "query", "expected"),
        [
            ("", "", "config", [], "/config"),
            ("/sub", "/gradio_api", "queue/join", [], "/sub/gradio_api/queue/join"),
            ("", "", "/queue/data", [("session_hash", "a b")], "/queue/data?session_hash=a%20b"),
            ("", "/gradio_api", "file=/tmp/a b.txt", [], "/gradio_api/file=/tmp/a%20b.txt"),
            ("/Sub", "/API", "file=/Tmp/Aé Z.TXT", [], "/Sub/API/file=/Tmp/A%C3%A9%20Z.TXT"),
            ("/a%20b", "", "", [("x", ""), ("y", "1=2&3")], "/a%20b/?x=&y=1%3D2%263"),
        ],
    )
    def test_builds(
        self, base: str, prefix: str, route: str, query: list[tuple[str, str]], expected: str
    ) -> None:
        assert target(base, prefix, route, query) == expected

    @pytest.mark.parametrize("path", ["sub", "/sub/", "/a b", "/a?b", "/a\r\nb", "//a", "http://h"])
    def test_wants_encoded_paths(self, path: str) -> None:
        for base, prefix in ((path, ""), ("", path)):
            with pytest.raises(LocalProtocolError, match="parse_app_url"):
                target(base, prefix, "config")

    @given(any_text, st.lists(st.tuples(any_text, any_text), max_size=3))
    def test_comes_back_and_stays_on_its_origin(self, route: str, query: list[tuple[str, str]]) -> None:
        built = target("/sub", "/gradio_api", f"file={route}", query)
        assert is_plain(built)
        parts = urlsplit(f"{HTTP}{built}")
        assert (parts.scheme, parts.netloc) == ("http", "example.com")
        assert unquote(parts.path, errors="surrogatepass") == f"/sub/gradio_api/file={route}"
        assert parse_qsl(parts.query, keep_blank_values=True, errors="surrogatepass") == query


class TestResolve:
    @pytest.mark.parametrize(
        ("location", "expected"),
        [
            ("/login", "http://example.com/login"),
            ("login", "http://example.com/a/login"),
            ("./login", "http://example.com/a/login"),
            ("../login", "http://example.com/login"),
            ("../../../login", "http://example.com/login"),
            ("/a/b/..", "http://example.com/a/"),
            ("/a/%2e%2E/c", "http://example.com/c"),
            ("", "http://example.com/a/b?x=1"),
            ("#top", "http://example.com/a/b?x=1"),
            ("?y=2", "http://example.com/a/b?y=2"),
            ("?", "http://example.com/a/b"),
            ("https://example.com", "https://example.com/"),
            ("//other.example:8080/x", "http://other.example:8080/x"),
            ("HTTPS://Other.example:443/x?q=a%20b#f", "https://other.example/x?q=a%20b"),
            ("/a b/é?q=ü", "http://example.com/a%20b/%C3%A9?q=%C3%BC"),
            (" /x ", "http://example.com/x"),
            ("/x%zz", "http://example.com/x%25zz"),
            ("/Ab%2fCd é", "http://example.com/Ab%2fCd%20%C3%A9"),
            ("/x\ud800", "http://example.com/x%ED%A0%80"),
            ("c?q=/d", "http://example.com/a/c?q=/d"),
        ],
    )
    def test_follows(self, location: str, expected: str) -> None:
        origin, found = resolve(HTTP, "/a/b?x=1", location)
        assert f"{origin}{found}" == expected

    def test_a_query_is_no_part_of_the_path_that_was_asked_for(self) -> None:
        assert resolve(HTTP, "/a/b?x=/y?z", "c") == (HTTP, "/a/c")
        assert resolve(HTTP, "/a/b?x=/y?z", "?q") == (HTTP, "/a/b?q")
        assert resolve(HTTP, "/a/b?x=/y?z", "") == (HTTP, "/a/b?x=/y?z")

    @pytest.mark.parametrize(
        "location",
        [
            "ftp://example.com/",
            "javascript:alert(1)",
            "http:/x",
            "data:text/plain,x",
            "http://user:pass@example.com/",
            "http://",
            "http://a b/",
            "http://example.com:x/",
            "/\\evil.com",
            "\\\\evil.com",
            "/\t/evil.com",
            "/a\r\nSet-Cookie: x",
            "/\u2028",
        ],
    )
    def test_refuses(self, location: str) -> None:
        with pytest.raises(RemoteProtocolError, match="URL") as caught:
            resolve(HTTP, "/a/b?x=1", location)
        assert caught.value.data == ("" if "@" in location else location)  # a password is not quoted
        assert not same_origin(HTTP, location)

    @given(any_text | hostile)
    def test_gives_a_target_or_a_remote_error(self, location: str) -> None:
        try:
            origin, found = resolve(HTTP, "/a/b?x=1", location)
        except RemoteProtocolError:
            return
        assert is_plain(found)
        assert found.startswith("/")
        assert not found.startswith("//")
        assert not {".", ".."} & set(found.partition("?")[0].split("/"))
        assert parse_app_url(f"{origin}{found}").origin == origin
        assert resolve(origin, "/", f"{origin}{found}") == (origin, found)
        assert same_origin(HTTP, location) is (origin == HTTP)

    def test_same_origin(self) -> None:
        assert same_origin(HTTP, "http://EXAMPLE.com:80/file=x")
        assert same_origin(HTTP, "/file=x")
        for url in (
            "https://example.com/",
            "http://example.com:8080/",
            "http://example.com.evil/",
            "//evil/",
        ):
            assert not same_origin(HTTP, url)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://ada:pass@example.com/", "a URL"),
        ("https://example.com/a?__sign=secret", "https://example.com/a"),
        ("https://example.com/a#secret?", "https://example.com/a"),
        ("user/space", "user/space"),
    ],
)
def test_what_may_be_shown_of_a_url(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
