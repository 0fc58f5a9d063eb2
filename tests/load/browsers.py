"""A few real browsers among the class: one turns N by the keyboard and waits for the picture."""

from __future__ import annotations

import asyncio
import time

from playwright.async_api import Page, async_playwright, expect

from tests.browser.conftest import CHROMIUM_FLAGS

PAUSE_S = 4.0
PATIENCE_MS = 300_000


async def look(url: str, chromium: str, browsers: int, over: asyncio.Event) -> list[float]:
    """Seconds from each key to the new picture, of all browsers together, until the class is over."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        pages = [await (await browser.new_context()).new_page() for _ in range(browsers)]
        found = await asyncio.gather(*(_turn_n(page, url, over) for page in pages))
        await browser.close()
    return [seconds for each in found for seconds in each]


async def _turn_n(page: Page, url: str, over: asyncio.Event) -> list[float]:
    await page.goto(f"{url}/?N=1", timeout=PATIENCE_MS)
    frame = page.locator(".theatre .frame")
    await frame.filter(has_text="event").wait_for(state="attached", timeout=PATIENCE_MS)
    slider, found, key = page.get_by_role("slider", name="Passes N"), list[float](), "ArrowRight"
    while not over.is_set():
        before = await frame.inner_text()
        await slider.focus()
        started = time.perf_counter()
        await slider.press(key)
        await expect(frame).not_to_have_text(before, timeout=PATIENCE_MS)
        found.append(time.perf_counter() - started)
        key = "ArrowLeft" if len(found) % 16 >= 8 else "ArrowRight"
        await asyncio.sleep(PAUSE_S)
    return found
