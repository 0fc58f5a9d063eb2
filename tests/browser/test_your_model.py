"""Your model in a real browser: the shipped text model reads its page, and axe finds nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import ROOT, Server, assert_axe_finds_nothing, serve, visit

PATIENCE_MS = 240_000  # a cold start on a busy machine
SIZES = [(1440, 900), (390, 844)]


@pytest.fixture(scope="module")
def text_server(browser_assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app with the text model that ships."""
    assets = tmp_path_factory.mktemp("your-model") / "assets"
    shutil.copytree(browser_assets, assets)
    shutil.copytree(ROOT / "assets" / "models", assets / "models")
    for recording in (ROOT / "assets" / "recordings").glob("text-*.npz"):
        shutil.copy(recording, assets / "recordings")
    yield from serve(assets, assets.parent)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_page_is_read_slept_on_and_asked(
    text_server: Server, browser: Browser, scheme: str, width: int, height: int
) -> None:
    page = visit(browser, f"{text_server.url}/your-model", width=width, height=height, scheme=scheme)
    run = page.get_by_role("button", name="Run", exact=True)
    expect(run).to_be_enabled(timeout=PATIENCE_MS)
    badge = page.locator(".theatre .badge")
    expect(badge).to_contain_text("recorded", timeout=PATIENCE_MS)
    assert_axe_finds_nothing(page, "before the run")
    run.focus()
    page.keyboard.press("Enter")
    expect(badge).to_contain_text("live", timeout=PATIENCE_MS)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert_axe_finds_nothing(page, "after the run")
    page.context.close()
