"""What the page says of the controls: derived from made-up entries, both ways, and shown beside their numbers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from app.shell.results import Comparison, Result, Results, comparisons
from app.stage.about import control_sentence, control_table
from app.stage.stage_text import CONTROL_MEANINGS, CONTROLS
from app.tasks import PAGES
from tests.app.made import made_results
from tests.app.tasks.test_rule110_page import clean, opened

PASSES = 12
WORDS = PAGES["rule110"].words


def entry(experiment: str, variant: str, difficulty: int, accuracy: float, passes: int = PASSES) -> Result:
    """Measured with an interval of five hundredths to either side."""
    low, high = max(0.0, accuracy - 0.05), min(1.0, accuracy + 0.05)
    return Result(experiment, variant, passes, difficulty, 100, accuracy, low, high)


def compared(control: str, broken: dict[int, float], whole: dict[int, float]) -> Comparison:
    entries = [entry("accuracy", "any_n", t, accuracy) for t, accuracy in whole.items()]
    entries += [entry("control", control, t, accuracy) for t, accuracy in broken.items()]
    (comparison,) = comparisons(Results("rule110", "", tuple(entries)))
    return comparison


RIGHT = {1: 0.99, 8: 0.95}


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (
            {1: 0.97, 8: 0.9},
            "no loss was measured. The steps are computed in the activations h; S only stores the result.",
        ),
        ({1: 0.3, 8: 0.1}, "accuracy falls. Some of what the answer needs was written into S by earlier passes."),
        (
            {1: 0.97, 8: 0.1},
            "accuracy falls at t = 8 but not at t = 1. "
            "Some of what the answer needs was written into S by earlier passes.",
        ),
    ],
)
def test_what_resetting_s_shows_follows_from_the_numbers(broken: dict[int, float], says: str) -> None:
    assert control_sentence(compared("reset_state", broken, RIGHT), WORDS) == f"With *S reset before each pass*, {says}"


def test_where_a_harder_question_survives_only_the_last_pass_is_said_to_be_left() -> None:
    found = compared("reset_state", {1: 0.99, 4: 0.1, 8: 1.0}, {1: 0.99, 4: 0.99, 8: 0.99})
    assert control_sentence(found, WORDS) == (
        "With *S reset before each pass*, accuracy falls at t = 4 but not at t = 1 and 8. Only what the last pass "
        "writes is left in S. Answers that only earlier passes wrote are lost."
    )
    found = compared("replay", {1: 0.99, 4: 0.1, 8: 1.0}, {1: 0.99, 4: 0.99, 8: 0.99})
    said = "With *pass 1 replayed*, accuracy falls at t = 4 but not at t = 1 and 8."
    assert control_sentence(found, WORDS) == said  # no conclusion


def test_a_control_that_does_better_is_said_to() -> None:
    sentence = control_sentence(
        compared("reset_state", {1: 0.99, 8: 0.95, 12: 1.0}, {1: 0.99, 8: 0.8, 12: 0.85}), WORDS
    )
    assert "no loss was measured; at t = 8 and 12 accuracy even rises." in sentence


@pytest.mark.parametrize("control", [name for name in CONTROLS if name != "none"])
def test_every_control_has_two_readings(control: str) -> None:
    lost, kept = (control_sentence(compared(control, {1: accuracy}, {1: 0.9}), WORDS) for accuracy in (0.1, 0.9))
    assert lost.endswith(f"falls. {CONTROL_MEANINGS[control].where_it_falls}")
    assert kept.endswith(f"measured. {CONTROL_MEANINGS[control].where_it_holds}")


def test_a_loss_is_told_from_the_interval_of_the_difference() -> None:
    """With 5 points to either side, the difference has 7.1: 0.93 against 0.99 is no loss, 0.91 is one."""
    assert compared("replay", {1: 0.93}, {1: 0.99}).falls == ()
    assert compared("replay", {1: 0.91}, {1: 0.99}).falls == (1,)


def test_only_the_same_n_and_what_is_mostly_right_is_compared() -> None:
    entries = (
        entry("accuracy", "any_n", 1, 0.9),
        entry("accuracy", "any_n", 4, 0.9, passes=4),  # another N
        entry("accuracy", "any_n", 8, 0.1),  # nothing to lose
        *(entry("control", "zero_state", t, 0.0) for t in (1, 4, 8, 9)),
        entry("control", "replay", 8, 0.1),
        entry("control", "replay", 4, 0.2, passes=4),
    )
    zero, replay = comparisons(Results("rule110", "", entries))
    assert (zero.control, zero.passes, zero.falls, zero.holds) == ("zero_state", PASSES, (1,), ())
    assert (replay.control, replay.passes, replay.falls) == ("replay", 4, (4,))
    assert comparisons(Results("rule110", "", entries[3:])) == ()


def test_the_table_has_a_line_for_each_control_and_one_for_the_run_as_it_is() -> None:
    found = [compared("replay", {1: 0.86, 8: 0.0}, RIGHT), compared("untrained", {8: 0.01}, RIGHT)]
    rows = re.findall(r"<tr>(.*?)</tr>", control_table(found, WORDS, 8))
    assert [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows] == [
        ["", "t\u00a0=\u00a01", "t\u00a0=\u00a08"],
        ["the run as it is", "99.0 % (94.0–100.0)", "95.0 % (90.0–100.0)"],
        ["pass 1 replayed", "86.0 % (81.0–91.0)", "0.0 % (0.0–5.0)"],
        ["untrained weights", "", "1.0 % (0.0–6.0)"],
    ]


@pytest.mark.parametrize(
    ("accuracy", "says"), [(0.9, "S only stores the result"), (0.1, "was written into S by earlier passes")]
)
def test_the_page_says_what_the_results_file_says(assets: Path, accuracy: float, says: str) -> None:
    values = made_results()
    like = values["entries"][2]  # type: ignore[index]  # any_n, N = 4, t = 3: 0.9
    control = {"experiment": "control", "variant": "reset_state", "accuracy": accuracy}
    interval = [accuracy - 0.05, accuracy + 0.05]
    values["entries"].append({**like, **control, "ci95": interval})  # type: ignore[attr-defined]
    (assets / "results" / "rule110.json").write_text(json.dumps(values))
    page = clean(opened().run())
    told = [each.value for each in page.markdown]
    assert any(says in each for each in told)
    shown = f"{100 * accuracy:.1f} % ({100 * interval[0]:.1f}–{100 * interval[1]:.1f})"
    row = f">S reset before each pass</th><td>{shown}</td>"
    assert any(row in each.proto.body for each in page.get("html"))


def test_without_measured_controls_nothing_is_claimed(assets: Path) -> None:
    page = clean(opened().run())
    told = " ".join([*(each.value for each in page.markdown), *(each.proto.body for each in page.get("html"))])
    assert "S reset before each pass" not in told and "Accuracy on fresh questions" in told
