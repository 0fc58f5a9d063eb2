"""The Digits page in a real browser: a start and a drawing by keyboard, a stroke by pointer, every width and theme."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from sleepviz.tasks.digits.task import Digits
from tests.browser.conftest import OpenPage, Server, assert_axe_finds_nothing, serve_untrained


@pytest.fixture(scope="module")
def digits_server(browser_assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has an untrained model of Digits, too."""
    yield from serve_untrained(browser_assets, tmp_path_factory.mktemp("digits"), "digits-answers", Digits())


def pressed(page: Page) -> str:
    """The pad's pixels as its buttons say them, row by row."""
    return str(
        page.locator(".pad .grid").evaluate(
            "grid => [...grid.children].map(each => +(each.getAttribute('aria-pressed') === 'true')).join('')"
        )
    )


def test_a_digit_is_drawn_by_keyboard_and_by_pointer(digits_server: Server, open_page: OpenPage) -> None:
    page = open_page(f"{digits_server.url}/digits?k=1&N=1")
    page.locator(".starts button").first.focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Jump once from image 3")

    page.get_by_role("button", name="Change the digits").press("Enter")
    page.locator(".pad .places button").nth(2).press("Enter")
    page.locator(".pad .clear").press("Enter")
    page.locator(".pad .grid button").first.focus()
    for key in ("Space", "ArrowRight", "Space", "ArrowDown", "Space"):
        page.keyboard.press(key)
    assert pressed(page) == "110000" + "010000" + "0" * 36
    pixels = page.locator(".pad .grid button")
    pixels.nth(24).hover()
    page.mouse.down()
    pixels.nth(25).hover()
    pixels.nth(26).hover()
    page.mouse.up()
    drawn = "110000" + "010000" + "0" * 12 + "111000" + "0" * 18
    assert pressed(page) == drawn
    page.locator(".pad select").select_option("8")
    page.get_by_role("button", name="Use the drawing").press("Enter")

    expect(page.locator(".starts button").nth(2)).to_have_attribute("aria-label", "Image 3: the digit 8")
    page.wait_for_url(f"**8x{int(drawn, 2):012x}**")


@pytest.mark.parametrize(("width", "height", "scheme"), [(1440, 900, "light"), (390, 844, "dark")])
def test_axe_finds_nothing_and_nothing_is_too_wide(
    digits_server: Server, open_page: OpenPage, width: int, height: int, scheme: str
) -> None:
    page = open_page(f"{digits_server.url}/digits", width=width, height=height, scheme=scheme)
    page.get_by_role("button", name="To the answer").click()
    assert_axe_finds_nothing(page, "at the answer")
    page.get_by_role("button", name="Change the digits").click()
    page.locator(".pad .grid button").first.wait_for()
    assert_axe_finds_nothing(page, "while a digit is drawn")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_phone_shows_the_picture_and_the_player_s_buttons_together(
    digits_server: Server, open_page: OpenPage
) -> None:
    """The page's head takes 190 of a phone's 844 pixels where a run is recorded."""
    page = open_page(f"{digits_server.url}/digits", width=390, height=844)
    boxes = [page.locator(f".theatre {part}").bounding_box() for part in (".acts", ".c-woken", ".transport")]
    acts, picture, transport = (box for box in boxes if box is not None)
    assert acts["y"] < picture["y"] < transport["y"] and picture["height"] >= 300
    assert transport["y"] + transport["height"] - acts["y"] <= 844 - 190
