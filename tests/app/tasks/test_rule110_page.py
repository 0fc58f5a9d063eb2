"""The Watch page as a script: what it shows, what each bad input says, and that two visitors stay apart."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.stage import stage_text
from app.tasks.rule110.words import WORDS
from tests.app.made import BASELINE, DEFAULT, HOME_PASSES, HOME_ROW, HOME_STEPS
from tests.app.page import ROOT, back, clean, errors, live, opened, payload, players, pressed_in_vain, unfolded

OTHER_ROW = "1111000011110001"


def test_first_paint_is_the_recorded_run(assets: Path) -> None:
    page = opened()
    shown = payload(page)
    assert shown["badge"].startswith(f"recorded · {DEFAULT}")
    assert shown["picture"]["steps"] == HOME_STEPS and shown["picture"]["truth"][0][0] == HOME_ROW
    assert (
        page.slider(key="rule110_steps").value == HOME_STEPS
        and page.select_slider(key="rule110_passes").value == HOME_PASSES
    )
    assert page.text_input(key="rule110_row_1").value == HOME_ROW
    assert [card["title"] for card in shown["contenders"]] == [
        f"This model, {HOME_PASSES} passes",
        "This model, 1 pass",
        "Trained with 1 pass only",
    ]
    assert not errors(page) and not page.query_params


def test_opening_the_page_does_not_import_torch(assets: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from app.shell import runs; runs.ASSETS = Path(sys.argv[1]);"
        "from streamlit.testing.v1 import AppTest; page = AppTest.from_file('app/main.py', default_timeout=60).run();"
        "assert not page.exception; assert page.get('bidi_component'); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(assets)], cwd=ROOT, check=True, timeout=120)


def test_run_live_repeats_the_recorded_answer(assets: Path) -> None:
    page = opened()
    recorded = payload(page)
    page.button(key="run").click()
    shown = payload(live(clean(page.run())))
    assert shown["badge"].startswith(f"live · {DEFAULT}")
    assert [w["cells"] for w in shown["woken"]] == [w["cells"] for w in recorded["woken"]]
    for ours, theirs in zip(shown["drift"], recorded["drift"], strict=True):
        assert ours[0] == pytest.approx(theirs[0], abs=1e-4)
    assert [len(card["rows"]) for card in shown["contenders"]] == [1, 1, 1]
    assert shown["contenders"][2]["note"] == f"another model, for a fair comparison: {BASELINE}"


def test_changing_a_control_runs_live_and_writes_the_link(assets: Path) -> None:
    page = opened()
    page.text_input(key="rule110_row_1").set_value(f"  {OTHER_ROW} ")
    page.slider(key="rule110_steps").set_value(5)
    page.select_slider(key="rule110_passes").set_value(6)
    live(clean(page.run()))
    shown = payload(page)
    assert shown["picture"]["truth"][0][0] == OTHER_ROW and len(shown["woken"]) == 6 and shown["picture"]["steps"] == 5
    link = {name: page.query_params[name] for name in page.query_params}
    assert link == {"task": "rule110", "rows": OTHER_ROW, "t": "5", "N": "6", "checkpoint": DEFAULT}


def test_a_link_restores_the_question(assets: Path) -> None:
    page = live(opened(rows=f"{OTHER_ROW},{HOME_ROW}", t="2", N="3", checkpoint=DEFAULT))
    shown = payload(page)
    assert [rows[0] for rows in shown["picture"]["truth"]] == [OTHER_ROW, HOME_ROW]
    assert shown["picture"]["steps"] == 2 and len(shown["woken"]) == 6  # three passes for each of two windows
    assert not errors(page)


def test_a_model_that_was_trained_awake_has_a_card_for_each_n_of_its_own(assets: Path) -> None:
    """With the baseline itself chosen its own N = 1 is the baseline's run: one run in two cards, the other apart."""
    page = live(opened(rows=HOME_ROW, t="3", N="4", checkpoint=BASELINE))
    four, one, trained = payload(page)["contenders"]
    assert one["rows"] == trained["rows"] and one["cost"] == trained["cost"] and one["cost"] != four["cost"]
    said = " ".join(each.value for each in (*page.caption, *page.markdown))
    assert "trained only with N = 1, so more passes are new to it" in said
    assert "These numbers belong to made, run as it was trained." in said
    page.session_state["rule110_plots"] = True
    assert any("so no ring marks it" in each.value for each in clean(page.run()).markdown)


