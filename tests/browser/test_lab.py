"""The Lab in a real browser: a sweep and its link, what the bars save, and axe."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import ROOT, Server, assert_axe_finds_nothing, visit
from tests.serving import serving

PATIENCE_MS = 240_000  # a cold start on a busy machine
LONG_SWEEP = "passes=8,10,12&levels=8,9,10,11,12&n=128&seed=3"  # about half a minute
STOPS_WITHIN_S = 10
PNG = b"\x89PNG\r\n\x1a\n"


def lab(browser: Browser, server: Server, *, width: int = 1440, height: int = 900, scheme: str = "light") -> Page:
    page = visit(browser, f"{server.url}/lab", width=width, height=height, scheme=scheme)
    drawn(page)
    return page


def drawn(page: Page) -> None:
    page.locator(".st-key-lab_heat .heatmaplayer .hm").wait_for(timeout=PATIENCE_MS)


def bar(page: Page, name: str) -> Locator:
    return page.locator(f".st-key-lab_keep_{name}")


def saved(page: Page, name: str, button: str) -> tuple[str, bytes]:
    """The name and the bytes of what a bar's button saves."""
    with page.expect_download(timeout=PATIENCE_MS) as download:
        bar(page, name).get_by_role("button", name=button, exact=True).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_a_small_sweep_by_keyboard_stands_at_its_button_and_survives_a_reload(server: Server, browser: Browser) -> None:
    page = lab(browser, server)
    assert page.locator(".st-key-lab_heat .scatterlayer .point").count() == 0
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", "8")
    button = page.get_by_role("button", name=re.compile(r"Measure \d+ settings"))
    expect(button).to_be_enabled()
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("settings measured live, n = 8")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator(".st-key-lab_heat .scatterlayer .point")).to_have_count(4, timeout=PATIENCE_MS)
    own = page.get_by_role("region", name=re.compile("Your measurement"))
    shares = own.locator("td").all_inner_texts()
    assert len(shares) == 4 and all("%" in share for share in shares)
    _, text = saved(page, "measure", "CSV")
    rows = list(csv.DictReader(io.StringIO(text.decode())))
    assert [f"{100 * float(row['accuracy']):.1f} %" for row in rows] == [share.split(" (")[0] for share in shares]
    page.locator(".st-key-lab_heat_numbers summary").click()
    table = page.locator(".st-key-lab_heat_numbers .lab-table")
    expect(table.get_by_text("live, n = 8: N = 4")).to_be_visible()
    assert_axe_finds_nothing(page, "after a sweep")
    page.reload()
    expect(own).to_be_visible(timeout=PATIENCE_MS)
    assert own.locator("td").all_inner_texts() == shares
    page.context.close()


def test_a_bar_saves_the_picture_and_the_numbers_that_are_shown(server: Server, browser: Browser) -> None:
    page = lab(browser, server, scheme="dark")
    name, picture = saved(page, "heat", "SVG")
    words = [element.text for element in ElementTree.fromstring(picture).iter() if element.text]
    assert name == "sleepviz-rule110-passes.svg" and "passes N" in words and "90" in words
    background = re.search(rb'<rect x="0" y="0"[^>]*fill: (rgb[^;]+);', picture)
    shown = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert background and background[1].decode() == shown  # light letters need the dark page
    name, picture = saved(page, "baselines", "PNG")
    assert name == "sleepviz-rule110-baselines.png" and picture.startswith(PNG) and len(picture) > 10_000
    name, text = saved(page, "heat", "JSON")
    rows = json.loads(text)
    assert name == "sleepviz-rule110-passes.json"
    assert [(row["passes"], row["difficulty"], row["accuracy"]) for row in rows] == [
        (1, 1, 1.0), (4, 1, 0.95), (1, 3, 0.2), (4, 3, 0.9)
    ]  # fmt: skip
    page.context.close()


def test_a_link_that_may_not_be_copied_stands_there_to_be_copied_by_hand(server: Server, browser: Browser) -> None:
    page = lab(browser, server)
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(); }")
    bar(page, "baselines").get_by_role("button", name="Copy link").click()
    field = bar(page, "baselines").get_by_role("textbox", name="Text to copy")
    expect(field).to_have_value(re.compile(r"/lab\?.*task=rule110.*#baselines$|/lab#baselines$"))
    assert_axe_finds_nothing(page, "with a link to copy")
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_axe_finds_no_violation_and_nothing_is_too_wide(
    server: Server, browser: Browser, scheme: str, width: int, height: int
) -> None:
    page = lab(browser, server, width=width, height=height, scheme=scheme)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight") < 9 * height
    for summary in page.locator("[data-testid=stMain] [data-testid=stExpander] summary").all():
        summary.click()
    expect(page.locator(".st-key-lab_heat_numbers .lab-table")).to_be_visible()
    expect(page.locator(".st-key-lab_retention .js-plotly-plot")).to_be_visible(timeout=PATIENCE_MS)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".modebar-container").count() and not page.locator(".modebar-container:visible").count()
    for heading in page.locator("[data-testid=stMain] h2").all():
        heading.scroll_into_view_if_needed()
        assert_axe_finds_nothing(page, heading.inner_text())
    page.context.close()


def test_a_link_opens_its_experiment_and_the_way_back_takes_one_step(server: Server, browser: Browser) -> None:
    page = visit(browser, f"{server.url}/lab?task=rule110#retention")
    page.locator(".st-key-lab_retention_fold .js-plotly-plot").wait_for(timeout=PATIENCE_MS)
    page.get_by_role("link", name="Limits").click()
    expect(page.get_by_role("heading", name="Limits and open questions")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("link", name="Learn").click()
    page.get_by_role("textbox").fill("one two three four five")
    page.get_by_role("button", name="Next step").click(timeout=PATIENCE_MS)
    page.wait_for_url(re.compile("step=2"), timeout=PATIENCE_MS)
    page.get_by_role("link", name="Limits").click()
    expect(page.get_by_role("heading", name="Limits and open questions")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("link", name="Learn").click()
    expect(page.get_by_role("heading", name="A window that fills")).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_url(re.compile("learn.step=2"), timeout=PATIENCE_MS)  # put in place of the bare address
    page.go_back()
    expect(page.get_by_role("heading", name="Limits and open questions")).to_be_visible(timeout=PATIENCE_MS)
    page.context.close()


def test_a_server_that_is_told_to_stop_ends_though_a_sweep_is_under_way(browser: Browser) -> None:
    """What the sweep has measured is in the link: the next server measures the same. No file is touched."""
    assets = ROOT / "assets"
    before = {path: path.stat().st_mtime_ns for path in assets.rglob("*") if path.is_file()}
    with serving() as served:
        page = visit(browser, f"{served.url}/lab?task=rule110&{LONG_SWEEP}")
        expect(page.get_by_text(re.compile(r"of 15 settings are measured"))).to_be_visible(timeout=PATIENCE_MS)
        served.process.terminate()
        served.process.wait(STOPS_WITHIN_S)
        page.context.close()
    assert {path: path.stat().st_mtime_ns for path in assets.rglob("*") if path.is_file()} == before
