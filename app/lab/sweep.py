"""A visitor's own sweep: what may be asked, how it is measured in the background, and what came of it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import streamlit as st

from app.lab import lab_text
from app.shell import progress, runs
from app.shell.jobs import Sweep
from app.shell.results import Result
from sleepviz.config.run import RunSpec
from sleepviz.runs.checkpoint import CheckpointInfo
from sleepviz.tasks import build_task

PASSES = (0, 1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24)
SIZES = (8, 16, 32, 64, 128)
CELL_MAX = 128 * 12  # instances times passes in one cell: the others' runs wait for a cell, so it takes seconds
TOTAL_MAX = 20_000  # the same over all cells: about a minute
SEED_MAX = 1_000_000
POLL_S = 1.0
QUICK_S = 0.3
LIVE = "live"


@dataclass(frozen=True)
class Plan:
    """Which cells to measure, and on how many instances each."""

    task: str
    checkpoint: str
    digest: str
    passes: tuple[int, ...]
    difficulties: tuple[int, ...]
    n: int
    seed: int

    @property
    def total(self) -> int:
        """How many cells."""
        return len(self.passes) * len(self.difficulties)

    @property
    def problem(self) -> str:
        """Why it cannot be measured, one sentence that says what is allowed; empty when it can."""
        if not self.total:
            return lab_text.CHOOSE
        most = CELL_MAX // max(max(self.passes), 1)
        if self.n > most:
            return lab_text.TOO_MANY_INSTANCES.format(passes=max(self.passes), most=most)
        work = self.n * len(self.difficulties) * sum(max(n, 1) for n in self.passes)
        if work > TOTAL_MAX:
            return lab_text.TOO_MUCH.format(work=work, most=TOTAL_MAX)
        return ""

    @property
    def command(self) -> str:
        """What repeats the measurement, number for number."""
        passes, levels = (",".join(map(str, each)) for each in (self.passes, self.difficulties))
        return (
            f"python -m sleepviz eval --task {self.task} --checkpoint {self.checkpoint} --passes {passes} "
            f"--difficulty {levels} --n {self.n} --seed {self.seed} --json"
        )


def measure(plan: Plan) -> Iterator[Result]:
    """Cell by cell, as the `eval` command does it. Called in a worker thread."""
    import numpy as np

    from sleepviz.runs.record import policy_of
    from sleepviz.training.evaluate import EVALUATION_STREAM, Setting, accuracy, wilson

    checkpoint = runs._loaded(runs.checkpoint_folder(), plan.checkpoint, plan.digest)
    for n_passes in plan.passes:
        policy = policy_of(RunSpec(plan.task, "", plan.checkpoint, n_passes), checkpoint)
        for difficulty in plan.difficulties:
            right = accuracy(
                checkpoint.model,
                checkpoint.task,
                Setting(policy),
                difficulty=difficulty,
                n=plan.n,
                n_windows=checkpoint.task.windows_max,
                seed=(EVALUATION_STREAM, plan.seed),
            )
            share = float(np.asarray(right.all(axis=-1)).mean())
            low, high = wilson(share * plan.n, plan.n)
            yield Result(LIVE, LIVE, n_passes, difficulty, plan.n, share, low, high, plan.checkpoint, plan.digest)


def live_cells(info: CheckpointInfo | None) -> tuple[Result, ...]:
    """What this visitor has measured of these weights; of a cell that was measured twice, the latest."""
    if info is None:
        return ()
    kept: dict[tuple[int, int], Result] = st.session_state.setdefault("lab_live", {}).setdefault(info.digest, {})
    sweep = _latest(info)
    if sweep is not None:
        kept.update({(cell.passes, cell.difficulty): cell for cell in tuple(sweep.cells)})
    return tuple(kept[place] for place in sorted(kept))


def show(info: CheckpointInfo, measured: Sequence[Result], symbol: str) -> None:
    """The controls of a sweep, its progress, and what came of it."""
    model = lab_text.SWEEP_MODEL.format(name=info.name, digest=info.digest[:8])
    st.markdown(f"{lab_text.SWEEP_INTRO} {model}")
    task = build_task(info.task, info.meta["task_sizes"])
    hardest = task.difficulty_max
    levels = list(range(task.difficulty_min, hardest + 1))
    here = {entry.passes for entry in measured if entry.passes <= PASSES[-1]}
    left, right = st.columns(2, gap="medium")
    passes = left.pills(
        lab_text.PASSES,
        sorted({*PASSES, *here}),
        selection_mode="multi",
        default=[1, 4],
        key=_key(info, "passes"),
        wrap=True,
    )
    chosen = right.pills(
        lab_text.DIFFICULTY.format(symbol=symbol),
        levels,
        selection_mode="multi",
        default=sorted({levels[min(1, len(levels) - 1)], levels[len(levels) // 2]}),
        key=_key(info, "levels"),
        wrap=True,
    )
    left, right = st.columns(2, gap="medium", vertical_alignment="bottom")
    n = left.select_slider(lab_text.INSTANCES, SIZES, value=16, key=_key(info, "n"))
    seed = secrets.randbelow(SEED_MAX)  # fresh instances each time; the seed is shown, so that it can be repeated
    plan = Plan(info.task, info.name, info.digest, tuple(sorted(passes)), tuple(sorted(chosen)), int(n), seed)
    sweep = _latest(info)
    is_open = sweep is not None and not sweep.is_over
    with right:
        label = lab_text.MEASURE_ONE if plan.total == 1 else lab_text.MEASURE.format(cells=plan.total)
        pressed = st.button(label, key="lab_measure", type="primary", disabled=bool(plan.problem) or is_open)
    if plan.problem:
        st.info(plan.problem, icon=":material/info:")
    if pressed and not plan.problem and not is_open:
        sweep = runs.queue().sweep(measure(plan), plan.total)
        st.session_state[_key(info, "sweep")] = (plan, sweep)
        if sweep.wait(QUICK_S):
            st.rerun()
        progress.show_sweep(sweep, "cells", lab_text.SWEEP_STARTING, every_s=POLL_S, cancel="lab_cancel")
    elif sweep is not None and not sweep.is_over:
        progress.show_sweep(sweep, "cells", lab_text.SWEEP_STARTING, every_s=POLL_S, cancel="lab_cancel")
    elif sweep is not None:
        _outcome(st.session_state[_key(info, "sweep")][0], sweep)


def _key(info: CheckpointInfo, name: str) -> str:
    return f"lab_{info.task}_{name}"


def _latest(info: CheckpointInfo) -> Sweep | None:
    """This visitor's latest sweep of these weights."""
    plan, sweep = st.session_state.get(_key(info, "sweep"), (None, None))
    return sweep if plan is not None and plan.digest == info.digest else None


def _outcome(plan: Plan, sweep: Sweep) -> None:
    """How the latest sweep ended."""
    done = lab_text.SWEEP_DONE.format(done=len(sweep.cells), total=sweep.total, n=plan.n, seed=plan.seed)
    if sweep.phase == "failed":
        st.error(sweep.message, icon=":material/error:")
    elif sweep.phase == "cancelled":
        st.info(lab_text.SWEEP_STOPPED.format(done=done), icon=":material/stop_circle:")
    else:
        st.success(lab_text.SWEEP_OVER.format(done=done), icon=":material/check:")
        with st.expander(lab_text.REPEAT, key="lab_repeat"):
            st.code(plan.command, language=None, wrap_lines=True)
