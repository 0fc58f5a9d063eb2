"""The Lab in a real browser: the heat map is drawn, a small sweep joins it, and axe finds nothing."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Server, assert_axe_finds_nothing, visit

PATIENCE_MS = 240_000  # a cold start on a busy machine


def lab(browser: Browser, server: Server, *, width: int = 1440, height: int = 900, scheme: str = "light") -> Page:
    page = visit(browser, f"{server.url}/lab", width=width, height=height, scheme=scheme)
    page.locator(".st-key-lab_heat .heatmaplayer .hm").wait_for(timeout=PATIENCE_MS)
    return page


def test_a_small_sweep_by_keyboard_joins_the_heat_map_and_its_table(server: Server, browser: Browser) -> None:
    page = lab(browser, server)
    assert page.locator(".st-key-lab_heat .scatterlayer .point").count() == 0
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", "8")
    button = page.get_by_role("button", name=re.compile(r"Measure \d+ cells"))
    expect(button).to_be_enabled()
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("cells measured live, n = 8")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator(".st-key-lab_heat .scatterlayer .point")).to_have_count(4, timeout=PATIENCE_MS)
    page.locator(".st-key-lab_heat_numbers summary").click()
    table = page.locator(".st-key-lab_heat_numbers .lab-table")
    expect(table.get_by_text("live, n = 8: N = 4")).to_be_visible()
    assert_axe_finds_nothing(page, "after a sweep")
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_axe_finds_no_violation_and_nothing_is_too_wide(
    server: Server, browser: Browser, scheme: str, width: int, height: int
) -> None:
    page = lab(browser, server, width=width, height=height, scheme=scheme)
    for summary in page.locator("[data-testid=stMain] [data-testid=stExpander] summary").all():
        summary.click()
    expect(page.locator(".st-key-lab_heat_numbers .lab-table")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("How far does N", "Measure it here", "Is it sleep", "Which part does", "When to stop", "What was not"):
        page.get_by_role("heading", name=name).scroll_into_view_if_needed()
        assert_axe_finds_nothing(page, name)
    page.context.close()
