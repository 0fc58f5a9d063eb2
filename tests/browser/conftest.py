"""A served app and a real Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from sleepviz.tasks.base import Task
from tests.app.made import make_assets, make_checkpoint
from tests.serving import serving

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Server:
    """A running app."""

    url: str
    log: Path


@pytest.fixture(scope="session")
def browser_assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_assets(tmp_path_factory.mktemp("browser-assets"))


def serve(assets: Path, folder: Path, **environment: str) -> Iterator[Server]:
    """Start the app on a free port, wait until it is healthy, and end it afterwards."""
    log = folder / "runs.log"
    log.touch()
    environment = {**environment, "SLEEPVIZ_TEST_ASSETS": str(assets), "SLEEPVIZ_TEST_LOG": str(log)}
    with serving(log=folder / "server.log", script="tests/browser/served.py", environment=environment) as served:
        yield Server(served.url, log)


def serve_untrained(browser_assets: Path, folder: Path, name: str, task: Task) -> Iterator[Server]:
    """Start the app with an untrained model of `task`, too, which is called `name`."""
    assets = folder / "assets"
    shutil.copytree(browser_assets, assets)
    make_checkpoint(assets, name, n_passes=0, task=task)
    yield from serve(assets, folder)


@pytest.fixture(scope="session")
def server(browser_assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from serve(browser_assets, tmp_path_factory.mktemp("server"))


@pytest.fixture
def slow_server(browser_assets: Path, tmp_path: Path) -> Iterator[Server]:
    """Its runs take a tenth of a second an event."""
    yield from serve(browser_assets, tmp_path, SLEEPVIZ_TEST_EVENT_S="0.1")


@pytest.fixture(scope="session")
def browser(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM_FLAGS)
        yield launched
        launched.close()


def visit(
    browser: Browser, url: str, *, width: int = 1440, height: int = 900, scheme: str = "light", motion: str = "reduce"
) -> Page:
    """Open a URL as a new visitor: width, scheme and motion as asked."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion=motion,  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.goto(url)
    return page


def assert_axe_finds_nothing(page: Page, where: str) -> None:
    """Of what is in sight now; `where` says what that is."""
    violations = Axe().run(page).response["violations"]
    # Written here: the package's own report fails on an element inside a component, whose target is a list of lists.
    report = [f"{found['id']}: {node['html']}" for found in violations for node in found["nodes"]]
    assert not report, f"{where}: {report}"


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """`visit` a page with a player; closed after the test."""
    contexts = []

    def open_(url: str, **options: Any) -> Page:
        page = visit(browser, url, **options)
        contexts.append(page.context)
        page.locator(".theatre .frame", has_text="event").wait_for(state="attached", timeout=30_000)
        return page

    yield open_
    for context in contexts:
        context.close()
