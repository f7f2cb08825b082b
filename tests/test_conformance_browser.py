"""The HTML report in a real browser: a headless Chromium that a package of npm's ships, driven by Playwright.

Each page is opened from a file. Whatever a page says on its console, and whatever it asks for beside itself, fails its
test.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import reported
from servers import install

from gradio_proto.conformance.model import Report, Verdict
from gradio_proto.conformance.reports import write_report
from gradio_proto.conformance.reports.counting import SIGNS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

Opener = Callable[..., Any]

VERDICTS = {sign: verdict for verdict, sign in SIGNS.items()}
WIDE, PHONE = (1280, 900), (360, 740)


@pytest.fixture(scope="module")
def browser() -> Generator[Browser, None, None]:
    playwright = pytest.importorskip("playwright.sync_api", reason="the group 'browser' is not installed")
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("the package ships a Chromium for Linux on x86-64 only")
    if not install.is_installed(install.CHROMIUM):
        pytest.skip("Chromium is missing: run 'make servers' where there is Node")
    program, libraries = install.chromium()
    path = os.pathsep.join(filter(None, (os.environ.get("LD_LIBRARY_PATH"), str(libraries))))
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=str(program), env={**os.environ, "LD_LIBRARY_PATH": path}
        )
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Opener:
    """Opens the page of some reports: a context manager, in which the page must not complain or ask for anything."""

    @contextmanager
    def open_page(
        reports: Sequence[Report], size: tuple[int, int] = WIDE, anchor: str = "", **options: Any
    ) -> Generator[Page, None, None]:
        path = tmp_path / "report.html"
        write_report("html", path, reports, reported.CASES)
        width, height = size
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        page = context.new_page()
        complaints: list[str] = []
        requests: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        address = path.as_uri() + anchor
        page.goto(address)
        yield page
        context.close()
        assert complaints == []
        assert {url.partition("#")[0] for url in requests} == {path.as_uri()}

    return open_page


def row(page: Page, id: str) -> Locator:
    return page.locator(f"tr[data-id={json.dumps(id)}]")


def article(page: Page, id: str) -> Locator:
    return page.locator(f"article[data-id={json.dumps(id)}]")


def shown_ids(page: Page) -> list[str]:
    ids: list[str] = page.evaluate(
        "[...document.querySelectorAll('tr[data-id]')].filter(it => it.checkVisibility()).map(it => it.dataset.id)"
    )
    articles: list[str] = page.evaluate(
        "[...document.querySelectorAll('article')].filter(it => it.checkVisibility()).map(it => it.dataset.id)"
    )
    assert sorted(ids) == sorted(articles)
    return ids


def take_picture(page: Page, path: Path) -> None:
    """A picture of what is in view.

    On a busy machine without a graphics card Chromium now and then says that it is unable to take one; the next attempt
    gives it. Pictures of whole pages, which are very tall, fail more often.
    """
    from playwright.sync_api import Error

    for attempt in range(5):
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        try:
            page.screenshot(path=path)
            return
        except Error as error:
            if attempt == 4 or "Unable to capture screenshot" not in str(error):
                raise


def has_focus(locator: Locator) -> bool:
    return bool(locator.evaluate("it => it === document.activeElement"))


def test_the_matrix_has_a_cell_for_each_server_and_case(opened: Opener) -> None:
    with opened(reported.ALL) as page:
        assert page.locator(".matrix thead th").all_inner_texts() == ["case", "6.31.0", "4.44.1", "3.50.2"]
        found: dict[tuple[str, int], Verdict] = {}
        for id in shown_ids(page):
            for column, cell in enumerate(row(page, id).locator("td.cell").all()):
                sign = cell.locator("a")
                if sign.count():
                    found[id, column] = VERDICTS[sign.inner_text()]
                    assert found[id, column].value in str(sign.get_attribute("class")).split()
        assert found == {
            (result.case_id, column): result.verdict
            for column, report in enumerate(reported.ALL)
            for result in report.results
        }
        colours = {
            (
                found[id, 0],
                row(page, id).locator("td a").first.evaluate("it => getComputedStyle(it).backgroundColor"),
            )
            for id in ("queue/join/unknown-fn", "queue/rank/never-rises", "queue/full", "stream/close/last")
        }
        assert len({colour for _, colour in colours}) == 4


def test_a_cell_tells_its_reason_on_hover_and_on_focus(opened: Opener) -> None:
    with opened(reported.ALL) as page:
        tip = page.locator("#tip")
        assert not tip.is_visible()
        sign = row(page, "queue/join/unknown-fn").locator("td a").first
        sign.hover()
        assert tip.inner_text() == "fail: the answer is 500, not 4xx"
        page.mouse.move(0, 0)
        assert not tip.is_visible()
        row(page, "file/traversal").locator("td a").first.focus()
        assert tip.inner_text() == f"fail: {reported.HOSTILE[1]}"
        page.keyboard.press("Escape")
        assert not tip.is_visible()


def test_filters_show_what_was_asked_for(opened: Opener) -> None:
    with opened(reported.ALL) as page:
        everything = shown_ids(page)
        assert len(everything) == 11
        page.get_by_role("checkbox", name="warn").check()
        assert shown_ids(page) == ["queue/rank/never-rises", "error/shape"]
        assert page.locator("output").inner_text() == "2 of 11 cases"
        assert [area.inner_text().split()[0] for area in page.locator(".area:visible th").all()] == [
            "queue",
            "error",
        ]
        page.get_by_role("checkbox", name="fail").check()
        assert len(shown_ids(page)) == 7
        page.get_by_label("Level").select_option("SHOULD")
        assert shown_ids(page) == ["queue/rank/never-rises", "error/shape"]
        page.get_by_label("Severity").select_option("minor")
        assert shown_ids(page) == ["queue/rank/never-rises"]
        page.get_by_role("button", name="Show all").click()
        page.wait_for_function("document.querySelector('output').textContent === '11 cases'")
        assert shown_ids(page) == everything


def test_search_looks_in_requirements_reasons_and_exchanges(opened: Opener) -> None:
    with opened(reported.ALL) as page:
        search = page.get_by_role("searchbox")
        for words, ids in (
            ("STATE of another", ["session/apart"]),
            ("full at once", ["queue/full"]),
            ("fn_index 999 unknown", ["queue/join/unknown-fn"]),
            ("nobody says this", []),
        ):
            search.fill(words)
            assert shown_ids(page) == ids


def test_all_of_it_works_from_the_keyboard(opened: Opener) -> None:
    with opened(reported.ALL) as page:
        search = page.get_by_role("searchbox")
        page.keyboard.press("/")
        assert has_focus(search)
        page.keyboard.type("heart/")
        assert search.input_value() == "heart/"
        page.keyboard.press("Escape")
        assert (search.input_value(), len(shown_ids(page))) == ("", 11)
        # From the search back over severity and level to the last verdict.
        for _ in range(3):
            page.keyboard.press("Shift+Tab")
        assert has_focus(page.get_by_role("checkbox", name="pass"))
        for _ in range(5):
            page.keyboard.press("Shift+Tab")
        page.keyboard.press("Space")
        assert page.get_by_role("checkbox", name="fail").is_checked()
        assert len(shown_ids(page)) == 5
        sign = row(page, "stream/heartbeat").locator("td a").first
        sign.focus()
        page.keyboard.press("Enter")
        outcome = article(page, "stream/heartbeat").locator(".outcome")
        assert outcome.locator(".timeline").is_visible()
        page.wait_for_function("document.activeElement.classList.contains('outcome')")
        assert has_focus(outcome)


def test_a_click_on_a_failing_cell_shows_its_timeline(opened: Opener) -> None:
    with opened(reported.ALL) as page:
        outcome = article(page, "stream/heartbeat").locator(".outcome")
        assert not outcome.is_visible()
        row(page, "stream/heartbeat").locator("td a").first.click()
        assert outcome.locator(".reason").inner_text() == "no heartbeat came within 15 s"
        assert "In view", outcome.locator(".reason").evaluate(
            "it => it.getBoundingClientRect().top < innerHeight"
        )
        marks = outcome.locator(".timeline .mark")
        assert marks.count() == len(reported.HEARTBEAT) == 8
        boxes = [
            box for box in (mark.locator(".dot").bounding_box() for mark in marks.all()) if box is not None
        ]
        assert len(boxes) == 8
        # Time goes to the right, and each connection has a lane of its own, with the notes below.
        assert [box["x"] for box in boxes] == sorted({box["x"] for box in boxes})
        lanes = {
            connection: {
                box["y"]
                for box, entry in zip(boxes, reported.HEARTBEAT, strict=True)
                if entry.connection == connection
            }
            for connection in (1, 2, 0)
        }
        (first,), (second,), (notes,) = lanes.values()
        assert first < second < notes
        assert outcome.locator(".gap").inner_text() == "30.0 s"
        # No text lies on another one.
        texts = [mark.locator(".said").bounding_box() for mark in marks.all()]
        assert not [
            (one, other)
            for number, one in enumerate(texts)
            for other in texts[number + 1 :]
            if one
            and other
            and one["x"] < other["x"] + other["width"] - 1
            and other["x"] < one["x"] + one["width"] - 1
            and one["y"] < other["y"] + other["height"] - 1
            and other["y"] < one["y"] + one["height"] - 1
        ]
        outcome.get_by_text("The exchange in full, 8 entries").click()
        assert outcome.locator("tbody tr").count() == 8
        assert '"event_id":"5f6c2b"' in outcome.locator("tbody tr").nth(1).inner_text()


def test_a_command_is_copied(opened: Opener) -> None:
    with opened([reported.NEWEST], permissions=["clipboard-read", "clipboard-write"]) as page:
        row(page, "queue/join/unknown-fn").locator("td a").click()
        commands = article(page, "queue/join/unknown-fn").locator(".command")
        assert commands.count() == 2
        for command in commands.all():
            button = command.locator("button")
            button.click()
            page.wait_for_function("it => it.textContent === 'Copied'", arg=button.element_handle())
            assert page.evaluate("navigator.clipboard.readText()") == command.locator("code").text_content()
        assert "curl -i -N -X POST" in page.evaluate("navigator.clipboard.readText()")


def test_a_command_is_copied_where_the_clipboard_is_closed_to_pages(opened: Opener) -> None:
    with opened([reported.NEWEST]) as page:
        page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')) }")
        row(page, "queue/join/unknown-fn").locator("td a").click()
        command = article(page, "queue/join/unknown-fn").locator(".command").first
        command.locator("button").click()
        assert page.evaluate("getSelection().toString()") == command.locator("code").inner_text()


@pytest.mark.parametrize("id", ["queue/join/unknown-fn", reported.UNKNOWN_ID])
def test_a_link_to_a_case_opens_it(id: str, opened: Opener) -> None:
    anchor = "#" + id.replace('"', "%22").replace("<", "%3C").replace(">", "%3E")
    with opened([reported.NEWEST], anchor=anchor) as page:
        found = page.locator("article:target")
        assert found.get_attribute("data-id") == id
        assert found.locator("details").first.get_attribute("open") is not None
        assert found.evaluate(
            "it => it.getBoundingClientRect().top >= 0 && it.getBoundingClientRect().top < innerHeight"
        )
        assert page.locator("article details[open]").count() == 1


def test_a_link_shows_what_the_filters_hide(opened: Opener) -> None:
    with opened(reported.ALL) as page:
        page.get_by_role("checkbox", name="warn").check()
        page.evaluate("location.hash = 'session/apart~2'")
        page.wait_for_function("document.activeElement.id === 'session/apart~2'")
        assert len(shown_ids(page)) == 11
        # Again by the same link, after it was closed.
        article(page, "session/apart").locator("summary").first.click()
        assert not page.locator("#session\\/apart\\~2").is_visible()
        row(page, "session/apart").locator("td a").nth(1).click()
        assert page.locator("#session\\/apart\\~2").is_visible()


def test_an_anchor_of_nothing_opens_nothing(opened: Opener) -> None:
    with opened(reported.ALL, anchor="#%zz/none") as page:
        assert page.locator("article details[open]").count() == 0


def test_what_servers_say_is_text(opened: Opener) -> None:
    with opened(reported.ALL, java_script_enabled=False) as page:
        shown = page.locator("body").inner_text()
        assert '"><img src=x onerror=alert(1)>' in shown
        assert "</script><script>alert(1)</script>" in shown
        assert page.locator("img, iframe, object, embed, [onerror], [onmouseover]").count() == 0
        assert page.locator("script").count() == page.locator("style").count() == 1


def test_without_script_everything_is_shown(opened: Opener) -> None:
    with opened(reported.ALL, java_script_enabled=False) as page:
        hidden = [
            part for part in page.locator("article, .outcome, .exchange").all() if not part.is_visible()
        ]
        assert hidden == []
        assert not page.locator(".filters").is_visible()
        assert not page.locator(".copy").first.is_visible()


def test_on_paper_everything_is_open(opened: Opener) -> None:
    with opened(reported.ALL) as page:
        assert page.locator("details[open]").count() == 0
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        assert page.locator("details:not([open])").count() == 0
        assert not page.locator(".filters").is_visible()
        page.emulate_media(media="screen")
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.locator("details[open]").count() == 0


@pytest.mark.parametrize("reports", [reported.ALL, [reported.NEWEST]], ids=["three", "one"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_nothing_is_wider_than_the_screen(
    reports: Sequence[Report], size: tuple[int, int], opened: Opener, tmp_path: Path
) -> None:
    with opened(reports, size) as page:
        take_picture(page, tmp_path / "matrix.png")
        page.evaluate("document.querySelectorAll('details').forEach(it => it.open = true)")
        page.locator(".timeline .gap").first.scroll_into_view_if_needed()
        take_picture(page, tmp_path / "timeline.png")
        assert (tmp_path / "matrix.png").read_bytes() != (tmp_path / "timeline.png").read_bytes()
        assert page.evaluate("document.documentElement.scrollWidth") == size[0]
        # Only what is made for it can be scrolled sideways.
        wide: list[str] = page.evaluate(
            """[...document.querySelectorAll('body *')]
            .filter(it => it.clientWidth && it.scrollWidth > it.clientWidth + 1)
            .filter(it => getComputedStyle(it).overflowX === 'auto')
            .map(it => it.className || it.tagName)"""
        )
        assert set(wide) <= {"timeline", "scroll fits", "CODE"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing(scheme: str, size: tuple[int, int], opened: Opener) -> None:
    """Contrast, names, roles, focus: what axe knows of WCAG 2.2 AA, with everything open."""
    axe = install.packages_of(install.CHROMIUM) / "axe-core" / "axe.min.js"
    with opened(reported.ALL, size, color_scheme=scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach(it => it.open = true)")
        page.evaluate(axe.read_text(encoding="utf-8"))
        found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert len(found["passes"]) > 20
        assert [
            (violation["id"], node["html"], node["failureSummary"])
            for violation in found["violations"]
            for node in violation["nodes"]
        ] == []


def test_the_dark_scheme_is_dark(opened: Opener) -> None:
    def ground(page: Page) -> int:
        return int(page.evaluate("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])"))

    with opened(reported.ALL, color_scheme="dark") as page:
        assert ground(page) < 64
    with opened(reported.ALL, color_scheme="light") as page:
        assert ground(page) > 192
