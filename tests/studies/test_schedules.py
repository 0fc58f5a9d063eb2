"""Schedules compared: mixed windows against the rule by hand, equal passes, resuming, and what is published."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sleepviz.studies.schedules.measure
from sleepviz.config.places import ASSETS
from sleepviz.runs.checkpoint import CheckpointError
from sleepviz.studies.measurements import PAPER, STILLNESS
from sleepviz.studies.schedules.measure import N_INSTANCES, SEED, instances, measure_cell, run_schedules
from sleepviz.studies.schedules.plan import cells_of, passes_compared, until_still
from sleepviz.tasks import FAMILIES
from sleepviz.tasks.base import NOT_ASKED
from sleepviz.tasks.depo.task import Depo
from sleepviz.tasks.rule110.task import HEADER
from tests.builders import TASK, small_checkpoint


def stepped(row: list[int], steps: int) -> list[int]:
    """Rule 110, from its table of neighbours."""
    table = {(1, 1, 1): 0, (1, 1, 0): 1, (1, 0, 1): 1, (1, 0, 0): 0, (0, 1, 1): 1, (0, 1, 0): 1, (0, 0, 1): 1}
    for _ in range(steps):
        row = [table.get((row[i - 1], row[i], row[(i + 1) % len(row)]), 0) for i in range(len(row))]
    return row


def test_each_window_of_an_instance_has_a_difficulty_of_its_own() -> None:
    """The header tells t, the target is the row after t steps, and all t come equally often."""
    seen: Counter[int] = Counter()
    mixed = 0
    for batch in instances(TASK, 20):
        for instance in range(len(batch.windows)):
            steps = [int(window[0]) - TASK.vocab_size + TASK.steps_max + 1 for window in batch.windows[instance]]
            mixed += len(set(steps)) > 1
            seen.update(steps)
            for row, (window, t) in enumerate(zip(batch.windows[instance], steps, strict=True)):
                target = batch.targets[instance, row, batch.difficulty[instance]]
                assert target[0] == NOT_ASKED
                assert (target[HEADER:] - 3 * row).tolist() == stepped((window[HEADER:] - 3 * row).tolist(), t)
    assert mixed > 10 and sum(seen.values()) == 60
    assert set(seen) == set(range(TASK.steps_max + 1)) and max(seen.values()) - min(seen.values()) <= 2


def test_questions_of_every_difficulty_are_asked_equally_often() -> None:
    """And every schedule is asked the same ones."""
    graph = Depo(nodes_max=8, window_edges=4, hops_max=3)
    first, second = ([batch.queries for batch in instances(graph, 30)] for _ in range(2))
    asked = np.concatenate(first)[:, 0, graph.first_part] - graph.hop
    assert Counter(asked.tolist()) == {1: 10, 2: 10, 3: 10}
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_schedules_are_compared_at_equal_passes() -> None:
    checkpoint = small_checkpoint()
    entries = {cell.variant: measure_cell(cell, checkpoint, 6) for cell in (*cells_of(TASK, 3), until_still())}
    assert set(entries) == {PAPER, "schedule_half", "schedule_hardest", STILLNESS}  # a row is one statement
    assert entries[PAPER]["mean_passes"] == entries["schedule_half"]["mean_passes"] == 3
    assert entries["schedule_hardest"]["mean_passes"] <= 3
    assert entries[PAPER]["mean_sleeps"] == 3 and entries["schedule_half"]["mean_sleeps"] == 6  # 27 tokens, 5 each
    graph = Depo(nodes_max=8, window_edges=4, hops_max=3)
    asleep = {cell.variant: cell.asleep for cell in cells_of(graph, 3)}
    assert asleep["schedule_surprise"] == 2 and asleep["schedule_statements"] == 3  # reading for surprise is a pass


def test_what_is_measured_is_not_measured_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def only_rule110(*, task: str) -> Any:
        if task != "rule110":
            raise CheckpointError("it is not here.")
        return small_checkpoint()

    monkeypatch.setattr(sleepviz.studies.schedules.measure, "load", only_rule110)
    done = run_schedules(folder=tmp_path, n=4)
    assert done["measured"] >= 7 and len(done["left_out"]) == len(FAMILIES) - 1
    written = json.loads((tmp_path / "schedules.json").read_text())
    assert len(written["entries"]) == done["measured"] and written["made_by"] == "python -m sleepviz schedules"
    monkeypatch.setattr(sleepviz.studies.schedules.measure, "measure_cell", lambda *_: pytest.fail("it was measured"))
    assert run_schedules(folder=tmp_path, n=4)["measured"] == 0
    assert json.loads((tmp_path / "schedules.json").read_text())["entries"] == written["entries"]


def test_the_published_comparison_is_whole_and_fair() -> None:
    """Of the weights that ship: every schedule of the plan, with no more passes than the paper's beside it."""
    published = json.loads((ASSETS / "results" / "schedules.json").read_text())["entries"]
    for task in {entry["task"] for entry in published}:
        entries = [entry for entry in published if entry["task"] == task]
        (name,) = {entry["checkpoint"] for entry in entries}
        meta = json.loads((ASSETS / "checkpoints" / name / "meta.json").read_text())
        assert {entry["digest"] for entry in entries} == {meta["digest"]} and meta["default"]
        sized = FAMILIES[task].task.from_json(meta["task_sizes"])
        planned = {(cell.variant, cell.n_passes) for n in passes_compared(sized) for cell in cells_of(sized, n)}
        found = {(entry["variant"], entry["passes"]) for entry in entries}
        assert planned <= found and {variant for variant, _ in found - planned} <= {PAPER, STILLNESS}
        for entry in entries:
            assert (entry["n"], entry["seed"]) == (N_INSTANCES, SEED)
            if entry["variant"] in (STILLNESS, "schedule_hardest"):
                assert entry["mean_passes"] <= entry["passes"]
            else:
                assert entry["mean_passes"] == pytest.approx(entry["passes"])
        still = next(entry for entry in entries if entry["variant"] == STILLNESS)
        assert any(variant == PAPER and 0 <= n - still["mean_passes"] < 1 for variant, n in found)
