"""The theatre in a real browser: it moves, obeys, says in words what it draws, and lets go."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.app.made import DEFAULT, HOME_PASSES, HOME_ROW
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


def test_a_visit_begins_with_the_recorded_run(server: Server, open_page: OpenPage) -> None:
    """How fast is measured by tests.browser.speed."""
    expect(open_page(server.url).locator(".theatre .badge")).to_have_text(RECORDED)


def test_it_plays_by_itself_act_by_act_to_the_answer_within_40_seconds(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url, motion="no-preference")
    started = time.monotonic()
    expect(page.locator(".theatre")).to_have_class(re.compile("playing"), timeout=5_000)
    said = page.locator(".theatre .say")
    for act, sentence in (
        ("read", "The model reads 17 tokens. Each one stays in the KV cache."),
        ("full", "The window is full. A longer cache would cost ever more, so the model sleeps."),
        ("asleep", re.compile(rf"^Pass 1 of {HOME_PASSES}: the model goes over the window")),
        ("clear", re.compile(r"^The cache is emptied\. Only the fast weights, .* go on\.$")),
        ("answer", re.compile("^One ordinary pass answers: row 1 is (right|wrong)")),
    ):
        expect(page.locator(f".acts [data-act={act}]")).to_have_attribute("aria-current", "step", timeout=15_000)
        expect(said).to_have_text(sentence)
    expect(page.get_by_role("button", name="Play again")).to_be_visible()
    assert time.monotonic() - started < 40


def test_a_screen_reader_hears_one_sentence_an_act_while_it_plays(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    page.evaluate("""() => {
        const host = [...document.querySelectorAll("*")].find((each) => each.shadowRoot?.querySelector(".theatre"));
        const live = (host?.shadowRoot ?? document).querySelector(".theatre .live");
        window.heard = [];
        new MutationObserver(() => window.heard.push(live.textContent)).observe(live, { childList: true });
    }""")
    page.locator(".speed").select_option("4")
    page.keyboard.press(" ")
    expect(page.locator(".theatre .frame")).to_have_text(f"event {N_EVENTS} of {N_EVENTS}", timeout=20_000)
    expect(page.get_by_role("button", name="Play again")).to_be_visible()
    heard = page.evaluate("window.heard")
    assert [said.split()[0] for said in heard[:4]] == ["The", "The", "Pass", "The"]  # read, full, asleep, clear
    assert len(heard) <= 6  # the answer, and in full once it rests


def test_reduced_motion_starts_paused_and_stays(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    at_frame(page, 1)
    # Two hundred animation frames are more than three seconds of playing.
    count = "let n = 0; (function go() { ++n > 200 ? done() : requestAnimationFrame(go); })();"
    page.evaluate(f"() => new Promise(done => {{ {count} }})")
    at_frame(page, 1)
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_keys_act_where_nothing_else_has_focus(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    expect(page.locator(".theatre .hint")).to_contain_text("play or pause")
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
    now = frame(page)
    assert now < N_EVENTS
    page.get_by_role("slider").first.focus()  # a control of the page keeps its own keys
    page.keyboard.press("Home")
    page.wait_for_url(re.compile("[?&]t="))
    at_frame(page, now)


def test_after_a_click_on_a_control_the_space_bar_and_the_letters_are_the_player_s(
    server: Server, open_page: OpenPage
) -> None:
    """Space after a click on "Wipe S" plays and takes no break back. A button that the keyboard reached keeps it."""
    page = open_page(server.url)
    wipe = page.locator('button[data-variant="pills"]', has_text="Wipe S")
    wipe.click()
    page.wait_for_url("**control=zero_state**")
    page.wait_for_function("document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'")
    expect(page.locator(".theatre .badge")).to_contain_text("S wiped", timeout=60_000)
    page.keyboard.press("n")
    expect(page.locator(".acts [aria-current]")).to_have_attribute("data-act", "full")
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    assert "control=zero_state" in page.url
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    wipe.focus()
    page.keyboard.press(" ")
    page.wait_for_url(lambda url: "control=" not in url)


def test_acts_by_keyboard_alone(server: Server, open_page: OpenPage) -> None:
    """N walks from act to act; an act's own button goes straight to it."""
    page = open_page(server.url)
    current = page.locator(".acts [aria-current]")
    expect(current).to_have_attribute("data-act", "read")
    for act in ("full", "asleep", "clear", "answer"):
        page.keyboard.press("n")
        expect(current).to_have_attribute("data-act", act)
    page.locator(".acts [data-act=asleep]").focus()
    page.keyboard.press("Enter")
    at_frame(page, 19)  # 17 tokens, falling asleep, the first pass
    expect(page.locator(".acts .pass")).to_have_text(f" pass 1 of {HOME_PASSES}")
    page.get_by_role("button", name="Next act").focus()
    page.keyboard.press("Enter")
    expect(current).to_have_attribute("data-act", "clear")


