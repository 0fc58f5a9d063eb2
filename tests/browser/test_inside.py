"""Inside in a real browser, by keyboard alone: from a stage to one head, three keys, two runs, and its link."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Server, assert_axe_finds_nothing, visit

PATIENCE_MS = 240_000  # a cold start on a busy machine


def ready(page: Page, runs: int = 1) -> None:
    """The microscope is drawn over so many runs."""
    which = ".scope.two" if runs > 1 else ".scope:not(.two)"
    page.locator(f"{which} .picture canvas").first.wait_for(timeout=PATIENCE_MS)


def choose(page: Page, label: str, presses: int) -> str:
    """Pick another entry of a menu by the arrow keys; returns what it then says."""
    menu = page.get_by_role("combobox", name=re.compile(label))
    before = menu.input_value()
    menu.scroll_into_view_if_needed()  # a list closes when the page scrolls or moves under it
    menu.focus()
    while menu.get_attribute("aria-expanded") != "true":
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(200)  # or until it would have closed again
    for _ in range(presses - 1):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(menu).not_to_have_value(before, timeout=PATIENCE_MS)
    return menu.input_value()


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (390, "light")])
@pytest.mark.parametrize("name", ["inside", "cost"])
def test_axe_finds_nothing_and_nothing_is_too_wide(
    server: Server, browser: Browser, name: str, width: int, scheme: str
) -> None:
    page = visit(browser, f"{server.url}/{name}", width=width, height=844, scheme=scheme)
    if name == "inside":
        ready(page)
    else:
        page.locator(".st-key-cost_even .js-plotly-plot").wait_for(timeout=PATIENCE_MS)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for heading in page.locator("[data-testid=stMain] h2").all():
        heading.scroll_into_view_if_needed()
        assert_axe_finds_nothing(page, heading.inner_text())
    page.context.close()


def test_times_are_measured_at_a_press(server: Server, browser: Browser) -> None:
    page = visit(browser, f"{server.url}/cost")
    page.get_by_role("button", name=re.compile(r"Measure \d+ settings")).press("Enter", timeout=PATIENCE_MS)
    table = page.get_by_role("region", name=re.compile("Milliseconds of one sleep"))
    expect(table.locator("tbody tr")).to_have_count(12, timeout=PATIENCE_MS)
    for cell in table.locator("td:nth-of-type(2)").all_inner_texts():
        middle, low, high = (float(number) for number in re.findall(r"[\d.]+(?:e[-+]\d+)?", cell))
        assert 0 < low <= middle <= high
    page.context.close()


def test_from_a_stage_to_a_head_then_three_keys_and_two_runs_by_keyboard(server: Server, browser: Browser) -> None:
    page = visit(browser, f"{server.url}/graph")
    page.locator(".theatre .frame", has_text="event").wait_for(state="attached", timeout=PATIENCE_MS)
    scrubber = page.locator(".theatre .scrub")
    scrubber.focus()
    page.keyboard.press("End")  # the last pass of the last window
    page.locator(".theatre .c-states").focus()
    for _ in range(40):  # past the large map, into the small ones
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    told = page.locator(".theatre .live").inner_text()
    place = re.match(r"layer (\d+), head (\d+): size", told)
    assert place and place[2] != "1", told
    page.get_by_role("button", name="Look inside").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/inside\?"), timeout=PATIENCE_MS)
    ready(page)
    for part in (f"layer={place[1]}", f"head={place[2]}", "pass=3", "task=depo"):
        page.wait_for_url(re.compile(part), timeout=PATIENCE_MS)
    assert page.get_by_role("combobox", name=re.compile("Head of S")).input_value() == (
        f"layer {place[1]}, head {place[2]}"
    )
    captions = page.locator(".lab-table caption")
    for _ in range(3):
        key = choose(page, "^Key", 1)
        expect(captions.first).to_contain_text(f"The answer for {key}, read from", timeout=PATIENCE_MS)
    slider = page.get_by_role("slider", name="Pass", exact=True)
    slider.focus()
    page.keyboard.press("Home")
    expect(page.locator(".scope .now")).to_have_text("1 of 3")
    page.wait_for_url(lambda url: "pass=" not in url, timeout=PATIENCE_MS)  # pass 1 is where a link begins
    page.locator('.picture[data-name="singular"] canvas').focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".scope .live")).to_have_text(re.compile(r"singular value 1 is \d"))
    choose(page, "Compare with", 1)
    ready(page, runs=2)
    page.wait_for_url(re.compile("beside=n1"), timeout=PATIENCE_MS)
    expect(page.locator('.picture[data-name="state"] .said')).to_contain_text("only one pass:")
    ways = page.locator('.picture[data-name="path"]')
    expect(ways.locator(".notice")).to_contain_text("Both runs stand in one plane, which was fitted once to both.")
    ways.locator("canvas").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".scope .live")).to_have_text(re.compile(r"S, 3 passes, at the start: \d+ % of the final size"))
    assert_axe_finds_nothing(page, "with two runs")
    page.context.close()


def test_a_probe_is_fitted_and_read_by_keyboard(server: Server, browser: Browser) -> None:
    page = visit(browser, f"{server.url}/inside?task=rule110&rows=0100110101110010&t=0&N=1")
    ready(page)
    page.get_by_role("combobox", name=re.compile("^Read from")).focus()
    page.keyboard.type("probe")
    page.keyboard.press("Enter")
    table = page.get_by_role("region", name=re.compile("Share that the probe reads right"))
    expect(table.locator("tbody tr")).to_have_count(1, timeout=PATIENCE_MS)
    share, of_another = map(float, re.findall(r"\d\.\d\d", table.locator("tbody td").inner_text()))
    assert share > 0.8 and 0.4 < of_another < 0.6  # the row is asked as it was read; guessing is right for half
    page.wait_for_url(re.compile("reader=probe"), timeout=PATIENCE_MS)
    table.focus()
    assert_axe_finds_nothing(page, "with a probe")
    page.context.close()
