"""Every derived sentence of the Lab, from made-up entries that say one thing and entries that say the other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.lab.findings import (
    Finding,
    baseline_finding,
    baseline_lines,
    best_line,
    beyond_training,
    cost_finding,
    gain_finding,
    halting_finding,
    loss_findings,
    models_of,
    newest,
    not_run,
    not_run_beyond,
    other_experiments,
    reach_finding,
)
from app.lab.lab_text import levels, variant_name
from app.lab.tables import cost_table, grid_table, halting_table, html_table
from app.shell.messages import joined
from app.shell.results import Cost, Result, Results, read_results
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
        "More passes help at t = 2 and 3: at t = 3 accuracy rises from 0.00 (0.00–0.05) with N = 1 to "
        "0.96 (0.91–1.00) with N = 4; at t = 1 no gain was measured."
    )


def test_more_passes_that_do_not_help_contradict_the_paper_unless_nothing_is_left_to_gain() -> None:
    flat = gain_finding(grid({1: {1: 0.5, 2: 0.4}, 4: {1: 0.52, 2: 0.41}}), "k")
    assert flat == Finding(
        "More passes than 1 help at no k that was measured, against the paper's trend.", is_against=True
    )
    full = gain_finding(grid({1: {1: 0.99}, 4: {1: 1.0}}), "k")
    assert full == Finding("N = 1 is enough: nothing is left to gain at k = 1.")
    assert gain_finding(grid({1: {1: 0.5}}), "k") is None and gain_finding([], "k") is None


def test_how_far_each_n_reaches() -> None:
    assert said(reach_finding(STAIRS, "t")) == (
        "At least 95 answers in 100 are right up to t = 1 with N = 1, t = 2 with N = 2 and t = 3 with N = 4."
    )
    weak = grid({1: {1: 0.9, 2: 0.97}, 4: {1: 0.95, 2: 0.2}})  # what is right beyond a gap does not count
    assert said(reach_finding(weak, "t")) == (
        "At least 95 answers in 100 are right up to t = 1 with N = 4; at no t with N = 1."
    )
    assert said(reach_finding(grid({1: {1: 0.5}}), "t")) == "At no t are 95 answers in 100 right, with any N."


def test_more_passes_that_do_harm_contradict_the_paper() -> None:
    assert loss_findings(STAIRS, "t", 4) == (
        Finding("At no t is accuracy measurably lower with more passes than with fewer."),
    )
    falling = grid({2: {1: 1.0, 2: 0.9}, 4: {1: 0.98, 2: 0.6}, 8: {1: 0.5, 2: 0.6}})
    inside, outside = loss_findings(falling, "t", 4)
    assert inside.is_against and outside.is_against
    assert inside.sentence == (
        "More passes do harm at t = 2, against the paper's trend: at t = 2 accuracy falls from 0.90 (0.85–0.95) "
        "with N = 2 to 0.60 (0.55–0.65) with N = 4."
    )
    assert outside.sentence.startswith("More passes do harm at t = 1, against")
    assert outside.sentence.endswith("with N = 8, beyond the 4 passes that it was trained up to.")
    (unknown,) = loss_findings(falling, "t", None)
    assert "t = 1 and 2" in unknown.sentence and "beyond" not in unknown.sentence
    assert loss_findings(grid({4: {1: 0.5}}), "t", 4) == ()


def test_a_fall_within_the_intervals_is_none() -> None:
    near = grid({2: {1: 0.90}, 4: {1: 0.81}})
    assert not loss_findings(near, "t", 4)[0].is_against
    assert loss_findings(grid({2: {1: 0.90}, 4: {1: 0.79}}), "t", 4)[0].is_against


def against_baseline(variant: str, rows: dict[int, float], passes: int = 1) -> Finding:
    entries = [entry(passes, level, acc, experiment="baseline", variant=variant) for level, acc in rows.items()]
    (line,) = baseline_lines(Results("rule110", "", tuple(entries)))
    return baseline_finding(line, STAIRS, "t")


def test_a_baseline_that_is_behind_everywhere() -> None:
    found = against_baseline("n1_same_tokens", {1: 0.5, 2: 0.5, 3: 0.0})
    assert found == Finding("*N = 1 only, same tokens*: this model (best N) is ahead at t = 1 to 3.")


def test_a_baseline_that_is_ahead_contradicts_the_paper() -> None:
    measured = grid({1: {1: 0.6, 2: 0.1}, 4: {1: 0.5, 2: 0.9}})
    entries = [entry(1, 1, 0.8, experiment="baseline", variant="n1_same_flops")]
    entries += [entry(1, 2, 0.85, experiment="baseline", variant="n1_same_flops")]
    (line,) = baseline_lines(Results("rule110", "", tuple(entries)))
    found = baseline_finding(line, measured, "t")
    assert found.is_against
    assert found.sentence == (
        "*N = 1 only, same FLOPs*: the two cannot be told apart at t = 2; the baseline is ahead at t = 1, against the "
        "paper's trend: at t = 1 0.80 (0.75–0.85) of its answers are right, here 0.60 (0.55–0.65)."
    )


def test_an_oracle_that_is_ahead_contradicts_nothing() -> None:
    """Nothing is evicted there, so the paper does not say that sleep beats it."""
    entries = [entry(1, 3, 1.0, experiment="baseline", variant="oracle")]
    (line,) = baseline_lines(Results("rule110", "", tuple(entries)))
    found = baseline_finding(line, grid({1: {3: 0.0}, 4: {3: 0.5}}), "t")
    assert "the baseline is ahead at t = 3" in found.sentence
    assert not found.is_against and "paper" not in found.sentence


def test_a_baseline_of_several_passes_is_compared_at_the_same_n() -> None:
    found = against_baseline("per_n", {3: 0.5}, passes=2)  # best N has 0.96 there, N = 2 has 0.1
    assert "the baseline is ahead at t = 3" in found.sentence and "here 0.10" in found.sentence


def test_a_baseline_without_a_counterpart_claims_nothing() -> None:
    assert said(against_baseline("deeper", {9: 0.5})).endswith("nothing to compare it with was measured.")


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


def test_of_a_cell_that_was_measured_twice_the_newest_counts() -> None:
    old, other, new = entry(1, 1, 0.5, digest="a"), entry(1, 2, 0.5, digest="a"), entry(1, 1, 0.7, digest="b")
    halting = [drift(0.5, 2, 0.4), drift(0.1, 3, 0.5)]  # two thresholds are two cells
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
    found = said(halting_finding(FIXED, [drift(0.5, 2.0, 0.4), drift(0.05, 5.5, 0.94), drift(0.01, 9.0, 0.95)]))
    assert found == (
        "The best fixed N is 12, with 0.95 (0.90–1.00) right; N = 8, with 0.93 (0.88–0.98), cannot be told apart from "
        "it. Stopping on drift below 0.05 does as well, 0.94 (0.89–0.99), with 5.5 passes in the mean, 2.5 fewer."
    )


def test_halting_that_saves_nothing_or_never_does_as_well() -> None:
    assert said(halting_finding(FIXED, [drift(0.05, 9.5, 0.94)])).endswith(
        "9.5 passes in the mean, which saves nothing."
    )
    assert said(halting_finding(FIXED, [drift(0.5, 2.0, 0.4), drift(0.05, 9.5, 0.7)])).endswith(
        "Stopping on drift never does as well: 0.70 (0.65–0.75) at most."
    )


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
        "The model was trained with up to 2 passes and up to t = 3; N = 4 lies beyond that."
    )
    assert beyond_training(STAIRS, "t", 1, 1).endswith("; N = 2 and 4 and t = 2 and 3 lie beyond that.")
    assert beyond_training(STAIRS, "t", 4, None) == (
        "The model was trained with up to 4 passes; nothing beyond that was measured here."
    )
    assert beyond_training(STAIRS, "t", None, None) == ""
    assert not_run_beyond(STAIRS, "t", 4, 2) == ("N beyond the 4 of training",)
    assert not_run_beyond(STAIRS, "t", 2, 3) == ("t beyond the 3 of training",)
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
    table = grid_table(STAIRS, live, symbol="t", right="rows right", trained=2)
    assert '<th scope="row">N = 4 (beyond training)</th>' in table and '<th scope="row">N = 2</th>' in table
    assert "live, n = 8: N = 3 (beyond training)</th><td>–</td><td>0.75 (0.70–0.80)</td><td>–</td>" in table
    stops = halting_table(FIXED, [drift(0.05, 5.5, 0.94)], right="rows right")
    assert "drift below 0.05</th><td>5.5</td><td>0.94 (0.89–0.99)</td>" in stops and "N = 12</th><td>12.0</td>" in stops


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
        "Sleeping on one window takes 1 ms with N = 1 and 8.3 ms with N = 8; an answer afterwards takes 0.5 ms and "
        "0.5 ms. Against reading the window again for every question, sleep with N = 8 needs fewer operations from 5 "
        "questions a window on."
    )
    table = cost_table(costs, symbol="t")
    assert "accuracy at t = 8" in table and "<td>4.2 questions</td><td>8.3 questions</td>" in table
    never = [entry(8, 8, 0.9, experiment="cost", cost=replace(DEAR, break_even_flops=None))]
    assert said(cost_finding(never)).endswith("sleep with N = 8 never pays.") and "never" in cost_table(
        never, symbol="t"
    )
    assert cost_finding([entry(1, 8, 0.1, experiment="cost")]) is None
