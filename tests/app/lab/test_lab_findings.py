"""Every derived sentence of the Lab, from made-up entries that say one thing and entries that say the other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.figures.measured import share
from app.figures.percent import one_in, percent
from app.lab.findings import (
    Finding,
    answer,
    baseline_findings,
    below_chance_finding,
    beyond_training,
    control_finding,
    cost_finding,
    gain_finding,
    halting_finding,
    loss_findings,
    not_run,
    not_run_beyond,
    reach_finding,
)
from app.lab.lab_text import levels, variant_name
from app.lab.lines import Line, baseline_lines, best_line, duel, models_of, newest, other_experiments
from app.lab.scene import Scene
from app.lab.tables import cost_table, duels_table, grid_table, halting_table, sweep_table
from app.parts.html_table import html_table
from app.shell.messages import joined
from app.shell.results import Comparison, Cost, Result, Results, read_results
from app.tasks import PAGES


def entry(passes: int, difficulty: int, accuracy: float, **more: object) -> Result:
    """Measured with an interval of five hundredths to either side."""
    values = {"experiment": "accuracy", "variant": "any_n", "n": 100, "checkpoint": "deep", **more}
    low, high = max(0.0, accuracy - 0.05), min(1.0, accuracy + 0.05)
    return Result(passes=passes, difficulty=difficulty, accuracy=accuracy, low=low, high=high, **values)  # type: ignore[arg-type]


def grid(rows: dict[int, dict[int, float]]) -> list[Result]:
    """{N: {difficulty: accuracy}} as entries."""
    return [entry(n, level, accuracy) for n, row in rows.items() for level, accuracy in row.items()]


STAIRS = grid({1: {1: 1.0, 2: 0.1, 3: 0.0}, 2: {1: 1.0, 2: 1.0, 3: 0.1}, 4: {1: 1.0, 2: 1.0, 3: 0.96}})


def said(finding: Finding | None) -> str:
    assert finding is not None
    return finding.sentence


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((3,), "t = 3"),
        ((1, 2), "t = 1 and 2"),
        ((0, 1, 2, 5), "t = 0 to 2 and 5"),
        ((7, 1, 3, 2), "t = 1 to 3 and 7"),
        ((1, 3, 5), "t = 1, 3 and 5"),
    ],
)
def test_levels_in_words(values: tuple[int, ...], words: str) -> None:
    assert levels(values, "t") == words


def test_names_in_words() -> None:
    assert variant_name("n1_same_flops") == "N = 1 only, same FLOPs"
    assert variant_name("asked_after_1") == "after 1 window" and variant_name("asked_after_3") == "after 3 windows"
    assert variant_name("probe_pass_2") == "probe pass 2"
    assert joined(["a"]) == "a" and joined(["a", "b", "c"]) == "a, b and c"


def test_more_passes_that_help_are_said_to() -> None:
    found = gain_finding(STAIRS, "t")
    assert found is not None and not found.is_against
    assert found.sentence == (
        "More passes help at t = 2 and 3. At t = 3, accuracy rises from 0.0 % with N = 1 to 96.0 % with N = 4. "
        "Of 6 settings with more passes, 4 are measurably better than N = 1. At t = 1, no gain was measured."
    )
    assert found.first == "More passes help at t = 2 and 3."
    assert answer(STAIRS, "t") == "Yes. At t = 3, accuracy rises from 0.0 % to 96.0 %."


def test_more_passes_that_do_not_help_contradict_the_paper_unless_nothing_is_left_to_gain() -> None:
    flat = grid({1: {1: 0.5, 2: 0.4}, 4: {1: 0.52, 2: 0.41}})
    sentence = "More passes than 1 bring no measurable gain at any k that was tried, against the paper's trend."
    assert gain_finding(flat, "k") == Finding(sentence, is_against=True)
    assert answer(flat, "k") == f"Not here. {sentence}"
    full = grid({1: {1: 0.99}, 4: {1: 1.0}})
    sentence = "N = 1 is enough: nothing is left to gain at k = 1."
    assert gain_finding(full, "k") == Finding(sentence) and answer(full, "k") == f"There is no need. {sentence}"
    assert gain_finding(grid({1: {1: 0.5}}), "k") is None and gain_finding([], "k") is None and answer([], "k") == ""


CHANCE = 1 / 18


def test_what_moves_below_twice_chance_is_neither_gain_nor_harm() -> None:
    """Depo guesses among 18 nodes: 0.03 to 0.11 says nothing, whichever way it goes; 0.5 to 0.11 does."""
    narrow = [replace(e, low=e.accuracy - 0.01, high=e.accuracy + 0.01) for e in grid({1: {6: 0.03}, 4: {6: 0.11}})]
    falling = [replace(e, passes=5 - e.passes) for e in narrow]
    assert "help at k = 6" in said(gain_finding(narrow, "k")) and loss_findings(falling, "k", 4)[0].is_against
    assert "gain at any k" in said(gain_finding(narrow, "k", CHANCE))
    assert loss_findings(falling, "k", 4, CHANCE) == (
        Finding("Accuracy is not measurably lower with more passes than with fewer, at any k."),
    )
    assert loss_findings(grid({1: {6: 0.5}, 4: {6: 0.11}}), "k", 4, CHANCE)[0].is_against


def test_how_far_the_best_n_reaches() -> None:
    assert said(reach_finding(STAIRS, "t", 0.95)) == (
        "With N = 4, at least 95 % are right up to t = 3; no other N gets further."
    )
    weak = grid({1: {1: 0.9, 2: 0.97}, 4: {1: 0.95, 2: 0.2}})  # what is right beyond a gap does not count
    assert said(reach_finding(weak, "t", 0.95)).startswith("With N = 4, at least 95 % are right up to t = 1;")
    equal = grid({2: {1: 1.0, 2: 0.2}, 3: {1: 1.0, 2: 0.3}})  # of equals the fewest passes
    assert said(reach_finding(equal, "t", 0.95)).startswith("With N = 2,")
    assert said(reach_finding(grid({1: {1: 0.5}}), "t", 0.95)) == "No N gets 95 % right at any t."
    assert said(reach_finding(weak, "t", 0.75)) == (  # N = 4 fails t = 2 by this bar, too
        "With N = 1, at least 75 % are right up to t = 2; no other N gets further."
    )


@given(st.integers(0, 512), st.sampled_from([75, 95]))
def test_no_printed_number_contradicts_the_threshold(right: int, least: int) -> None:
    """A share counts as solved exactly when the heat map and the tables print the task's threshold or more."""
    accuracy = right / 512
    solved = f"{least} % are right" in said(reach_finding([entry(1, 1, accuracy)], "t", least / 100))
    for digits, off in ((0, 0.5), (1, 0.1)):
        printed = float(percent(accuracy, digits))
        assert (printed >= least) == solved and abs(printed - 100 * accuracy) <= off


