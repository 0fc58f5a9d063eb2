"""Learn in a real browser: the whole path by keyboard alone, axe on every step, and S against the engine."""

from __future__ import annotations

import itertools
import random

import pytest
import torch
from playwright.sync_api import Browser, Locator, Page, expect

from app.explain import architecture
from app.learn import learn_text
from app.learn.table import KEYS, VALUES
from sleepviz.core.delta_rule import gated_delta_step
from tests.browser.conftest import ROOT, Server, assert_axe_finds_nothing, visit

PATIENCE_MS = 240_000  # a cold start on a busy machine
TABS_MAX = 90
DELTA = (ROOT / "app" / "learn" / "table" / "delta.js").read_text(encoding="utf-8")


def at_step(page: Page, step: int) -> None:
    title = learn_text.STEPS[step - 1].title
    expect(page.get_by_role("heading", level=1)).to_have_text(title, timeout=PATIENCE_MS)
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE_MS)


def has_focus(found: Locator) -> bool:
    return bool(found.evaluate("each => each === each.getRootNode().activeElement"))


def tab_to(page: Page, found: Locator) -> None:
    """Press Tab until the one element has the focus."""
    found.wait_for(timeout=PATIENCE_MS)
    for _ in range(TABS_MAX):
        if has_focus(found):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{TABS_MAX} times Tab did not reach {found}")


def press(page: Page, name: str) -> None:
    """Reach a button by Tab and press it."""
    button = page.get_by_role("button", name=name, exact=True)
    expect(button).to_be_enabled(timeout=PATIENCE_MS)
    tab_to(page, button)
    page.keyboard.press("Enter")


def choose(page: Page, name: str) -> None:
    """Move a group of radio buttons of the table to one of them, with the arrow keys."""
    wanted = page.locator(".st-key-learn_table").get_by_role("radio", name=name, exact=True)
    chosen = page.locator(f'.st-key-learn_table fieldset:has(input[value="{name}"]) input:checked')
    tab_to(page, chosen)
    for _ in range(len(KEYS)):
        if wanted.is_checked():
            return
        page.keyboard.press("ArrowRight")
    raise AssertionError(f"the arrow keys did not reach {name}")


@pytest.mark.slow
def test_the_whole_path_goes_by_keyboard_alone(server: Server, browser: Browser) -> None:
    page = visit(browser, f"{server.url}/learn")
    at_step(page, 1)

    tab_to(page, page.locator(".st-key-learn_cache .line"))
    page.keyboard.type("five words fill a cache")
    expect(page.locator(".st-key-learn_cache .strip li")).to_have_count(5)
    press(page, learn_text.NEXT)

    at_step(page, 2)
    lead = page.locator(".st-key-learn_lead")
    expect(lead).to_be_focused()  # a reader hears the new step, and Tab goes on from there
    tab_to(page, page.locator(".st-key-learn_window .slide"))
    page.keyboard.press("End")
    expect(page.locator(".st-key-learn_window .count")).to_contain_text("The window is full")
    press(page, learn_text.NEXT)

    at_step(page, 3)
    table = page.locator(".st-key-learn_table")
    for key, value in (("red", "apple"), ("green", "pear")):
        choose(page, key)
        choose(page, value)
        press(page, f"Write {key} → {value}")
    choose(page, "red")
    expect(table.locator(".said")).to_have_text("The key red reads apple 1.00.")
    choose(page, "yellow")
    choose(page, "lemon")
    press(page, "Write yellow → lemon")
    expect(table.locator(".said")).to_contain_text("a blur: apple 0.50, pear 0.50, lemon 1.00.")
    tab_to(page, table.get_by_role("checkbox"))
    page.keyboard.press("Space")
    press(page, "Write yellow → lemon")
    expect(table.locator(".said")).to_contain_text("The key yellow reads lemon 1.00.")
    press(page, learn_text.NEXT)

    deeds = {
        4: [learn_text.SLEEP_ONE, learn_text.ASK],
        5: ["No", learn_text.REVEAL],
        6: [learn_text.NEXT_PASS] * 6,
        7: [learn_text.CLEAR, learn_text.ASK],
        8: list(learn_text.BREAK.values()),
        9: [learn_text.ASK_OTHER],
    }
    for step, names in deeds.items():
        at_step(page, step)
        for place, name in enumerate(names):
            press(page, name)
            if step == 6:
                expect(page.get_by_text(learn_text.PASS.format(n=place + 1, of=6), exact=True)).to_be_visible(
                    timeout=PATIENCE_MS
                )
        press(page, learn_text.NEXT)

    at_step(page, 10)
    tab_to(page, page.get_by_role("radio").first)
    page.keyboard.press("Space")
    expect(page.get_by_text(learn_text.FINISHED)).to_be_visible(timeout=PATIENCE_MS)
    assert page.url.endswith("?step=10")
    page.context.close()


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_axe_finds_nothing_on_any_step(scheme: str, width: int, server: Server, browser: Browser) -> None:
    last = len(learn_text.STEPS)
    page = visit(browser, f"{server.url}/learn?step={last}", scheme=scheme, width=width)
    for step in range(last, 0, -1):
        at_step(page, step)
        assert_axe_finds_nothing(page, f"step {step}, {scheme}, {width}")
        if step > 1:
            page.get_by_role("button", name=learn_text.BACK, exact=True).click()
    page.context.close()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1920, 1080), (1280, 720)])
