"""The sections of the Lab: what each found, and its figure and table. Drawn in their order by the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import plotly.graph_objects as go
import streamlit as st

from app import figures
from app.figures.over_windows import OVER_WINDOWS
from app.figures.percent import one_in
from app.lab import breaking, findings, keep, lab_text, lines, schedules, tables
from app.lab.findings import Finding
from app.lab.further.models import hardest_solved
from app.lab.further.told import findings_of
from app.lab.scene import Scene
from app.shell.results import Result, comparisons
from app.tasks.base import Scored
from sleepviz.tasks import FAMILIES, TASKS

OWN = ("accuracy", "baseline", "control", "halting", "cost")


@dataclass(frozen=True)
class Section:
    """A heading that a link leads to, the findings under it, and what draws the rest."""

    heading: str
    anchor: str
    findings: tuple[Finding, ...]
    show: Callable[[], None]
    line: str = ""  # what was done, where the heading does not say it
    fold: str = ""  # the name of the fold that what is drawn waits in; "" for what a first visit needs

    def draw(self) -> None:
        """What stands below the findings."""
        if self.line:
            st.markdown(self.line)
        if not self.fold:
            self.show()
            return
        fold = st.expander(self.fold, key=_fold_key(self.anchor), on_change="rerun")
        if fold.open:
            with fold:
                self.show()


def main(scene: Scene) -> tuple[Section, ...]:
    """The sections of every task: how far sleep reaches and what does as well are in sight, the rest is folded."""
    return _heat(scene), _baselines(scene), _controls(scene), _halting(scene), _schedules(scene), _cost(scene)


def further(scene: Scene) -> tuple[Section, ...]:
    """A section for every experiment without one of its own."""
    return tuple(_other(scene, name) for name in lines.other_experiments(scene.results, OWN))


def command(scene: Scene) -> str:
    """What makes the task's results file again."""
    return f"{scene.results.made_by} --only {scene.task}" if scene.results else ""


def _chart(
    scene: Scene,
    figure: go.Figure,
    entries: Sequence[Result],
    *,
    name: str,
    anchor: str,
    notice: str,
    alt: str,
    made_by: str = "",
) -> None:
    """A figure with what to notice above it and the bar that saves it below.

    `made_by` is the command that makes its results, where this is not that of the task's own file.
    """
    st.caption(lab_text.NOTICE.format(notice=notice))
    st.plotly_chart(figure, key=f"lab_{name}", theme=None, alt=alt, config=dict(keep.PLOTLY_CONFIG))
    _bar(scene, entries, name=name, anchor=anchor, picture=f"lab_{name}", made_by=made_by)


def _bar(
    scene: Scene, entries: Sequence[Result], *, name: str, anchor: str, picture: str = "", made_by: str = ""
) -> None:
    made_by = made_by or command(scene)
    keep.show(
        entries,
        file=f"sleepviz-{scene.task}-{anchor}",
        key=f"lab_keep_{name}",
        picture=picture,
        anchor=anchor,
        copies={lab_text.COMMAND: made_by} if made_by else {},
    )


def _folded(name: str, table: str) -> None:
    with st.expander(lab_text.NUMBERS, key=f"lab_{name}_numbers"):
        st.html(table)


