"""The parts of Learn that need no page: places, moments, sizes, shares, and what the limits say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.figures.measured import right_of
from app.learn import limits, shares, sizes
from app.learn.limits import TOPICS, Evidence
from app.learn.path import LAST, Place
from app.learn.scene import Moment, event_at
from app.parts.units import in_bytes
from app.shell.results import Cost, Result, Results, read_results
from sleepviz.config.events import AnswerScored, CacheEvicted, SleepPassDone, SleepStarted
from sleepviz.config.places import ASSETS
from sleepviz.config.run import RunSpec
from tests.app.made import made_trace, result

RESULTS = ASSETS / "results"


def test_a_step_opens_by_being_done_or_by_a_link_and_never_closes() -> None:
    place = Place()
    with pytest.raises(ValueError, match="not open"):
        place.at(2)
    place = place.done().at(2).done()
    assert place == Place(2, 3)
    assert place.at(1).done() == Place(1, 3)  # done once more: nothing closes
    assert place.linked(7) == Place(7, 7) and place.linked(7).linked(2) == Place(2, 7)
    assert Place(LAST, LAST).done() == Place(LAST, LAST)


def test_a_moment_is_found_among_the_events() -> None:
    trace = made_trace()  # five tokens, the sleep's start, two passes, eviction, the answer
    expected = [("read", 1, 0), ("read", 5, 4), ("full", 1, 5), ("asleep", 1, 6), ("asleep", 2, 7)]
    for act, number, place in [*expected, ("clear", 1, 8), ("answer", 1, 9)]:
        assert event_at(trace, Moment(act, number)) == place  # type: ignore[arg-type]
    kinds = [SleepStarted, SleepPassDone, CacheEvicted, AnswerScored]
    assert [type(trace.events[place]) for place in (5, 7, 8, 9)] == kinds
    with pytest.raises(IndexError):
        event_at(trace, Moment("asleep", 3))


def test_a_million_tokens_of_llama_take_131_gb() -> None:
    # 2 (key and value) x 32 layers x 8 heads x 128 numbers x 2 bytes = 131072 bytes a token
    assert sizes.LLAMA.kv_bytes(1) == 131_072
    assert in_bytes(sizes.LLAMA.kv_bytes(1_000_000)) == "131 GB"
    assert [in_bytes(n) for n in (0, 999, 1000, 5120, 131_072)] == [
        "0 bytes",
        "999 bytes",
        "1.0 KB",
        "5.1 KB",
        "131 KB",
    ]


@pytest.mark.parametrize("task", ["rule110", "depo", "gsm"])
def test_no_sentence_counts_questions_where_the_file_has_no_whole_count(task: str) -> None:
    """The file's own "correct" is the oracle: a whole number is told as a count, any other as a share."""
    entries = json.loads((RESULTS / f"{task}.json").read_text())["entries"]
    for raw, entry in zip(entries, read_results(RESULTS / f"{task}.json").entries, strict=True):
        said, correct, n = right_of(entry), raw["correct"], raw["n"]
        if float(correct).is_integer():
            assert said == f"{int(correct)} of {n}"
        else:
            told = float(said.removesuffix(f"\u00a0% of {n}").removeprefix("under ").removeprefix("over "))
            assert 0 < told < 100 and abs(told - 100 * correct / n) <= 0.1


def test_a_share_between_whole_counts_is_never_all_or_none() -> None:
    said = [right_of(result(correct)) for correct in (511.8, 0.25, 503.25)]  # type: ignore[arg-type]
    assert said == ["over 99.9\u00a0% of 512", "under 0.1\u00a0% of 512", "98.3\u00a0% of 512"]


def test_a_rare_answer_is_an_exception_either_way() -> None:
    seldom, nearly_always = result(25, 144), result(140, 144)
    assert not shares.is_exception(seldom, is_right=True)  # 17 %: luck, but not rare
    assert shares.is_exception(result(7, 144), is_right=True)
    assert shares.is_exception(nearly_always, is_right=False)
    assert not shares.is_exception(nearly_always, is_right=True)


def test_a_broken_run_is_not_told_the_share_of_an_unbroken_one() -> None:
    whole = made_trace()
    spec = RunSpec.from_json(whole.spec)
    measured = result(500, passes=spec.n_passes, difficulty=2, digest=str(whole.checkpoint["digest"]))
    results = Results("rule110", "by hand", (measured,))
    broken = type(whole)({**whole.spec, "control": "zero_state"}, whole.checkpoint, whole.events)

    assert shares.found(results, whole, 2) is measured
    assert shares.found(results, broken, 2) is None