def test_shares_are_written_with_one_decimal_and_their_interval() -> None:
    assert share(replace(entry(1, 1, 0.946), low=0.923, high=0.9624)) == "94.6 % (92.3–96.2)"
    assert percent(0.946, 0) == "94.6" and percent(0.9499, 1) == "94.9" and percent(0.95, 0) == "95"
    assert percent(0.9449, 0) == "94" and percent(1.0, 0) == "100" and percent(0.004, 0) == "0"
    assert one_in(2**-16) == "1 in 65,536" and one_in(1 / 18) == "1 in 18"


NO_LOSS = Finding("Accuracy is not measurably lower with more passes than with fewer, at any t.")


def test_more_passes_that_do_harm_contradict_the_paper() -> None:
    assert loss_findings(STAIRS, "t", 4) == (NO_LOSS,)
    falling = grid({2: {1: 1.0, 2: 0.9}, 4: {1: 0.98, 2: 0.6}, 8: {1: 0.5, 2: 0.7}})
    within, beyond = loss_findings(falling, "t", 4)
    assert within.is_against and beyond.is_against
    assert within.sentence == (
        "Within training, a larger N was compared with a smaller one in 2 comparisons. At t = 2, accuracy is "
        "measurably lower with the larger N in 1 of these. This is against the paper's trend. At t = 2, accuracy "
        "falls from 90.0 % with N = 2 to 60.0 % with N = 4."
    )
    assert beyond.sentence == (
        "N = 8, beyond the 4 passes of training, does harm, against the paper's trend. The comparison is with N = 4 "
        "at 2 difficulties. With N = 8, accuracy is lower at t = 1: from 98.0 to 50.0 %. With N = 8, accuracy is "
        "higher at t = 2: from 60.0 to 70.0 %."
    )
    (unknown,) = loss_findings(falling, "t", None)
    assert (
        "6 comparisons" in unknown.sentence
        and "in 4 of these" in unknown.sentence
        and "training" not in unknown.sentence
    )
    assert loss_findings(grid({4: {1: 0.5}}), "t", 4) == ()