TOGETHER = (".acts", ".strip", ".woken", ".cards .card:nth-child(1)", ".cards .card:nth-child(3)", ".foot")


@pytest.mark.parametrize("path", ["", "graph", "arithmetic"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1920, 1080), (1280, 720)])
def test_the_run_and_its_answers_are_on_one_screen(
    server: Server, open_page: OpenPage, path: str, width: int, height: int
) -> None:
    """From the first paint: acts, tokens and cache, what it would answer now, and all three answers."""
    page = open_page(f"{server.url}/{path}", width=width, height=height)
    expect(page.locator(".cards .card")).to_have_count(3)
    page.wait_for_function("document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'")
    assert page.locator("[data-testid=stMain]").evaluate("main => main.scrollTop") == 0
    for part in (".panel.holds .c-states", *TOGETHER):
        box = page.locator(f".theatre {part}").bounding_box()
        assert box is not None and box["width"] > 100 and box["height"] > 18, (part, box)
        assert box["x"] >= 0 and box["x"] + box["width"] <= width, (part, box)
        assert box["y"] >= 0 and box["y"] + box["height"] <= height, (part, box)
    woken = page.locator(".theatre .c-woken").bounding_box()
    assert woken is not None and woken["height"] >= 200


@pytest.mark.parametrize("path", ["", "graph", "arithmetic"])
def test_a_phone_shows_question_picture_transport_and_answer(server: Server, open_page: OpenPage, path: str) -> None:
    page = open_page(f"{server.url}/{path}", width=390, height=844)
    expect(page.locator("[data-testid=stExpandSidebarButton]")).to_be_visible()
    page.wait_for_function("document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'")
    parts = ("h1", ".theatre .c-woken", ".theatre .transport", ".theatre .card:first-child .headline")
    boxes = [page.locator(part).first.bounding_box() for part in parts[:3]]
    boxes.append(page.locator(".theatre .card .card-title").first.bounding_box())
    tops = [box["y"] for box in boxes if box is not None]
    assert len(tops) == 4 and tops == sorted(tops)
    assert all(box is not None and box["y"] + box["height"] <= 844 for box in boxes)


def test_a_phone_is_told_to_tap_and_not_of_keys(server: Server, open_page: OpenPage) -> None:
    phone = open_page(server.url, width=390, height=844).locator(".theatre .hint")
    expect(phone.locator(".by-touch")).to_be_visible()
    expect(phone.locator(".by-keys")).to_be_hidden()
    desk = open_page(server.url).locator(".theatre .hint")
    expect(desk.locator(".by-keys")).to_be_visible()
    expect(desk.locator(".by-touch")).to_be_hidden()


def fills_the_window(page: Page) -> None:
    expect(page.locator(".theatre")).to_have_class(re.compile("present"))
    size, box = page.viewport_size, page.locator(".theatre").bounding_box()
    assert size is not None and box == {"x": 0, "y": 0, "width": size["width"], "height": size["height"]}


