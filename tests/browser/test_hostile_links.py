"""Links as an address bar can hold them, in a real browser: no traceback, no foreign host, and the page still works."""

from __future__ import annotations

import random
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request

from sleepviz.runs.checkpoint import list_checkpoints
from tests.browser.conftest import Server, visit
from tests.fuzz.cases import ALL_PAGES, Case, case

PATHS = {"rule110": "", "depo": "graph", "gsm": "arithmetic", "your_model": "your-model"}  # others are their names
RAW = (
    "/?rows=%F0%9F",  # half a character, as bytes
    "/?rows=%ED%A0%BD&t=2",  # half a surrogate pair, as bytes
    "/?N=4&N=%00&N=4",
    "/?t=%D9%A3&N=%EF%BC%94",  # digits of other scripts
    "/?%3Cb%3E=1&rows=%22%3E%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
    "/graph?edges=!%5Bx%5D(https%3A%2F%2Fexample.org%2Fx.png)>a&start=a&k=1",
    "/your-model?model=local%3A%2Fetc%2Fpasswd",
    f"/arithmetic?text={'assign%20a%20%3D%201.%20' * 1000}&question=a",
)


def address(drawn: Case) -> str:
    """The path and query of a case; what a browser cannot send it replaces."""
    pairs = [(name, value) for name, values in drawn.link.items() for value in values]
    query = "&".join(f"{quote(name, errors='replace')}={quote(value, errors='replace')}" for name, value in pairs)
    return f"/{PATHS.get(drawn.page, drawn.page)}?{query}"


def drawn_links(n: int, seed: int) -> list[str]:
    """Some of what tests/fuzz tries; addresses that a server takes at all."""
    draw, infos = random.Random(seed), list_checkpoints()
    found = [address(case(draw, infos, ALL_PAGES)) for _ in range(3 * n)]
    return [link for link in found if len(link) < 20_000][:n]


@pytest.fixture(scope="module")
def visitor(browser: Browser, server: Server) -> Page:
    return visit(browser, server.url)


def test_no_link_breaks_a_page_or_makes_it_ask_another_host(visitor: Page, server: Server) -> None:
    asked: list[str] = []
    said: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    visitor.on("request", note)
    visitor.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    for link in (*RAW, *drawn_links(8, seed=5)):
        visitor.goto(server.url + link)
        visitor.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=60_000)
        visitor.locator("h1").first.wait_for(timeout=60_000)
        assert visitor.locator('[data-testid="stException"]').count() == 0, link
    assert said == []  # no alert(1)
    hosts = {urlsplit(url).netloc for url in asked if urlsplit(url).scheme in ("http", "https", "ws", "wss")}
    assert hosts == {urlsplit(server.url).netloc}

    visitor.goto(f"{server.url}/?rows=0100110101110010&t=2&N=3")
    visitor.locator(".theatre .frame", has_text="event").wait_for(state="attached", timeout=60_000)