def test_what_there_is_to_do_and_the_run_are_on_one_screen(
    server: Server, browser: Browser, width: int, height: int
) -> None:
    """With what was told, too: the run is over, and the model has answered."""
    page = visit(browser, f"{server.url}/learn?step=7", width=width, height=height)
    at_step(page, 7)
    for name in (learn_text.CLEAR, learn_text.ASK):
        page.get_by_role("button", name=name, exact=True).click()
    ready = page.get_by_role("button", name=learn_text.NEXT, exact=True)
    expect(ready).to_be_enabled(timeout=PATIENCE_MS)
    expect(page.locator(".theatre .cards .card")).to_have_count(2)
    told = page.locator(".st-key-learn_way [data-testid=stMarkdown]").first
    stage = (page.locator(f".theatre {part}") for part in (".acts", ".strip", ".woken", ".answers", ".holds", ".foot"))
    for part in (ready, told, *stage):
        box = part.bounding_box()
        assert box is not None and box["width"] > 50 and box["height"] > 18, (part, box)
        assert box["x"] >= 0 and box["x"] + box["width"] <= width, (part, box)
        assert box["y"] >= 0 and box["y"] + box["height"] <= height, (part, box)
    assert page.locator("[data-testid=stMain]").evaluate("main => main.scrollTop") == 0
    page.context.close()


def test_what_a_pass_wrote_is_seen_though_the_run_stands_still(server: Server, browser: Browser) -> None:
    """S fades in from the state before the pass; the fading needs a clock that runs while nothing plays."""
    page = visit(browser, f"{server.url}/learn?step=4", motion="no-preference")
    at_step(page, 4)
    colours = """() => {
        const canvas = document.querySelector(".theatre .c-states") ?? [...document.querySelectorAll("*")]
            .map((each) => each.shadowRoot?.querySelector(".theatre .c-states")).find(Boolean);
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width / 2, canvas.height);
        const kinds = new Set();
        for (let i = 0; i < data.length; i += 4) kinds.add(data.slice(i, i + 4).join());
        return kinds.size;
    }"""
    expect(page.locator(".theatre .c-states")).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_timeout(1_000)
    before = page.evaluate(colours)
    page.get_by_role("button", name=learn_text.SLEEP_ONE, exact=True).click()
    expect(page.locator(".acts [aria-current]")).to_have_attribute("data-act", "asleep", timeout=PATIENCE_MS)
    page.wait_for_timeout(1_000)
    assert page.evaluate(colours) > before + 20
    page.context.close()


