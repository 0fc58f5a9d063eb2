"""The queue of experiments: what is measured, what is kept, and what the tables say of it."""

from __future__ import annotations

import errno
import json
import os
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import sleepviz.runs.record
import sleepviz.studies.cost
import sleepviz.studies.crew
import sleepviz.studies.measure
import sleepviz.studies.measurements
import sleepviz.studies.queue
from app.shell.results import read_results
from sleepviz.__main__ import main
from sleepviz.config.base import ConfigError
from sleepviz.config.model import Eviction, SleepPolicy
from sleepviz.runs.alone import alone_at
from sleepviz.runs.checkpoint import CheckpointError, load, save
from sleepviz.studies.crew import HERE
from sleepviz.studies.measure import Slept, _query_tokens, groups, measure, measure_cost, measured_together
from sleepviz.studies.measurements import MIXED, measurements_of
from sleepviz.studies.queue import run_queue
from sleepviz.studies.readme_tables import (
    accuracy_table,
    control_table,
    cost_table,
    depth_table,
    halting_table,
    probe_table,
    series_table,
)
from sleepviz.tasks import FAMILIES, build_task
from sleepviz.tasks.base import Batch
from sleepviz.tasks.family import Measurement, Series
from sleepviz.tasks.gsm.study import PUBLIC
from sleepviz.tasks.gsm.task import Gsm
from sleepviz.tasks.gsm.text import Statement, solve
from sleepviz.tasks.rule110.task import HEADER, Rule110
from sleepviz.training.evaluate import Setting, held_out
from tests.builders import TASK, meta_of, random_model, rule110_config, small_checkpoint

STEPS = (1, 4)
MISSING = (
    "small-s1",
    "rule110-n1-flops",
    "rule110-n1-curriculum",
    "rule110-oracle",
    "rule110-micro",
    "rule110-causal",
)
FULL = Rule110(row_cells=16, rows_max=4, steps_max=12)


