"""The theatre in a real browser: it moves, obeys, says in words what it draws, and lets go."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.app.made import DEFAULT, HOME_PASSES
from tests.browser.conftest import OpenPage, Server, assert_axe_finds_nothing

N_EVENTS = 17 + 1 + HOME_PASSES + 2  # tokens, falling asleep, passes, eviction, answer
RECORDED = re.compile(rf"recorded · {DEFAULT}")
LIVE = re.compile(rf"live · {DEFAULT}")


def frame(page: Page) -> int:
    match = re.match(r"event (\d+) of (\d+)", page.locator(".theatre .frame").inner_text())
    assert match is not None and int(match[2]) == N_EVENTS
    return int(match[1])


def at_frame(page: Page, number: int) -> None:
    expect(page.locator(".theatre .frame")).to_have_text(f"event {number} of {N_EVENTS}")


def test_the_recorded_run_is_visible_within_three_seconds(server: Server, open_page: OpenPage) -> None:
    open_page(server.url)  # warms the server: the first visit compiles and reads everything
    seconds = []
    while len(seconds) < 5 and min(seconds, default=9) >= 3:  # the best of five: what else runs here is not the page's
        started = time.monotonic()
        page = open_page(server.url)
        expect(page.locator(".theatre .badge")).to_have_text(RECORDED)
        seconds.append(time.monotonic() - started)
        page.context.close()
    assert min(seconds) < 3, seconds


def test_it_plays_by_itself_to_the_answer_within_ten_seconds(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url, motion="no-preference")
    started = time.monotonic()
    expect(page.locator(".theatre")).to_have_class(re.compile("playing"), timeout=5_000)
    expect(page.locator('.theatre[data-phase="asleep"]')).to_be_attached(timeout=10_000)
    expect(page.locator(".theatre .frame")).to_have_text(f"event {N_EVENTS} of {N_EVENTS}", timeout=12_000)
    assert time.monotonic() - started < 10
    expect(page.locator(".theatre .say")).to_contain_text("in one ordinary pass")
    expect(page.get_by_role("button", name="Play again")).to_be_visible()


def test_reduced_motion_starts_paused_and_stays(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    at_frame(page, 1)
    # Two hundred animation frames are more than three seconds of playing.
    count = "let n = 0; (function go() { ++n > 200 ? done() : requestAnimationFrame(go); })();"
    page.evaluate(f"() => new Promise(done => {{ {count} }})")
    at_frame(page, 1)
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_keys_step_only_while_focus_is_in_the_player(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    page.keyboard.press("ArrowRight")
    at_frame(page, 1)
    page.locator(".theatre").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    at_frame(page, 3)
    page.keyboard.press("ArrowLeft")
    at_frame(page, 2)
    page.keyboard.press("End")
    at_frame(page, N_EVENTS)
    page.keyboard.press("Home")
    at_frame(page, 1)
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    assert frame(page) < N_EVENTS


def test_the_text_follows_the_clock_and_names_the_three_functions(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    said = page.locator(".theatre .say[aria-live=polite]")
    expect(said).to_have_text("Awake: token 1, “t3”, is read; 1 token in the KV cache.")
    page.locator(".scrub").fill("17")
    expect(said).to_contain_text("Window full: the model falls asleep over window 1, 17 tokens")
    expect(page.locator(".theatre")).to_have_attribute("data-phase", "asleep")
    page.get_by_role("button", name="Step forward").click()
    expect(said).to_contain_text(f"Asleep, pass 1 of {HOME_PASSES}")
    expect(page.locator("[data-function=compress]")).to_have_class(re.compile("now"))
    expect(page.locator(".phase-detail")).to_have_text(f"pass 1 of {HOME_PASSES}")
    page.locator(".scrub").fill(str(N_EVENTS - 2))
    expect(page.locator("[data-function=clear] em")).to_have_text(re.compile(r"17 tokens dropped, [\d,]+ bytes freed"))
    expect(page.locator("[data-function=update] em")).to_have_text(re.compile("From S alone: row 1"))
    page.get_by_role("button", name="To the answer").click()
    expect(page.locator(".card .verdict").first).to_have_text(re.compile(r"^(Right|Wrong)"))


def test_a_term_explains_itself_on_hover_and_focus(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    page.locator('.term[data-term="kv_cache"]').hover()
    expect(page.locator(".theatre .tip")).to_contain_text("keys and values")
    page.locator('.term[data-term="drift"]').focus()
    expect(page.locator(".theatre .tip")).to_contain_text("how much a pass changed")
    page.keyboard.press("Escape")
    expect(page.locator(".theatre .tip")).to_be_hidden()


def test_the_canvases_are_painted_and_change(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    page.locator(".scrub").fill("18")
    first = painted(page)
    page.locator(".scrub").fill("20")
    second = painted(page)
    for name in ("c-lane", "c-states", "c-drift", "c-woken"):
        assert first[name] != second[name], name


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_the_drift_plot_names_every_head(server: Server, open_page: OpenPage, width: int, height: int) -> None:
    """What is written on the canvas, word by word and where, as it is drawn anew for another event."""
    page = open_page(server.url, width=width, height=height)
    page.evaluate("""() => {
        window.written = [];
        const paint = CanvasRenderingContext2D.prototype.fillText;
        CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
            const end = x + this.measureText(text).width, room = this.canvas.clientWidth;
            if (this.canvas.classList.contains("c-drift")) window.written.push({ text, y, end, room });
            return paint.apply(this, arguments);
        };
    }""")
    page.locator(".scrub").fill("20")
    at_frame(page, 21)
    page.wait_for_function("window.written.length > 0")
    legend = [word for word in page.evaluate("window.written") if word["y"] == 7]
    heads = {match[1] for word in legend if (match := re.fullmatch(r"(?:head )?(\d+)", word["text"]))}
    assert heads == {str(head) for head in range(1, 9)}
    assert all(word["end"] <= word["room"] for word in legend)


def painted(page: Page) -> dict[str, str]:
    """Each canvas as a data URL, after it has come to rest."""
    page.evaluate("() => new Promise(done => setTimeout(() => requestAnimationFrame(done), 400))")
    names = ("c-lane", "c-states", "c-drift", "c-woken")
    return {name: page.locator(f".{name}").evaluate("canvas => canvas.toDataURL()") for name in names}


def test_clicking_a_cell_changes_the_row_runs_live_and_writes_the_url(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    page.get_by_role("button", name="Cell 1: 0").click()
    expect(page.get_by_label("Row", exact=True).first).to_have_value("1100110101110010")
    expect(page.locator(".theatre .badge")).to_have_text(LIVE, timeout=60_000)
    page.wait_for_url(re.compile("rows=1100110101110010"))
    assert "t=3" in page.url and f"N={HOME_PASSES}" in page.url and f"checkpoint={DEFAULT}" in page.url


def test_hostile_text_stays_text(server: Server, open_page: OpenPage) -> None:
    page = open_page(f"{server.url}/?rows=<img src=x onerror=document.title=1>")
    expect(page.get_by_test_id("stAlert")).to_contain_text("0 and 1")
    expect(page.get_by_role("button", name="Run live")).to_be_disabled()
    assert page.locator("img[src=x]").count() == 0 and page.title() != "1"


def test_cancel_and_a_second_visitor_waiting(slow_server: Server, open_page: OpenPage) -> None:
    first = open_page(f"{slow_server.url}/?N=64&t=9")  # long enough for a second visitor to come, however slow
    expect(first.get_by_text(re.compile("Starting PyTorch|The model is running"))).to_be_visible(timeout=30_000)
    second = open_page(slow_server.url)
    second.get_by_role("button", name="Run live").click()
    expect(second.get_by_text("Another visitor's run is ahead of yours")).to_be_visible(timeout=30_000)
    first.get_by_role("button", name="Cancel").click()
    expect(first.get_by_text("The run was stopped.")).to_be_visible(timeout=30_000)
    expect(second.get_by_text("The model is running")).to_be_visible(timeout=30_000)


def test_a_visitor_who_leaves_stops_the_run(slow_server: Server, open_page: OpenPage) -> None:
    page = open_page(f"{slow_server.url}/?N=64&t=9")  # 64 passes: seven seconds and more
    expect(page.get_by_text("The model is running")).to_be_visible(timeout=30_000)
    page.close()
    left = time.monotonic()
    assert ending(slow_server.log) == "stopped"
    assert time.monotonic() - left < 6


def ending(log: Path) -> str:
    """How the run ended, once it has."""
    deadline = time.monotonic() + 15
    while len(lines := log.read_text().split()) < 2:
        assert time.monotonic() < deadline, lines
        time.sleep(0.05)
    return lines[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_axe_finds_no_violation(server: Server, open_page: OpenPage, scheme: str, width: int, height: int) -> None:
    page = open_page(server.url, width=width, height=height, scheme=scheme)
    page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=30_000)
    for place in (0, 18, N_EVENTS - 1):  # awake, asleep, answered
        page.locator(".scrub").fill(str(place))
        at_frame(page, place + 1)
        assert_axe_finds_nothing(page, f"event {place}")
    # axe judges colours that are in sight only.
    for below in ("Departs from the paper by", "Does sleeping longer help?", "Glossary"):
        page.get_by_text(below).first.scroll_into_view_if_needed()
        assert_axe_finds_nothing(page, below)


def test_nothing_is_wider_than_a_phone(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url, width=390, height=844)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    theatre = page.locator(".theatre").bounding_box()
    assert theatre is not None and theatre["x"] >= 0 and theatre["x"] + theatre["width"] <= 390
    for part in page.locator(".theatre canvas, .theatre button, .theatre input, .theatre li").all():
        box = part.bounding_box()
        assert box is None or box["x"] + box["width"] <= theatre["x"] + theatre["width"] + 0.5


def test_plots_follow_a_change_of_theme(server: Server, open_page: OpenPage) -> None:
    """Nobody touches the page: the system turns dark while it is open."""
    page = open_page(server.url)
    tick = page.locator(".xtick text").first
    expect(tick).to_have_css("fill", "rgb(29, 36, 51)", timeout=15_000)
    page.emulate_media(color_scheme="dark")
    expect(tick).to_have_css("fill", "rgb(232, 236, 244)", timeout=10_000)


def test_nothing_breaks_on_the_way_to_another_page_and_to_another_run(server: Server, open_page: OpenPage) -> None:
    page, broken = open_page(f"{server.url}/graph"), []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.get_by_role("button", name="Six friends").click()
    expect(page.locator(".theatre .badge")).to_have_text(re.compile("^live"), timeout=30_000)
    page.get_by_role("link", name="Lab").click()
    expect(page.get_by_role("heading", name="Lab")).to_be_visible(timeout=30_000)
    page.get_by_role("link", name="Graph").click()
    page.locator(".theatre .frame", has_text="event").wait_for(timeout=30_000)
    assert not broken


def test_back_leads_to_the_question_before(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    page.get_by_role("button", name="Easy").click()
    expect(page.locator(".theatre .badge")).to_have_text(LIVE, timeout=30_000)
    page.go_back()
    expect(page.locator(".theatre .badge")).to_have_text(RECORDED, timeout=15_000)
