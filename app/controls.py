"""The controls of a run: a task's own, N and "Run live" in sight, the rest under "Advanced"; widgets -> RunSpec."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import streamlit as st

from app import text
from app.state import Reader, Visit, one_of, whole_number
from sleepviz.checkpoint import CheckpointInfo
from sleepviz.config import PASSES_MAX, ConfigError, RunSpec, Trigger
from sleepviz.tasks import TASKS, build_task
from sleepviz.tasks.base import InputError

PASSES_SHOWN = (*range(0, 17), 20, 24, 32, 48, 64)

Limits = Mapping[str, Any]


class Form(Protocol):
    """One task's own controls. `limits` is what may be asked of the checkpoint, its window included."""

    task: str
    widths: tuple[float, ...]  # of the columns that `fields` fills

    def readers(self, limits: Limits) -> dict[str, Reader]:
        """How a link's values are read."""

    def first_values(self, recorded: Mapping[str, Any] | None, limits: Limits) -> dict[str, Any]:
        """What the controls hold on a first visit: the recorded input, so that view and controls agree."""

    def keep_within(self, visit: Visit, limits: Limits) -> None:
        """Another checkpoint may allow less: no widget must hold a value outside its range."""

    def presets(self, visit: Visit, limits: Limits) -> None:
        """Buttons that set a whole question."""

    def fields(self, visit: Visit, limits: Limits, columns: list[Any]) -> None:
        """The controls in sight."""

    def advanced(self, visit: Visit, limits: Limits) -> None:
        """What the task adds under "Advanced"."""

    def input(self, visit: Visit) -> dict[str, Any]:
        """The task's input. Raises InputError."""

    def difficulty(self, visit: Visit, limits: Limits) -> int:
        """The difficulty that is asked, for the plots."""

    def link(self, visit: Visit) -> dict[str, str]:
        """The question as a link's values."""

    def notes(self, instance: Any) -> tuple[str, ...]:
        """What must be said of an instance that is allowed but unlike those of training."""


@dataclass(frozen=True)
class Choice:
    """What the visitor asks for: a run, or what is wrong, one sentence each."""

    spec: RunSpec | None
    info: CheckpointInfo | None
    problems: tuple[str, ...]
    passes: int
    difficulty: int
    link: Mapping[str, str]
    run_pressed: bool


def controls(form: Form, visit: Visit, infos: tuple[CheckpointInfo, ...], recorded: dict[str, Any] | None) -> Choice:
    """Draw the controls and read them; `recorded` is the recorded run's specification."""
    mine = {info.name: info for info in infos if info.task == form.task}
    default = next((info.name for info in mine.values() if info.default), "")
    chosen = mine.get(str(visit.get("checkpoint", default))) or mine.get(default)
    limits = limits_of(form.task, chosen)
    link = {
        "N": whole_number("passes", "passes N", 0, limits["passes_max"]),
        "checkpoint": one_of("checkpoint", "checkpoint", tuple(mine)),
    }
    visit.adopt_url({**form.readers(limits), **link})
    chosen = mine.get(str(visit.get("checkpoint", default))) or chosen
    limits = limits_of(form.task, chosen)
    visit.set_missing({**_first_values(form, recorded, limits), "checkpoint": default})
    form.keep_within(visit, limits)

    with st.container(horizontal=True, gap="small", key="presets"):
        form.presets(visit, limits)
        advanced = _advanced(form, visit, limits, tuple(mine))
    *columns, passes, run = st.columns([*form.widths, 2.6, 1.4], gap="medium", vertical_alignment="center")
    form.fields(visit, limits, columns)
    with passes:
        options = sorted({n for n in PASSES_SHOWN if n <= limits["passes_max"]} | {visit.passes})
        key = visit.key("passes")
        st.select_slider("Passes N", options, key=key, help=text.PASSES_HELP, on_change=visit.forget_link_problems)
    spec, problems, notes = _spec(form, visit, chosen, advanced)
    with run:
        is_off = spec is None
        pressed = st.button(
            "Run live", key="run", type="primary", disabled=is_off, on_click=visit.ask_live, width="stretch"
        )
    for problem in problems:
        st.error(problem, icon=":material/error:")
    for note in notes:
        st.info(note, icon=":material/info:")
    difficulty = form.difficulty(visit, limits)
    checkpoint = {"checkpoint": chosen.name} if chosen else {}
    return Choice(
        spec,
        chosen,
        problems,
        visit.passes,
        difficulty,
        {**form.link(visit), "N": str(visit.passes), **checkpoint},
        pressed,
    )