@pytest.fixture(autouse=True)
def _two_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default and one of its three baselines, small; controls at steps that their task has."""
    made(tmp_path, "small", seed=0)
    made(tmp_path, "rule110-n1-tokens", seed=1)

    def found(name: str = "", *, task: str = "") -> Any:
        return load(name, task=task, folder=tmp_path / "checkpoints")

    monkeypatch.setattr(sleepviz.runs.record, "load", found)
    monkeypatch.setattr(sleepviz.studies.queue, "load", found)
    family = FAMILIES["rule110"]
    monkeypatch.setitem(FAMILIES, "rule110", replace(family, study=replace(family.study, control_difficulties=STEPS)))


def made(folder: Path, name: str, *, seed: int) -> None:
    model = random_model(rule110_config(), seed).float()
    limits = {**TASK.limits(), "passes_trained": 4, "passes_max": 32}
    meta = meta_of(model.config, default=name == "small", limits=limits)
    save(folder / "checkpoints" / name, model.state_dict(), meta)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Measurement]:
    """Every cell that is measured, in order; the measuring itself is left out: everything is right."""
    cells: list[Measurement] = []

    def right(_model: Any, batch: Batch, *_: Any) -> Any:
        return np.ones((len(batch.windows), batch.windows.shape[1], TASK.window), dtype=bool)

    def right_when_still(_model: Any, _task: Any, batch: Batch, *_: Any) -> Any:
        return right(None, batch), np.full(len(batch.windows), 2.5)

    def noted(cell: Measurement, checkpoint: Any, slept: Slept) -> dict[str, Any]:
        cells.append(cell)
        return measure(cell, checkpoint, slept)

    def cost_noted(cell: Measurement, checkpoint: Any, accuracy: dict[str, Any]) -> dict[str, Any]:
        cells.append(cell)
        assert (accuracy["passes"], accuracy["difficulty"]) == (cell.n_passes, cell.difficulty)
        return measure_cost(cell, checkpoint, accuracy)

    monkeypatch.setattr(sleepviz.studies.measure, "asleep", lambda *_: None)
    monkeypatch.setattr(sleepviz.studies.measure, "right_awake", right)
    monkeypatch.setattr(sleepviz.studies.queue, "measure_cost", cost_noted)
    monkeypatch.setattr(sleepviz.studies.measure, "probe_accuracy", lambda *_: np.ones(64))
    monkeypatch.setattr(
        sleepviz.studies.measure, "states", lambda _model, batch, _policy: torch.zeros(len(batch.windows), 1)
    )
    monkeypatch.setattr(sleepviz.studies.measure, "right_parts_when_still", right_when_still)
    monkeypatch.setattr(sleepviz.studies.measure, "measure", noted)
    monkeypatch.setattr(sleepviz.studies.measure, "N_INSTANCES", 64)
    monkeypatch.setattr(sleepviz.studies.measure, "PROBE_INSTANCES", 8)
    monkeypatch.setattr(sleepviz.studies.cost, "REPEATS", 1)
    return cells


def expected() -> list[Measurement]:
    return [cell for cell in measurements_of(TASK, "small") if cell.checkpoint not in MISSING]


def not_known(cells: list[Measurement]) -> list[Measurement]:
    """Those that are measured: what `second_seed` has of the task's own model was measured as its accuracy.

    Costs are timed last.
    """
    measured = [cell for cell in cells if cell.experiment != "second_seed"]
    return sorted(measured, key=lambda cell: cell.experiment == "cost")


def entries(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / "rule110.json").read_text())["entries"]


# What is measured.


def test_no_two_cells_are_kept_under_one_key() -> None:
    cells = list(measurements_of(FULL, "any"))
    assert len({cell.key(cell.checkpoint) for cell in cells}) == len(cells)  # as if its name were its digest


def test_the_cells_cover_every_difficulty_and_every_window() -> None:
    cells = list(measurements_of(FULL, "any"))
    table = [(cell.difficulty, cell.n_passes) for cell in cells if cell.experiment == "accuracy"]
    assert sorted(table) == [(t, n) for t in range(13) for n in (1, 2, 3, 4, 6, 8, 12, 16, 20, 28)]
    baselines = {(cell.checkpoint, cell.difficulty) for cell in cells if cell.experiment == "baseline"}
    names = ("n1-tokens", "n1-flops", "n1-curriculum", "oracle")
    assert baselines == {(f"rule110-{name}", t) for name in names for t in range(13)}
    assert all(cell.n_passes == 1 for cell in cells if cell.experiment == "baseline")
    retention = [cell for cell in cells if cell.experiment == "retention" and cell.difficulty == STEPS[0]]
    assert [(cell.variant, cell.n_windows, cell.query) for cell in retention] == [
        (f"asked_after_{n}", n, 0) for n in (1, 2, 3, 4)
    ]


def test_sums_are_asked_deeper_than_in_training_in_the_same_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each asked variable stands as deep as the solver says, in windows that a model of eight operations reads."""
    task, seen = Gsm(), list[Batch]()
    cells = [cell for cell in measurements_of(task, "any") if cell.difficulty > 8]
    assert {cell.difficulty for cell in cells} == {9, 10, 11, 12} and {c.experiment for c in cells} == {"accuracy"}
    assert max(cell.n_passes for cell in cells) >= 14  # an operation a pass, one for the constant, one to spare

    def right(_model: Any, batch: Batch, _memory: Any) -> Any:
        seen.append(batch)
        return np.ones((len(batch.windows), 1, 1), dtype=bool)

    monkeypatch.setattr(sleepviz.studies.measure, "asleep", lambda *_: None)
    monkeypatch.setattr(sleepviz.studies.measure, "right_awake", right)
    monkeypatch.setattr(sleepviz.studies.measure, "N_INSTANCES", 32)
    info = SimpleNamespace(name="any", digest="0", limits={"passes_max": 64}, sleep_attention="causal")
    for depth in (9, 12):
        checkpoint: Any = SimpleNamespace(task=task, info=info, model=None)
        measure(next(cell for cell in cells if cell.difficulty == depth), checkpoint, Slept())
        batch = seen.pop()
        assert batch.windows.shape[1:] == (2, task.window) and batch.windows.max() < task.vocab_size
        for windows, query in zip(batch.windows, batch.queries[:, 0], strict=True):
            parts = windows[:, 3 : 3 * 8].reshape(-1, 3)  # after the place of the question, seven statements a window
            told = [[task.token_text(int(token)) for token in part] for part in parts if part[0] < task.variables_max]
            statements = [
                Statement(name, source, int(change.replace("=", "0")))
                if source.startswith("v")
                else Statement(name, None, int(source))
                for name, source, change in told
            ]
            asked = task.token_text(int(query[task.first_part]))
            assert solve(tuple(statements)).depths[asked] == depth


