"""The controls of a run: a task's own, N and "Run live" in sight, the rest in a popover; widgets -> RunSpec."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import streamlit as st

from app.shell import address, messages, position, runs
from app.shell.state import Reader, Visit, one_of, whole_number
from app.stage import advanced, stage_text
from app.tasks.base import Form, Limits, TaskPage
from sleepviz.config.base import ConfigError
from sleepviz.config.model import PASSES_MAX
from sleepviz.config.run import RunSpec
from sleepviz.runs.checkpoint import CheckpointInfo
from sleepviz.tasks import TASKS, build_task
from sleepviz.tasks.base import InputError

PASSES_SHOWN = (*range(0, 17), 20, 24, 32, 48, 64)


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
    asks: str  # the question in one sentence


def is_plain(spec: RunSpec) -> bool:
    """Whether a run is the paper's procedure, slept on as the checkpoint was trained, with no part broken."""
    usual = RunSpec(spec.task, spec.input, spec.checkpoint, spec.n_passes, seed=spec.seed)
    return spec == usual


def controls(
    page: TaskPage,
    visit: Visit,
    infos: tuple[CheckpointInfo, ...],
    recorded: dict[str, Any] | None,
    *,
    further: Mapping[str, Reader] = MappingProxyType({}),
    first: Mapping[str, Any] = MappingProxyType({}),
    run: str = stage_text.RUN_LIVE,
) -> Choice:
    """Draw the controls and read them; `recorded` is the recorded run's specification.

    `further` reads what else a link to this page may hold, and `first` is what that is where nothing is said. `run`
    is the button's label.
    """
    form = page.form
    mine = {info.name: info for info in infos if info.task == page.task}
    usual = runs.default_checkpoint(page.task, infos)
    default = usual.name if usual else ""
    linked = mine.get(address.asked().get("checkpoint", default)) or mine.get(default)
    limits = limits_of(page.task, linked)
    visit.adopt_url(
        {**readers(form, limits, tuple(mine)), **further}, {**_first_values(form, recorded, limits, default), **first}
    )
    chosen = mine.get(str(visit.get("checkpoint", default))) or linked
    limits = limits_of(page.task, chosen)
    visit.set_missing({**_first_values(form, recorded, limits, default), **first})
    form.keep_within(visit, limits)
    advanced.keep_within(visit, limits["window"])

    *columns, passes, button = st.columns([*form.widths, 2.2, 1.2], gap="medium", vertical_alignment="bottom")
    form.fields(visit, limits, columns)
    with passes:
        options = sorted({n for n in PASSES_SHOWN if n <= limits["passes_max"]} | {visit.passes})
        key = visit.key("passes")
        st.select_slider(
            stage_text.PASSES, options, key=key, help=stage_text.PASSES_HELP, on_change=visit.forget_link_problems
        )
    with st.container(horizontal=True, gap="small", key="presets", vertical_alignment="center"):
        form.presets(visit, limits)
        with st.popover(stage_text.ADVANCED, icon=":material/tune:", key="advanced"):
            form.advanced(visit, limits)
            settings = advanced.show(visit, limits["window"], tuple(mine))
        st.markdown(f"**{stage_text.BREAK_IT}**", width="content")
        advanced.break_it(visit)
    spec, problems, notes = _spec(page, visit, chosen, settings)
    with button:
        # Never switched off: a click may come from a text box, whose correction is only being sent.
        pressed = st.button(run, key="run", type="primary", on_click=visit.ask_live, width="stretch")
    for problem in problems:
        st.error(problem, icon=":material/error:")
    for note in notes:
        st.info(note, icon=":material/info:")
    visit.drawn()
    difficulty = form.difficulty(visit, limits)
    if spec is not None and difficulty > limits["hardest"]:
        said = stage_text.BEYOND.format(symbol=page.words.symbol, reached=limits["hardest"], asked=difficulty)
        st.info(said, icon=":material/info:")
    return Choice(
        spec,
        chosen,
        problems,
        visit.passes,
        difficulty,
        link_of(form, visit, settings, chosen.name if chosen else ""),
        pressed,
        _asks(page, visit),
    )


def readers(form: Form, limits: Limits, checkpoints: tuple[str, ...]) -> dict[str, Reader]:
    """How a link's values are read; `limits` are those of the checkpoint that the link names."""
    return {
        **form.readers(limits),
        "N": whole_number("passes", "passes N", 0, limits["passes_max"]),
        "checkpoint": one_of("checkpoint", "checkpoint", checkpoints),
        **advanced.readers(limits["window"]),
        **position.readers(),
    }


def link_of(form: Form, visit: Visit, settings: advanced.Settings, checkpoint: str) -> dict[str, str]:
    """What the controls ask, as a link's values that `readers` reads back."""
    named = {"checkpoint": checkpoint} if checkpoint else {}
    return {**form.link(visit), "N": str(visit.passes), **named, **settings.link()}


def _asks(page: TaskPage, visit: Visit) -> str:
    """The question as it stands; in general words where the input cannot be read."""
    try:
        return page.words.asks(page.form.input(visit))
    except InputError:
        return page.words.title


def limits_of(task: str, info: CheckpointInfo | None) -> dict[str, Any]:
    """What may be asked of a checkpoint, the hardest that its training reached, and its window.

    Without a checkpoint: of the task in its usual size.
    """
    sized = build_task(task, info.meta["task_sizes"]) if info else TASKS[task]()
    hardest = info.reached if info and uses_several_n(info) else sized.difficulty_max
    own = {"hardest": hardest, "window": sized.window}
    return {**sized.limits(), "passes_max": PASSES_MAX, **(info.limits if info else {}), **own}


def uses_several_n(info: CheckpointInfo) -> bool:
    """Whether it was trained for every N; a model with one N stands beside such a model, on questions as hard."""
    return not info.meta.get("train", {}).get("n_passes")


def _first_values(form: Form, recorded: dict[str, Any] | None, limits: Limits, default: str) -> dict[str, Any]:
    given = json.loads(str(recorded["input"])) if recorded else None
    own = {"passes": int(recorded["n_passes"]) if recorded else 4, **form.first_values(given, limits)}
    return {**own, **advanced.first_values(limits["window"]), "checkpoint": default}


def _spec(
    page: TaskPage, visit: Visit, info: CheckpointInfo | None, settings: advanced.Settings
) -> tuple[RunSpec | None, tuple[str, ...], tuple[str, ...]]:
    """The run that the widgets ask for, or why it cannot be run; and what must be said of it."""
    if info is None:
        return None, (messages.no_checkpoint(page.task),), ()
    problems = visit.link_problems
    try:
        spec = RunSpec(
            task=page.task,
            input=json.dumps(page.form.input(visit)),
            checkpoint=info.name,
            n_passes=visit.passes,
            eviction=settings.eviction,
            sleep_attention=settings.sleep_attention,
            trigger=settings.trigger(),
            spending=settings.spending(),
            control=settings.control,
        )
        task = build_task(info.task, info.meta["task_sizes"])
        instance = task.parse(spec.input, info.limits)
        settings.require_tokens(len(task.encode(instance).context))
    except (ConfigError, InputError) as error:
        return None, (*problems, messages.plain(str(error))), ()
    return (None if problems else spec), problems, page.form.notes(instance)
