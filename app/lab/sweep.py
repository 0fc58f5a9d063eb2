"""A visitor's own sweep: its controls, its progress, its results at the button, and its place in the link."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from app.lab import keep, lab_text
from app.lab.plan import LINKED, SEED_MAX, SIZES, Plan, measure, read_link, widest
from app.lab.tables import sweep_table
from app.parts import buttons
from app.parts.units import count
from app.shell import progress, runs
from app.shell.jobs import Sweep
from app.shell.results import Result
from app.shell.state import LinkError
from sleepviz.runs.checkpoint import CheckpointInfo
from sleepviz.tasks import build_task

PASSES = (0, 1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24)
POLL_S = 1.0
QUICK_S = 0.3
KEPT = 64  # finished sweeps, for whoever opens their links


@dataclass(frozen=True)
class Asked:
    """A plan, and the measurement under way; None: its results are kept from before."""

    plan: Plan
    sweep: Sweep | None

    @property
    def settings(self) -> tuple[Result, ...]:
        """What has been measured so far."""
        return _finished().get(self.plan, ()) if self.sweep is None else tuple(self.sweep.cells)


@st.cache_resource(show_spinner=False)
def _finished() -> OrderedDict[Plan, tuple[Result, ...]]:
    """The last sweeps of all visitors that were measured to their end."""
    return OrderedDict()


def choices(info: CheckpointInfo, measured: Sequence[Result]) -> tuple[list[int], list[int]]:
    """Every N and every difficulty that can be chosen."""
    task = build_task(info.task, info.meta["task_sizes"])
    passes = sorted({*PASSES, *(entry.passes for entry in measured if entry.passes <= PASSES[-1])})
    return passes, list(range(task.difficulty_min, task.difficulty_max + 1))


def adopt(info: CheckpointInfo, measured: Sequence[Result], given: Mapping[str, str] | None) -> None:
    """Take over what a link newly asks, and measure it; None: it asks nothing new. Without a sweep, none is shown."""
    if given is None:
        return
    st.session_state["lab_sweep_problem"] = ""
    asked = {name: value for name, value in given.items() if name in LINKED}
    if asked:
        _take_over(info, measured, asked)
    else:
        st.session_state.pop(_key(info, "sweep"), None)


def problem() -> str:
    """What is wrong with the link's sweep, in one sentence; "" where nothing is."""
    return str(st.session_state.get("lab_sweep_problem", ""))


def link(info: CheckpointInfo | None) -> dict[str, str]:
    """This visitor's latest sweep as a link's values; {} where there is none."""
    asked = None if info is None else _latest(info)
    return {} if asked is None else asked.plan.link


def _take_over(info: CheckpointInfo, measured: Sequence[Result], given: Mapping[str, str]) -> None:
    """Set the controls to a link's values; a whole sweep is measured at once, unless its results are kept."""
    try:
        found = read_link(given, *choices(info, measured))
    except LinkError as error:
        st.session_state["lab_sweep_problem"] = str(error)
        return
    for name, value in found.items():
        st.session_state[_key(info, name)] = value
    if set(found) == set(LINKED):
        plan = _plan(info, found["passes"], found["levels"], found["n"], found["seed"])  # type: ignore[arg-type]
        if not plan.problem:
            _start(info, plan)


def _plan(info: CheckpointInfo, passes: Sequence[int], levels: Sequence[int], n: int, seed: int) -> Plan:
    return Plan(info.task, info.name, info.digest, tuple(sorted(passes)), tuple(sorted(levels)), int(n), seed)


def _start(info: CheckpointInfo, plan: Plan) -> Asked:
    """Measure a plan, unless its results are kept."""
    is_kept = plan in _finished()
    asked = Asked(plan, None if is_kept else runs.queue().sweep(measure(plan), plan.total))
    st.session_state[_key(info, "sweep")] = asked
    return asked


def live_settings(info: CheckpointInfo | None) -> tuple[Result, ...]:
    """What this visitor has measured of these weights; of a setting that was measured twice, the latest."""
    if info is None:
        return ()
    kept: dict[tuple[int, int], Result] = st.session_state.setdefault("lab_live", {}).setdefault(info.digest, {})
    asked = _latest(info)
    if asked is not None:
        kept.update({(each.passes, each.difficulty): each for each in asked.settings})
        if asked.sweep is not None and asked.sweep.phase == "done":
            _finished()[asked.plan] = asked.settings
            while len(_finished()) > KEPT:
                _finished().popitem(last=False)
    return tuple(kept[place] for place in sorted(kept))