def test_each_n_that_does_harm_is_named_and_no_other() -> None:
    """Rule 110 at t = 12: N = 16, beyond training, beats N = 12; only more passes do harm there."""
    rows = {12: {0: 1.0, 12: 0.80}, 16: {0: 0.97, 12: 0.95}, 20: {0: 0.85, 12: 0.60}, 28: {0: 0.5, 12: 0.4}}
    measured = grid(rows)
    (beyond,) = loss_findings(measured, "t", 14)
    assert beyond.sentence == (
        "N = 20 and 28, beyond the 14 passes of training, do harm, against the paper's trend. The comparison is with "
        "N = 12 at 2 difficulties. With N = 20, accuracy is lower at t = 0 and 12: at t = 12 from 80.0 to 60.0 %. "
        "With N = 28, accuracy is lower at t = 0 and 12: at t = 0 from 100.0 to 50.0 %. With N = 16, accuracy is "
        "higher at t = 12: from 80.0 to 95.0 %."
    )
    harmless = loss_findings(grid({12: {0: 0.9}, 16: {0: 0.9}}), "t", 14)
    assert harmless[-1] == Finding(
        "No N beyond training is measurably worse. The comparison is with N = 12 at 1 difficulty."
    )


def test_a_fall_among_very_many_comparisons_is_what_chance_gives() -> None:
    """One of 45 comparisons: a 95 % interval calls about one of 40 equal shares lower."""
    flat = grid({n: {1: 0.9} for n in range(1, 11)})
    assert loss_findings(flat, "t", 10) == (NO_LOSS,)
    odd = [replace(e, accuracy=0.94, high=0.99, low=0.91) if e.passes == 9 else e for e in flat]
    odd = [replace(e, accuracy=0.88, high=0.89, low=0.83) if e.passes == 10 else e for e in odd]
    (found,) = loss_findings(odd, "t", 10)
    assert not found.is_against and "45 comparisons" in found.sentence and "in 1 of these" in found.sentence
    assert "Chance alone would give as many." in found.sentence
    (twice,) = loss_findings([e for e in odd if e.passes in (1, 9, 10)], "t", 10)
    assert twice.is_against and "in 1 of these. This is against" in twice.sentence


def test_a_fall_is_told_from_the_interval_of_the_difference() -> None:
    """With 5 points to either side, the difference has 7.1: 8 points are a fall although the intervals overlap."""
    assert not loss_findings(grid({2: {1: 0.90}, 4: {1: 0.83}}), "t", 4)[0].is_against
    assert loss_findings(grid({2: {1: 0.90}, 4: {1: 0.82}}), "t", 4)[0].is_against


def test_shares_below_chance_are_no_guesses() -> None:
    made = grid({4: {6: 0.004, 7: 0.0}, 9: {6: 0.054, 7: 0.9}})
    measured = [replace(e, low=0.0, high=e.accuracy + 0.007) for e in made]
    assert said(below_chance_finding(measured, "k", CHANCE)) == (
        "At 2 of 4 settings, accuracy lies measurably below chance (1 in 18). One is k = 7 with N = 4, with 0.0 %. "
        "Such answers are not guesses: the model gives a wrong answer in a regular way."
    )
    assert below_chance_finding(measured, "k", None) is None and below_chance_finding(measured[2:], "k", CHANCE) is None


def baseline(variant: str, rows: dict[int, float], passes: int = 1) -> Line:
    entries = [entry(passes, level, acc, experiment="baseline", variant=variant) for level, acc in rows.items()]
    (line,) = baseline_lines(Results("rule110", "", tuple(entries)))
    return line


def test_the_largest_lead_over_the_models_without_sleep_is_said() -> None:
    lines = [baseline("n1_same_tokens", {1: 0.5, 2: 0.5, 3: 0.0}), baseline("n1_same_flops", {3: 0.2})]
    lead, none_ahead = baseline_findings([duel(line, STAIRS) for line in lines], "t")
    assert lead.sentence == (
        "At t = 3, this model has 96.0 % right, and the best model without repeated sleep has 20.0 %. The first took "
        "N = 4. The second is the model trained with N = 1 only, with the same computing."
    )
    assert none_ahead.sentence == "No model without repeated sleep is ahead at any t."
    table = duels_table([duel(line, STAIRS) for line in lines], symbol="t")
    assert "same tokens (against this model (best N))</th><td>t = 1 to 3</td><td>–</td><td>–</td>" in table


