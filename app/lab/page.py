"""The Lab page, section by section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from app import figures
from app.lab import breaking, findings, lab_text, sweep, tables
from app.lab.findings import Finding
from app.shell import messages, runs, theme
from app.shell.address import is_same_page
from app.shell.messages import joined
from app.shell.results import Result, Results
from app.tasks import PAGES
from app.tasks.base import Words
from sleepviz.runs.checkpoint import CheckpointInfo

OWN_SECTIONS = ("accuracy", "baseline", "control", "halting", "cost")
LINES_IN_SIGHT = 8  # of a table; a longer one is folded away under its picture


@dataclass(frozen=True)
class Scene:
    """One task as the Lab shows it."""

    task: str
    said: Words
    mode: theme.Mode
    results: Results | None
    infos: tuple[CheckpointInfo, ...]
    info: CheckpointInfo | None  # the any-N checkpoint whose accuracies these are, if it is here
    here: CheckpointInfo | None  # what a live sweep measures: the same, or the task's default
    measured: tuple[Result, ...]  # the any-N checkpoint's accuracies
    live: tuple[Result, ...]

    @property
    def passes_trained(self) -> int | None:
        """What training took, as far as the checkpoint says."""
        return None if self.info is None else self.info.limits.get("passes_trained")

    @property
    def difficulty_trained(self) -> int | None:
        """The hardest question of training, as far as the checkpoint says."""
        stages = self.info.meta.get("train", {}).get("stages", ()) if self.info else ()
        return max((stage["difficulty"] for stage in stages), default=None)


def show() -> None:
    """The whole page."""
    st.html(Path(__file__).with_name("lab.css"))
    st.title(lab_text.TITLE, anchor=False)
    st.markdown(lab_text.INTRO)
    infos = runs.checkpoints(runs.checkpoint_folder())
    tasks = available_tasks(infos)
    if not tasks:
        st.info(lab_text.NOTHING_HERE, icon=":material/info:")
        return
    scene = _scene(_task(tasks), infos)
    _heat(scene)
    st.header(lab_text.SWEEP, anchor="measure")
    if scene.here is None:
        st.info(messages.no_checkpoint(scene.task), icon=":material/info:")
    else:
        sweep.show(scene.here, scene.measured, scene.said.symbol)
    _baselines(scene)
    st.header(lab_text.CONTROLS, anchor="controls")
    breaking.show(scene.task, scene.results, infos, scene.said)
    _halting(scene)
    _cost(scene)
    _others(scene)
    _not_run(scene)
    _provenance(scene)


def _task(tasks: list[str]) -> str:
    """The chosen task; a link such as /lab?task=depo chooses one, and a choice is put into the link.

    A link that this session did not write last is a new one, or the Back button: it is followed. A bare one says
    nothing on the way from another page.
    """
    before, asked = st.session_state.get("lab_link", tasks[0]), str(st.query_params.get("task", tasks[0]))
    says = "task" in st.query_params or is_same_page()
    wanted = asked if says and asked in tasks else before
    if wanted != before or st.session_state.get("lab_task") not in tasks:
        st.session_state["lab_task"] = wanted
    task = str(
        st.segmented_control(
            lab_text.TASK, tasks, required=True, format_func=lambda name: PAGES[name].words.lab, key="lab_task"
        )
    )
    if task != asked:
        st.query_params["task"] = task
    st.session_state["lab_link"] = task
    return task


def available_tasks(infos: Sequence[CheckpointInfo]) -> list[str]:
    """The tasks that have a results file or a checkpoint to measure."""
    folder = runs.ASSETS / "results"
    return [t for t in PAGES if (folder / f"{t}.json").is_file() or runs.default_checkpoint(t, tuple(infos))]


def _scene(task: str, infos: tuple[CheckpointInfo, ...]) -> Scene:
    found = runs.results(task)
    if isinstance(found, str):
        st.info(found, icon=":material/info:")
    results = None if isinstance(found, str) else findings.newest(found)
    accuracies = results.of("accuracy", "any_n") if results else ()
    names = tuple(dict.fromkeys(entry.checkpoint for entry in accuracies))
    default = runs.default_checkpoint(task, infos)
    chosen = default.name if default and default.name in names else names[0] if names else ""
    if len(names) > 1:
        chosen = str(st.selectbox(lab_text.CHECKPOINT, names, index=names.index(chosen), key=f"lab_{task}_checkpoint"))
    info = next((info for info in infos if info.name == chosen), default if not chosen else None)
    here = info or default
    measured = tuple(entry for entry in accuracies if entry.checkpoint == chosen)
    if here and measured and measured[0].digest != here.digest:
        st.warning(
            lab_text.OTHER_WEIGHTS.format(measured=measured[0].digest[:8], here=here.digest[:8]),
            icon=":material/warning:",
        )
    mode = theme.page_mode(st.context.theme.type)
    return Scene(task, PAGES[task].words, mode, results, infos, info, here, measured, sweep.live_cells(here))


def _heat(scene: Scene) -> None:
    symbol, right = scene.said.symbol, scene.said.right
    st.header(lab_text.HEAT, anchor="passes")
    if not scene.measured and not scene.live:
        st.markdown(lab_text.HEAT_NOT_RUN)
        return
    if scene.measured:
        gain = findings.gain_finding(scene.measured, symbol)
        _say(
            *(() if gain is None else (gain,)),
            findings.reach_finding(scene.measured, symbol),
            *findings.loss_findings(scene.measured, symbol, scene.passes_trained),
        )
    beyond = findings.beyond_training(scene.measured, symbol, scene.passes_trained, scene.difficulty_trained)
    st.caption(lab_text.NOTICE.format(notice=f"{lab_text.HEAT_NOTICE} {beyond}"))
    figure = figures.heatmap_figure(
        scene.measured,
        live=scene.live,
        passes_trained=scene.passes_trained,
        difficulty_trained=scene.difficulty_trained,
        mode=scene.mode,
        symbol=symbol,
        right=right,
    )
    st.plotly_chart(figure, key="lab_heat", theme=None, alt=figures.heatmap_summary(scene.measured, symbol))
    with st.expander(lab_text.NUMBERS, key="lab_heat_numbers"):
        st.html(tables.grid_table(scene.measured, scene.live, symbol=symbol, right=right, trained=scene.passes_trained))


def _baselines(scene: Scene) -> None:
    st.header(lab_text.BASELINES, anchor="baselines")
    baselines = findings.baseline_lines(scene.results) if scene.results else ()
    if not baselines:
        st.markdown(lab_text.BASELINES_NOT_RUN)
        return
    symbol, right = scene.said.symbol, scene.said.right
    st.markdown(lab_text.BASELINES_INTRO)
    _say(*(findings.baseline_finding(line, scene.measured, symbol) for line in baselines))
    own = [findings.best_line(scene.measured), findings.own_line(scene.measured, 1)]
    own = [line for line in own if line.entries]
    figure = figures.baselines_figure(
        [(line.name, line.entries) for line in own],
        [(line.name, line.entries) for line in baselines],
        live=scene.live,
        mode=scene.mode,
        symbol=symbol,
        right=right,
    )
    st.caption(lab_text.BASELINES_NOTICE)
    names = joined([line.name for line in (*own, *baselines)])
    st.plotly_chart(
        figure, key="lab_baselines", theme=None, alt=lab_text.BASELINES_ALT.format(symbol=symbol, names=names)
    )
    with st.expander(lab_text.NUMBERS, key="lab_baselines_numbers"):
        st.html(tables.lines_table(lab_text.BASELINES_TABLE, [*own, *baselines], symbol=symbol, right=right))


def _halting(scene: Scene) -> None:
    st.header(lab_text.HALTING, anchor="halting")
    fixed = scene.results.of("halting", "fixed_n") if scene.results else ()
    drift = scene.results.of("halting", "drift_halting") if scene.results else ()
    if not fixed and not drift:
        st.markdown(lab_text.HALTING_NOT_RUN)
        return
    st.markdown(lab_text.HALTING_INTRO)
    found = findings.halting_finding(fixed, drift)
    if found is not None:
        _say(found)
    st.caption(lab_text.NOTICE.format(notice=lab_text.HALTING_NOTICE))
    figure = figures.halting_figure(fixed, drift, mode=scene.mode, right=scene.said.right)
    alt = lab_text.HALTING_ALT.format(finding=found.sentence if found else "")
    st.plotly_chart(figure, key="lab_halting", theme=None, alt=alt)
    with st.expander(lab_text.NUMBERS, key="lab_halting_numbers"):
        st.html(tables.halting_table(fixed, drift, right=scene.said.right))


def _cost(scene: Scene) -> None:
    costs = scene.results.of("cost", "any_n") if scene.results else ()
    st.header(lab_text.COST, anchor="cost")
    found = findings.cost_finding(costs)
    if found is None:
        st.markdown(lab_text.COST_NOT_RUN)
        return
    st.markdown(lab_text.COST_INTRO)
    _say(found)
    with st.expander(lab_text.NUMBERS, key="lab_cost_numbers"):
        st.html(tables.cost_table(costs, symbol=scene.said.symbol))


def _others(scene: Scene) -> None:
    """Every experiment without a section of its own: a heading, a line, a picture, a table."""
    for experiment in findings.other_experiments(scene.results, OWN_SECTIONS):
        heading, line = lab_text.heading(experiment)
        st.header(heading, anchor=experiment.replace("_", "-"))
        st.markdown(line)
        assert scene.results is not None
        st.caption(lab_text.models(scene.said.sizes, _checkpoints_of(scene, experiment)))
        _over_passes(scene, scene.results, experiment, heading)
        lines = findings.lines_of(scene.results, experiment)
        table = tables.lines_table(heading, lines, symbol=scene.said.symbol, right=scene.said.right)
        if len(lines) > LINES_IN_SIGHT:
            with st.expander(lab_text.NUMBERS, key=f"lab_{experiment}_numbers"):
                st.html(table)
        else:
            st.html(table)


def _over_passes(scene: Scene, results: Results, experiment: str, heading: str) -> None:
    """A picture of the hardest question, where an experiment took several N."""
    entries = results.of(experiment)
    hardest = max(entry.difficulty for entry in entries)
    models = findings.models_of(results, experiment, hardest)
    if max(len(measured) for measured in models.values()) < 2:
        return
    symbol = scene.said.symbol
    asked = f"{symbol} = {hardest}"
    st.caption(lab_text.NOTICE.format(notice=lab_text.SERIES_NOTICE.format(hardest=asked)))
    figure = figures.series_figure(models, mode=scene.mode, right=scene.said.right)
    alt = lab_text.SERIES_ALT.format(heading=heading, hardest=asked, names=joined(list(models)))
    st.plotly_chart(figure, key=f"lab_{experiment}", theme=None, alt=alt)


def _checkpoints_of(scene: Scene, experiment: str) -> dict[str, Mapping[str, Any]]:
    """The names of the checkpoints that an experiment measured, and the sizes of those that are here."""
    sizes = {info.name: info.meta["task_sizes"] for info in scene.infos}
    entries = scene.results.of(experiment) if scene.results else ()
    return {name: sizes.get(name, {}) for name in sorted({entry.checkpoint for entry in entries})}


def _not_run(scene: Scene) -> None:
    missing = findings.not_run(scene.said.evidence, scene.results)
    missing += findings.not_run_beyond(
        scene.measured, scene.said.symbol, scene.passes_trained, scene.difficulty_trained
    )
    st.header(lab_text.NOT_RUN, anchor="not-run")
    if missing:
        st.markdown(lab_text.MISSING.format(missing=joined(missing)))
    else:
        st.markdown(lab_text.NOTHING_MISSING)


def _provenance(scene: Scene) -> None:
    if scene.results is None:
        return
    weights = lab_text.WEIGHTS.format(digest=scene.measured[0].digest[:8]) if scene.measured else ""
    commit = scene.results.commit[:8] or lab_text.NO_COMMIT
    st.caption(lab_text.SOURCE.format(task=scene.task, commit=commit, weights=weights))
    st.code(f"{scene.results.made_by} --only {scene.task}", language=None, wrap_lines=True)


def _say(*said: Finding) -> None:
    """Sentences as a list; those against the paper's trend are marked."""
    st.markdown("\n".join(f"- {':material/priority_high: ' * each.is_against}{each.sentence}" for each in said))