def limits_of(task: str, info: CheckpointInfo | None) -> dict[str, Any]:
    """What may be asked of a checkpoint, and its window; without one, of the task in its usual size."""
    sized = build_task(task, info.meta["task_sizes"]) if info else TASKS[task]()
    return {**sized.limits(), "passes_max": PASSES_MAX, **(info.limits if info else {}), "window": sized.window}


def _first_values(form: Form, recorded: dict[str, Any] | None, limits: Limits) -> dict[str, Any]:
    given = json.loads(str(recorded["input"])) if recorded else None
    return {"passes": int(recorded["n_passes"]) if recorded else 4, **form.first_values(given, limits)}


@dataclass(frozen=True)
class _Advanced:
    trigger: str
    every: int
    asked_after: str
    eviction: str
    sleep_attention: str
    control: str


def _advanced(form: Form, visit: Visit, limits: Limits, names: tuple[str, ...]) -> _Advanced:
    """Everything beyond the question and N: the paper's own choices unless the visitor changes them."""
    with st.popover("Advanced", icon=":material/tune:", key="advanced"):
        form.advanced(visit, limits)
        trigger = pick("Sleep trigger", text.TRIGGERS, visit.key("trigger"))
        every, asked_after = limits["window"], ""
        if trigger == "every":
            half = limits["window"] // 2
            every = int(st.number_input("M, tokens between sleeps", 1, every, half, key=visit.key("every")))
        if trigger == "manual":
            label = "Sleep after these tokens, for example 6, 12"
            asked_after = st.text_input(label, "6", key=visit.key("asked_after"))
        eviction = pick("Eviction", text.EVICTION, visit.key("eviction"))
        attention = pick("Attention while asleep", text.ATTENTION, visit.key("sleep_attention"))
        control = pick("Causal control", text.CONTROLS, visit.key("control"), hint=text.CONTROL_HELP)
        if names:
            st.selectbox("Checkpoint", names, key=visit.key("checkpoint"), on_change=visit.forget_link_problems)
    return _Advanced(trigger, every, asked_after, eviction, attention, control)


def pick(label: str, options: Mapping[str, str], key: str, hint: str | None = None) -> str:
    """A menu whose options are the engine's words, written out."""
    return str(st.selectbox(label, tuple(options), format_func=lambda name: options[name], key=key, help=hint))


def _spec(
    form: Form, visit: Visit, info: CheckpointInfo | None, advanced: _Advanced
) -> tuple[RunSpec | None, tuple[str, ...], tuple[str, ...]]:
    """The run that the widgets ask for, or why it cannot be run; and what must be said of it."""
    if info is None:
        return None, (text.no_checkpoint(form.task),), ()
    problems = visit.link_problems
    try:
        kind = advanced.trigger
        detail = {"every": f":{advanced.every}", "manual": f":{advanced.asked_after.replace(' ', '')}"}.get(kind, "")
        spec = RunSpec(
            task=form.task,
            input=json.dumps(form.input(visit)),
            checkpoint=info.name,
            n_passes=visit.passes,
            eviction=advanced.eviction,  # type: ignore[arg-type]
            sleep_attention=advanced.sleep_attention,  # type: ignore[arg-type]
            trigger=Trigger.parse(kind + detail),
            control=advanced.control,  # type: ignore[arg-type]
        )
        instance = build_task(info.task, info.meta["task_sizes"]).parse(spec.input, info.limits)
    except (ConfigError, InputError) as error:
        return None, (*problems, text.plain(str(error))), ()
    return (None if problems else spec), problems, form.notes(instance)
