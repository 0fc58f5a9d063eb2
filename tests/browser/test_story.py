"""The Story page in a real browser, with an untrained model: it plays to its answer, in every width and theme.

It is the first page, so links to the bare address from before lead to the pages that they were made on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from sleepviz.tasks.text.task import Text
from tests.browser.conftest import OpenPage, Server, assert_axe_finds_nothing, serve_untrained


@pytest.fixture(scope="module")
def story_server(browser_assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has an untrained model of Text, too."""
    yield from serve_untrained(browser_assets, tmp_path_factory.mktemp("story"), "text-answers", Text())


@pytest.mark.parametrize(("width", "height", "scheme"), [(1440, 900, "light"), (390, 844, "dark")])
def test_a_story_plays_to_its_answer(
    story_server: Server, open_page: OpenPage, width: int, height: int, scheme: str
) -> None:
    page = open_page(story_server.url, width=width, height=height, scheme=scheme)
    page.get_by_role("button", name="To the answer").click()
    expect(page.locator(".acts [aria-current]")).to_have_attribute("data-act", "answer")
    expect(page.get_by_text("BidiComponent Error")).to_be_hidden()
    assert_axe_finds_nothing(page, "at the answer")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    ("link", "path"), [("task=rule110&rows=0100110101110010&t=2&N=2", "watch"), ("task=depo&k=2", "graph")]
)
def test_an_old_link_leads_to_its_page_and_one_back_leaves_it(
    story_server: Server, open_page: OpenPage, link: str, path: str
) -> None:
    page = open_page(story_server.url)
    page.goto(f"{story_server.url}/?{link}")
    page.wait_for_url(f"{story_server.url}/{path}?{link}*")
    expect(page.locator(".theatre .frame", has_text="event")).to_be_attached()
    expect(page.get_by_text("the link", exact=False)).to_have_count(0)

    page.go_back()

    page.wait_for_url(lambda url: urlsplit(url).path == "/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Who is")
