"""Learn as a script: a step opens only when the one before it is done, and a visit can be left and resumed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.learn import learn_text
from tests.app.page import ROOT, clean, errors, opened, trigger

Deed = Callable[[AppTest], AppTest]


def press(key: str) -> Deed:
    return lambda page: clean(page.button(key=key).click().run())


def done(key: str) -> Deed:
    return lambda page: trigger(page, key, "done")


# What each step takes, in order. The last deed, and only the last, opens the next step.
DEEDS: dict[int, list[Deed]] = {
    1: [done("learn_cache")],
    2: [done("learn_window")],
    3: [done("learn_table")],
    4: [press("learn_do"), press("learn_do")],
    5: [press("learn_guess_no"), press("learn_do")],
    6: [press("learn_pass")] * 6,
    7: [press("learn_do"), press("learn_do")],
    8: [press("learn_zero_state"), press("learn_replay"), press("learn_shuffled_state")],
    9: [press("learn_do")],
}


def step_shown(page: AppTest) -> int:
    (title,) = [each.value for each in page.title]
    return 1 + [step.title for step in learn_text.STEPS].index(title)


def is_open(page: AppTest) -> bool:
    return not page.button(key="learn_next").disabled


def test_a_first_visit_begins_at_the_first_step_with_a_bare_address(assets: Path) -> None:
    page = opened("learn")

    assert step_shown(page) == 1 and not is_open(page) and not page.query_params
    assert [each.disabled for each in page.button if each.key.startswith("learn_step_")] == [True] * 10


@pytest.mark.parametrize("step", DEEDS)
def test_a_step_opens_only_after_what_there_is_to_do(step: int, assets: Path) -> None:
    page = opened("learn", step=str(step))
    for deed in DEEDS[step]:
        assert step_shown(page) == step and not is_open(page)
        page = deed(page)
    assert is_open(page)

    page = press("learn_next")(page)

    assert step_shown(page) == step + 1
    assert page.query_params["step"] in (str(step + 1), [str(step + 1)])


def test_the_last_step_ends_with_what_was_measured_and_the_ways_on(assets: Path) -> None:
    page = opened("learn", step="10")
    assert not any(learn_text.FINISHED in each.value for each in page.markdown)

    page = clean(page.radio(key="learn_open").set_value("How many passes are best?").run())

    assert any(learn_text.FINISHED in each.value for each in page.markdown)
    assert any("Rule 110, 1 step: right on 100 of 100 with 1 pass." in each.value for each in page.markdown)


def test_a_link_opens_its_step_and_the_steps_before_it_alone(assets: Path) -> None:
    page = opened("learn", step="7", view="present")

    assert step_shown(page) == 7 and not is_open(page)
    assert [page.button(key=f"learn_step_{n}").disabled for n in (1, 6, 7, 8)] == [False, False, True, True]
    page = press("learn_step_2")(page)
    assert step_shown(page) == 2
    assert {name: str(page.query_params[name]).strip("[']") for name in page.query_params} == {
        "step": "2",
        "view": "present",
    }


@pytest.mark.parametrize("given", ["0", "11", "x", "4.0", "-1", ""])
def test_a_link_to_no_step_says_which_there_are(given: str, assets: Path) -> None:
    page = opened("learn", step=given)

    assert step_shown(page) == 1
    assert errors(page) == (["The link's step must be a whole number from 1 to 10."] if given else [])


def test_a_visitor_who_leaves_finds_the_same_step_and_what_was_done(assets: Path) -> None:
    page = opened("learn", step="6")
    for _ in range(3):
        page = press("learn_pass")(page)
    for name in list(page.query_params):
        del page.query_params[name]
    page.switch_page(str(ROOT / "pages" / "limits.py")).run()
    page.switch_page(str(ROOT / "pages" / "learn.py")).run()

    assert step_shown(page) == 6
    assert any("Pass 3 of 6" in each.value for each in page.markdown)


def frame_shown(page: AppTest) -> dict[str, Any]:
    """The frame of the recorded run at which the player stands."""
    (given,) = [json.loads(each.proto.json) for each in page.get("bidi_component") if '"frames"' in each.proto.json]
    assert given["start"]["paused"]
    frame: dict[str, Any] = given["run"]["frames"][given["start"]["event"]]
    return frame


def test_passes_are_shown_one_by_one_from_the_recorded_run(assets: Path) -> None:
    page = opened("learn", step="6")
    assert frame_shown(page)["kind"] == "sleep"
    shown = []
    for _ in range(6):
        page = press("learn_pass")(page)
        shown.append(frame_shown(page))

    assert [(frame["kind"], frame["pass"], frame["of"]) for frame in shown] == [("pass", n, 6) for n in range(1, 7)]


def test_a_guess_is_told_and_counted_once(assets: Path) -> None:
    page = opened("learn", step="5")
    page = press("learn_guess_no")(page)
    page = press("learn_do")(page)
    told = [each.value for each in page.markdown if "guessed" in each.value]

    assert told == ["You guessed no, and you were right. Right guesses so far: 1 of 1."]
    assert [each.value for each in clean(page.run()).markdown if "guessed" in each.value] == told


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_the_path_goes_on_without_a_recording(damage: str, assets: Path) -> None:
    recording = assets / "recordings" / "lesson-other.npz"
    if damage == "missing":
        recording.unlink()
    else:
        recording.write_bytes(b"not a recording")
    page = press("learn_do")(opened("learn", step="9"))

    assert is_open(page)
    (said,) = [each.value for each in page.info]
    assert said == (learn_text.NO_RECORDING if damage == "missing" else learn_text.DAMAGED)


@pytest.mark.parametrize("step", learn_text.STEPS, ids=lambda step: step.title)
def test_a_step_says_one_sentence_of_at_most_22_words(step: learn_text.Step) -> None:
    assert len(step.sentence.split()) <= 22
    assert step.sentence.count(".") == 1 and step.sentence.endswith(".")


def test_no_sentence_of_the_path_has_more_than_25_words() -> None:
    said = [text for step in learn_text.STEPS for text in (step.do, step.seen)]
    sentences = [sentence for text in said for sentence in text.split(". ")]

    assert [sentence for sentence in sentences if len(sentence.split()) > 25] == []