def test_a_control_is_told_beside_the_unbroken_run_at_the_hardest_difficulty_it_can_be_compared_at() -> None:
    entries = [
        result(510, passes=12, difficulty=4),
        result(480, passes=12, difficulty=8),
        result(5, passes=12, difficulty=12),
    ]
    broken = [
        result(n, passes=12, difficulty=d, experiment="control", variant="replay")
        for d, n in ((4, 40), (8, 3), (12, 0))
    ]
    results = Results("rule110", "by hand", (*entries, *broken))

    said = shares.of_control(results, "replay")

    assert (
        said == "On harder questions (8 steps, 12 passes) such a broken run is right on 3 of 512. Unbroken: 480 of 512."
    )
    as_hard = Results("rule110", "by hand", (entries[0], broken[0]))  # four steps; the path asks for six
    assert "harder" not in shares.of_control(as_hard, "replay")
    assert shares.of_control(results, "zero_state") == ""


def test_a_deeper_model_is_told_where_it_first_fails_with_the_fewest_passes_that_do_not() -> None:
    deeper = [
        result(n, passes=1, difficulty=d, experiment="baseline_small", variant="deeper") for d, n in ((1, 512), (2, 90))
    ]
    small = [
        result(n, passes=p, difficulty=2, experiment="seeds", variant="any_n_small")
        for p, n in ((1, 50), (3, 500), (4, 512))
    ]
    said = shares.of_deeper(Results("depo", "by hand", (*deeper, *small)))

    assert "the page Graph, at 2 hops" in said and "right on 90 of 512 fresh questions" in said
    assert said.endswith("with 3 passes is right on 500 of 512.")
    assert shares.of_deeper(Results("depo", "by hand", tuple(deeper))) == ""


def evidence(*entries: Result, task: str = "rule110") -> Evidence:
    return Evidence({task: Results(task, "by hand", entries)}, {})


def test_without_results_every_topic_says_that_nothing_is_measured_yet() -> None:
    for topic in TOPICS:
        assert topic.sentences(Evidence({}, {})) == ("Not measured yet.",)


def test_images_are_told_with_the_best_model_of_one_pass() -> None:
    """Of images, three in four right are enough: 400 of 512 are, and 383 are not."""
    entries = [
        result(right, passes=n, difficulty=jumps)
        for n, jumps, right in ((1, 2, 250), (2, 2, 400), (3, 2, 410), (1, 3, 200), (2, 3, 383))
    ]
    alone = [
        result(right, passes=1, difficulty=2, experiment="baseline", variant=variant)
        for variant, right in (("n1_same_tokens", 260), ("n1_same_flops", 270))
    ]
    assert list(limits.modalities(evidence(*entries, *alone, task="digits"))) == [
        "Digits, 2 jumps: right on 400 of 512 fresh questions with 2 passes, 250 of 512 with one pass. The best model "
        "trained with one pass only: 270 of 512."
    ]
    assert list(limits.modalities(evidence(*entries, *alone))) == []
    as_good = result(398, passes=1, difficulty=2, experiment="baseline", variant="n1_same_tokens")
    (said,) = limits.modalities(evidence(*entries, *alone, as_good, task="digits"))
    assert said.endswith("398 of 512. So these questions do not need more than one pass of sleep.")
    kept = result(512, passes=1, difficulty=2, experiment="baseline", variant="oracle")  # no test of sleep
    assert list(limits.tasks(evidence(*entries, *alone, kept, task="digits"))) == list(
        limits.modalities(evidence(*entries, *alone, task="digits"))
    )


def test_a_gain_is_told_with_the_fewest_passes_that_are_enough() -> None:
    found = evidence(
        result(3, passes=1), result(500, passes=6), result(511, passes=8), result(0, passes=8, difficulty=9)
    )

    assert list(limits.tasks(found)) == [
        "Rule 110, 6 steps: right on 500 of 512 fresh questions with 6 passes, 3 of 512 with one pass."
    ]


@pytest.mark.parametrize(
    ("most", "ending"), [(300, "and on 300 of 512 with 20 passes."), (509, "20 passes did no measurable harm there.")]
)
def test_harm_is_told_only_where_the_intervals_part(most: int, ending: str) -> None:
    (said,) = limits.passes(evidence(result(510, passes=6), result(most, passes=20)))

    assert said.endswith(ending)


