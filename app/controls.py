"""The controls of a Rule 110 run: three in sight, the rest under "Advanced"; widgets -> RunSpec."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, fields

import streamlit as st

from app import cells, state, text
from sleepviz.checkpoint import CheckpointInfo
from sleepviz.config import PASSES_MAX, ConfigError, RunSpec, Trigger
from sleepviz.tasks import build_task
from sleepviz.tasks.base import InputError
from sleepviz.tasks.rule110 import HEADER, Rule110

TASK = "rule110"
PASSES_SHOWN = (*range(0, 17), 20, 24, 32, 48, 64)
SEED_ROW = "0100110101110010011000101101"  # no special row: cut to the model's length


@dataclass(frozen=True)
class Choice:
    """What the visitor asks for: a run, or what is wrong, one sentence each."""

    spec: RunSpec | None
    info: CheckpointInfo | None
    problems: tuple[str, ...]
    rows: tuple[str, ...]
    steps: int
    passes: int
    run_pressed: bool


def defaults_of(recorded_spec: dict[str, object] | None, info: CheckpointInfo | None) -> state.Defaults:
    """The recorded run's question, so that the first view and the controls agree."""
    limits = limits_of(info)
    name = info.name if info else ""
    if recorded_spec:
        values = json.loads(str(recorded_spec["input"]))
        rows = tuple(str(row) for row in values["rows"])
        if all(len(row) == limits.row_cells for row in rows) and int(values["steps"]) <= limits.steps_max:
            return state.Defaults(rows, int(values["steps"]), int(str(recorded_spec["n_passes"])), name)
    return state.Defaults((_cut(SEED_ROW, limits.row_cells),), min(4, limits.steps_max), 4, name)


def rule110_controls(infos: tuple[CheckpointInfo, ...], defaults: state.Defaults) -> Choice:
    """Draw the controls and read them."""
    mine = {info.name: info for info in infos if info.task == TASK}
    chosen = mine.get(str(st.session_state.get("checkpoint", defaults.checkpoint))) or mine.get(defaults.checkpoint)
    limits = limits_of(chosen)
    link = state.LinkLimits(limits.row_cells, limits.rows_max, limits.steps_max, limits.passes_max, tuple(mine))
    state.adopt_url(link)
    chosen = mine.get(str(st.session_state.get("checkpoint", defaults.checkpoint))) or chosen
    limits = limits_of(chosen)
    state.set_missing(defaults, limits.rows_max)
    state.keep_within(steps_max=limits.steps_max, rows_max=limits.rows_max)

    with st.container(horizontal=True, gap="small", key="presets"):
        _presets(limits)
        advanced = _advanced(limits, mine)
    row, steps, passes, run = st.columns([5, 2.6, 2.6, 1.4], gap="medium", vertical_alignment="center")
    with row:
        _row_input(1, limits.row_cells)
    with steps:
        st.slider(
            "Steps t", 0, limits.steps_max, key="steps", help=text.STEPS_HELP, on_change=state.forget_link_problems
        )
    with passes:
        options = sorted({n for n in PASSES_SHOWN if n <= limits.passes_max} | {int(st.session_state["passes"])})
        st.select_slider("Passes N", options, key="passes", help=text.PASSES_HELP, on_change=state.forget_link_problems)
    spec, problems = _spec(chosen, advanced)
    with run:
        pressed = st.button(
            "Run live", key="run", type="primary", disabled=spec is None, on_click=state.ask_live, width="stretch"
        )
    for problem in problems:
        st.error(problem, icon=":material/error:")
    return Choice(
        spec,
        chosen,
        problems,
        state.rows(),
        int(st.session_state["steps"]),
        int(st.session_state["passes"]),
        pressed,
    )


def _row_input(number: int, n_cells: int) -> None:
    key = state.row_key(number)
    name = "Row" if number == 1 and state.n_rows() == 1 else f"Row {number}"
    st.text_input(name, key=key, help=text.ROW_HELP.format(cells=n_cells), on_change=state.forget_link_problems)
    row = str(st.session_state[key]).strip()
    if len(row) == n_cells and not set(row) - {"0", "1"}:
        cells.show(row, key=f"cells_{number}", text_key=key, label=f"{name}: click a cell to change it")