def test_a_plot_is_explained_where_it_can_be_seen(assets: Path) -> None:
    page = opened()
    of_the_plot = ("Whiskers", "horizontal lines", "ring marks")
    assert not any(word in each.value for each in (*page.markdown, *page.caption) for word in of_the_plot)
    page.session_state["rule110_plots"] = True
    (said,) = [each.value for each in clean(page.run()).markdown if "Whiskers" in each.value]
    assert all(word in said for word in of_the_plot)


def test_a_card_says_how_often_such_a_run_is_right(assets: Path) -> None:
    """One answer may be luck. What was measured of other weights, or of the run unbroken, is not said of this one."""
    path = assets / "results" / "rule110.json"
    values = json.loads(path.read_text())
    digests = {
        name: json.loads((assets / "checkpoints" / name / "meta.json").read_text())["digest"]
        for name in (DEFAULT, BASELINE)
    }
    cell = {
        "passes": HOME_PASSES,
        "difficulty": HOME_STEPS,
        "n": 100,
        "correct": 90,
        "accuracy": 0.9,
        "ci95": [0.8, 0.95],
    }
    other = {**cell, "experiment": "baseline", "variant": "n1_same_flops", "passes": 1, "accuracy": 0.85}
    values["entries"] += [
        {**cell, "experiment": "accuracy", "variant": "any_n", "digest": digests[DEFAULT]},
        {**other, "digest": digests[BASELINE]},
        {
            **{**cell, "accuracy": 0.01, "ci95": [0.0, 0.05]},
            "experiment": "control",
            "variant": "zero_state",
            "digest": digests[DEFAULT],
        },
    ]
    path.write_text(json.dumps(values))
    page = opened()
    page.button(key="run").click()
    four, one, trained = payload(live(clean(page.run())))["contenders"]
    assert one["measured"] == ""  # not measured
    assert four["measured"] == "90 of 100 fresh rows fully right at t\u00a0=\u00a03"
    assert trained["measured"] == "85 of 100 fresh rows fully right at t\u00a0=\u00a03"
    asked = {"rows": HOME_ROW, "t": str(HOME_STEPS), "N": str(HOME_PASSES)}
    intact, broken, _ = payload(live(opened(**asked, control="zero_state")))["contenders"]
    assert (
        intact["measured"] == four["measured"]
        and broken["measured"] == "1 of 100 fresh rows fully right at t\u00a0=\u00a03"
    )
    assert payload(live(opened(**asked, control="replay")))["contenders"][1]["measured"] == ""
    assert payload(live(opened(**asked, eviction="none")))["contenders"][0]["measured"] == ""


def test_a_broken_run_stands_beside_the_intact_one(assets: Path) -> None:
    """Same question, same passes: only what was broken differs, and the page speaks of that."""
    asked = {"rows": HOME_ROW, "t": str(HOME_STEPS), "N": str(HOME_PASSES)}
    page = live(opened(**asked, control="untrained"))
    intact, broken, trained = payload(page)["contenders"]
    assert [card["title"] for card in (intact, broken)] == [
        f"Intact, {HOME_PASSES} passes",
        f"Broken: untrained, {HOME_PASSES} passes",
    ]
    assert intact["rows"] == payload(opened(**asked))["contenders"][0]["rows"] != broken["rows"]
    assert trained["title"] == "Trained with 1 pass only"
    said = " ".join(each.value for each in page.markdown)
    assert "You replaced the trained weights by random ones" in said and WORDS.notice not in said


def test_coming_back_to_the_recorded_question_puts_it_into_the_link(assets: Path) -> None:
    page = opened()
    page.slider(key="rule110_steps").set_value(5)
    assert clean(page.run()).query_params["t"] in ("5", ["5"])
    page.slider(key="rule110_steps").set_value(HOME_STEPS)
    clean(page.run())
    assert payload(page)["badge"].startswith("recorded")
    assert page.query_params["t"] in (str(HOME_STEPS), [str(HOME_STEPS)])


def test_back_to_the_bare_address_is_the_recorded_run_again(assets: Path) -> None:
    page = opened()
    page.slider(key="rule110_steps").set_value(5)
    page.session_state["rule110_control"] = "zero_state"
    page.button(key="run").click()
    live(clean(page.run()))
    back(page)
    assert payload(page)["badge"].startswith("recorded") and page.slider(key="rule110_steps").value == HOME_STEPS
    assert page.session_state["rule110_control"] == "none" and not page.query_params


