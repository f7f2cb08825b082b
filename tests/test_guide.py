"""Every example of the official Python client's documentation works with only its import line changed.

The examples are word for word in guide/pages, what must come of them in guide/examples.py. The Spaces that they name
are apps of this process, which a stand-in of the Hub knows; the hosts that they name lead to this machine, by TLS where
they say so, and so each example runs as it stands.
"""

from __future__ import annotations

import gc
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import pytest
import trustme
from guide.examples import EXAMPLES
from guide.running import IMPORT, PAGES, Example, Run, World, blocks, prepared, run, with_our_import
from guide.spaces import RECORDINGS, Held, all_hosts, all_spaces, without_a_name
from guide.take import documented
from hub_server import HubServer, stand_in
from servers import install
from servers.running import Servers

from gradio_proto import Client
from gradio_proto.testing import EmbeddedServer

ALL = [
    pytest.param(page, number, id=f"{page}-{number}")
    for page, examples in EXAMPLES.items()
    for number, example in enumerate(examples)
    if not example.left_out
]

CALLER = "hf_caller"
"""The token of whoever follows the documentation, who is logged in."""


@pytest.fixture
def held() -> Iterator[Held]:
    held = Held()
    yield held
    held.let_go()


@pytest.fixture
def world(
    held: Held, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """The Spaces, the hosts and the files that the examples name."""
    spaces, hosts = all_spaces(held), all_hosts()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*[host for host, port in hosts if port == 443]).configure_cert(tls)  # pyright: ignore[reportUnknownMemberType]
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    for name, data in RECORDINGS.items():
        (tmp_path / name).write_bytes(data)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "downloads"))
    with ExitStack() as served:
        named = {**spaces, **without_a_name()}
        urls = {name: served.enter_context(EmbeddedServer(app)).url for name, app in named.items()}
        addresses: dict[tuple[str, int], int] = {}
        for (host, port), app in hosts.items():
            server = served.enter_context(EmbeddedServer(app, tls=tls if port == 443 else None))
            urls[host] = server.url
            addresses[host, port] = int(urls[host].rpartition(":")[2])
        hub = served.enter_context(HubServer())
        (tmp_path / "home").mkdir()
        stand_in(monkeypatch, hub, tmp_path / "home", saved_token=CALLER)
        monkeypatch.setenv("HF_TOKEN", CALLER)
        hub.users |= {CALLER: "caller", "...": "abidlabs", "hf_...": "abidlabs"}
        for name in spaces:
            hub.add(name, urls[name], private="private" in name)
        look_up = socket.getaddrinfo

        def by_name(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
            if (host, port) in addresses:
                host, port = "127.0.0.1", addresses[host, port]
            return look_up(host, port, *args, **kwargs)

        monkeypatch.setattr(socket, "getaddrinfo", by_name)
        yield World(urls, held)


@pytest.mark.filterwarnings("ignore:unclosed <Client:ResourceWarning")  # as the documentation leaves them
@pytest.mark.filterwarnings("ignore:file\\(\\) is the old name:DeprecationWarning")
@pytest.mark.parametrize(("page", "number"), ALL)
def test_an_example_does_what_it_shows(page: str, number: int, world: World) -> None:
    _, code = [*blocks(page)][number]
    example = [*EXAMPLES[page]][number]
    try:
        with prepared(example, world) as outcome:
            follow(code, example, outcome)
    finally:
        world.held.let_go()
        for client in [found for found in gc.get_objects() if type(found) is Client]:
            client.close()


def follow(code: str, example: Example, outcome: Run) -> None:
    compared = 0
    with pytest.raises(example.raises) if example.raises is not None else nullcontext():
        for shown in run(code, example, outcome):
            if shown and not example.differs:
                value = outcome.values[-1] if outcome.values else None
                printed = outcome.printed.removeprefix(loaded(outcome.printed)).strip()
                shown = re.sub(r" +#.*$", "", shown.strip())
                assert shown in (str(value), repr(value), f'"{value}"', printed)
                compared += 1
    if example.raises is not None:
        return
    if example.api_of:
        text = outcome["client"].view_api(print_info=False, return_format="str")
        assert [line.rstrip() for line in text.splitlines()] == [line.rstrip() for line in code.splitlines()]
        compared += 1
    if example.check is not None:
        example.check(outcome)
        compared += 1
    assert compared, "nothing was looked at"


def loaded(printed: str) -> str:
    """The lines by which clients have said that they are connected."""
    found = re.match(r"(?:Loaded as API: \S+\n)*", printed)
    return found[0] if found else ""


def test_no_example_is_missing() -> None:
    assert {path.stem for path in PAGES.glob("*.txt")} == {*EXAMPLES}
    for page, examples in EXAMPLES.items():
        text = (PAGES / f"{page}.txt").read_text("utf-8")
        counted = re.search(r"^Examples: (\d+)$", text, re.MULTILINE)
        assert counted is not None
        assert int(counted[1]) == len([*blocks(page)]) == len([*examples]), page
        assert re.search(r"^of the repository gradio-app/gradio at commit [0-9a-f]{40},$", text, re.MULTILINE)


def test_the_docstrings_are_those_of_the_official_client(real_server: Servers) -> None:
    # No server is started. Who leaves real servers out has not installed the official client either.
    if not install.is_installed(install.OFFICIAL_CLIENT):
        pytest.fail("the official client is not installed: run 'make servers'")
    (source,) = (install.SERVERS / install.OFFICIAL_CLIENT).glob(
        "lib/python3*/site-packages/gradio_client/client.py"
    )
    examples = [(f"python {owner}", code) for owner, code in documented(source.read_text("utf-8"))]
    assert examples == [*blocks("docstrings")]


def test_what_is_left_out_says_why() -> None:
    """Of the guide itself nothing is left out but an app."""
    left_out = {
        page: sum(bool(example.left_out) for example in examples) for page, examples in EXAMPLES.items()
    }
    assert left_out["getting-started"] == 1
    assert sum(left_out.values()) <= 7


def test_only_the_import_line_is_changed() -> None:
    """What is run differs from the documentation in nothing but the name of the module."""
    changed = 0
    for page in EXAMPLES:
        for _, code in blocks(page):
            before, after = code.splitlines(), with_our_import(code).splitlines()
            for was, now in zip(before, after, strict=True):
                if was != now:
                    assert IMPORT.match(was)
                    assert now.split(" import ") == ["from gradio_proto", was.split(" import ")[1]]
                    changed += 1
    assert changed > 60