def _notice(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _chance(counted: Scored) -> str:
    return "" if counted.chance is None else lab_text.CHANCE.format(one_in=one_in(counted.chance))


def _heat(scene: Scene) -> Section:
    symbol, counted, solved = scene.said.symbol, scene.counts("accuracy"), FAMILIES[scene.task].study.solved
    chance = counted.chance or 0.0
    gain = findings.gain_finding(scene.measured, symbol, chance)
    found = [] if gain is None else [gain]
    if scene.measured:
        found.append(findings.reach_finding(scene.measured, symbol, solved))
        found += findings.loss_findings(scene.measured, symbol, scene.passes_trained, chance)
        below = findings.below_chance_finding(scene.measured, symbol, counted.chance)
        found += [] if below is None else [below]

    def show() -> None:
        entries = (*scene.measured, *scene.live)
        if not entries:
            st.markdown(lab_text.HEAT_NOT_RUN)
            return
        st.markdown(tables.heat_line(scene.measured or scene.live))
        beyond = findings.beyond_training(scene.measured, symbol, scene.passes_trained, scene.difficulty_trained)
        figure = figures.heatmap_figure(
            scene.measured,
            live=scene.live,
            passes_trained=scene.passes_trained,
            difficulty_trained=scene.difficulty_trained,
            chance=counted.chance,
            mode=scene.mode,
            symbol=symbol,
            right=counted.right,
        )
        notice = _notice(lab_text.HEAT_NOTICE.format(right=counted.right), beyond, _chance(counted))
        alt = figures.heatmap_summary(scene.measured, symbol)
        _chart(scene, figure, entries, name="heat", anchor="passes", notice=notice, alt=alt)
        table = tables.grid_table(
            scene.measured,
            scene.live,
            symbol=symbol,
            right=counted.right,
            trained=scene.passes_trained,
            solved=solved,
        )
        _folded("heat", table)

    return Section(lab_text.HEAT, "passes", tuple(found), show)


def _baselines(scene: Scene) -> Section:
    symbol, counted = scene.said.symbol, scene.counts("accuracy")
    compared = lines.baseline_lines(scene.results) if scene.results else ()
    duels = [lines.duel(line, scene.measured, counted.chance or 0.0) for line in compared]

    def show() -> None:
        if not compared:
            st.markdown(lab_text.BASELINES_NOT_RUN)
            return
        st.markdown(lab_text.BASELINES_INTRO)
        own = [lines.best_line(scene.measured), lines.own_line(scene.measured, 1)]
        own = [line for line in own if line.entries]
        figure = figures.baselines_figure(
            [(line.name, line.entries) for line in own],
            [(line.name, line.entries) for line in compared],
            live=scene.live,
            mode=scene.mode,
            symbol=symbol,
            right=counted.right,
            chance=counted.chance,
        )
        alt = lab_text.BASELINES_ALT.format(symbol=symbol, n=len(own) + len(compared))
        entries = [entry for line in (*own, *compared) for entry in line.entries]
        notice = lab_text.BASELINES_NOTICE
        _chart(scene, figure, entries, name="baselines", anchor="baselines", notice=notice, alt=alt)
        table = tables.lines_table(lab_text.BASELINES_TABLE, [*own, *compared], symbol=symbol, right=counted.right)
        _folded("baselines", tables.duels_table(duels, symbol=symbol) + table)

    return Section(lab_text.BASELINES, "baselines", findings.baseline_findings(duels, symbol), show)


def _controls(scene: Scene) -> Section:
    found = findings.control_finding(comparisons(scene.results) if scene.results else ())

    def show() -> None:
        breaking.show(scene.task, scene.results, scene.infos, scene.said)
        entries = scene.results.of("control") if scene.results else ()
        if entries:
            _bar(scene, entries, name="controls", anchor="controls")

    fold = lab_text.CONTROLS_AND_NUMBERS if found else ""
    return Section(lab_text.CONTROLS, "controls", () if found is None else (found,), show, fold=fold)


def _halting(scene: Scene) -> Section:
    counted = scene.counts("halting")
    fixed = scene.results.of("halting", "fixed_n") if scene.results else ()
    drift = scene.results.of("halting", "drift_halting") if scene.results else ()
    found, entries = findings.halting_finding(fixed, drift), (*fixed, *drift)

    def show() -> None:
        if not entries:
            st.markdown(lab_text.HALTING_NOT_RUN)
            return
        st.markdown(lab_text.HALTING_INTRO)
        figure = figures.halting_figure(fixed, drift, mode=scene.mode, right=counted.right, chance=counted.chance)
        alt = lab_text.HALTING_ALT.format(finding=found.sentence if found else "").rstrip()
        notice = lab_text.HALTING_NOTICE
        _chart(scene, figure, entries, name="halting", anchor="halting", notice=notice, alt=alt)
        st.html(tables.halting_table(fixed, drift, right=counted.right))

    said = () if found is None else (found,)
    return Section(lab_text.HALTING, "halting", said, show, fold=lab_text.FIGURE_AND_NUMBERS if entries else "")


def _schedules(scene: Scene) -> Section:
    counted, found = scene.counts("schedule"), scene.schedules
    entries = found.of("schedule") if found else ()
    said = schedules.findings(entries, counted.chance or 0.0)

    def show() -> None:
        if not found or not entries:
            st.markdown(lab_text.SCHEDULES_NOT_RUN)
            return
        st.markdown(lab_text.SCHEDULES_INTRO)
        figure = figures.schedules_figure(entries, mode=scene.mode, right=counted.right, chance=counted.chance)
        alt = lab_text.SCHEDULES_ALT.format(finding=said[0].sentence if said else "").rstrip()
        notice = _notice(lab_text.SCHEDULES_NOTICE, _chance(counted))
        _chart(
            scene, figure, entries, name="schedules", anchor="schedules", notice=notice, alt=alt, made_by=found.made_by
        )
        variants = [entry.variant for entry in entries]
        mixed = TASKS[scene.task]().difficulty_in_windows
        st.markdown(schedules.notes(variants, is_difficulty_in_windows=mixed))
        st.html(tables.schedules_table(entries, right=counted.right))

    fold = lab_text.FIGURE_AND_NUMBERS if entries else ""
    return Section(lab_text.SCHEDULES, "schedules", said, show, fold=fold)


def _cost(scene: Scene) -> Section:
    costs = scene.results.of("cost", "any_n") if scene.results else ()
    found = findings.cost_finding(costs)

    def show() -> None:
        if found is None:
            st.markdown(lab_text.COST_NOT_RUN)
            return
        st.markdown(lab_text.COST_INTRO)
        st.html(tables.cost_table(costs, symbol=scene.said.symbol))
        _bar(scene, costs, name="cost", anchor="cost")

    fold = lab_text.ALL_NUMBERS if found else ""
    return Section(lab_text.COST, "cost", () if found is None else (found,), show, fold=fold)


def _other(scene: Scene, experiment: str) -> Section:
    """An experiment without a section of its own: a line, a finding, and on a click its figure and its table."""
    assert scene.results is not None
    said, counted, symbol = lab_text.section(experiment), scene.counts(experiment), scene.said.symbol
    return Section(
        said.heading,
        _anchor(experiment),
        findings_of(scene.results, experiment, symbol, counted.right, counted.chance or 0.0),
        partial(_show_other, scene, experiment),
        line=said.line,
        fold=lab_text.FIGURE_AND_NUMBERS,
    )


def unfold(anchor: str) -> None:
    """Open the section whose heading has this anchor. To be called before the page is drawn."""
    st.session_state[_fold_key(anchor)] = True


def _anchor(experiment: str) -> str:
    return experiment.replace("_", "-")


def _fold_key(anchor: str) -> str:
    return f"lab_{anchor.replace('-', '_')}_fold"


def _show_other(scene: Scene, experiment: str) -> None:
    assert scene.results is not None
    said, counted, symbol = lab_text.section(experiment), scene.counts(experiment), scene.said.symbol
    anchor, entries = _anchor(experiment), scene.results.of(experiment)
    st.caption(lab_text.models(scene.said.sizes, scene.checkpoints_of(experiment)))
    drawn = _figure_of(scene, experiment, counted)
    if drawn is None:
        _bar(scene, entries, name=experiment, anchor=anchor)
    else:
        figure, alt, at = drawn
        notice = _notice(said.notice, at, _chance(counted))
        _chart(scene, figure, entries, name=experiment, anchor=anchor, notice=notice, alt=alt)
    compared = lines.lines_of(scene.results, experiment)
    st.html(tables.lines_table(said.heading, compared, symbol=symbol, right=counted.right))


def _figure_of(scene: Scene, experiment: str, counted: Scored) -> tuple[go.Figure, str, str] | None:
    """The figure of an experiment, its description, and at which one difficulty it is drawn, if it is.

    It is over windows, over N by model at the hardest difficulty that one solves, or over N by difficulty of one model.
    None where there is one N only.
    """
    assert scene.results is not None
    heading, symbol = lab_text.section(experiment).heading, scene.said.symbol
    entries = scene.results.of(experiment)
    hardest = hardest_solved(entries)
    if experiment in OVER_WINDOWS:
        figure = figures.windows_figure(
            scene.results, experiment, difficulty=hardest, mode=scene.mode, symbol=symbol, chance=counted.chance
        )
        return figure, OVER_WINDOWS[experiment].alt.format(heading=heading), ""
    compared = lines.models_of(scene.results, experiment, hardest)
    alt = lab_text.SERIES_ALT.format(heading=heading, hardest=f"{symbol} = {hardest}", n=len(compared))
    at = lab_text.SERIES_AT.format(level=f"{symbol} = {hardest}")
    if len(compared) == 1:
        difficulties = sorted({entry.difficulty for entry in entries})
        compared = {f"{symbol} = {d}": tuple(e for e in entries if e.difficulty == d) for d in difficulties}
        alt, at = lab_text.GROWTH_ALT.format(heading=heading, right=counted.right, n=len(compared)), ""
    if max(len(line) for line in compared.values()) < 2:
        return None
    return figures.series_figure(compared, mode=scene.mode, right=counted.right, chance=counted.chance), alt, at
