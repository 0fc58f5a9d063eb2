"""How fast the app is for a visitor, measured in Chromium: `python -m tests.browser.speed`.

It writes assets/results/speed.json: medians of several visits, each of a new browser context with an empty cache.
Server and browser share this machine, so the load average stands beside the figures, and the CPU time that each took:
that does not depend on what else runs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright
from tqdm import tqdm

from sleepviz.runs.checkpoint import write_atomically
from tests.browser.conftest import CHROMIUM_FLAGS, ROOT, visit
from tests.serving import Served, machine, serving, versions

RESULTS = ROOT / "assets" / "results" / "speed.json"
TIMES = 10
PATIENCE_MS = 120_000
WARMING = 2
SETTLE_S = 2.0  # until a page has fetched everything that its first view fetches
PLAYED_S = 5.0
LIVE = "live"
PACKAGES = ("streamlit", "torch", "playwright")
# The player marks when it has drawn a run, by the page's own clock: whoever asks for it from outside hears of it late.
DRAWN = "run drawn"
DRAWN_SINCE = """([name, since, badge, patience]) => new Promise((tell, fail) => {
  const told = (mark) => mark.name === name && mark.startTime > since && mark.detail.startsWith(badge);
  new PerformanceObserver((list, observer) => {
    const mark = list.getEntries().find(told);
    if (mark) { observer.disconnect(); tell(mark.startTime); }
  }).observe({ type: "mark", buffered: true });
  setTimeout(() => fail(new Error("no run was drawn")), patience);
})"""
NOTE_PRESSES = """() => {
  for (const kind of ["pointerdown", "keydown"])
    window.addEventListener(kind, (event) => { window.pressedAt = event.timeStamp; }, true);
}"""
# Draws of the large map of S, the part that moves while nothing else changes; counted by wrapping its canvas.
COUNT_DRAWS = """(canvas) => {
  const context = canvas.getContext("2d"), clear = context.clearRect.bind(context);
  window.drawn = [];
  context.clearRect = (...box) => { window.drawn.push(performance.now()); clear(...box); };
}"""


@dataclass(frozen=True)
class Figure:
    """What is measured, in which unit, and the most (or, for frames, the least) that it should be."""

    name: str
    unit: str
    aim: float
    at_least: bool = False


PICTURE = Figure("first_picture", "s", 1.5)
COLD_PICTURE = Figure("first_picture_fresh_server", "s", 4.0)
LIVE_RUN = Figure("first_live_run_fresh_server", "s", 4.0)
CHANGE = Figure("change_of_n", "s", 0.4)
BYTES = Figure("first_visit", "MB", 5.0)
FRAMES = Figure("player", "frames/s", 25.0, at_least=True)
HOSTS = Figure("other_hosts", "hosts", 0)


def drawn(page: Page, since_ms: float = 0.0, badge: str = "") -> float:
    """Wait for a run that is drawn after `since_ms` and whose badge begins so -> when, in ms of the page's clock."""
    return float(page.evaluate(DRAWN_SINCE, [DRAWN, since_ms, badge, PATIENCE_MS]))


@dataclass(frozen=True)
class Taken:
    """What an act took, in seconds: by the clock, of the server's CPU, and of the page's main thread."""

    clock_s: float
    server_s: float
    page_s: float


def timed(served: Served, page: Page, act: Callable[[], float]) -> Taken:
    """Do it; `act` says how many milliseconds the page took by its own clock."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page_before, server_before = _task_s(session), served.cpu_s
    clock_s = act() / 1000
    return Taken(clock_s, served.cpu_s - server_before, _task_s(session) - page_before)


def _task_s(session: CDPSession) -> float:
    """CPU time of the page's main thread so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(metric["value"]) for metric in metrics if metric["name"] == "TaskDuration")


def new_page(browser: Browser) -> Page:
    """A visitor who was never here."""
    return browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce").new_page()


def arrive(page: Page, url: str) -> float:
    """Ask for the page, and wait for the drawn stage -> how long that took, in ms."""
    page.goto(url, wait_until="commit")
    return drawn(page)


def pressed(page: Page, press: Callable[[], object], badge: str = "") -> float:
    """Press -> the milliseconds from the press to the drawn run whose badge begins so."""
    page.evaluate(NOTE_PRESSES)
    press()
    at = float(page.evaluate("window.pressedAt"))
    return drawn(page, at, badge) - at


def first_picture(browser: Browser, served: Served) -> Taken:
    """From asking for the page to the drawn stage."""
    page = new_page(browser)
    taken = timed(served, page, lambda: arrive(page, served.url))
    page.context.close()
    return taken


def first_live_run(browser: Browser) -> tuple[Taken, Taken]:
    """On a fresh server: the first picture, and from the press on "Run live" to the live run."""

    with serving() as served:
        page = new_page(browser)
        button = page.get_by_role("button", name="Run live")
        arrived = timed(served, page, lambda: arrive(page, served.url))
        both = arrived, timed(served, page, lambda: pressed(page, button.click, LIVE))
        page.context.close()
    return both


def change_of_n(page: Page, served: Served) -> Taken:
    """From a key on the slider of N to the picture of the new run, computed live."""
    slider = page.get_by_role("slider", name="Passes N")
    slider.focus()
    return timed(served, page, lambda: pressed(page, lambda: slider.press("ArrowRight")))