def test_present_by_key_button_and_link_and_escape_leaves(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    page.keyboard.press("f")
    fills_the_window(page)
    page.wait_for_url(re.compile("view=present"))
    page.keyboard.press("Escape")
    expect(page.locator(".theatre")).not_to_have_class(re.compile("present"))
    page.wait_for_url(lambda url: "view" not in url)
    page.get_by_role("button", name="Present").click()
    fills_the_window(page)
    page.keyboard.press("n")
    at = page.locator(".acts [aria-current]")
    expect(at).to_have_attribute("data-act", "full")
    linked = open_page(f"{server.url}/graph?view=present&lock=1")
    fills_the_window(linked)
    linked.keyboard.press("Escape")
    expect(linked.get_by_role("button", name="Run live")).to_be_hidden()  # a class sees exactly this run
    expect(linked.get_by_role("button", name="Next act")).to_be_visible()


@pytest.mark.parametrize("after_ms", [60, 120, 180])
def test_a_visitor_who_leaves_at_once_stays_out(server: Server, open_page: OpenPage, after_ms: int) -> None:
    page = open_page(server.url)
    page.keyboard.press("f")
    page.wait_for_timeout(after_ms)
    page.keyboard.press("Escape")
    page.wait_for_timeout(1_500)  # the server's answer to the first key comes after the second key
    expect(page.get_by_role("button", name="Present")).to_be_visible()


@pytest.mark.parametrize("path", ["", "graph", "arithmetic"])
def test_a_phone_can_play_what_is_presented(server: Server, open_page: OpenPage, path: str) -> None:
    page = open_page(f"{server.url}/{path}?view=present", width=390, height=844)
    expect(page.locator(".theatre.present")).to_be_visible()
    for button in page.locator(".transport button:visible").all():
        button.click(timeout=5000)  # refused where something lies over it


def test_present_stays_through_a_change_and_through_the_menu(server: Server, open_page: OpenPage) -> None:
    page = open_page(f"{server.url}/?view=present")
    fills_the_window(page)
    page.locator(".st-key-preset_easy button").first.wait_for(state="attached")  # the stage may be there first
    page.evaluate("document.querySelector('.st-key-preset_easy button').click()")
    page.wait_for_url(re.compile("t=1"))
    assert "view=present" in page.url
    page.evaluate("[...document.querySelectorAll('a')].find((link) => link.textContent.includes('Graph')).click()")
    page.wait_for_url(re.compile("/graph.*view=present"))
    expect(page.locator(".theatre[data-picture=hops]")).to_have_class(re.compile("present"), timeout=15_000)
    page.evaluate("[...document.querySelectorAll('a')].find((link) => link.textContent.includes('Watch')).click()")
    back = re.compile(r"^[^?]*/\?(?=.*view=present)(?=.*[&?]t=1&)")
    page.wait_for_url(back)  # and what was set there is set again


@pytest.mark.parametrize("path", ["", "graph", "arithmetic"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 720)])
def test_no_type_on_the_presented_stage_is_smaller_than_2_2_percent_of_the_window(
    server: Server, open_page: OpenPage, path: str, width: int, height: int
) -> None:
    page = open_page(f"{server.url}/{path}?view=present", width=width, height=height)
    fills_the_window(page)
    page.evaluate("""() => {
        window.sizes = [];
        const paint = CanvasRenderingContext2D.prototype.fillText;
        CanvasRenderingContext2D.prototype.fillText = function (text) {
            window.sizes.push([text, parseFloat(/([\\d.]+)px/.exec(this.font)[1])]);
            return paint.apply(this, arguments);
        };
    }""")
    for key in ("n", "n", "End"):
        page.keyboard.press(key)
    expect(page.locator(".acts [aria-current]")).to_have_attribute("data-act", "answer")
    page.wait_for_function("window.sizes.length > 20")
    least = 0.022 * height
    assert [each for each in page.evaluate("window.sizes") if each[1] < least] == []
    written = page.locator(".theatre").evaluate("""(root) => [...root.querySelectorAll("*")]
        .filter((each) => each.offsetParent)
        .filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()))
        .map((each) => [each.className, each.textContent, parseFloat(getComputedStyle(each).fontSize)])""")
    assert len(written) > 10
    assert [each for each in written if each[2] < least and each[0] != "live"] == []


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 720)])
def test_the_label_of_the_answer_stands_clear_of_the_shade_of_sleep(
    server: Server, open_page: OpenPage, width: int, height: int
) -> None:
    """Taken from the canvas itself: where each shade ends, and where the word begins and ends."""
    two_rows = f"{HOME_ROW},{HOME_ROW[::-1]}"  # more windows leave less room for the answer
    page = open_page(f"{server.url}/?task=rule110&rows={two_rows}&t=3&N=8&view=present", width=width, height=height)
    expect(page.locator(".theatre .where")).to_have_text("window 1 of 2", timeout=30_000)
    page.evaluate("""() => {
        window.painted = { ends: [], words: [] };
        const { fillRect, fillText } = CanvasRenderingContext2D.prototype;
        CanvasRenderingContext2D.prototype.fillRect = function (x, y, w, h) {
            if (this.canvas.className === "c-strip" && y === 0) window.painted.ends.push(x + w);
            return fillRect.apply(this, arguments);
        };
        CanvasRenderingContext2D.prototype.fillText = function (text, x) {
            const half = this.measureText(text).width / 2;
            if (text === "answer") window.painted.words.push([x - half, x + half, this.canvas.clientWidth]);
            return fillText.apply(this, arguments);
        };
    }""")
    page.keyboard.press("n")
    page.wait_for_function("window.painted.words.length")
    painted = page.evaluate("window.painted")
    for begins, ends, wide in painted["words"]:
        assert begins > max(painted["ends"]) and ends < wide


