"""Looking into runs: one step at a time in the server's queue, the last few looks kept for all visitors."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from app.inside import inside_text as text
from app.shell import progress, runs
from app.shell.jobs import Phase, RunKey, RunQueue, Sweep
from app.shell.state import Visit
from sleepviz.config.run import Trigger
from sleepviz.inside.seen import PassSeen
from sleepviz.runs.checkpoint import CheckpointInfo
from sleepviz.runs.windows import cut_windows
from sleepviz.tasks import build_task
from sleepviz.tasks.base import statement_stops

KEPT = 6  # looks and readings of all visitors: a look holds what every token wrote
QUICK_S = 1.5
POLL_S = 0.7
STEPS_MAX = 1_000_000
Look = tuple[PassSeen, ...]


@dataclass(frozen=True)
class Work:
    """Something that is computed step by step, and how many steps that takes."""

    key: Hashable
    start: Callable[[], Iterator[Any]]  # called in a worker: torch is imported there
    total: int  # 0: not known before
    what: str  # the steps, in words
    queue: Callable[[], RunQueue] = runs.queue

    @property
    def most(self) -> int:
        """A number of steps that is never too small."""
        return self.total or STEPS_MAX


@dataclass(frozen=True)
class _Asked:
    """What a visitor waits for."""

    key: Hashable
    sweep: Sweep


def _started(work: Work) -> Iterator[Any]:
    """Nothing is called before the first step is asked for."""
    yield from work.start()


@st.cache_resource(show_spinner=False)
def _kept() -> OrderedDict[Hashable, tuple[Any, ...]]:
    """What was computed last, to its end."""
    return OrderedDict()


def look(visit: Visit, name: str, key: RunKey, info: CheckpointInfo) -> Look | None:
    """Every pass of a run, or None while it is computed, which is said in place, or where it cannot be."""
    return waited(visit, name, Work(key, partial(_passes, key), _n_passes(key, info), text.COMPUTING))


def waited(visit: Visit, name: str, work: Work) -> tuple[Any, ...] | None:
    """Every step of some work, or None while it is computed, which is said in place, or where it cannot be."""
    kept, key = _kept(), work.key
    if key in kept:
        kept.move_to_end(key)
        return kept[key]
    before: _Asked | None = visit.get(f"asked_{name}")
    if before is None or before.key != key:
        asked = _Asked(key, work.queue().sweep(_started(work), work.most))
    else:
        asked = _Asked(key, work.queue().resumed(before.sweep))
    visit.set({f"asked_{name}": asked})
    if before is not None and before.key != key:
        before.sweep.cancel()  # last: a click may end this run of the script at each line
    asked.sweep.wait(QUICK_S)
    if not asked.sweep.is_over or asked.sweep.was_left:
        _say(asked, work, f"inside_cancel_{name}")
        return None
    if asked.sweep.phase == "failed":
        st.error(asked.sweep.message, icon=":material/error:")
        return None
    if asked.sweep.phase != "done":
        st.info(text.STOPPED, icon=":material/stop_circle:")
        return None
    kept[key] = tuple(asked.sweep.cells)
    while len(kept) > KEPT:
        kept.popitem(last=False)
    visit.set({f"asked_{name}": None})
    return kept[key]


def _say(asked: _Asked, work: Work, cancel: str) -> None:
    """Where the work stands."""

    def standing(phase: Phase) -> progress.Standing:
        said = {"waiting": text.WAITING, "starting": text.STARTING}.get(phase)
        return progress.Standing(said or text.SO_FAR.format(n=len(asked.sweep.cells), what=work.what))

    if work.total:
        progress.show_sweep(asked.sweep, work.what, text.STARTING, every_s=POLL_S, cancel=cancel)
    else:
        progress.show((asked.sweep,), standing, every_s=POLL_S, cancel=cancel)


def _passes(key: RunKey) -> Iterator[PassSeen]:
    """Called in a worker: torch is imported there."""
    from sleepviz.inside.observe import observe

    yield from observe(key.spec, runs.loaded(key))


def _n_passes(key: RunKey, info: CheckpointInfo) -> int:
    """How many passes the run has: N for each window. With surprise only the model knows: at most N a statement."""
    task, trigger = build_task(info.task, info.meta["task_sizes"]), key.spec.trigger
    context = task.encode(task.parse(key.spec.input, info.limits)).context
    stops = statement_stops(task, context) if trigger.kind in ("statement", "surprise") else ()
    most = Trigger("statement", statements=1) if trigger.kind == "surprise" else trigger
    return key.spec.n_passes * len(cut_windows(len(context), task.window, most, stops))
