"""The README's moving picture: the recorded run on the page Watch, filmed in Chromium. `make film`."""

from __future__ import annotations

import io
import itertools
import sys
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from tqdm import tqdm

from tests.browser.conftest import CHROMIUM_FLAGS, ROOT, visit
from tests.serving import serving

FILM = ROOT / "assets" / "stage.webp"
SIZE = (1280, 720)  # of the window; the picture is three quarters of that
SHOWN = (960, 540)
FRAME_MS = 250
LENGTH_S = 40  # the first visit's run is over by then
LAST_FRAME_MS = 3000


def film(chromium: str, path: Path) -> None:
    """Play the recorded run in the form that fills the window, and keep a frame every quarter of a second."""
    with serving() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        page = visit(browser, f"{server.url}/?view=present", width=SIZE[0], height=SIZE[1], motion="no-preference")
        page.locator(".theatre").first.wait_for(timeout=180_000)
        frames, times = [], []
        started = time.monotonic()
        with tqdm(total=LENGTH_S, unit="s", desc=path.name, bar_format="{l_bar}{bar}| {elapsed}") as bar:
            while (now := time.monotonic() - started) < LENGTH_S:
                shot = Image.open(io.BytesIO(page.screenshot(type="png"))).convert("RGB")
                frames.append(shot.resize(SHOWN, Image.Resampling.LANCZOS))
                times.append(now)
                bar.update(now - bar.n)
                time.sleep(max(0.0, FRAME_MS / 1000 - (time.monotonic() - started - now)))
        browser.close()
    lasts = [round(1000 * (after - before)) for before, after in itertools.pairwise(times)]
    frames[0].save(
        path,
        save_all=True,
        append_images=frames[1:],
        duration=[*lasts, LAST_FRAME_MS],
        loop=0,
        quality=55,
        method=6,
    )


if __name__ == "__main__":
    film(sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/chromium", FILM)