def test_a_baseline_that_is_ahead_contradicts_the_paper() -> None:
    measured = grid({1: {1: 0.6, 2: 0.1}, 4: {1: 0.5, 2: 0.9}})
    found = duel(baseline("n1_same_flops", {1: 0.8, 2: 0.85}), measured)
    (said_,) = baseline_findings([found], "t")
    assert said_ == Finding(
        "The model trained with N = 1 only, with the same computing, is ahead at t = 1, against the paper's trend; 2 "
        "difficulties were compared. At t = 1, 80.0 % of its answers are right; this model has 60.0 %.",
        is_against=True,
    )
    assert "<td>–</td><td>t = 2</td><td>t = 1</td>" in duels_table([found], symbol="t")


def test_a_baseline_that_guesses_is_not_ahead() -> None:
    found = duel(baseline("n1_same_flops", {1: 0.11}), grid({4: {1: 0.0}}), CHANCE)
    assert not found.is_against and found.equal and not found.behind
    assert duel(baseline("n1_same_flops", {1: 0.11}), grid({4: {1: 0.0}})).is_against


def test_an_oracle_that_is_ahead_contradicts_nothing() -> None:
    """Nothing is evicted there, so the paper does not say that sleep beats it."""
    found = duel(baseline("oracle", {3: 1.0}), grid({1: {3: 0.0}, 4: {3: 0.5}}))
    assert found.behind and not found.is_against and baseline_findings([found], "t") == ()


def test_a_baseline_of_several_passes_is_compared_at_the_same_n() -> None:
    found = duel(baseline("per_n", {3: 0.5}, passes=2), STAIRS)  # best N has 0.96 there, N = 2 has 0.1
    assert [ours.accuracy for ours, _ in found.behind] == [0.1] and not found.ahead


def test_a_baseline_without_a_counterpart_claims_nothing() -> None:
    found = duel(baseline("deeper", {9: 0.5}), STAIRS)
    assert not (found.ahead or found.equal or found.behind) and baseline_findings([found], "t") == ()


def test_seeds_and_passes_of_one_baseline_are_lines_of_their_own() -> None:
    entries = (
        entry(1, 1, 0.5, experiment="baseline", variant="per_n", checkpoint="a"),
        entry(4, 1, 0.5, experiment="baseline", variant="per_n", checkpoint="b"),
        entry(1, 1, 0.5, experiment="baseline", variant="oracle", checkpoint="o-seed-0"),
        entry(1, 1, 0.6, experiment="baseline", variant="oracle", checkpoint="o-seed-1"),
    )
    names = [line.name for line in baseline_lines(Results("depo", "", entries))]
    assert names == [
        "trained for this N only, N = 1",
        "trained for this N only, N = 4",
        "full attention, nothing evicted (o-seed-0)",
        "full attention, nothing evicted (o-seed-1)",
    ]


def test_the_controls_that_lower_accuracy_are_counted() -> None:
    broken = Comparison("zero_state", 4, ((entry(4, 1, 0.0), entry(4, 1, 0.9)),))
    whole = Comparison("replay", 4, ((entry(4, 1, 0.88), entry(4, 1, 0.9)),))
    assert said(control_finding([broken, whole])) == (
        "Breaking one part of the mechanism lowers accuracy in 1 of 2 controls: at 1 of 2 settings."
    )
    assert control_finding([]) is None


def test_of_a_setting_that_was_measured_twice_the_newest_counts() -> None:
    old, other, new = entry(1, 1, 0.5, digest="a"), entry(1, 2, 0.5, digest="a"), entry(1, 1, 0.7, digest="b")
    halting = [drift(0.5, 2, 0.4), drift(0.1, 3, 0.5)]  # two thresholds are two settings
    kept = newest(Results("depo", "", (old, other, new, *halting))).entries
    assert [e.accuracy for e in kept] == [0.7, 0.5, 0.4, 0.5]


def test_best_n_is_the_fewest_of_equals() -> None:
    assert [(e.difficulty, e.passes) for e in best_line(STAIRS).entries] == [(1, 1), (2, 2), (3, 4)]


def fixed(n: int, accuracy: float) -> Result:
    return entry(n, -1, accuracy, experiment="halting", variant="fixed_n", mean_passes=float(n))


