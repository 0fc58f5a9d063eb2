"""What the Lab says of schedules, from made-up entries that say one thing and entries that say another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app import figures
from app.lab.schedules import findings, notes, pairs
from app.lab.tables import schedules_table
from app.shell.results import Result
from tests.app.made import made_results
from tests.app.page import clean, opened


def entry(variant: str, passes: int, accuracy: float, mean_passes: float | None = None) -> Result:
    """Measured with an interval of five hundredths to either side."""
    low, high = max(0.0, accuracy - 0.05), min(1.0, accuracy + 0.05)
    taken = passes if mean_passes is None else mean_passes
    return Result(
        "schedule", f"schedule_{variant}", passes, -1, 100, accuracy, low, high, mean_passes=taken, mean_sleeps=2.0
    )


TWO = (("hardest", 0.7, 0.92), ("half", 0.1, 0.0))
PAPER = [entry("full", 5, 0.5), entry("full", 10, 0.9)]


def said(entries: list[Result], chance: float = 0.0) -> list[str]:
    return [finding.sentence for finding in findings(entries, chance)]


def test_where_nothing_differs_it_is_said_plainly() -> None:
    assert said([*PAPER, entry("surprise", 5, 0.55), entry("surprise", 10, 0.9)]) == [
        "No other schedule does measurably better than the paper's with the same number of passes.",
        "No difference was measured between sleep *at a surprise* and the paper's schedule.",
    ]
    assert said(PAPER) == [] and findings([]) == ()


def test_the_one_that_is_ahead_is_named_first() -> None:
    hardest, half = ([entry(name, 5, low), entry(name, 10, high)] for name, low, high in TWO)
    assert said([*PAPER, *hardest, *half]) == [
        "With the same number of passes, one schedule does better than the paper's: sleep *when full, most passes "
        "where hardest*.",
        "Sleep *when full, most passes where hardest* does better than the paper's schedule at N = 5. 70.0 % are "
        "right with this schedule, and 50.0 % with the paper's.",
        "Sleep *after every half window* does worse than the paper's schedule at N = 5 and 10. At N = 10, 0.0 % are "
        "right with this schedule and 90.0 % with the paper's.",
    ]


def test_of_several_that_are_ahead_the_best_is_named_where_it_is_ahead_of_every_other() -> None:
    both = [*PAPER, entry("hardest", 5, 0.7), entry("surprise", 5, 0.85)]
    assert (
        said(both)[0]
        == "At N = 5 it is best to sleep *at a surprise*: this schedule is measurably ahead of every other."
    )
    level = [*PAPER, entry("hardest", 5, 0.7), entry("surprise", 5, 0.75)]
    assert said(level)[0] == "Some schedules do better than the paper's, but no single one stands above all others."


def test_what_a_budget_leaves_is_said() -> None:
    saving = [*PAPER, entry("hardest", 10, 0.92, 8.46), entry("hardest", 5, 0.48, 4.6), entry("still", 16, 0.9, 9.2)]
    assert said(saving)[1:] == [
        "No difference was measured between sleep *when full, most passes where hardest* and the paper's schedule. At "
        "N = 10, this schedule takes only 8.5 passes per token.",
        "No difference was measured between sleep *when full, until S is still* and the paper's schedule.",
    ]


def test_a_share_near_chance_is_ahead_of_nothing() -> None:
    entries = [entry("full", 5, 0.0), entry("half", 5, 0.15)]
    assert "better" in said(entries)[1]
    assert said(entries, chance=0.1)[0].startswith("No other schedule")


@pytest.mark.parametrize(("taken", "beside"), [(9.2, 10), (10.0, 10), (4.1, 5), (10.5, None)])
def test_stillness_is_compared_with_no_fewer_passes(taken: float, beside: int | None) -> None:
    found = pairs([*PAPER, entry("still", 16, 1.0, taken)])
    assert [paper.passes for _, paper in found] == ([] if beside is None else [beside])


def test_the_figure_and_the_table_show_the_same_entries() -> None:
    entries = [*PAPER, entry("half", 5, 0.1), entry("still", 16, 0.98, 9.2)]
    figure = figures.schedules_figure(entries, mode="light", right="right", chance=0.1)
    drawn = {(trace.name, round(x, 3)) for trace in figure.data for x in trace.x if x is not None}
    assert drawn >= {("N = 5", 0.5), ("N = 5", 0.1), ("N = 10", 0.9), ("9.2 passes", 0.98)}
    assert [label.replace("<br>", " ") for label in figure.layout.yaxis.ticktext] == [
        "when the window is full (the paper)",
        "after every half window",
        "when full, until S is still",
    ]
    assert [shape.x0 for shape in figure.layout.shapes] == [0.1]
    table = schedules_table(entries, right="right")
    for cell in ("after every half window, N = 5", "10.0 % (5.0–15.0)", "when full, until S is still<", ">9.2<"):
        assert cell in table


def test_each_task_says_which_schedules_it_leaves_out() -> None:
    rows = notes(["schedule_full"], is_difficulty_in_windows=True)
    pages = notes(["schedule_statements"], is_difficulty_in_windows=False)
    assert "are left out" in rows and "each window of a sequence has its own" in rows
    assert "next larger N" in notes(["schedule_still"], is_difficulty_in_windows=False) and "next larger N" not in pages
    assert "foot of names" in pages and "are left out" not in pages


def test_the_page_shows_the_entries_of_its_task_alone(assets: Path) -> None:
    plain = {"experiment": "schedule", "difficulty": -1, "n": 100, "checkpoint": "made", "digest": "0"}
    made = [
        {**plain, "task": task, "variant": f"schedule_{variant}", "passes": 5, "accuracy": share, "mean_passes": 5.0}
        | {"mean_sleeps": 2.0, "ci95": [share - 0.05, share + 0.05]}
        for task, variant, share in (
            ("rule110", "full", 0.5),
            ("rule110", "half", 0.2),
            ("depo", "full", 0.5),
            ("depo", "half", 0.9),
        )
    ]
    results = {"task": "schedules", "made_by": "python -m sleepviz schedules", "commit": "", "entries": made}
    (assets / "results" / "rule110.json").write_text(json.dumps(made_results()))
    (assets / "results" / "schedules.json").write_text(json.dumps(results))
    page = opened("lab")
    told = "\n".join(each.value for each in (*page.markdown, *page.caption))
    assert (
        "(#schedules) No other schedule does measurably better than the paper's with the same number of passes."
    ) in told
    assert "Sleep *after every half window* does worse than the paper's schedule at N = 5." in told
    assert "90.0 %" not in told.split("When to sleep", 1)[-1].split("What does sleep cost", 1)[0]
    page.session_state["lab_schedules_fold"] = True
    page = clean(page.run())
    (bar,) = (
        json.loads(each.proto.json)
        for each in page.get("bidi_component")
        if '"sleepviz-rule110-schedules"' in each.proto.json
    )
    assert bar["copies"] == [{"label": "Copy command", "text": "python -m sleepviz schedules"}]
    assert len(bar["rows"]) == 2