def test_axe_finds_nothing_on_the_limits(server: Server, browser: Browser) -> None:
    page = visit(browser, f"{server.url}/limits", scheme="dark")
    page.get_by_role("heading", name="Five neighbours").wait_for(timeout=PATIENCE_MS)
    assert_axe_finds_nothing(page, "limits")
    page.context.close()


@pytest.mark.parametrize("rule", ["delta", "hebbian"])
def test_the_table_computes_what_the_engine_computes(rule: str, browser: Browser) -> None:
    page = browser.new_page()
    rng = random.Random(110)
    for _ in range(20):
        writes = []
        for _ in range(12):
            key = [rng.gauss(0, 1) for _ in range(4)]
            length = sum(part * part for part in key) ** 0.5
            value = [rng.gauss(0, 1) for _ in range(4)]
            writes.append(
                {"key": [part / length for part in key], "value": value, "beta": rng.random(), "decay": rng.random()}
            )
        query = [rng.gauss(0, 1) for _ in range(4)]
        run = """({ writes, query, rule }) => {
          let state = [0, 1, 2, 3].map(() => [0, 0, 0, 0]);
          for (const each of writes) state = writeState(state, each.key, each.value, { ...each, rule });
          return { state, reading: readState(state, query) };
        }"""
        found = page.evaluate(
            f"given => {{ {DELTA}\n return ({run})(given); }}", {"writes": writes, "query": query, "rule": rule}
        )
        state, reading = engine(writes, query, rule)
        torch.testing.assert_close(torch.tensor(found["state"], dtype=torch.float64), state, rtol=0, atol=1e-12)
        torch.testing.assert_close(torch.tensor(found["reading"], dtype=torch.float64), reading, rtol=0, atol=1e-12)
    page.close()


def engine(writes: list[dict[str, object]], query: list[float], rule: str) -> tuple[torch.Tensor, torch.Tensor]:
    """The same writes by the engine's delta rule, in double precision."""

    def row(values: object) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.float64)[None, None]

    state = torch.zeros(1, 1, 4, 4, dtype=torch.float64)
    read = row(query)
    for write in writes:
        state, read = gated_delta_step(
            state,
            q=row(query),
            k=row(write["key"]),
            v=row(write["value"]),
            log_decay=row(write["decay"]).log(),
            beta=row(write["beta"]),
            rule=rule,  # type: ignore[arg-type]
        )
    return state[0, 0], read[0, 0]


def test_the_keys_of_the_table_are_unit_vectors_and_only_yellow_overlaps() -> None:
    vectors = {name: torch.tensor(key, dtype=torch.float64) for name, key in {**KEYS, **VALUES}.items()}
    for vector in vectors.values():
        assert float(vector @ vector) == pytest.approx(1, abs=1e-12)
    overlaps = {(a, b): float(vectors[a] @ vectors[b]) for a, b in itertools.combinations(KEYS, 2)}
    assert {pair for pair, overlap in overlaps.items() if overlap} == {("red", "yellow"), ("green", "yellow")}


@pytest.mark.parametrize("act", architecture.PARTS)
def test_the_drawing_lights_the_parts_of_an_act(act: architecture.Act, browser: Browser) -> None:
    layers = ["full_attention", "linear_attention"] * 2
    page = browser.new_page()
    page.set_content('<div class="architecture"></div>')
    page.evaluate(
        f"""([data, act]) => {{ {architecture.JS}
        const root = document.querySelector(".architecture");
        drawArchitecture(root, data);
        lightArchitecture(root, "read");
        lightArchitecture(root, act); }}""",
        [architecture.drawing(layers), act],
    )
    classes = page.locator(".part").evaluate_all("all => all.map(each => [...each.classList])")
    lit = {name for names in classes if "lit" in names for name in names} - {"part", "lit"}
    assert lit == set(architecture.PARTS[act])
    assert sum("attention" in names and "lit" in names for names in classes) in (
        0,
        4,
    )  # two layers, each with its arrow
    assert page.locator(".said").inner_text() == architecture.SENTENCES[act]
    assert page.locator("svg").get_attribute("aria-label").count("fast weights S") == 2  # type: ignore[union-attr]
    page.close()
