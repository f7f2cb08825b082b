"""The timeline in a real browser: a headless Chromium, as in :mod:`test_conformance_browser`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from played import real_recording
from servers import install
from test_conformance_browser import browser

from gradio_proto.cli.recording.page import write
from gradio_proto.recording import Recorder, Recording, replay

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["browser"]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
@pytest.mark.parametrize(("version", "operation"), [("6.31.0", "progress"), ("3.50.2", "fail")])
def test_everybody_can_read_it(
    version: str, operation: str, scheme: Any, width: int, browser: Browser, tmp_path: Path
) -> None:
    """It opens without a word on the console, asks for nothing, leads to its details, and axe finds nothing."""
    recording: Recording = real_recording(version, operation)
    path = tmp_path / "timeline.html"
    write(recording, path)
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    assert page.locator(".track").count() > len(recording.exchanges)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    last = len(recording.exchanges)
    heading = page.locator(f"#x{last}")
    assert not heading.is_visible()
    link = page.locator(f'a[href="#x{last}"]').last
    link.focus()
    page.keyboard.press("Enter")
    heading.wait_for(state="visible")
    page.evaluate("for (const it of document.querySelectorAll('details')) it.open = true")
    axe = install.packages_of(install.CHROMIUM) / "axe-core" / "axe.min.js"
    page.evaluate(axe.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    said = [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found["violations"]]
    context.close()
    assert said == []
    assert complaints == []
    assert {url.partition("#")[0] for url in requests} == {path.as_uri()}


@pytest.mark.real("3.50.2", "6.31.0")
def test_a_browser_sees_the_same_app_through_a_recorder_and_in_a_replay(
    url: str, browser: Browser, tmp_path: Path
) -> None:
    def look(address: str) -> str:
        """The first that an app's page shows: what is below may come late."""
        context = browser.new_context()
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        page.locator("textarea").first.wait_for(timeout=30_000)
        page.wait_for_function("!document.body.innerText.includes('Loading...')", timeout=30_000)
        shown: str = page.locator(".gradio-container").first.inner_text()
        # What comes when a page is there, such as the job with which it begins, belongs to the recording.
        before = 0
        while len(asked) > before:
            before = len(asked)
            page.wait_for_timeout(1000)
        context.close()
        return shown[:40]

    with Recorder(url, tmp_path / "a.ndjson") as recorder:
        shown = look(recorder.url)
    assert "\n" in shown
    told: list[str] = []
    with replay(tmp_path / "a.ndjson", tell=told.append) as again:
        assert look(again) == shown
    # What the first one left before it had loaded the last of its parts never asked for, nor perhaps for the stream
    # of the job with which the page begins.
    assert [text for text in told if "/assets/" not in text and "/queue/data" not in text] == []
