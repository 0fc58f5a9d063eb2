"""The Graph and Arithmetic pages in a real browser: first picture, a live run, own input, every width and theme."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.app.made import GRAPH_DEFAULT, SUM_DEFAULT
from tests.browser.conftest import OpenPage, Server, assert_axe_finds_nothing

PAGES = [("graph", GRAPH_DEFAULT), ("arithmetic", SUM_DEFAULT)]


def end(page: Page) -> int:
    """The number of the last event."""
    match = re.match(r"event \d+ of (\d+)", page.locator(".theatre .frame").inner_text())
    assert match is not None
    return int(match[1])


def at_last_pass(page: Page) -> None:
    """Where the picture has answers: eviction and answer follow."""
    last = end(page)
    page.locator(".scrub").fill(str(last - 3))
    expect(page.locator(".theatre .frame")).to_have_text(f"event {last - 2} of {last}")


def painted(page: Page) -> str:
    page.evaluate("() => new Promise(done => setTimeout(() => requestAnimationFrame(done), 300))")
    return str(page.locator(".c-woken").evaluate("canvas => canvas.toDataURL()"))


@pytest.mark.parametrize(("path", "checkpoint"), PAGES)
def test_a_visit_begins_with_the_recorded_run(server: Server, open_page: OpenPage, path: str, checkpoint: str) -> None:
    """How fast is measured by tests.browser.speed."""
    page = open_page(f"{server.url}/{path}")
    expect(page.locator(".theatre .badge")).to_have_text(re.compile(f"recorded · {checkpoint}"))


@pytest.mark.parametrize(("path", "checkpoint"), PAGES)
def test_run_live_and_the_answer_appears(server: Server, open_page: OpenPage, path: str, checkpoint: str) -> None:
    page = open_page(f"{server.url}/{path}")
    before = painted(page)
    page.get_by_role("button", name="Run live").click()
    expect(page.locator(".theatre .badge")).to_have_text(re.compile(f"live · {checkpoint}"), timeout=60_000)
    at_last_pass(page)
    expect(page.locator(".theatre .say")).to_contain_text("If it woke now")
    expect(page.locator(".woken-unit")).to_have_text(re.compile(r"\d+ of \d+ (questions|variables) right"))
    assert painted(page) != before
    page.get_by_role("button", name="To the answer").click()
    expect(page.locator(".theatre .say")).to_contain_text("one ordinary pass answers")
    expect(page.locator(".card .verdict").first).to_have_text(re.compile(r"^(Right|Wrong)"))
    expect(page.locator(".card .said").first).not_to_have_text("…")
    assert page.locator(".c-woken").get_attribute("aria-label")


def test_a_cycle_clicked_together_is_run(server: Server, open_page: OpenPage) -> None:
    page = open_page(f"{server.url}/graph")
    page.get_by_role("button", name="Your own graph").click()
    close = page.get_by_role("button", name="Close the cycle and use it")
    for name in "caeb":
        expect(close).to_be_disabled()
        page.locator(".ring .nodes").get_by_role("button", name=name, exact=True).click()
    expect(page.locator(".ring .chain")).to_have_text("c → a → e → b → c")
    page.get_by_role("button", name="Undo").click()
    expect(close).to_be_disabled()
    page.locator(".ring .nodes").get_by_role("button", name="d", exact=True).click()
    close.click()
    expect(page.locator(".theatre .badge")).to_have_text(re.compile(f"live · {GRAPH_DEFAULT}"), timeout=60_000)
    edges = re.search(r"edges=([^&]+)", page.url)
    page.wait_for_url(re.compile("start=c"))
    edges = re.search(r"edges=([^&]+)", page.url)
    assert edges is not None
    told = edges[1].replace("%3E", ">").replace("%2C", ",").split(",")
    assert sorted(told) == ["a>e", "c>a", "d>c", "e>d"]


def test_hostile_text_stays_text(server: Server, open_page: OpenPage) -> None:
    name = "<i onclick"
    page = open_page(f"{server.url}/graph?edges={name}>b,b>c,c>d,d>{name}&start=b&k=1&N=1")
    expect(page.get_by_test_id("stAlert").first).to_contain_text(name)
    assert page.locator("i[onclick]").count() == 0
    page = open_page(f"{server.url}/arithmetic?text=<img src=x onerror=document.title=1>")
    expect(page.get_by_test_id("stAlert").first).to_contain_text("was not understood")
    assert page.locator("img[src=x]").count() == 0 and page.title() != "1"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
@pytest.mark.parametrize(("path", "checkpoint"), PAGES)
def test_axe_finds_no_violation(
    server: Server, open_page: OpenPage, path: str, checkpoint: str, scheme: str, width: int, height: int
) -> None:
    page = open_page(f"{server.url}/{path}", width=width, height=height, scheme=scheme)
    assert_axe_finds_nothing(page, "on arrival")
    at_last_pass(page)
    assert_axe_finds_nothing(page, "at the last pass")
    page.get_by_role("button", name="To the answer").click()
    for below in ("Differs from the paper in", "Does sleeping longer help?", "Glossary"):
        page.get_by_text(below).first.scroll_into_view_if_needed()
        assert_axe_finds_nothing(page, below)
    if path == "graph":
        page.get_by_role("button", name="Your own graph").click()
        page.locator(".ring .nodes button").first.click()
        assert_axe_finds_nothing(page, "while a graph is clicked together")


@pytest.mark.parametrize(("path", "checkpoint"), PAGES)
def test_nothing_is_wider_than_a_phone(server: Server, open_page: OpenPage, path: str, checkpoint: str) -> None:
    page = open_page(f"{server.url}/{path}", width=390, height=844)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    theatre = page.locator(".theatre").bounding_box()
    assert theatre is not None and theatre["x"] >= 0 and theatre["x"] + theatre["width"] <= 390
    for part in page.locator(".theatre canvas, .theatre button, .theatre input, .theatre li").all():
        box = part.bounding_box()
        assert box is None or box["x"] + box["width"] <= theatre["x"] + theatre["width"] + 0.5
