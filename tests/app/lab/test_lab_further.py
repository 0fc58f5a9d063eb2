"""What the experiments without a section of their own say, from made-up entries and from the published ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from app.figures.over_windows import OVER_WINDOWS
from app.figures.percent import percent
from app.lab.findings import Finding
from app.lab.further.beside import agreement, beside
from app.lab.further.broken import broken_findings
from app.lab.further.models import hardest_solved, models_findings, ranked_at_best_n, ranking_finding
from app.lab.further.reading import HARDEST, MISSES, memory_finding, probe_findings
from app.lab.further.told import findings_of
from app.lab.further.windows import size_finding, windows_finding
from app.lab.lines import models_of
from app.lab.subjects import subject
from app.lab.tables import answers_each, heat_line
from app.parts.units import in_bytes
from app.shell.results import Result, Results, read_results
from sleepviz.core.memory import Memory
from sleepviz.runs.checkpoint import load
from sleepviz.training.evaluate import wilson
from tests.app.lab.test_lab_findings import CHANCE, entry, grid, said

PUBLISHED = Path(__file__).parents[3] / "assets" / "results"

RETENTION, LENGTH = OVER_WINDOWS["retention"], OVER_WINDOWS["length"]


def retained(rows: dict[int, dict[int, float]]) -> list[Result]:
    """{windows: {difficulty: accuracy}} of the first window, or of a document of so many."""
    return [
        entry(12, level, accuracy, experiment="retention", variant=f"asked_after_{windows}")
        for windows, row in rows.items()
        for level, accuracy in row.items()
    ]


def test_long_term_memory_is_kept_lost_or_was_never_there() -> None:
    assert said(windows_finding(retained({1: {1: 1.0, 4: 0.9}, 4: {1: 0.98, 4: 0.85}}), RETENTION, "t")) == (
        "The first window is remembered after 4 windows: no loss was measured at t = 1 and 4."
    )
    mixed = retained({1: {1: 1.0, 12: 1.0, 13: 0.04}, 2: {1: 1.0, 12: 0.9, 13: 0.0}, 4: {1: 1.0, 12: 0.8, 13: 0.0}})
    assert said(windows_finding(mixed, RETENTION, "t", CHANCE)) == (
        "The first window is remembered after 4 windows: no loss was measured at t = 1. Some of the first window is "
        "forgotten at t = 12. At t = 12, accuracy falls from 100.0 % after 1 window to 80.0 % after 4 windows. At t = "
        "13, the first window was never learned."
    )
    assert windows_finding(retained({1: {1: 1.0}}), RETENTION, "t") is None
    assert windows_finding([], RETENTION, "t") is None


def test_a_longer_document_is_answered_as_well_or_worse() -> None:
    """Of four lengths the shortest and the longest are compared."""
    measured = retained({2: {1: 1.0, 3: 0.9, 6: 0.08}, 4: {3: 0.2}, 8: {1: 0.4}, 16: {1: 1.0, 3: 0.5, 6: 0.08}})
    assert said(windows_finding(measured, LENGTH, "hops", 1 / 13)) == (
        "A document of 16 pages is answered as well as one of 2 pages: no loss was measured at hops = 1. Longer "
        "documents are answered worse at hops = 3. At hops = 3, accuracy falls from 90.0 % with 2 pages to 50.0 % "
        "with 16 pages. At hops = 6, even the shortest document is answered no better than by guessing."
    )


def test_the_sizes_are_those_of_the_tensors_that_a_model_fills() -> None:
    checkpoint = load(task="rule110")
    config = checkpoint.model.config
    memory, caches = Memory.empty(config, batch=1), {0: 0}
    for n_windows in (1, 2, 3):
        with torch.inference_mode():
            _, memory = checkpoint.model(torch.zeros(1, config.window, dtype=torch.long), memory)
        caches[n_windows] = memory.kv_bytes
    found = size_finding(retained({1: {1: 1.0}, 3: {1: 1.0}}), RETENTION, checkpoint.info)
    assert said(found) == (
        f"S takes {in_bytes(memory.fast_bytes)} at every length. A cache that keeps every token would take "
        f"{in_bytes(caches[1])} for 1 window and {in_bytes(caches[3])} for 3 windows."
    )


def made(experiment: str, variant: str, rows: dict[int, dict[int, float]], checkpoint: str = "deep") -> list[Result]:
    """{N: {difficulty: accuracy}} of one model."""
    return [replace(e, experiment=experiment, variant=variant, checkpoint=checkpoint) for e in grid(rows)]


def results(*lines: list[Result]) -> Results:
    return Results("depo", "", tuple(each for line in lines for each in line))


def test_the_models_of_an_experiment_are_ranked_unless_they_guess() -> None:
    models = {"a": grid({1: {4: 0.1}, 5: {4: 0.6}}), "b": grid({2: {4: 0.9}, 5: {4: 0.9}}), "c": grid({1: {4: 0.0}})}
    assert said(ranking_finding(ranked_at_best_n(models), "k = 4")) == (
        "At k = 4, b is right in 90.0 % of cases, with N = 2. Next, a is right in 60.0 %, with N = 5. Last, c is right "
        "in 0.0 %."
    )
    near = {"a": grid({5: {4: 0.85}}), "b": grid({2: {4: 0.9}})}
    assert said(ranking_finding(ranked_at_best_n(near), "k = 4")).endswith("A is right in 85.0 %, with N = 5.")
    guessing = ranked_at_best_n({"a": grid({1: {4: 0.1}}), "b": grid({1: {4: 0.05}})})
    assert said(ranking_finding(guessing, "k = 4", CHANCE)) == "At k = 4, no model is clearly better than guessing."
    assert ranking_finding(ranked_at_best_n({"a": grid({1: {4: 0.1}})}), "k = 4") is None


def test_two_runs_are_compared_at_every_setting_and_not_at_their_best() -> None:
    """Both solve the hardest question; the second fails easier ones. Where both guess, nothing is compared."""
    first = {1: {1: 1.0, 6: 0.04, 8: 0.05}, 9: {1: 1.0, 6: 1.0, 8: 1.0}, 20: {1: 0.84, 6: 0.99, 8: 1.0}}
    second = {1: {1: 1.0, 6: 0.1, 8: 0.0}, 9: {1: 1.0, 6: 0.74, 8: 1.0}, 20: {1: 1.0, 6: 0.5, 8: 1.0}}
    found = results(made("second_seed", "any_n", first, "one"), made("second_seed", "any_n", second, "two"))
    _, told = models_findings(found, "second_seed", "k", CHANCE)
    assert told.sentence == (
        "At 9 settings, *this model (one)* and *this model (two)* were compared. At 7 of these, at least one is "
        "clearly "
        "better than guessing. *This model (one)* is ahead at 2 of 7. With N = 9 and 20, this is so at k = 6. The gap "
        "is widest at k = 6 with N = 20: 99.0 against 50.0 %. *This model (two)* is ahead at 1 of 7. That is at k = 1 "
        "with N = 20: 100.0 against 84.0 %. At k = 8, no difference was measured."
    )


def test_where_two_runs_agree_everywhere_the_settings_are_counted() -> None:
    rows = {1: {1: 1.0, 2: 0.5}, 4: {1: 1.0, 2: 0.9}}
    found = said(agreement({"a": grid(rows), "b": grid(rows)}, "k", CHANCE))
    assert found == "At 4 settings, *a* and *b* were compared. No difference was measured at any of these 4."
    nothing = {1: {1: 0.05}}
    assert said(agreement({"a": grid(nothing), "b": grid(nothing)}, "k", CHANCE)) == (
        "At 1 setting, *a* and *b* were compared. None of them is clearly better than guessing at any."
    )
    assert agreement({"a": grid({4: {1: 1.0}}), "b": grid({2: {1: 1.0}})}, "k") is None


def test_a_model_of_one_pass_stands_beside_the_best_n_of_another() -> None:
    slept, awake = grid({1: {1: 1.0, 3: 0.0}, 4: {1: 1.0, 3: 0.9}}), grid({1: {1: 1.0, 3: 0.2}})
    found = beside({"a": slept, "b": awake})
    assert found.is_at_best_n and [s["a"].passes for s in found.settings] == [1, 4]
    assert said(agreement({"a": slept, "b": awake}, "k")) == (
        "At 2 difficulties, *a* and *b* were compared. Each has its best N. *A* is ahead at 1 of 2. That is at k = 3: "
        "90.0 against 20.0 %. At k = 1, no difference was measured."
    )


def test_more_than_two_runs_of_one_kind_are_told_together() -> None:
    shares = {"a": 0.9, "b": 0.9, "c": 0.6}
    lines = [made("seeds", "any_n_small", {5: {1: 1.0, 4: share}}, name) for name, share in shares.items()]
    _, told = models_findings(results(*lines), "seeds", "k", CHANCE)
    assert told.sentence == (
        "At 2 settings, the 3 runs of the model trained for any N were compared. They differ at 1 of 2. That is at k "
        "= 4 with N = 5: 90.0 against 60.0 %. At k = 1, no difference was measured."
    )


def test_what_an_experiment_is_there_to_compare_is_compared() -> None:
    onward, elsewhere = {4: {1: 1.0, 3: 0.5}}, {4: {1: 1.0, 3: 0.9}}
    found = results(made("joined", "found_onward", onward), made("joined", "found_elsewhere", elsewhere))
    _, told = models_findings(found, "joined", "k", CHANCE)
    assert "*Found; any other chain* is ahead at 1 of 2. That is at k = 3 with N = 4: 90.0 against" in told.sentence


def broken(variant: str, checkpoint: str, row: dict[int, float]) -> list[Result]:
    return made("found_control", variant, {4: row}, checkpoint)


def test_a_broken_run_is_compared_with_its_own_unbroken_run_where_all_of_them_succeed() -> None:
    found = results(
        made("found", "found", {4: {1: 1.0}}, "answers"),
        made("found", "taught", {4: {1: 1.0}}, "micro"),
        broken("none", "answers", {1: 1.0, 3: 0.99, 4: 0.98}),
        broken("none", "micro", {1: 1.0, 3: 1.0, 4: 0.06}),
        broken("reset_state", "answers", {1: 0.04, 3: 0.05, 4: 0.05}),
        broken("reset_state", "micro", {1: 1.0, 3: 1.0, 4: 0.05}),
        broken("replay", "answers", {1: 1.0, 3: 0.06, 4: 0.06}),
        broken("replay", "micro", {1: 1.0, 3: 0.07, 4: 0.06}),
    )
    assert [each.sentence for each in broken_findings(found, "found_control", "k")] == [
        "All unbroken runs are mostly right at k = 1 and 3. At k = 3 with N = 4, the found model has 99.0 % right and "
        "the taught model has 100.0 % right.",
        "*S reset before each pass*: At k = 3, the found model has 5.0 % right and the taught model has 100.0 % right. "
        "Accuracy falls at k = 1 and 3 for the found model and at no k for the taught model.",
        "*Pass 1 replayed*: At k = 3, the found model has 6.0 % right and the taught model has 7.0 % right. Accuracy "
        "falls at k = 3 for each model.",
    ]
    failing = results(broken("none", "answers", {4: 0.1}), broken("replay", "answers", {4: 0.1}))
    assert broken_findings(failing, "found_control", "k") == (
        Finding("The unbroken runs are not all mostly right at any k, so nothing is compared."),
    )


def test_the_memory_is_asked_where_the_model_is_right_and_the_share_of_right_answers_stands_beside_it() -> None:
    shares = {"s_answer": {6: 0.9, 8: 0.0}, "s_layer_2": {6: 0.3, 8: 0.84}, "s_other": {6: 0.05, 8: 0.04}}
    entries = [each for variant, row in shares.items() for each in made("memory", variant, {8: row})]
    assert said(memory_finding(entries, "k")) == (
        "At k = 6 with N = 8, the model's answer is right in 90.0 % of cases. S of layer 2 alone names that "
        "answer in 30.0 %. Another run's S names that answer in 5.0 %."
    )
    assert hardest_solved(entries) == 6  # S of layer 2 repeats the answer at k = 8, and the answer is wrong
    unsolved = [e for e in entries if e.difficulty == 8]
    assert said(memory_finding(unsolved, "k")) == (
        "The model is not mostly right at any k, so the answers that S names say little."
    )
    assert memory_finding(unsolved[1:], "k") is None and memory_finding(entries[:1], "k") is None


def test_a_probe_is_told_at_every_level_that_the_model_answers_and_may_miss_what_s_holds() -> None:
    own = grid({1: {1: 1.0, 4: 0.07}, 6: {1: 1.0, 4: 1.0}, 10: {1: 0.9, 4: 1.0}, 20: {1: 0.0, 4: 0.0}})
    probed = made("probe", "linear", {4: {1: 1.0, 4: 0.07}, 8: {1: 1.0, 4: 0.26}, 12: {1: 0.94, 4: 0.13}})
    told = probe_findings(probed, own, "names right", "k", is_difficulty_in_windows=False)
    assert [each.sentence for each in told] == [
        "The probe's share counts names right.",
        "From N = 1 on, the model itself is right in 90.0 to 100.0 % at k = 1. There, the probe reads 100.0, 100.0 and "
        "94.0 % with N = 4, 8 and 12.",
        "From N = 6 on, the model itself is right in 100.0 % at k = 4. There, the probe reads 26.0 and 13.0 % with N = "
        "8 and 12.",
        MISSES,
    ]
    easy = [e for e in probed if e.difficulty == 1]
    assert len(probe_findings(easy, own, "names right", "k", is_difficulty_in_windows=False)) == 2  # nothing missed
    apart = probe_findings(probed, own, "names right", "k", is_difficulty_in_windows=True)
    assert apart[-1] == Finding(HARDEST) and not any("itself" in each.sentence for each in apart)


def test_a_variant_is_the_subject_of_its_sentence() -> None:
    assert subject("any_n", "rule110-deep") == "the model rule110-deep"
    assert subject("taught", "depo-micro") == "the model taught each step, for any N (depo-micro)"
    assert subject("new_thing") == "the model of *new thing*"


def measured(right: float, n: int) -> Result:
    low, high = wilson(right, n)
    return replace(entry(1, 1, right / n, n=n), low=low, high=high)


def test_a_note_says_how_many_answers_an_instance_gives() -> None:
    rows = [measured(511.25, 512), measured(512, 512), measured(83.5, 512)]
    assert answers_each(rows) == 4 and answers_each(rows[1:]) == 2 and answers_each(rows[1:2]) == 1
    assert answers_each([measured(100.137, 512)]) is None
    assert "with 512 instances of 4 answers each." in heat_line(rows) and "depend on each other" in heat_line(rows)
    assert heat_line(rows[1:2]).endswith("with 512 questions.")


@pytest.mark.parametrize("task", ["depo", "rule110", "gsm"])
def test_no_setting_at_which_the_published_seeds_part_is_left_out(task: str) -> None:
    """With 512 questions each, shares that lie 7 points apart differ, whatever they are."""
    results = read_results(PUBLISHED / f"{task}.json")
    models = models_of(results, "second_seed", None)
    (sentence,) = models_findings(results, "second_seed", "level", 0.07)[1:]
    one, other = models.values()
    second = {(e.passes, e.difficulty): e for e in other}
    pairs = [(e, second[e.passes, e.difficulty]) for e in one]
    apart = [pair for pair in pairs if abs(pair[0].accuracy - pair[1].accuracy) > 0.07 and pair[0].accuracy > 0.2]
    differing = {next(iter(s.values())).difficulty for s in beside(models, 0.07).differing}
    assert {first.difficulty for first, _ in apart} <= differing
    assert all(min(e.n for e in pair) == 512 for pair in pairs)
    for first, last in sorted(apart, key=lambda pair: -abs(pair[0].accuracy - pair[1].accuracy))[:1]:
        most, least = sorted((first, last), key=lambda entry: -entry.accuracy)
        assert f"{percent(most.accuracy)} against {percent(least.accuracy)} %" in sentence.sentence


def test_every_experiment_is_told_by_its_kind() -> None:
    probe = made("probe", "linear", {4: {1: 1.0}})
    alone = made("attention_large", "causal", {1: {4: 0.1, 7: 0.0}, 8: {4: 0.9, 7: 0.95}, 20: {4: 0.9, 7: 0.48}})
    found = results(grid({4: {1: 1.0}}), probe, alone)
    assert "the model itself" in findings_of(found, "probe", "k", "names", CHANCE)[1].sentence
    gain, loss = findings_of(found, "attention_large", "k", "names", CHANCE)
    assert gain.sentence.startswith("More passes help at k = 4 and 7.")
    assert loss.is_against
    assert "At k = 7, accuracy falls from 95.0 % with N = 8 to 48.0 % with N = 20." in loss.sentence