ADVANCED = {"trigger": "manual:5,9", "eviction": "sliding", "asleep": "causal", "control": "reset_state"}


def test_advanced_settings_are_in_the_link_and_come_back_from_it(assets: Path) -> None:
    page = opened()
    page.selectbox(key="rule110_trigger").set_value("manual")
    clean(page.run())
    page.text_input(key="rule110_asked_after").set_value(" 5, 9 ")
    for name, value in (("eviction", "sliding"), ("sleep_attention", "causal")):
        page.selectbox(key=f"rule110_{name}").set_value(value)
    page.session_state["rule110_control"] = "reset_state"
    live(clean(page.run()), "S reset before each pass")  # the run with the trigger alone may be over first
    written = {name: page.query_params[name] for name in page.query_params}
    assert {name: written[name] for name in ADVANCED} == ADVANCED

    again = live(opened(**{name: str(value) for name, value in written.items()}))
    assert payload(again)["badge"].partition("·")[2] == payload(page)["badge"].partition("·")[2]
    assert [sleep["last"] for sleep in payload(again)["sleeps"]][:2] == [5, 9]


def test_n_1_shows_two_cards(assets: Path) -> None:
    page = live(opened(rows=HOME_ROW, t="1", N="1"))
    assert [card["title"] for card in payload(page)["contenders"]] == ["This model, 1 pass", "Trained with 1 pass only"]


@pytest.mark.parametrize("control", ["zero_state", "shuffled_state", "replay", "reset_state", "untrained"])
def test_every_causal_control_runs(assets: Path, control: str) -> None:
    page = live(opened(control=control))
    assert not errors(page) and stage_text.BROKEN[control] == payload(page)["contenders"][1]["note"]


@pytest.mark.parametrize("trigger", ["every", "manual"])
def test_other_triggers_run_and_are_named(assets: Path, trigger: str) -> None:
    page = opened()
    page.selectbox(key="rule110_trigger").set_value(trigger)
    live(clean(page.run()))
    reasons = [sleep["reason"] for sleep in payload(page)["sleeps"]]
    assert reasons[0] == {"every": "Every 8 tokens", "manual": "Sleep was asked for"}[trigger]
    assert reasons[-1] == "The input has ended" and len(reasons) == {"every": 3, "manual": 2}[trigger]


