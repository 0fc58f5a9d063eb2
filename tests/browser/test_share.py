"""Sharing in a real browser: the link, where the clipboard is refused too, the picture, the files, and the menu."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Download, Locator, Page, expect

from app.tasks.gsm.words import EDIT, TEXT
from tests.browser.conftest import OpenPage, Server, assert_axe_finds_nothing, visit

OWN_TEXT = "assign zz = 4. assign yy = zz + 1."
PATIENCE_MS = 240_000  # a cold start on a busy machine


def at_event(page: Page, number: int) -> None:
    expect(page.locator(".theatre .frame")).to_have_text(re.compile(rf"^event {number} of "), timeout=PATIENCE_MS)


def go_to(page: Page, event: int) -> None:
    """By the scrubber, which counts from 0."""
    page.locator(".scrub").fill(str(event))
    at_event(page, event + 1)


def asked(link: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(link).query, keep_blank_values=True).items()}


@pytest.fixture
def allowed(browser: Browser, server: Server) -> Iterator[Page]:
    """A visitor whose browser lets the page write to the clipboard."""
    page = visit(browser, f"{server.url}/?t=2&lock=1")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(".theatre .frame", has_text="event").wait_for(timeout=PATIENCE_MS)
    yield page
    page.context.close()


def test_a_copied_link_opens_the_same_run_at_the_same_place(allowed: Page, server: Server, open_page: OpenPage) -> None:
    expect(allowed.locator(".theatre .badge")).to_contain_text("live", timeout=PATIENCE_MS)
    allowed.locator(".speed").select_option("0.5")
    go_to(allowed, 20)
    before = allowed.url

    allowed.get_by_role("button", name="Copy link").click()
    expect(allowed.locator(".share [role=status]")).to_have_text(re.compile("copied"))
    link = str(allowed.evaluate("navigator.clipboard.readText()"))

    assert allowed.url == before, "the place enters the link, not the address"
    assert {"t": "2", "event": "20", "speed": "0.5", "lock": "1"}.items() <= asked(link).items()
    other = open_page(link)
    expect(other.locator(".theatre .badge")).to_contain_text("live", timeout=PATIENCE_MS)
    at_event(other, 21)
    assert other.locator(".speed").input_value() == "0.5"
    assert other.locator(".say").inner_text() == allowed.locator(".say").inner_text()
    assert other.url == link


def test_where_the_clipboard_is_refused_the_link_can_be_selected(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    go_to(page, 3)

    page.get_by_role("button", name="Copy link").click()

    field = page.locator(".share input")
    expect(field).to_be_focused()
    assert asked(field.input_value()).items() >= {"task": "rule110", "event": "3"}.items()
    chosen = field.evaluate("field => field.value.slice(field.selectionStart, field.selectionEnd)")
    assert chosen == field.input_value()
    assert_axe_finds_nothing(page, "with the link in a field")


def saved(page: Page, name: str) -> Download:
    with page.expect_download(timeout=PATIENCE_MS) as waiting:
        page.locator(".st-key-share").get_by_role("button", name=name, exact=True).click()
    return waiting.value


def test_the_picture_shows_the_stage(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    go_to(page, 19)
    download = saved(page, "PNG")
    data = Path(download.path()).read_bytes()

    assert download.suggested_filename == "sleepviz-rule110.png"
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    stage = page.locator(".theatre .stage").bounding_box()
    assert stage is not None
    assert width >= stage["width"] and height > stage["height"]
    # Drawn, not blank: the stage's canvases and words bring many colours.
    colours = page.evaluate(
        """async (bytes) => {
            const image = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
            const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext("2d");
            context.drawImage(image, 0, 0);
            const { data } = context.getImageData(0, 0, image.width, image.height);
            return new Set(new Uint32Array(data.buffer)).size;
        }""",
        list(data),
    )
    assert colours > 100


def test_the_files_hold_every_run_on_screen(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    cards = page.locator(".theatre .card").filter(has_not=page.locator(".missing")).locator(".card-title")

    runs = json.loads(Path(saved(page, "JSON").path()).read_text())["runs"]
    lines = Path(saved(page, "CSV").path()).read_text().splitlines()

    assert len(runs) == cards.count() >= 2
    assert all(said.startswith(run["title"]) for said, run in zip(cards.all_inner_texts(), runs, strict=True))
    assert lines[0].startswith("run,window,pass,drift")
    n_passes = [sum(event["type"] == "SleepPassDone" for event in run["events"]) for run in runs]
    assert len(lines) == 1 + sum(n_passes)
    page.get_by_role("button", name="Python").click()
    expect(page.get_by_text("import sleepviz")).to_be_visible()


def own_text(page: Page) -> Locator:
    """The box of the page's own text, behind its button."""
    box = page.get_by_role("textbox", name=TEXT)
    if not box.is_visible():
        page.get_by_role("button", name=EDIT).click()
    return box


def test_a_typed_text_survives_the_menu_and_the_history_stays_short(server: Server, open_page: OpenPage) -> None:
    page = open_page(f"{server.url}/arithmetic")
    box = own_text(page)
    box.fill(OWN_TEXT)
    box.press("Control+Enter")
    page.wait_for_url("**zz**")
    typed = page.url

    page.get_by_role("link", name="Graph").click()
    page.wait_for_url("**/graph*")
    page.get_by_role("button", name="Run live").wait_for()
    page.get_by_role("link", name="Arithmetic").click()
    page.wait_for_url("**/arithmetic*zz*")

    shown = page.get_by_role("paragraph").filter(has_text=OWN_TEXT)  # beside the button; the box closes in a redraw
    expect(shown).to_be_visible()
    page.wait_for_url(lambda url: asked(url) == asked(typed))
    page.go_back()
    page.wait_for_url("**/graph*")
    page.go_back()
    page.wait_for_url("**/arithmetic*zz*")
    expect(page.locator(".theatre .badge")).to_contain_text("live", timeout=PATIENCE_MS)
    page.wait_for_url(lambda url: asked(url) == asked(typed))  # for a moment it says that the visitor went back
    expect(shown).to_be_visible()


def test_the_way_of_looking_goes_with_the_visitor(server: Server, open_page: OpenPage) -> None:
    page = open_page(f"{server.url}/graph?lock=1&embed=true")

    page.get_by_role("link", name="Arithmetic").click()
    page.wait_for_url("**/arithmetic?*lock=1*")

    assert asked(page.url) == {"lock": "1", "embed": "true"}
    expect(page.locator(".st-key-controls_locked")).to_have_count(1)
