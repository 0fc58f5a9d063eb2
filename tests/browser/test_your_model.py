"""Your model in a real browser: the shipped text model reads its page; and a visitor brings models of all kinds."""

from __future__ import annotations

import json
import re
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from sleepviz.hybrids.models.gguf import missing_packages
from tests.browser.conftest import ROOT, Server, assert_axe_finds_nothing, serve, visit
from tests.hybrids.folders import text_folder
from tests.hybrids.hub import hub

PATIENCE_MS = 240_000  # a cold start on a busy machine
SIZES = [(1440, 900), (390, 844)]
DOCUMENT = " ".join(f"w{i % 9}" for i in range(30))


@pytest.fixture(scope="module")
def text_assets(browser_assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assets with the text model that ships."""
    assets = tmp_path_factory.mktemp("your-model") / "assets"
    shutil.copytree(browser_assets, assets)
    shutil.copytree(ROOT / "assets" / "models", assets / "models")
    for recording in (ROOT / "assets" / "recordings").glob("words-*.npz"):
        shutil.copy(recording, assets / "recordings")
    return assets


@pytest.fixture(scope="module")
def text_server(text_assets: Path) -> Iterator[Server]:
    """The app with that model."""
    yield from serve(text_assets, text_assets.parent)


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


def test_from_a_run_to_inside_then_its_memory_is_asked_by_keyboard(text_server: Server, browser: Browser) -> None:
    page = visit(browser, f"{text_server.url}/your-model")
    expect(page.locator(".theatre .badge")).to_contain_text("recorded", timeout=PATIENCE_MS)
    page.locator(".st-key-your_model_inside button").press("Enter")
    page.wait_for_url(re.compile(r"/inside\?.*task=words"), timeout=PATIENCE_MS)
    page.locator(".scope .picture canvas").first.wait_for(timeout=PATIENCE_MS)
    expect(page.get_by_text("Computed just now by text-micro")).to_be_visible()
    expect(page.locator('.picture[data-name="tokens"] .said')).to_contain_text("writes most strongly")
    table = page.get_by_role("region", name=re.compile(r"^This S\. Nearest words for \?"))
    expect(table.locator("tbody tr")).to_have_count(4, timeout=PATIENCE_MS)
    token = page.get_by_role("combobox", name=re.compile("^Token of the question"))
    token.focus()
    page.keyboard.type("Ben")
    page.keyboard.press("Enter")
    table = page.get_by_role("region", name=re.compile(r"^S of the text read backwards\. Nearest words for Ben"))
    expect(table.locator("tbody tr")).to_have_count(4, timeout=PATIENCE_MS)
    page.wait_for_url(re.compile("key=3"), timeout=PATIENCE_MS)
    assert_axe_finds_nothing(page, "inside a text's run")
    page.context.close()


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Four folders: one that sleeps, one that needs memory, one that cannot sleep, one that is damaged."""
    for name, family in {"hybrid": "Qwen3.5", "llama": "Llama", "pure": "Mamba-2", "damaged": "Qwen3.5"}.items():
        text_folder(tmp_path / "models" / name, family)
    damaged = tmp_path / "models" / "damaged" / "model.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    return tmp_path / "models"


def load(page: Page, name: str) -> None:
    """Name a model and have it loaded."""
    box = page.get_by_label("Folder, GGUF file, or name on the hub")
    box.fill(name)
    box.press("Enter")
    page.get_by_role("button", name="Load it and test its sleep").click()


def ask(page: Page, document: str) -> None:
    """Write a document and a question, and run."""
    page.get_by_label("Document", exact=True).fill(document)
    page.get_by_label("Document", exact=True).press("Control+Enter")
    page.get_by_label("Question, asked after eviction").fill("w3 w4")
    page.get_by_label("Question, asked after eviction").press("Enter")
    page.get_by_role("button", name="Run", exact=True).click()


def test_a_visitor_brings_models_of_all_kinds(
    browser_assets: Path, models: Path, browser: Browser, tmp_path: Path
) -> None:
    settings = {"HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "hub"), "SLEEPVIZ_MODELS": ""}
    with hub({"me/tiny": models / "llama"}) as address:
        for server in serve(browser_assets, tmp_path, HF_ENDPOINT=address, **settings):
            bring_all(visit(browser, f"{server.url}/your-model"), models, tmp_path)


def bring_all(page: Page, models: Path, folder: Path) -> None:
    expect(page.get_by_text("any folder of this machine")).to_be_visible(timeout=PATIENCE_MS)  # it is on 127.0.0.1
    page.locator(".st-key-your_model_source input").click()
    page.get_by_role("option", name="a model of your own").click()
    badge = page.locator(".theatre .badge")

    # One that cannot sleep, one that is damaged: why, and nothing to run.
    load(page, str(models / "pure"))
    expect(page.get_by_text("Mamba2ForCausalLM cannot sleep.")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("there is no KV cache to evict")).to_be_visible()
    load(page, str(models / "damaged"))
    expect(page.get_by_text("damaged could not be loaded")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_label("Document", exact=True)).to_have_count(0)

    # One that sleeps as it is: asked, its perplexity read, and downloaded.
    load(page, str(models / "hybrid"))
    expect(page.get_by_text("can sleep as it is")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("slider", name="Window L, tokens").press("Home")  # 8 tokens
    ask(page, DOCUMENT)
    expect(badge).to_contain_text("live · hybrid · your model", timeout=PATIENCE_MS)
    page.get_by_role("button", name="Measure perplexity").click()
    expect(page.get_by_text("tokens scored")).to_be_visible(timeout=PATIENCE_MS)
    with page.expect_download() as table:
        page.get_by_role("button", name="Table").click()
    rows = table.value.path().read_text().splitlines()
    assert rows[0] == "position,N = 0,N = 1,N = 2,N = 4,full attention" and len(rows) == 1 + 7 + 7 + 5
    with page.expect_download() as runs:
        page.get_by_role("button", name="JSON").click()
    titles = [run["title"] for run in json.loads(runs.value.path().read_text())["runs"]]
    assert titles == ["Slept, N = 4", "Slept, N = 1", "No sleep", "Full attention"]
    assert_axe_finds_nothing(page, "with a model of one's own")

    # An edit that the picture does not show yet is marked.
    page.get_by_label("Document", exact=True).fill(f"{DOCUMENT} w7")
    page.get_by_label("Document", exact=True).press("Control+Enter")
    expect(page.locator(".theatre .stale")).to_contain_text("press Run")

    # One of the hub, which needs memory.
    load(page, "me/tiny")
    expect(page.get_by_text("can sleep only with memory added")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Add memory before layers 2 and 3").click()
    expect(page.get_by_text("--add-fast-weights 1,2 --only-memory")).to_be_visible(timeout=PATIENCE_MS)
    ask(page, DOCUMENT)
    expect(badge).to_contain_text("live · tiny · your model", timeout=PATIENCE_MS)
    assert list((folder / "hub").rglob("model.safetensors"))

    # Files that are dropped.
    page.get_by_text("Drop its files").click()
    files = [str(path) for path in sorted((models / "hybrid").iterdir())]
    page.locator(".st-key-your_model_files input[type=file]").set_input_files(files)
    expect(page.get_by_text("The page below still shows tiny")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Load it and test its sleep").click()
    expect(page.get_by_text("can sleep as it is")).to_be_visible(timeout=PATIENCE_MS)
    ask(page, DOCUMENT)
    expect(badge).to_contain_text("live · the dropped files", timeout=PATIENCE_MS)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440
    page.context.close()


def gguf_bytes() -> bytes:
    """A GGUF file as small as can be: its head says version 3, no tensor, and one entry, the architecture "llama"."""

    def text(written: str) -> bytes:
        return struct.pack("<Q", len(written)) + written.encode()

    a_text = struct.pack("<I", 8)
    return b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("general.architecture") + a_text + text("llama")


def test_a_dropped_gguf_file_is_read_or_the_page_says_what_reading_needs(server: Server, browser: Browser) -> None:
    page = visit(browser, f"{server.url}/your-model")
    expect(page.get_by_text("any folder of this machine")).to_be_visible(timeout=PATIENCE_MS)
    page.locator(".st-key-your_model_source input").click()
    page.get_by_role("option", name="a model of your own").click()
    page.get_by_text("Drop its files").click()
    file = {"name": "tiny.gguf", "mimeType": "application/octet-stream", "buffer": gguf_bytes()}
    page.locator(".st-key-your_model_files input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Load it and test its sleep").click()
    missing = missing_packages()  # with none missing: there is no tensor in the file
    needed = (
        f"reading GGUF files needs {' and '.join(missing)}" if missing else "could not be loaded"
    )  # no tensor in it
    expect(page.get_by_role("alert").filter(has_text=re.compile(needed))).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_label("Document", exact=True)).to_have_count(0)  # nothing to ask
    page.context.close()