def drift(threshold: float, mean: float, accuracy: float) -> Result:
    more = {"experiment": "halting", "variant": "drift_halting", "threshold": threshold, "mean_passes": mean}
    return entry(16, -1, accuracy, **more)


FIXED = [fixed(1, 0.2), fixed(4, 0.6), fixed(8, 0.93), fixed(12, 0.95)]


def test_halting_that_saves_passes() -> None:
    found = halting_finding(FIXED, [drift(0.5, 2.0, 0.4), drift(0.05, 5.5, 0.94), drift(0.01, 9.0, 0.95)])
    assert said(found) == (
        "Stopping once drift is below 0.05 does as well as a fixed N and saves 2.5 passes a window. The best fixed N "
        "is 12, with 95.0 % right. N = 8 is not measurably worse, with 93.0 %. Stopping early reaches 94.0 % with 5.5 "
        "passes on average."
    )
    assert found is not None and found.first.endswith("saves 2.5 passes a window.")


def test_halting_that_saves_nothing_or_never_does_as_well() -> None:
    assert said(halting_finding(FIXED, [drift(0.05, 9.5, 0.94)])).startswith(
        "Stopping once drift is below 0.05 does as well as a fixed N but saves nothing."
    )
    never = said(halting_finding(FIXED, [drift(0.5, 2.0, 0.4), drift(0.05, 9.5, 0.7)]))
    assert never.startswith("Stopping on drift never does as well as a fixed N.")
    assert never.endswith("Stopping on drift reaches 70.0 %.")


def test_halting_needs_both() -> None:
    assert halting_finding(FIXED, []) is None and halting_finding([], [drift(0.5, 2, 0.4)]) is None


def test_what_was_not_run() -> None:
    expected = PAGES["gsm"].words.evidence

    assert not_run(expected, None) == tuple(each.said for each in expected)
    assert "the cost of sleep and waking against N" in not_run(expected, None)
    entries = tuple(entry(1, 1, 0.5, experiment=e.experiment, variant=e.variant or "sleep_s") for e in expected)
    assert not_run(expected, Results("gsm", "", entries)) == ()
    assert not_run(expected, Results("gsm", "", entries[:-1])) == ("the cost of sleep and waking against N",)
    assert "hard against sliding eviction" in not_run(PAGES["depo"].words.evidence, None)


def test_what_lies_beyond_training() -> None:
    assert beyond_training(STAIRS, "t", 2, 3) == (
        "The model was trained with up to 2 passes and up to t = 3. N = 4 lies beyond that."
    )
    assert beyond_training(STAIRS, "t", 1, 1).endswith(". N = 2 and 4 and t = 2 and 3 lie beyond that.")
    assert beyond_training(STAIRS, "t", 4, None) == (
        "The model was trained with up to 4 passes. Nothing beyond that was measured here."
    )
    assert beyond_training(STAIRS, "t", None, None) == ""
    assert not_run_beyond(STAIRS, "t", 4, 2) == ("N above 4, beyond the training range",)
    assert not_run_beyond(STAIRS, "t", 2, 3) == ("t above 3, beyond the training range",)
    assert not_run_beyond([], "t", 2, 3) == ()


def test_the_models_of_an_experiment_are_told_apart_by_variant_and_then_by_checkpoint() -> None:
    entries = (
        entry(1, 4, 0.1, experiment="seeds", checkpoint="a"),
        entry(5, 4, 0.9, experiment="seeds", checkpoint="a"),
        entry(5, 4, 0.8, experiment="seeds", checkpoint="b"),
        entry(1, 4, 0.2, experiment="seeds", variant="n1_same_tokens", checkpoint="c"),
        entry(1, 3, 0.3, experiment="seeds", checkpoint="a"),  # another difficulty
        entry(1, 4, 0.4, experiment="depth", checkpoint="a"),  # another experiment
    )
    models = models_of(Results("depo", "", entries), "seeds", 4)
    assert {name: [(e.passes, e.accuracy) for e in line] for name, line in models.items()} == {
        "this model (a)": [(1, 0.1), (5, 0.9)],
        "this model (b)": [(5, 0.8)],
        "N = 1 only, same tokens": [(1, 0.2)],
    }


def test_other_experiments_are_those_without_a_section() -> None:
    entries = (*STAIRS, entry(1, 1, 0.5, experiment="probe"), entry(1, 1, 0.5, experiment="cost"))
    assert other_experiments(Results("depo", "", entries), ("accuracy",)) == ("probe", "cost")
    assert other_experiments(None, ()) == ()