@pytest.mark.parametrize(
    ("spending", "name", "value", "slept", "card"),
    [
        ("still", "still", 1.0, [2, 1], "up to 4 passes"),  # the very first pass changes S by all of its size
        ("even", "budget", 5, [3, 2], "5 passes in all"),
        ("hardest", "budget", 5, [4, 1], "5 passes in all"),  # not still within four passes
    ],
)
def test_passes_are_spent_as_the_menu_says_and_the_link_too(
    assets: Path, spending: str, name: str, value: float, slept: list[int], card: str
) -> None:
    page = live(opened(rows=f"{HOME_ROW},{HOME_ROW}", t="2", N="4"))
    page.selectbox(key="rule110_spending").set_value(spending)
    clean(page.run())
    page.number_input(key=f"rule110_{name}").set_value(value)
    live(clean(page.run()), "passes: ")
    assert page.query_params["spend"] == f"{spending}:{value:g}"
    for each in (page, live(opened(**{key: str(page.query_params[key]) for key in page.query_params}))):
        assert [sleep["passes"] for sleep in payload(each)["sleeps"]] == slept
        titles = [contender["title"] for contender in payload(each)["contenders"]]
        assert titles == [f"This model, {card}", "This model, 1 pass", "Trained with 1 pass only"]
        alone = payload(each)["contenders"][1]
        assert alone["missing"] == "" and alone["rows"]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"spend": "even:5", "trigger": "surprise:2"}, "Choose another trigger, or N for every window"),
        ({"spend": "hardest:5", "eviction": "sliding"}, "needs the whole cache to be cleared"),
        ({"spend": "still:0.1", "eviction": "none"}, "needs the whole cache to be cleared"),
        ({"spend": "even:0"}, "hardest:B with B from 1 to 256"),
        ({"spend": "still:2"}, "still:T with T from 0.01 to 1"),
        ({"spend": "all"}, "must be fixed"),
    ],
)
def test_passes_that_cannot_be_spent_so_are_one_sentence(assets: Path, query: dict[str, str], says: str) -> None:
    page = opened(**query)
    assert len(errors(page)) == 1 and says in errors(page)[0].replace("\\", "")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("six; <b>", "whole numbers of tokens from 1 on"),
        ("1.5", "whole numbers of tokens from 1 on"),
        ("0", "whole numbers of tokens from 1 on"),
        ("", "whole numbers of tokens from 1 on"),
        ("6, 99", "after token 99, but only 17 are read"),
    ],
)
def test_a_bad_trigger_is_one_sentence(assets: Path, asked: str, says: str) -> None:
    page = opened()
    page.selectbox(key="rule110_trigger").set_value("manual")
    live(clean(page.run()))
    page.text_input(key="rule110_asked_after").set_value(asked)
    clean(page.run())
    assert len(errors(page)) == 1 and says in errors(page)[0]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("", "16"),
        ("0101", "16"),
        ("0" * 17, "16"),
        ("0120110101110010", "0 and 1"),
        ("<img src=x onerror=alert(1)>", "0 and 1"),
        ("0100110101110\x00\x1b0", "0 and 1"),
        ("😴" * 16, "0 and 1"),
        ("٠١" * 8, "0 and 1"),
        ("0" * 1_000_000, "character"),
        ("x" * 1_000_000, "character"),
    ],
    ids=["empty", "short", "long", "digit", "html", "control", "emoji", "arabic-digits", "megabyte", "megabyte-x"],
)
def test_each_bad_row_is_one_sentence_and_nothing_runs(assets: Path, row: str, says: str) -> None:
    page = opened()
    page.text_input(key="rule110_row_1").set_value(row)
    clean(page.run())
    assert len(errors(page)) == 1 and says in errors(page)[0] and len(errors(page)[0]) < 200
    assert "\n" not in errors(page)[0] and "<" not in errors(page)[0]
    assert pressed_in_vain(page)
    page.text_input(key="rule110_row_1").set_value(HOME_ROW)
    assert not errors(clean(page.run()))


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"t": "13"}, "steps t must be a whole number from 0 to 12"),
        ({"N": "65"}, "passes N must be a whole number from 0 to 64"),
        ({"N": "<b>"}, "passes N"),
        ({"checkpoint": "../../etc/passwd"}, "checkpoint is not here"),
        ({"rows": "0,1,0,1,0"}, "from 1 to 4 rows of 16 cells"),
        ({"rows": "abc"}, "0 and 1"),
        ({"trigger": "every:18"}, "every:M with M from 1 to 17"),
        ({"trigger": "statement:21"}, "statement:K with K from 1 to 20"),
        ({"trigger": "surprise:1"}, "surprise:R with R from 1.1 to 10"),
        ({"eviction": "soft"}, "there are: hard, sliding, none"),
        ({"asleep": "no"}, "there are: causal, full"),
        ({"control": "oracle"}, "control is not here"),
        ({"task": "sudoku"}, "this page shows rule110"),
    ],
)
def test_each_bad_link_is_one_sentence(assets: Path, query: dict[str, str], says: str) -> None:
    page = opened(**query)
    assert len(errors(page)) == 1 and says in errors(page)[0]
    assert pressed_in_vain(page)
    page.button(key="preset_easy").click()  # changing something leaves the bad link behind
    clean(page.run())
    assert not errors(page)


def test_presets_show_both_sides(assets: Path) -> None:
    page = opened()
    page.button(key="preset_easy").click()
    clean(page.run())
    assert (page.slider(key="rule110_steps").value, page.select_slider(key="rule110_passes").value) == (1, 1)
    page.button(key="preset_hard").click()
    clean(page.run())
    assert (page.slider(key="rule110_steps").value, page.select_slider(key="rule110_passes").value) == (
        12,
        12,
    )  # a step a pass
    before = page.text_input(key="rule110_row_1").value
    page.button(key="preset_random").click()
    clean(page.run())
    after = page.text_input(key="rule110_row_1").value
    assert after != before and len(after) == 16 and set(after) <= {"0", "1"}
    page.button(key="preset_two").click()
    clean(page.run())
    assert page.number_input(key="rule110_n_rows").value == 2 and not errors(page)


def test_two_visitors_stay_apart(assets: Path) -> None:
    one, other = opened(), opened()
    one.text_input(key="rule110_row_1").set_value(OTHER_ROW)
    one.run()
    other.slider(key="rule110_steps").set_value(7)
    other.run()
    one, other = live(one), live(other)
    assert payload(one)["picture"]["truth"][0][0] == OTHER_ROW and payload(one)["picture"]["steps"] == HOME_STEPS
    assert payload(other)["picture"]["truth"][0][0] == HOME_ROW and payload(other)["picture"]["steps"] == 7


