"""The sections of every task: how far sleep reaches and what does as well are in sight, the rest is folded."""

from __future__ import annotations

import streamlit as st

from app import figures
from app.lab import breaking, findings, lab_text, lines, schedules, tables
from app.lab.scene import Scene
from app.lab.sections.section import Section, bar, chance_said, chart, folded, lines_chart, noticed
from app.shell.results import comparisons
from sleepviz.tasks import FAMILIES, TASKS


def every(scene: Scene) -> tuple[Section, ...]:
    """In their order."""
    return _heat(scene), _baselines(scene), _controls(scene), _halting(scene), _schedules(scene), _cost(scene)


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
        notice = noticed(lab_text.HEAT_NOTICE.format(right=counted.right), beyond, chance_said(counted))
        alt = figures.heatmap_summary(scene.measured, symbol)
        chart(scene, figure, entries, name="heat", anchor="passes", notice=notice, alt=alt)
        table = tables.grid_table(
            scene.measured,
            scene.live,
            symbol=symbol,
            right=counted.right,
            trained=scene.passes_trained,
            solved=solved,
        )
        folded("heat", table)

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
        lines_chart(
            scene,
            counted,
            own,
            compared,
            name="baselines",
            notice=lab_text.BASELINES_NOTICE,
            alt=lab_text.BASELINES_ALT,
            live=scene.live,
        )
        table = tables.lines_table(lab_text.BASELINES_TABLE, [*own, *compared], symbol=symbol, right=counted.right)
        folded("baselines", tables.duels_table(duels, symbol=symbol) + table)

    return Section(lab_text.BASELINES, "baselines", findings.baseline_findings(duels, symbol), show)


def _controls(scene: Scene) -> Section:
    found = findings.control_finding(comparisons(scene.results) if scene.results else ())

    def show() -> None:
        breaking.show(scene.task, scene.results, scene.infos, scene.said)
        entries = scene.results.of("control") if scene.results else ()
        if entries:
            bar(scene, entries, name="controls", anchor="controls")

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
        chart(scene, figure, entries, name="halting", anchor="halting", notice=notice, alt=alt)
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
        notice = noticed(lab_text.SCHEDULES_NOTICE, chance_said(counted))
        chart(
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
        bar(scene, costs, name="cost", anchor="cost")

    fold = lab_text.ALL_NUMBERS if found else ""
    return Section(lab_text.COST, "cost", () if found is None else (found,), show, fold=fold)