def show(
    info: CheckpointInfo, measured: Sequence[Result], symbol: str, right: str, *, on_start: Callable[[], None]
) -> None:
    """The controls of a sweep, its progress, and its results. `on_start` is called once a new one has begun."""
    st.markdown(lab_text.SWEEP_INTRO.format(name=info.name))
    if problem():
        st.warning(problem(), icon=":material/link_off:")
    all_passes, levels = choices(info, measured)
    first = {"passes": [1, 4], "levels": sorted({levels[min(1, len(levels) - 1)], levels[len(levels) // 2]}), "n": 16}
    for name, value in first.items():
        st.session_state.setdefault(_key(info, name), value)
    left, right_side = st.columns(2, gap="medium")
    passes = left.pills(lab_text.PASSES, all_passes, selection_mode="multi", wrap=True, **_held(info, "passes"))
    chosen = right_side.pills(
        lab_text.DIFFICULTY.format(symbol=symbol),
        levels,
        selection_mode="multi",
        wrap=True,
        **_held(info, "levels"),
    )
    left, middle, right_side = st.columns([2, 1, 2], gap="medium", vertical_alignment="bottom")
    n = left.select_slider(lab_text.INSTANCES, SIZES, key=_key(info, "n"))
    seed = middle.number_input(
        lab_text.SEED,
        min_value=0,
        max_value=SEED_MAX,
        value=None,
        step=1,
        key=_key(info, "seed"),
        placeholder=lab_text.SEED_NEW,
        help=lab_text.SEED_HELP,
    )
    plan = _plan(info, passes, chosen, n, 0 if seed is None else int(seed))
    asked = _latest(info)
    is_open = asked is not None and asked.sweep is not None and not asked.sweep.is_over
    with right_side:
        label = lab_text.MEASURE.format(settings=count(plan.total, "setting"))
        pressed = st.button(label, key="lab_measure", type="primary", disabled=bool(plan.problem) or is_open)
    if plan.problem:
        st.info(plan.problem, icon=":material/info:")
    else:
        expected = lab_text.EXPECT_ONE if plan.total == 1 else lab_text.EXPECT
        st.caption(expected.format(settings=count(plan.total, "setting"), n=plan.n, points=widest(plan.n)))
    if pressed and not plan.problem and not is_open:
        asked = _start(info, plan if seed is not None else replace(plan, seed=secrets.randbelow(SEED_MAX)))
        st.session_state["lab_sweep_problem"] = ""
        on_start()
        if asked.sweep is None or asked.sweep.wait(QUICK_S):
            st.rerun()
    if asked is None:
        return
    if asked.sweep is not None and not asked.sweep.is_over:
        progress.show_sweep(
            asked.sweep, lab_text.SETTINGS, lab_text.SWEEP_STARTING, every_s=POLL_S, cancel="lab_cancel"
        )
    else:
        _outcome(asked, symbol, right)


def _key(info: CheckpointInfo, name: str) -> str:
    return f"lab_{info.task}_{name}"


def _held(info: CheckpointInfo, name: str) -> dict[str, Any]:
    """The same for a group of buttons, with what it holds."""
    return buttons.chosen(_key(info, name), st.session_state[_key(info, name)])


def _latest(info: CheckpointInfo) -> Asked | None:
    """This visitor's latest sweep of these weights, which goes on where it ended while they were gone."""
    asked: Asked | None = st.session_state.get(_key(info, "sweep"))
    if asked is None or asked.plan.digest != info.digest:
        return None
    if asked.sweep is not None and asked.sweep.was_left:
        asked = st.session_state[_key(info, "sweep")] = replace(asked, sweep=runs.queue().resumed(asked.sweep))
    return asked


def _outcome(asked: Asked, symbol: str, right: str) -> None:
    """How the latest sweep ended, and its results."""
    plan, found = asked.plan, asked.settings
    done = lab_text.SWEEP_DONE.format(done=len(found), total=plan.total, n=plan.n, seed=plan.seed)
    if asked.sweep is not None and asked.sweep.phase == "failed":
        st.error(asked.sweep.message, icon=":material/error:")
    elif asked.sweep is not None and asked.sweep.phase == "cancelled":
        st.info(lab_text.SWEEP_STOPPED.format(done=done), icon=":material/stop_circle:")
    else:
        st.success(lab_text.SWEEP_OVER.format(done=done), icon=":material/check:")
    if found:
        st.html(sweep_table(found, symbol=symbol, right=right))
        keep.show(
            found,
            file=f"sleepviz-{plan.task}-measured-{plan.seed}",
            key="lab_keep_measure",
            anchor="measure",
            copies={lab_text.COMMAND: plan.command, lab_text.PYTHON: plan.python},
        )
        with st.expander(lab_text.REPEAT, key="lab_repeat"):
            st.code(plan.command, language=None, wrap_lines=True)
            st.code(plan.python, language="python", wrap_lines=True)