def changes_of_n(browser: Browser, served: Served, times: int) -> list[Taken]:
    """One visitor turns N up again and again; the first changes, which load the models, do not count."""
    page = visit(browser, f"{served.url}/?N=1")
    drawn(page, badge=LIVE)
    taken = []
    for _ in range(times + WARMING):
        taken.append(change_of_n(page, served))
        page.wait_for_timeout(300)
    page.context.close()
    return taken[WARMING:]


def first_visit(browser: Browser, served: Served) -> tuple[float, list[str]]:
    """Megabytes over the wire, websocket and headers included, and every host but the app's own that is asked."""
    page = new_page(browser)
    wire: list[float] = []
    hosts: set[str] = set()
    session = page.context.new_cdp_session(page)
    session.on("Network.loadingFinished", lambda event: wire.append(event["encodedDataLength"]))
    session.on("Network.webSocketFrameReceived", lambda event: wire.append(_payload_bytes(event["response"])))
    session.on("Network.webSocketCreated", lambda event: hosts.add(urlsplit(event["url"]).netloc))
    session.send("Network.enable")
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    arrive(page, served.url)
    page.wait_for_timeout(1000 * SETTLE_S)
    page.context.close()
    own = urlsplit(served.url).netloc
    return sum(wire) / 1e6, sorted(hosts - {own, ""})  # "": data: and blob: addresses, which are fetched from nowhere


def _payload_bytes(frame: dict[str, Any]) -> float:
    """Of a websocket's message, whose binary payload Chromium tells as base64."""
    text = frame["payloadData"]
    return len(text) * 3 / 4 if frame["opcode"] == 2 else len(text.encode())


def frames_per_second(browser: Browser, served: Served) -> float:
    """How often the stage is drawn anew in each second in which it plays."""
    page = visit(browser, served.url, motion="no-preference")
    drawn(page)
    page.locator(".theatre.playing").wait_for(timeout=PATIENCE_MS)
    page.locator(".theatre .c-states").evaluate(COUNT_DRAWS)
    page.wait_for_timeout(1000 * PLAYED_S)
    at = page.evaluate("window.drawn")
    page.context.close()
    return 1000 * (len(at) - 1) / (at[-1] - at[0])


def measure(chromium: str, times: int) -> dict[str, Any]:
    """Every figure, and what it was measured on."""
    load_before = os.getloadavg()[0]
    entries = []
    with sync_playwright() as playwright, tqdm(total=5, unit="figure") as bar:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        fresh = [first_live_run(browser) for _ in range(times)]
        entries += [timing(COLD_PICTURE, [first for first, _ in fresh]), timing(LIVE_RUN, [live for _, live in fresh])]
        bar.update()
        with serving() as served:
            changes_of_n(browser, served, 1)  # warms the server: the models are loaded, and every file was read
            first_picture(browser, served)
            entries.append(timing(PICTURE, [first_picture(browser, served) for _ in range(times)]))
            bar.update()
            entries.append(timing(CHANGE, changes_of_n(browser, served, times)))
            bar.update()
            visits = [first_visit(browser, served) for _ in range(times)]
            entries.append(entry(BYTES, [megabytes for megabytes, _ in visits]))
            entries.append(entry(HOSTS, [float(len(others)) for _, others in visits]))
            bar.update()
            entries.append(entry(FRAMES, [frames_per_second(browser, served) for _ in range(times)]))
            bar.update()
        chromium_version = browser.version
        browser.close()
    return {
        "made_by": "python -m tests.browser.speed",
        "machine": {**machine(), "load_average": [round(load_before, 2), round(os.getloadavg()[0], 2)]},
        "versions": {**versions(*PACKAGES), "chromium": chromium_version},
        "entries": entries,
    }


def entry(figure: Figure, values: Sequence[float]) -> dict[str, Any]:
    """One figure as it is written."""
    median = statistics.median(values)
    return {
        "what": figure.name,
        "unit": figure.unit,
        "median": round(median, 3),
        "least": round(min(values), 3),
        "most": round(max(values), 3),
        "n": len(values),
        "aim": figure.aim,
        "holds": median >= figure.aim if figure.at_least else median <= figure.aim,
    }


def timing(figure: Figure, taken: Sequence[Taken]) -> dict[str, Any]:
    """A time, and the CPU time in it."""
    return {
        **entry(figure, [each.clock_s for each in taken]),
        "server_cpu_s": round(statistics.median(each.server_s for each in taken), 3),
        "page_cpu_s": round(statistics.median(each.page_s for each in taken), 3),
    }


def main() -> None:
    """Measure, and write or print."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.speed", description=__doc__)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--times", type=int, default=TIMES, help=f"visits for each figure (default: {TIMES})")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    result = measure(arguments.chromium, arguments.times)
    write_atomically(arguments.out, (json.dumps(result, indent=1) + "\n").encode())
    for each in result["entries"]:
        cpu = f"CPU: server {each['server_cpu_s']}, page {each['page_cpu_s']}" if "page_cpu_s" in each else ""
        print(f"{each['what']:30} {each['median']:8.3f} {each['unit']:9} aim {each['aim']:g} {cpu}")


if __name__ == "__main__":
    main()