def test_without_a_checkpoint_the_recording_plays_and_says_so(assets: Path) -> None:
    shutil.rmtree(assets / "checkpoints")
    page = opened()
    assert len(errors(page)) == 1 and "sleepviz train" in errors(page)[0]
    assert payload(page)["badge"].startswith("recorded")


def test_with_nothing_at_all_the_page_still_explains(assets: Path) -> None:
    shutil.rmtree(assets)
    page = opened()
    assert len(errors(page)) == 1 and not players(page)
    assert any("experiments" in info.value for info in page.info)


def test_damaged_weights_are_one_sentence(assets: Path) -> None:
    weights = assets / "checkpoints" / DEFAULT / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x00")
    from app.shell import runs

    runs._loaded.clear()
    page = opened(rows=OTHER_ROW, t="3", N="11")
    deadline = time.monotonic() + 60
    while not errors(page):
        assert time.monotonic() < deadline
        clean(page.run())
    assert len(errors(page)) == 1 and "digest" in errors(page)[0]
    assert payload(page)["badge"].startswith("recorded")


def test_a_damaged_description_leaves_the_checkpoint_out(assets: Path) -> None:
    (assets / "checkpoints" / DEFAULT / "meta.json").write_text("{")
    page = opened()
    assert len(errors(page)) == 1


def test_a_damaged_recording_is_one_sentence_and_the_run_is_live(assets: Path) -> None:
    (assets / "recordings" / "rule110-home.npz").write_bytes(b"PK not a recording")
    page = opened()
    assert any("recorded run is damaged" in info.value for info in page.info)
    deadline = time.monotonic() + 60
    while not players(page):
        assert time.monotonic() < deadline
        clean(page.run())
    assert payload(page)["badge"].startswith("live")


def test_a_damaged_results_file_is_one_sentence(assets: Path) -> None:
    (assets / "results" / "rule110.json").write_text("{}")
    page = opened()
    assert any("rule110.json is damaged" in info.value for info in page.info)


def test_a_recording_of_other_weights_says_so(assets: Path) -> None:
    meta = assets / "checkpoints" / DEFAULT / "meta.json"
    values = json.loads(meta.read_text())
    meta.write_text(json.dumps({**values, "digest": "f" * 64}))
    page = opened()
    assert any("other weights" in warning.value for warning in page.warning)
    assert payload(page)["badge"].startswith("recorded")


def test_provenance_is_one_click_away_and_names_departures(assets: Path) -> None:
    page = unfolded(opened(), "departures")
    said = " ".join(each.value for each in (*page.markdown, *page.code))
    digest = json.loads((assets / "checkpoints" / DEFAULT / "meta.json").read_text())["digest"]
    assert digest in said and f"--preset {DEFAULT}" in said and "2026-01-02" in said and "0a1b2c3" in said
    for name in ("input recall", "full attention asleep", "one step per pass", "t as a token"):
        assert name in said
    assert "window positions" not in said and "write strength" not in said  # off in this checkpoint


def test_the_transcript_and_the_plot_are_there(assets: Path) -> None:
    page = opened()
    assert not any(
        each.value.startswith("- The model reads") for each in page.markdown
    )  # not sent before it is asked for
    unfolded(page, "transcript")
    (transcript,) = (each.value for each in page.markdown if each.value.startswith("- The model reads"))
    tokens = " ".join(payload(page)["tokens"])
    assert transcript.splitlines()[0] == f"- The model reads 17 tokens\\: `{tokens}`"
    assert len(transcript.splitlines()) == 1 + sum(frame["kind"] != "token" for frame in payload(page)["frames"])
    assert not page.get("plotly_chart")  # megabytes that nobody waits for who does not want a plot
    page.session_state["rule110_plots"] = True
    charts = clean(page.run()).get("plotly_chart")
    assert any("At t = 3" in chart.proto.alt for chart in charts)


def test_a_corrected_row_runs_on_the_first_press(assets: Path) -> None:
    page = opened()
    page.text_input(key="rule110_row_1").set_value("nonsense")
    assert errors(clean(page.run()))

    page.text_input(key="rule110_row_1").set_value(HOME_ROW)  # the recorded row, so that nothing runs by itself
    page.button(key="run").click()

    assert not errors(live(clean(page.run())))