def test_every_canvas_answers_arrow_keys_and_a_pointer_with_a_value(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    page.locator(".b-end").click()
    at_frame(page, N_EVENTS)
    tip = page.locator(".theatre .tip")
    heads = "".join(rf".*\b{head}: \d\.\d\d" for head in range(1, 9))
    for name, says in (
        ("c-strip", r"Token 1: .*\[t3\].*\(cleared; then the cache holds 1 token\)"),
        ("c-states", r"layer \d, head 1: key 1, value 1: -?\d+\.\d\d"),
        ("c-drift", rf"Pass 1 changed S by \d\.\d\d of its size, and h by \d\.\d\d\. Head{heads}"),
        ("c-woken", r"True row after step 0, cell 1: [01]"),
        ("c-card >> nth=0", r"row 1, cell 1: says [01], truth [01], \d+ % sure"),
    ):
        canvas = page.locator(f".theatre .{name}")
        canvas.focus()
        page.keyboard.press("ArrowRight")
        expect(tip).to_have_text(re.compile(f"^{says}"))
        first = tip.inner_text()
        page.keyboard.press("ArrowRight")
        expect(tip).not_to_have_text(first)
        canvas.evaluate("canvas => canvas.blur()")
        expect(tip).to_be_hidden()
        canvas.hover(position={"x": 90, "y": 30} if name != "c-card >> nth=0" else {"x": 90, "y": 10})
        expect(tip).to_be_visible()
        page.mouse.move(2, 2)
        expect(tip).to_be_hidden()
    at_frame(page, N_EVENTS)  # reading values moves nothing


def test_a_small_map_is_picked_to_be_enlarged(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    page.keyboard.press("End")
    states = page.locator(".theatre .c-states")
    states.focus()
    tip = page.locator(".theatre .tip")
    for _ in range(20):  # sixteen columns of the large map, then the small maps
        page.keyboard.press("ArrowRight")
        if "Click to enlarge" in tip.inner_text():
            break
    picked = re.match(r"layer \d, head (\d+)", tip.inner_text())
    page.keyboard.press("ArrowRight")
    other = re.match(r"layer \d, head (\d+)", tip.inner_text())
    assert picked is not None and other is not None and picked[1] != other[1]
    page.keyboard.press("Enter")
    states.evaluate("canvas => canvas.blur()")
    states.hover(position={"x": 20, "y": 60})
    expect(tip).to_contain_text(f"{other[0]}: key")


def test_a_cell_is_dark_on_light_on_the_stage_as_in_the_editor(server: Server, open_page: OpenPage) -> None:
    """In both themes: the editor's 0 and 1 have the colours of the tokens on the stage."""
    for scheme in ("light", "dark"):
        page = open_page(server.url, scheme=scheme)
        page.keyboard.press("End")
        expect(page.locator(".acts [aria-current]")).to_have_attribute("data-act", "answer")
        one = page.get_by_role("button", name=re.compile("Cell .*: 1")).first
        zero = page.get_by_role("button", name=re.compile("Cell .*: 0")).first
        expect(one).to_have_css("background-color", "rgb(16, 24, 42)")
        expect(zero).to_have_css("background-color", "rgb(227, 234, 246)")
        found = page.locator(".theatre .c-card").first.evaluate("""(canvas) => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height), seen = new Set();
            for (let i = 0; i < data.length; i += 4) seen.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
            return [seen.has("16,24,42"), seen.has("227,234,246")];
        }""")
        assert found == [True, True]


def test_break_it_puts_the_broken_run_beside_the_intact_one(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    page.get_by_role("radio", name="Reset S each pass").click()
    expect(page.locator(".theatre .badge")).to_have_text(LIVE, timeout=60_000)
    titles = page.locator(".theatre .card-title")
    expect(titles.nth(0)).to_contain_text(f"Intact, {HOME_PASSES} passes")
    expect(titles.nth(1)).to_contain_text(f"Broken: S reset each pass, {HOME_PASSES} passes")
    expect(page.get_by_text("Before every pass you set S back to what it was when sleep began.")).to_be_attached()
    page.wait_for_url(re.compile("control=reset_state"))
    page.get_by_role("radio", name="Reset S each pass").click()
    expect(titles.nth(0)).to_contain_text("This model", timeout=30_000)
    page.wait_for_url(lambda url: "control" not in url)


def test_a_run_that_is_not_the_one_asked_for_is_greyed_with_a_word(slow_server: Server, open_page: OpenPage) -> None:
    page = open_page(f"{slow_server.url}/?N=64&t=9")
    expect(page.locator(".theatre")).to_have_class(re.compile("is-stale"))
    expect(page.locator(".theatre .stale")).to_have_text("This is the previous run. Yours is being made.")


def test_the_text_follows_the_clock_and_names_the_three_functions(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    said = page.locator(".theatre .say")
    expect(said).to_have_text("Token 1, “t3”, is read. The KV cache holds 1 token.")
    page.locator(".scrub").fill("17")
    expect(said).to_contain_text("Window full: the model falls asleep over window 1 for")
    expect(page.locator(".theatre .live[aria-live=polite]")).to_have_text(said.inner_text())  # stepped: every event
    expect(page.locator(".theatre")).to_have_attribute("data-phase", "asleep")
    page.get_by_role("button", name="Step forward").click()
    expect(said).to_contain_text(f"Pass 1 of {HOME_PASSES} changed the fast weights by")
    expect(page.locator("[data-function=compress]")).to_have_class(re.compile("now"))
    expect(page.locator(".acts .pass")).to_have_text(f" pass 1 of {HOME_PASSES}")
    page.locator(".scrub").fill(str(N_EVENTS - 2))
    expect(page.locator("[data-function=clear] em")).to_have_text(re.compile(r"17 tokens dropped, [\d.]+ KB freed"))
    expect(page.locator("[data-function=update] em")).to_have_text(re.compile("From S alone: row 1"))
    page.get_by_role("button", name="To the answer").click()
    expect(page.locator(".card .verdict").first).to_have_text(re.compile(r"^(Right|\d+ of \d+ cells wrong)$"))


def test_drift_is_commented_on_only_once_its_sleep_was_played_and_bars_stay_in_their_tracks(
    server: Server, open_page: OpenPage
) -> None:
    page = open_page(server.url)
    note, bars = page.locator(".theatre .drift-note"), page.locator(".theatre .memory .bar i")
    widths = "bars => bars.map(bar => parseFloat(bar.style.width))"
    for event, visibility in (
        (0, "hidden"),
        (17, "hidden"),
        (17 + HOME_PASSES - 1, "hidden"),
        (17 + HOME_PASSES, "visible"),
    ):
        page.locator(".scrub").fill(str(event))
        expect(note).to_have_css("visibility", visibility)
        assert all(0 < width <= 100 for width in bars.evaluate_all(widths))
    assert max(bars.evaluate_all(widths)) == 100  # the longer bar is the scale of both
    assert len(set(page.locator(".theatre .memory .bar").evaluate_all("all => all.map(bar => bar.clientWidth)"))) == 1
    page.get_by_role("button", name="To the answer").click()
    expect(note).to_have_css("visibility", "visible")


def test_an_act_is_named_by_what_makes_it_begin(server: Server, open_page: OpenPage) -> None:
    page = open_page(f"{server.url}/?t=3&N=1&trigger=every:7")  # 17 tokens: windows of 7, 7 and 3
    expect(page.locator(".theatre .badge")).to_have_text(re.compile("^live"), timeout=30_000)
    act, said, model = page.locator("[data-act=full]"), page.locator(".theatre .say"), page.locator(".theatre .said")
    expect(act).to_have_text("Every 7 tokens")
    act.click()
    expect(said).to_contain_text("Every 7 tokens: the model falls asleep over window 1")
    expect(model).to_have_text("Every 7 tokens: the model sleeps before it reads on.")
    strip, tip = page.locator(".theatre .c-strip"), page.locator(".theatre .tip")
    strip.focus()
    for _ in range(8):  # seven tokens, then the sleep
        strip.press("ArrowRight")
    expect(tip).to_have_text("Every 7 tokens: the cache holds 7 tokens")
    page.get_by_role("button", name="To the answer").click()
    expect(act).to_have_text("Input ended")
    page.goto(server.url)
    expect(act).to_have_text("Window full")


def test_a_term_explains_itself_on_hover_and_focus(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    page.locator('.term[data-term="kv_cache"]').hover()
    expect(page.locator(".theatre .tip")).to_contain_text("a key and a value for every token")
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
    for name in ("c-strip", "c-states", "c-drift", "c-woken"):
        assert first[name] != second[name], name


def painted(page: Page) -> dict[str, str]:
    """Each canvas as a data URL, after it has come to rest."""
    page.evaluate("() => new Promise(done => setTimeout(() => requestAnimationFrame(done), 400))")
    names = ("c-strip", "c-states", "c-drift", "c-woken")
    return {name: page.locator(f".{name}").evaluate("canvas => canvas.toDataURL()") for name in names}


def test_clicking_a_cell_changes_the_row_runs_live_and_writes_the_url(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    page.get_by_role("button", name="Cell 1: 0").click()
    expect(page.get_by_role("button", name="Cell 1: 1")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".theatre .badge")).to_have_text(LIVE, timeout=60_000)
    page.wait_for_url(re.compile("rows=1100110101110010"))
    assert "t=3" in page.url and f"N={HOME_PASSES}" in page.url and f"checkpoint={DEFAULT}" in page.url


def test_the_row_is_one_stop_of_the_tab_key(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    cells = page.locator(".cells button")
    cells.first.focus()
    for key, reached in (("ArrowRight", 1), ("End", 15), ("ArrowRight", 15), ("ArrowLeft", 14), ("Home", 0)):
        page.keyboard.press(key)
        expect(cells.nth(reached)).to_be_focused()
        expect(page.locator(".cells button[tabindex='0']")).to_have_count(1)
    page.keyboard.press("Tab")
    expect(page.locator(".cells button:focus")).to_have_count(0)


def test_hostile_text_stays_text(server: Server, open_page: OpenPage) -> None:
    page = open_page(f"{server.url}/?rows=<img src=x onerror=document.title=1>")
    expect(page.get_by_test_id("stAlert")).to_contain_text("0 and 1")
    page.get_by_role("button", name="Run live").click()  # in vain: the same sentence says why
    expect(page.get_by_test_id("stAlert")).to_contain_text("0 and 1")
    expect(page.locator(".theatre .badge")).to_have_text(RECORDED)
    assert page.locator("img[src=x]").count() == 0 and page.title() != "1"


def test_cancel_and_a_second_visitor_waiting(slow_server: Server, open_page: OpenPage) -> None:
    first = open_page(f"{slow_server.url}/?N=64&t=9")  # long enough for a second visitor to come, however slow
    expect(first.get_by_text(re.compile("Starting the model|The model is running"))).to_be_visible(timeout=30_000)
    second = open_page(slow_server.url)
    second.get_by_role("button", name="Run live").click()
    expect(second.get_by_text("Another visitor's run comes first")).to_be_visible(timeout=30_000)
    first.get_by_role("button", name="Cancel").click()
    expect(first.get_by_text("The run was stopped.")).to_be_visible(timeout=30_000)
    expect(second.get_by_text("The model is running")).to_be_visible(timeout=30_000)


def test_a_visitor_who_leaves_stops_the_run(slow_server: Server, open_page: OpenPage) -> None:
    rows = ",".join([HOME_ROW] * 4)
    page = open_page(f"{slow_server.url}/?rows={rows}&N=64&t=9")  # four sleeps of 64 passes: 25 seconds and more
    expect(page.get_by_text("The model is running")).to_be_visible(timeout=30_000)
    page.close()
    assert ending(slow_server.log) == "stopped"


def ending(log: Path) -> str:
    """How the run ended, once it has."""
    deadline = time.monotonic() + 60
    while len(lines := log.read_text().split()) < 2:
        assert time.monotonic() < deadline, lines
        time.sleep(0.05)
    return lines[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_axe_finds_no_violation(server: Server, open_page: OpenPage, scheme: str, width: int, height: int) -> None:
    page = open_page(server.url, width=width, height=height, scheme=scheme)
    assert page.locator(".js-plotly-plot").count() == 0  # nobody waits for megabytes who does not want a plot
    page.get_by_text("Show the plot").click()
    page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=30_000)
    for place in (0, 18, N_EVENTS - 1):  # awake, asleep, answered
        page.locator(".scrub").fill(str(place))
        at_frame(page, place + 1)
        assert_axe_finds_nothing(page, f"event {place}")
    # axe judges colours that are in sight only.
    for below in ("Differs from the paper in", "Does sleeping longer help?", "Glossary"):
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
    page.get_by_text("Show the plot").click()
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
    expect(page.get_by_role("heading", name="How far does sleep get you?")).to_be_visible(timeout=30_000)
    page.get_by_role("link", name="Graph").click()
    page.locator(".theatre .frame", has_text="event").wait_for(state="attached", timeout=30_000)
    assert not broken


def test_back_leads_to_the_question_before(server: Server, open_page: OpenPage) -> None:
    page = open_page(server.url)
    page.get_by_role("button", name="Easy").click()
    expect(page.locator(".theatre .badge")).to_have_text(LIVE, timeout=30_000)
    page.go_back()
    expect(page.locator(".theatre .badge")).to_have_text(RECORDED, timeout=15_000)
