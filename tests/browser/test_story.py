"""The Story page in a real browser, with an untrained model: it plays to its answer, in every width and theme."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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
    page = open_page(f"{story_server.url}/story", width=width, height=height, scheme=scheme)
    page.get_by_role("button", name="To the answer").click()
    expect(page.locator(".acts [aria-current]")).to_have_attribute("data-act", "answer")
    expect(page.get_by_text("BidiComponent Error")).to_be_hidden()
    assert_axe_finds_nothing(page, "at the answer")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