@pytest.mark.parametrize("control", ["zero_state", "shuffled_state", "replay", "reset_state"])
def test_a_control_is_measured_as_that_control(control: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings: list[Setting] = []

    def seen(_model: Any, _task: Any, _batch: Batch, setting: Setting) -> None:
        settings.append(setting)

    def right(_model: Any, batch: Batch, _memory: Any) -> Any:
        return np.ones((len(batch.windows), 3, TASK.window), dtype=bool)

    monkeypatch.setattr(sleepviz.studies.measure, "asleep", seen)
    monkeypatch.setattr(sleepviz.studies.measure, "right_awake", right)
    measure(Measurement("control", control, "small", 4, 2, 3, control=control), small_checkpoint(), Slept())
    setting, *others = settings
    assert all(other == setting for other in others)
    assert setting.policy.n_passes == 4
    assert setting.policy.recurrence == (control if control in ("replay", "reset_state") else "carry")
    assert setting.control == control


def test_a_series_is_measured_on_its_own_windows_or_on_the_most_of_its_task() -> None:
    asked = [Series("each_n", "one", "small", (1,), (1,), n_windows=each).measurements(3) for each in (1, 0)]
    assert [[cell.n_windows for cell in cells] for cells in asked] == [[1], [3]]


def test_a_series_is_measured_under_its_own_eviction(monkeypatch: pytest.MonkeyPatch) -> None:
    settings: list[Setting] = []
    monkeypatch.setattr(sleepviz.studies.measure, "asleep", lambda *given: settings.append(given[-1]))
    monkeypatch.setattr(
        sleepviz.studies.measure,
        "right_awake",
        lambda _model, batch, _memory: np.ones((len(batch.windows), 3, TASK.window), dtype=bool),
    )
    kinds: tuple[Eviction, ...] = ("hard", "sliding")
    series = [Series("eviction", each, "small", (2, 1), (1, 3), eviction=each) for each in kinds]
    for cell in [cell for each in series for cell in each.measurements(most=2)]:
        settings.clear()
        measure(cell, small_checkpoint(), Slept())
        assert {setting.policy.eviction for setting in settings} == {cell.variant}
        assert {setting.policy.n_passes for setting in settings} == {cell.n_passes}


@pytest.mark.parametrize(("query", "share", "first"), [(None, 4 / 8, 2 / 4), (0, 1 / 4, 3 / 4)])
def test_an_entry_counts_whole_rows_and_its_interval_instances(
    query: int | None, share: float, first: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four instances of two rows. Row 1 is right in one, row 2 in three; every first cell is right in two."""
    right = np.ones((4, 2, TASK.window), dtype=bool)
    right[0, 0, -1] = right[1, 0, HEADER] = right[2, 0, -1] = right[3, 1, HEADER] = False
    monkeypatch.setattr(sleepviz.studies.measure, "asleep", lambda *_: None)
    monkeypatch.setattr(sleepviz.studies.measure, "right_awake", lambda *_: right)
    monkeypatch.setattr(sleepviz.studies.measure, "N_INSTANCES", 4)
    entry = measure(Measurement("retention", "x", "small", 4, 2, 2, query=query), small_checkpoint(), Slept())
    assert (entry["accuracy"], entry["correct"], entry["n"]) == (share, 4 * share, 4)
    assert entry["first_cells"] == first
    low, high = entry["ci95"]
    # Wilson's bounds are where the normal approximation around the bound just reaches the share.
    for bound in (low, high):
        assert abs(share - bound) == pytest.approx(1.959964 * (bound * (1 - bound) / 4) ** 0.5)
    assert low < share < high


def test_halting_is_measured_on_all_difficulties_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each difficulty equally often; the mean of the passes taken is kept beside the accuracy."""
    asked_for: list[int] = []

    def still(_model: Any, _task: Any, batch: Batch, policy: Any, threshold: float) -> Any:
        asked_for.extend(batch.difficulty.tolist())
        assert (policy.n_passes, threshold) == (16, 0.05)
        return np.ones((len(batch.windows), 3, TASK.window), dtype=bool), batch.difficulty + 1.0

    monkeypatch.setattr(sleepviz.studies.measure, "right_parts_when_still", still)
    cell = Measurement("halting", "drift_halting", "small", 16, MIXED, 3, threshold=0.05)
    measured = measure(cell, small_checkpoint(), Slept())
    counts = np.bincount(asked_for)
    assert len(counts) == TASK.steps_max + 1 and set(counts) == {-(-512 // len(counts))}
    assert measured["mean_passes"] == pytest.approx(1 + TASK.steps_max / 2) and measured["n"] == counts.sum()


@pytest.mark.parametrize("name", FAMILIES)
def test_one_sleep_answers_every_difficulty_unless_the_windows_tell_it(name: str) -> None:
    """For every task, also one whose instances fill two windows at least; the oracle is the windows themselves."""
    task = build_task(name, {})
    asked = [cell for cell in measurements_of(task, "small") if cell.experiment == "accuracy" and not cell.sizes]
    windows = {
        next(iter(held_out(task, difficulty=d, n=1, n_windows=task.windows_max, seed=(1,)))).windows.tobytes()
        for d in range(task.difficulty_min, task.difficulty_max + 1)
    }
    together = groups([(cell, task) for cell in asked])
    assert len(together) == len(windows) * len({cell.n_passes for cell in asked})
    assert sorted((cell for group in together for cell in group), key=repr) == sorted(asked, key=repr)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_question_costs_the_same_in_the_shortest_instance_of_every_task(name: str) -> None:
    task = build_task(name, {})
    levels = np.full(2, task.difficulty_max)
    longest = task.batch(
        np.random.default_rng(1), size=2, n_windows=task.windows_max, difficulty=levels, split="held_out"
    )
    assert _query_tokens(task) == longest.queries.shape[-1]


def test_a_cost_stands_beside_the_accuracy_that_it_buys() -> None:
    measured = measure_cost(Measurement("cost", "any_n", "small", 4, 2, 3), small_checkpoint(), {"accuracy": 0.75})
    assert measured["accuracy"] == 0.75 and measured["experiment"] == "cost"
    once, each, each_without = (measured[f"{part}_flops"] for part in ("sleep", "wake", "reread"))
    assert measured["break_even_flops"] == once / (each_without - each)
    # Three of four passes are later ones, and no stream is prepared for them by this model.
    single = measure_cost(Measurement("cost", "any_n", "small", 1, 2, 3), small_checkpoint(), {"accuracy": 0.5})
    assert once == 4 * single["sleep_flops"]


def test_one_sleep_answers_every_difficulty_that_the_windows_do_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same windows and setting sleep once; another N, another control or other windows sleep again."""
    slept_on: list[tuple[bytes, Setting]] = []
    real = sleepviz.studies.measure.asleep

    def counted(model: Any, task: Any, batch: Batch, setting: Setting) -> Any:
        slept_on.append((batch.windows.tobytes(), setting))
        return real(model, task, batch, setting)

    monkeypatch.setattr(sleepviz.studies.measure, "asleep", counted)
    checkpoint, slept = small_checkpoint(), Slept()
    batches = [
        TASK.batch(np.random.default_rng(seed), size=2, n_windows=1, difficulty=np.full(2, 1), split="held_out")
        for seed in (0, 1)
    ]
    two, three = Setting(SleepPolicy(2)), Setting(SleepPolicy(3))
    asked = [(0, two), (1, two), (0, two), (1, two), (0, three), (0, two)]
    memories = [slept.memory(checkpoint, batches[which], setting) for which, setting in asked]
    assert len(slept_on) == 3
    for (which, setting), memory in zip(asked, memories, strict=True):
        for ours, theirs in zip(
            memory.fast_weights,
            real(checkpoint.model, checkpoint.task, batches[which], setting).fast_weights,
            strict=True,
        ):
            assert torch.equal(ours, theirs)


def test_public_problems_are_scored_by_the_public_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that names the right variables in any order, but misses the last of each list of more than one."""
    listed = {}
    for line in PUBLIC.read_text().splitlines():
        problem = json.loads(line)
        listed[problem["context"]] = problem["answer_list"]

    def answered(spec: Any, _checkpoint: Any, *, events: bool) -> dict[str, Any]:
        names = listed[json.loads(spec.input)["text"]]
        return {"answer": names[::-1][1:] if len(names) > 1 else names}

    monkeypatch.setattr(sleepviz.studies.measure, "run_summary", answered)
    for op in (1, 8):
        problems = [json.loads(line) for line in PUBLIC.read_text().splitlines()]
        single = sum(p["op"] == op and len(p["answer_list"]) == 1 for p in problems)
        info = SimpleNamespace(name="any", digest="0")
        checkpoint: Any = SimpleNamespace(task=Gsm(), info=info, model=None)
        measured = measure(Measurement("public_problems", "any_n", "any", 4, op, 2), checkpoint, Slept())
        assert (measured["correct"], measured["n"]) == (single, 16)


# Resuming.


def test_the_queue_measures_all_there_is_once(tmp_path: Path, asked: list[Measurement]) -> None:
    outcome = run_queue(only="rule110", folder=tmp_path)
    assert asked == not_known(expected())
    assert outcome["measured"] == len(expected())
    assert len(outcome["left_out"]) == len(MISSING) and all(name in " ".join(outcome["left_out"]) for name in MISSING)
    kept = (tmp_path / "rule110.json").read_bytes()
    assert len(entries(tmp_path)) == len(expected())
    asked.clear()
    assert run_queue(only="rule110", folder=tmp_path)["measured"] == 0 and not asked
    assert (tmp_path / "rule110.json").read_bytes() == kept


def test_beside_the_second_seed_stands_what_was_measured_of_the_first(tmp_path: Path, asked: list[Measurement]) -> None:
    made(tmp_path, "small-s1", seed=3)
    run_queue(only="rule110", folder=tmp_path)
    found = {(e["experiment"], e["checkpoint"], e["passes"], e["difficulty"]): e for e in entries(tmp_path)}
    both = [key for key in found if key[0] == "second_seed"]
    assert {key[1] for key in both} == {"small", "small-s1"} and len(both) == 2 * 4 * 2  # N of 1, 4, 12, 20 at t = 1, 4
    for _, checkpoint, passes, difficulty in both:
        anew = Measurement("second_seed", "any_n", checkpoint, passes, difficulty, TASK.windows_max) in asked
        assert anew == (checkpoint == "small-s1")
        if not anew:
            first = found["accuracy", checkpoint, passes, difficulty]
            assert found["second_seed", checkpoint, passes, difficulty] == first | {"experiment": "second_seed"}


def test_the_app_reads_what_the_queue_writes(tmp_path: Path, asked: list[Measurement]) -> None:
    """Everything is right, which is where an interval ends closest to its share."""
    run_queue(only="rule110", folder=tmp_path)
    results = read_results(tmp_path / "rule110.json")
    assert results.task == "rule110" and len(results.entries) == len(expected())
    assert all(entry.accuracy == 1 and 0.94 < entry.low < 1 for entry in results.entries)


def test_only_what_is_missing_is_measured(tmp_path: Path, asked: list[Measurement]) -> None:
    run_queue(only="rule110", folder=tmp_path)
    path = tmp_path / "rule110.json"
    values = json.loads(path.read_text())
    missing = [0, 7, len(values["entries"]) - 1]
    values["entries"] = [entry for place, entry in enumerate(values["entries"]) if place not in missing]
    path.write_text(json.dumps(values))
    asked.clear()
    assert run_queue(only="rule110", folder=tmp_path)["measured"] == 3
    assert asked == [expected()[place] for place in missing]
    assert len(entries(tmp_path)) == len(expected())


def test_other_weights_are_measured_anew_and_the_old_ones_dropped(tmp_path: Path, asked: list[Measurement]) -> None:
    run_queue(only="rule110", folder=tmp_path)
    before = {entry["digest"] for entry in entries(tmp_path)}
    made(tmp_path, "rule110-n1-tokens", seed=2)
    asked.clear()
    run_queue(only="rule110", folder=tmp_path)
    assert asked == [cell for cell in expected() if cell.checkpoint == "rule110-n1-tokens"]
    after = {entry["digest"] for entry in entries(tmp_path)}
    assert len(entries(tmp_path)) == len(expected()) and len(before - after) == len(after - before) == 1


def test_what_was_measured_before_an_interruption_is_kept(
    tmp_path: Path, asked: list[Measurement], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it, however the queue ends: the file is written after every cell."""
    noted = sleepviz.studies.measure.measure

    def interrupted(cell: Measurement, checkpoint: Any, slept: Slept) -> dict[str, Any]:
        if len(asked) == 27:
            raise KeyboardInterrupt
        return noted(cell, checkpoint, slept)

    monkeypatch.setattr(sleepviz.studies.measure, "measure", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_queue(only="rule110", folder=tmp_path)
    assert len(entries(tmp_path)) == 27
    monkeypatch.setattr(sleepviz.studies.measure, "measure", noted)
    asked.clear()
    run_queue(only="rule110", folder=tmp_path)
    assert asked == not_known(expected())[27:] and len(entries(tmp_path)) == len(expected())


def test_sigterm_ends_the_queue_as_ctrl_c_does(
    tmp_path: Path, asked: list[Measurement], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`docker stop` and a host's restart send it."""
    noted = sleepviz.studies.measure.measure

    def told_to_end(cell: Measurement, checkpoint: Any, slept: Slept) -> dict[str, Any]:
        if len(asked) == 5:
            signal.raise_signal(signal.SIGTERM)
        return noted(cell, checkpoint, slept)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(sleepviz.studies.measure, "measure", told_to_end)
    monkeypatch.setattr(sleepviz.studies.crew, "processes", lambda workers: HERE)
    monkeypatch.setattr(sleepviz.studies.queue, "run_queue", partial(run_queue, folder=tmp_path))
    assert main(["experiments", "--queue", "--only", "rule110"]) == 130
    assert len(entries(tmp_path)) == 5
    assert capsys.readouterr().err.splitlines()[-1].startswith("Stopped; what was done is kept")
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_full_disk_keeps_all_that_was_written_and_the_next_queue_goes_on(
    tmp_path: Path, asked: list[Measurement], monkeypatch: pytest.MonkeyPatch
) -> None:
    written, fsync = iter(range(10**6)), os.fsync

    def full(handle: int) -> None:
        if next(written) >= 9:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            run_queue(only="rule110", folder=tmp_path)
    assert [path.name for path in tmp_path.glob("*rule110*json*")] == ["rule110.json"]  # and no half of a file
    assert len(entries(tmp_path)) == 9
    run_queue(only="rule110", folder=tmp_path)
    assert len(entries(tmp_path)) == len(expected())


def test_a_second_queue_on_the_same_file_is_refused(tmp_path: Path, asked: list[Measurement]) -> None:
    with alone_at(tmp_path / ".rule110.lock", ""), pytest.raises(ConfigError, match="Another queue measures rule110"):
        run_queue(only="rule110", folder=tmp_path)
    assert not asked


def test_weights_that_change_under_a_worker_are_refused() -> None:
    name = "small"
    with pytest.raises(CheckpointError, match="are others for this worker"):
        measured_together("rule110", [(Measurement("accuracy", "any_n", name, 1, 1, 1), "another digest")])


@pytest.mark.parametrize(
    "damage",
    [
        *("", "not json", "[]", "5", '{"entries": 5}', '{"entries": [5]}', '{"entries": [{"experiment": "x"}]}'),
        '{"entries": [{"experiment": [], "variant": {}, "digest": [], "passes": 1, "difficulty": 1, "windows": 1}]}',
        "[" * 100_000,
        "\ufffd",
    ],
    ids=lambda text: text[:30],
)
def test_a_damaged_results_file_is_begun_anew(tmp_path: Path, asked: list[Measurement], damage: str) -> None:
    (tmp_path / "rule110.json").write_bytes(damage.encode("utf-16" if damage == "\ufffd" else "utf-8"))
    assert run_queue(only="rule110", folder=tmp_path)["measured"] == len(expected())
    assert len(entries(tmp_path)) == len(expected())


def test_a_task_of_which_nothing_can_be_measured_is_refused(tmp_path: Path, asked: list[Measurement]) -> None:
    with pytest.raises(ConfigError, match="gsm: No default checkpoint"):
        run_queue(only="gsm", folder=tmp_path)
    assert not asked and not (tmp_path / "gsm.json").exists()
    run_queue(only="rule110", folder=tmp_path)
    assert run_queue(only="rule110", folder=tmp_path)["measured"] == 0  # all is measured: that is no error


# The tables.


def entry(experiment: str, variant: str, passes: int, difficulty: int, accuracy: float) -> dict[str, Any]:
    return {
        "experiment": experiment,
        "variant": variant,
        "checkpoint": "a",
        "passes": passes,
        "difficulty": difficulty,
        "accuracy": accuracy,
        "ci95": [accuracy - 0.05, accuracy + 0.04],
    }


def test_the_other_tables_by_hand() -> None:
    measured = [
        {**entry("halting", "fixed_n", 4, -1, 0.25), "mean_passes": 4.0, "threshold": 0.0},
        {**entry("halting", "drift_halting", 16, -1, 0.9), "mean_passes": 5.26, "threshold": 0.1},
        entry("probe", "linear", 4, 8, 0.5),
        entry("probe", "linear", 4, 1, 0.75),
        entry("control", "zero_state", 12, 8, 0.1),
        entry("control", "zero_state", 12, 1, 0.2),
    ]
    assert halting_table(measured).splitlines()[2:] == [
        "| N = 4 | 4.0 | 0.25 (0.20–0.29) |",
        "| until S drifts by less than 0.1 | 5.3 | 0.90 (0.85–0.94) |",
    ]
    assert probe_table(measured).splitlines() == [
        "| after | level 1 | level 8 |",
        "|---|---|---|",
        "| pass 4 | 0.75 | 0.50 |",
    ]
    assert control_table(measured).splitlines()[2:] == [
        "| S wiped before waking | 0.20 (0.15–0.24) | 0.10 (0.05–0.14) |"
    ]


def test_the_tables_of_cost_and_attention_by_hand() -> None:
    cost = {"sleep_flops": 8.04e6, "wake_flops": 1.25e5, "sleep_s": 0.0123, "wake_s": 0.00456}
    measured = [
        {**entry("cost", "any_n", 8, 12, 0.9), **cost, "break_even_flops": 4.26, "break_even_s": None},
        entry("attention", "full", 4, 8, 0.75),
        entry("attention", "full", 4, 1, 0.5),
        entry("attention", "full", 2, 1, 0.5),
        entry("attention", "full", 2, 8, 0.5),
        entry("attention", "causal", 4, 1, 0.25),
        entry("attention", "causal", 4, 8, 0.1),
        {**entry("attention", "causal", 4, 1, 0.26), "checkpoint": "b"},
        {**entry("attention", "causal", 4, 8, 0.11), "checkpoint": "b"},
    ]
    assert cost_table(measured).splitlines()[2:] == ["| 8 | 8.0 | 0.12 | 12.3 | 4.56 | 4.3 | never |"]
    assert series_table("rule110", measured, "attention", (4, 8)).splitlines() == [
        "| model | N | t = 1 | t = 8 |",
        "|---|---|---|---|",
        "| full attention asleep | 4 | 0.50 (0.45–0.54) | 0.75 (0.70–0.79) |",
        "| causal attention asleep (`a`) | 4 | 0.25 (0.20–0.29) | 0.10 (0.05–0.14) |",
        "| causal attention asleep (`b`) | 4 | 0.26 (0.21–0.30) | 0.11 (0.06–0.15) |",
    ]
    assert len(series_table("rule110", measured, "attention").splitlines()) == 6


def test_the_fewest_passes_that_are_enough() -> None:
    """The least N that is right 95 times in 100, not the best; where there is none, the best and its N."""
    two = {1: (0.95, 0.2), 2: (0.99, 0.5), 4: (0.8, 0.5)}  # passes: accuracy at one and two hops
    measured = [
        entry("depth", "layers_2", n, k, a) for n, line in two.items() for k, a in zip((1, 2), line, strict=True)
    ]
    measured += [entry("depth", "layers_4", 3, 1, 0.96), entry("depth", "layers_4", 3, 2, 1.0)]
    assert depth_table("depo", measured).splitlines() == [
        "| model | k = 1 | k = 2 |",
        "|---|---|---|",
        "| 2 layers | 1 | none (0.50 with 2) |",
        "| 4 layers | 3 | 3 |",
    ]


def test_the_readmes_table() -> None:
    measured = [
        entry("accuracy", "any_n", 4, 8, 0.25),
        entry("accuracy", "any_n", 4, 1, 0.9),
        entry("accuracy", "any_n", 1, 1, 0.5),  # not at t = 8: no line
        entry("accuracy", "any_n", 5, 1, 0.5),  # no N of the table
        entry("control", "replay", 4, 1, 0.1),  # another experiment, the same N
        entry("baseline", "n1_same_flops", 1, 1, 0.7),
        entry("baseline", "n1_same_flops", 1, 8, 0.126),
        entry("baseline", "n1_same_flops", 1, 12, 0.1),
    ]
    assert accuracy_table("rule110", measured, (1, 8)).splitlines() == [
        "| model | t = 1 | t = 8 |",
        "|---|---|---|",
        "| any-N, N = 4 | 0.90 (0.85–0.94) | 0.25 (0.20–0.29) |",
        "| N = 1 only, same FLOPs | 0.70 (0.65–0.74) | 0.13 (0.08–0.17) |",
    ]
