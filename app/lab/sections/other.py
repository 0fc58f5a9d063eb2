"""A section for every experiment without one of its own."""

from __future__ import annotations

from functools import partial

import plotly.graph_objects as go
import streamlit as st

from app import figures
from app.figures.over_windows import OVER_WINDOWS
from app.lab import lab_text, lines, tables
from app.lab.further.models import hardest_solved
from app.lab.further.told import findings_of
from app.lab.further.windows import size_finding
from app.lab.scene import Scene
from app.lab.sections.each import EXPERIMENT
from app.lab.sections.section import Section, bar, chance_said, chart, noticed
from app.tasks.base import Scored

OWN = ("accuracy", "baseline", "control", "halting", "cost", EXPERIMENT)


def others(scene: Scene) -> tuple[Section, ...]:
    """All of them, in the order of the results."""
    return tuple(_other(scene, name) for name in lines.other_experiments(scene.results, OWN))


def _other(scene: Scene, experiment: str) -> Section:
    """An experiment without a section of its own: a line, a finding, and on a click its figure and its table."""
    assert scene.results is not None
    said, counted, symbol = lab_text.section(experiment), scene.counts(experiment), scene.said.symbol
    findings = findings_of(scene.results, experiment, symbol, counted.right, counted.chance or 0.0)
    if experiment in OVER_WINDOWS and scene.info is not None:
        findings += (size_finding(scene.results.of(experiment), OVER_WINDOWS[experiment], scene.info),)
    return Section(
        said.heading,
        _anchor(experiment),
        findings,
        partial(_show_other, scene, experiment),
        line=said.line,
        fold=lab_text.FIGURE_AND_NUMBERS,
    )


def _show_other(scene: Scene, experiment: str) -> None:
    assert scene.results is not None
    said, counted, symbol = lab_text.section(experiment), scene.counts(experiment), scene.said.symbol
    anchor, entries = _anchor(experiment), scene.results.of(experiment)
    st.caption(lab_text.models(scene.said.sizes, scene.checkpoints_of(experiment)))
    drawn = _figure_of(scene, experiment, counted)
    if drawn is None:
        bar(scene, entries, name=experiment, anchor=anchor)
    else:
        figure, alt, at = drawn
        notice = noticed(said.notice, at, chance_said(counted))
        chart(scene, figure, entries, name=experiment, anchor=anchor, notice=notice, alt=alt)
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


def _anchor(experiment: str) -> str:
    return experiment.replace("_", "-")
