"""Ask the memory by a probe: rows that S surely holds are read, of this run and of another; nothing else is."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from sleepviz.config.base import ConfigError
from sleepviz.config.run import RunSpec, Trigger
from sleepviz.inside.seen import ProbeSeen, probe_steps
from sleepviz.runs.checkpoint import Checkpoint, CheckpointInfo
from sleepviz.studies.reading import by_probe
from sleepviz.tasks import FAMILIES
from sleepviz.tasks.base import Batch
from sleepviz.tasks.depo.task import Depo
from sleepviz.tasks.rule110.task import Rule110, row_text
from sleepviz.training.evaluate import EVALUATION_STREAM, held_out
from tests.builders import meta_of, random_model, rule110_config

TASK = Rule110(row_cells=12, rows_max=2, steps_max=4)  # 4096 rows
ROWS = ["011010011101", "111001010010"]
N_PASSES = 2


def spec(steps: int, rows: list[str] = ROWS, **changes: object) -> RunSpec:
    return RunSpec("rule110", json.dumps({"rows": rows, "steps": steps}), n_passes=N_PASSES, **changes)  # type: ignore[arg-type]


def checkpoint() -> Checkpoint:
    """Never trained, and wide enough to hold a row."""
    sizes = {"vocab_size": TASK.vocab_size, "window": TASK.window, "d_model": 32, "fast_heads": 4, "value_dim": 12}
    model = random_model(rule110_config(**sizes), dtype=torch.float32)
    meta = {**meta_of(model.config), "digest": "0" * 64}
    return Checkpoint(
        CheckpointInfo("small", "rule110", True, meta["digest"], {**meta["limits"], **TASK.limits()}, {}, meta),
        TASK,
        model,
    )


def read(steps: int, rows: list[str] = ROWS) -> list[ProbeSeen]:
    cells = list(by_probe.probe_passes(spec(steps, rows), checkpoint()))
    assert len(cells) == probe_steps(N_PASSES)
    return [each for each in cells if each is not None]


def test_the_row_that_was_just_read_is_in_s_but_not_in_the_s_of_another() -> None:
    """After 0 steps the answer is the row itself, much of which S holds even untrained. Guessing is right for half."""
    for n, seen in enumerate(read(0)):
        assert seen.pass_index == n and seen.levels == (None, 0)
        assert seen.right[0] > 0.75 and 0.45 < seen.right_other[0] < 0.55
        assert seen.own.answers[1] != seen.other.answers[1]
        assert seen.n_tested == by_probe.TESTED and 600 < seen.n_fitted < 1024  # a row that tests is not fitted on


def test_a_run_is_read_as_an_instance_that_tests() -> None:
    """The run is made the first of these instances; three steps of Rule 110 are no linear function of the cells."""
    seed = (EVALUATION_STREAM, by_probe.PROBE_STREAM)
    batch = next(iter(held_out(TASK, difficulty=3, n=1280, n_windows=2, seed=seed)))
    rows = [row_text(batch.targets[0, row, 0, 1:] % 3) for row in range(2)]
    for seen in read(3, rows):
        assert seen.own.answers[1] == seen.other.answers[1] and seen.own.truths == seen.other.truths
        assert seen.right[3] < 0.7


def test_every_question_of_a_graph_is_answered_where_the_probe_looks() -> None:
    """What the study reads from the windows, put where `probed` says, is what the graph's own walks say."""
    task, study = Depo(), FAMILIES["depo"].study
    given, _ = FAMILIES["depo"].home(task.limits(), 8)
    instance = task.parse(json.dumps(given), task.limits())
    problem = task.encode(instance)
    assert study.probed is not None and study.read_from_state is not None
    places = study.probed(task, problem)
    windows = np.array(problem.context).reshape(1, -1, task.window)
    batch = Batch(windows, problem.queries[None], np.zeros((1, 1, 1, 1), dtype=np.int64), np.array([1]))
    levels = {place.level: study.read_from_state(task, batch, place.level)[0] for place in places if place}
    assert set(levels) == set(range(1, 9))
    answer = by_probe._answer(task, instance, problem, places, levels)
    assert all(answer.correct) and len(answer.correct) == 1 + 8 * len(instance.names)


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"trigger": Trigger("every", every=4)}, "only where sleep begins when the window is full"), ({}, "this task")],
)
def test_where_no_probe_can_be_fitted_one_sentence_says_why(
    changed: dict[str, Trigger], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not changed:
        monkeypatch.setitem(by_probe.FAMILIES, "rule110", FAMILIES["gsm"])
    with pytest.raises(ConfigError, match=f"{said}\\.$"):
        next(by_probe.probe_passes(spec(2, **changed), checkpoint()))