def test_tables_escape_and_mark() -> None:
    table = html_table("<b>", ["", "x"], [["<i>", "1 & 2"]])
    assert "<b>" not in table and "<i>" not in table and "1 &amp; 2" in table and 'tabindex="0"' in table
    live = [entry(3, 2, 0.75, n=8)]
    table = grid_table(STAIRS, live, symbol="t", right="rows right", trained=2, solved=0.95)
    assert '<th scope="row">N = 4 (beyond training)</th>' in table and '<th scope="row">N = 2</th>' in table
    assert "live, n = 8: N = 3 (beyond training)</th><td>–</td><td>–</td><td>75.0 % (70.0–80.0)</td><td>–</td>" in table
    assert '<th scope="row">N = 2</th><td>t = 2</td><td>100.0 % (95.0–100.0)</td>' in table  # solved up to t = 2
    own = sweep_table(live, symbol="t", right="rows right")
    assert '<th scope="row">N = 3</th><td>75.0 % (70.0–80.0)</td>' in own and ">t = 2</th>" in own
    stops = halting_table(FIXED, [drift(0.05, 5.5, 0.94)], right="rows right")
    assert (
        "drift below 0.05</th><td>5.5</td><td>94.0 % (89.0–99.0)</td>" in stops and "N = 12</th><td>12.0</td>" in stops
    )


def test_halting_entries_of_a_file_keep_what_they_took(tmp_path: Path) -> None:
    one = {"experiment": "halting", "variant": "drift_halting", "checkpoint": "c", "digest": "d", "passes": 16}
    one |= {"difficulty": -1, "n": 512, "correct": 256, "accuracy": 0.5, "ci95": [0.4, 0.6], "seed": 1}
    path = tmp_path / "depo.json"
    path.write_text(
        json.dumps(
            {
                "task": "depo",
                "made_by": "x",
                "commit": "c0",
                "entries": [{**one, "mean_passes": 5.5, "threshold": 0.05}, one],
            }
        )
    )
    results = read_results(path)
    with_mean, without = results.entries
    assert (with_mean.mean_passes, with_mean.threshold, with_mean.digest) == (5.5, 0.05, "d")
    assert (without.mean_passes, without.threshold, results.commit) == (None, 0.0, "c0")


CHEAP = Cost(0.001, 0.0005, 0.0015, 1e6, 1e5, 1.1e6, 1.0, 1.0)
DEAR = Cost(0.0083, 0.0005, 0.0015, 8e6, 1e5, 2.1e6, 8.3, 4.2)


def test_the_cost_in_words_and_as_a_table() -> None:
    costs = [entry(1, 8, 0.1, experiment="cost", cost=CHEAP), entry(8, 8, 0.9, experiment="cost", cost=DEAR)]
    assert said(cost_finding(costs)) == (
        "Sleeping on one window takes 1 ms with N = 1 and 8.3 ms with N = 8. An answer then takes 0.5 ms in the first "
        "case and 0.5 ms in the second. With N = 8, sleep pays off from 5 questions per window, counted in operations."
    )
    table = cost_table(costs, symbol="t")
    assert "accuracy at t = 8" in table and "<td>4.2 questions</td><td>8.3 questions</td>" in table
    never = [entry(8, 8, 0.9, experiment="cost", cost=replace(DEAR, break_even_flops=None))]
    assert said(cost_finding(never)).endswith("Sleep with N = 8 never pays.") and "never" in cost_table(
        never, symbol="t"
    )
    assert cost_finding([entry(1, 8, 0.1, experiment="cost")]) is None


@pytest.mark.parametrize(
    ("meta", "hardest"),
    [
        ({"train": {"stages": [{"difficulty": 1}, {"difficulty": 4}]}}, 4),
        ({"train": {"stages": [{"difficulty": 4}]}, "training": {"stage_reached": {"difficulty": 3}}}, 3),
        ({"train": {"stages": [{"difficulty": 4}]}, "training": {"stage_reached": {"difficulty": 0}}}, 0),
        ({}, None),
    ],
)
def test_trained_is_what_training_came_to_and_not_what_it_planned(meta: dict[str, Any], hardest: int | None) -> None:
    scene = SimpleNamespace(info=SimpleNamespace(meta=meta))
    assert Scene.difficulty_trained.fget(scene) == hardest  # type: ignore[attr-defined]