def test_harm_at_other_difficulties_stands_in_the_same_sentence_with_its_worst() -> None:
    hardest = [result(510, passes=6), result(509, passes=20)]
    one = [result(512, passes=1, difficulty=1), result(432, passes=20, difficulty=1)]
    three = [result(505, passes=4, difficulty=3), result(450, passes=20, difficulty=3)]
    unhurt = [result(500, passes=4, difficulty=2), result(495, passes=20, difficulty=2)]

    (said,) = limits.passes(evidence(*hardest, *one, *unhurt))
    assert said.endswith("harm there. At 1 step accuracy falls with 20 passes: from 100.0 % with 1 pass to 84.4 %.")
    (said,) = limits.passes(evidence(*hardest, *one, *three, *unhurt))
    assert "At 1 and 3 steps accuracy falls with 20 passes, most at 1 step: from 100.0 %" in said
    (said,) = limits.passes(evidence(*hardest, *unhurt))
    assert said.endswith("20 passes did no measurable harm there.")


@pytest.mark.parametrize("task", ["rule110", "depo", "gsm"])
def test_every_harm_that_the_files_hold_is_told(task: str) -> None:
    """Counted from the raw entries: where the best smaller N is better by more than the interval of the difference."""
    raw = json.loads((RESULTS / f"{task}.json").read_text())["entries"]
    cells = {(e["difficulty"], e["passes"]): e for e in raw if (e["experiment"], e["variant"]) == ("accuracy", "any_n")}
    most, solved = max(n for _, n in cells), max(d for (d, _), e in cells.items() if e["accuracy"] >= 0.95)
    harmed = []
    for d in sorted({d for d, _ in cells} - {solved}):
        best = max((e for (level, n), e in cells.items() if level == d and n < most), key=lambda e: e["accuracy"])
        many = cells[d, most]
        spread = (best["accuracy"] - best["ci95"][0]) ** 2 + (many["ci95"][1] - many["accuracy"]) ** 2
        harmed += [d] * (best["accuracy"] - many["accuracy"] > spread**0.5)

    (said,) = limits.passes(Evidence({task: read_results(RESULTS / f"{task}.json")}, {}))
    many_of_them = f"At {len(harmed)} other difficulties accuracy falls"
    few = f"At {', '.join(map(str, harmed[:-1]))} and {harmed[-1]} "
    assert (many_of_them if len(harmed) > 3 else few) in said


def test_reading_again_is_told_with_what_one_reading_cannot_answer() -> None:
    """A break-even alone compares a model that answers with one that does not."""
    cost = Cost(1, 1, 1, 900, 10, 110, 9, 9)
    one = result(3, passes=1, experiment="cost", cost=replace(cost, sleep_flops=100))
    many = result(500, passes=6, experiment="cost", cost=cost)
    kept = result(7, passes=1, experiment="baseline", variant="oracle")

    said, _ = limits.cost(evidence(one, many, kept))
    assert "At 6 steps, one pass is right on 3 of 512 questions, and 6 passes on 500 of 512." in said
    assert said.endswith("keeps its cache and reads once is right on 7 of 512.")
    as_good = replace(one, accuracy=0.97, low=0.95, high=0.98)
    said, _ = limits.cost(evidence(as_good, many))
    assert said.endswith("takes fewer operations.")


def test_a_gain_of_the_text_model_silences_the_sentence_that_there_is_none() -> None:
    def text_model(second: float) -> Evidence:
        entries = [
            {"windows": 4, "hops": 3, "passes": n, "accuracy": a, "ci95": [a - 0.04, a + 0.04]}
            for n, a in ((1, 0.5), (2, second))
        ]
        return Evidence({}, {"entries": entries})

    assert list(limits.tasks(text_model(0.9))) == []
    (said,) = limits.tasks(text_model(0.51))
    assert "50 % with one pass" in said and "51 % with two" in said


def test_the_shipped_figures_are_those_of_the_files() -> None:
    raw = json.loads((RESULTS / "rule110.json").read_text())["entries"]
    results = read_results(RESULTS / "rule110.json")
    baseline = {e["difficulty"]: e["correct"] for e in raw if e["variant"] == "oracle"}
    first_failed = min(d for d, correct in baseline.items() if correct / 512 < 0.05)

    (said,) = limits.windows(Evidence({"rule110": results}, {}))

    assert (
        f"Rule 110, {first_failed} steps" in said
        and f"right on {100 * baseline[first_failed] / 512:.1f}\u00a0% of 512" in said
    )


def test_damaged_results_of_the_text_model_are_none(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "cut.json").write_text('{"entries": [')
    assert [limits.read_text_model(tmp_path / name) for name in ("list.json", "cut.json", "none.json")] == [{}, {}, {}]