def _presets(limits: Limits) -> None:
    """Both sides of the question, and chance."""
    row = (_cut(SEED_ROW, limits.row_cells),)
    st.button(
        "Easy: right after one pass",
        key="preset_easy",
        on_click=state.set_problem,
        args=(row, min(1, limits.steps_max), 1),
    )
    st.button(
        f"Hard: {limits.steps_max} steps, needs sleep",
        key="preset_hard",
        on_click=state.set_problem,
        args=(row, limits.steps_max, min(limits.steps_max, limits.passes_max)),
    )
    st.button("Two rows", key="preset_two", on_click=_two_rows, args=(limits,))
    st.button("Random row", key="preset_random", on_click=_random_rows, args=(limits.row_cells,))


def _two_rows(limits: Limits) -> None:
    first, second = _cut(SEED_ROW, limits.row_cells), _cut(SEED_ROW[::-1], limits.row_cells)
    state.set_rows((first, second)[: limits.rows_max])
    state.forget_link_problems()


def _random_rows(n_cells: int) -> None:
    # The number of rows stays: chance replaces what the rows hold. A user's dice, so no seed is wanted.
    rows = tuple(f"{secrets.randbits(n_cells):0{n_cells}b}" for _ in range(state.n_rows()))
    state.set_rows(rows)
    state.forget_link_problems()


@dataclass(frozen=True)
class _Advanced:
    trigger: str
    every: int
    asked_after: str
    eviction: str
    sleep_attention: str
    control: str


def _advanced(limits: Limits, mine: dict[str, CheckpointInfo]) -> _Advanced:
    """Everything beyond row, steps and passes: the paper's own choices unless the visitor changes them."""
    with st.popover("Advanced", icon=":material/tune:", key="advanced"):
        st.number_input("Rows in sequence, one window each", 1, limits.rows_max, key="n_rows")
        for number in range(2, state.n_rows() + 1):
            _row_input(number, limits.row_cells)
        trigger = _pick("Sleep trigger", text.TRIGGERS, "trigger")
        every, asked_after = limits.window, ""
        if trigger == "every":
            half = limits.window // 2
            every = int(st.number_input("M, tokens between sleeps", 1, limits.window, half, key="every"))
        if trigger == "manual":
            asked_after = st.text_input("Sleep after these tokens, for example 6, 12", "6", key="asked_after")
        eviction = _pick("Eviction", text.EVICTION, "eviction")
        attention = _pick("Attention while asleep", text.ATTENTION, "sleep_attention")
        control = _pick("Causal control", text.CONTROLS, "control", hint=text.CONTROL_HELP)
        if mine:
            st.selectbox("Checkpoint", list(mine), key="checkpoint", on_change=state.forget_link_problems)
    return _Advanced(trigger, every, asked_after, eviction, attention, control)


def _pick(label: str, options: dict[str, str], key: str, hint: str | None = None) -> str:
    """A menu whose options are the engine's words, written out."""
    return str(st.selectbox(label, tuple(options), format_func=lambda name: options[name], key=key, help=hint))


def _spec(info: CheckpointInfo | None, advanced: _Advanced) -> tuple[RunSpec | None, tuple[str, ...]]:
    """The run that the widgets ask for, or why it cannot be run."""
    if info is None:
        return None, (text.NO_CHECKPOINT,)
    problems = state.link_problems()
    try:
        kind = advanced.trigger
        detail = {"every": f":{advanced.every}", "manual": f":{advanced.asked_after.replace(' ', '')}"}.get(kind, "")
        spec = RunSpec(
            task=TASK,
            input=json.dumps({"rows": list(state.rows()), "steps": int(st.session_state["steps"])}),
            checkpoint=info.name,
            n_passes=int(st.session_state["passes"]),
            eviction=advanced.eviction,  # type: ignore[arg-type]
            sleep_attention=advanced.sleep_attention,  # type: ignore[arg-type]
            trigger=Trigger.parse(kind + detail),
            control=advanced.control,  # type: ignore[arg-type]
        )
        build_task(info.task, info.meta["task_sizes"]).parse(spec.input, info.limits)
    except (ConfigError, InputError) as error:
        return None, (*problems, str(error))
    return (None if problems else spec), problems


@dataclass(frozen=True)
class Limits:
    """What may be asked of a checkpoint; without one, of the task in its usual size."""

    row_cells: int
    rows_max: int
    steps_max: int
    passes_max: int

    @property
    def window(self) -> int:
        """L, tokens of one row with its header."""
        return HEADER + self.row_cells


def limits_of(info: CheckpointInfo | None) -> Limits:
    """Read a checkpoint's limits."""
    values = {**Rule110().limits(), "passes_max": PASSES_MAX, **(info.limits if info else {})}
    return Limits(**{field.name: int(values[field.name]) for field in fields(Limits)})


def _cut(row: str, n_cells: int) -> str:
    return (row * (n_cells // len(row) + 1))[:n_cells]
