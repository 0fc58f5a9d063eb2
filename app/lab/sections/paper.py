"""The paper's figure, in small: accuracy against difficulty with a line for each N, of a model that found it alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.lab import findings, lab_text, lines, tables
from app.lab.lines import Line
from app.lab.scene import Scene
from app.lab.sections.each import EXPERIMENT
from app.lab.sections.section import Section, chance_said, folded, lines_chart, noticed
from app.shell.results import Result, of_model
from sleepviz.runs.checkpoint import CheckpointInfo


def paper(scene: Scene) -> tuple[Section, ...]:
    """The section; none where no model of this task was trained from its answers alone, or it was not measured."""
    info = _found(scene)
    if scene.results is None or info is None:
        return ()
    told, symbol = of_model(scene.results, info.name), scene.said.symbol
    counted = scene.page.counts("accuracy", info.meta["task_sizes"])
    measured, alone = told.of("accuracy", "any_n"), lines.baseline_lines(told)
    chance = counted.chance or 0.0
    by_passes = _by_passes(measured, info.limits["passes_trained"])
    if not by_passes:
        return ()
    gain = findings.gain_finding(measured, symbol, chance)
    duels = [lines.duel(line, measured, chance) for line in alone]
    said = (*([] if gain is None else [gain]), *findings.baseline_findings(duels, symbol))

    heading = lab_text.PAPER_ANY_N if scene.results.of(EXPERIMENT) else lab_text.PAPER

    def show() -> None:
        notice = noticed(lab_text.PAPER_NOTICE, chance_said(counted))
        lines_chart(scene, counted, by_passes, alone, name="paper", notice=notice, alt=lab_text.PAPER_ALT)
        table = tables.lines_table(heading, (*by_passes, *alone), symbol=symbol, right=counted.right)
        folded("paper", table)

    return (Section(heading, "paper", said, show, line=lab_text.PAPER_LINE.format(name=info.name)),)


def _by_passes(measured: Sequence[Result], passes_trained: int) -> tuple[Line, ...]:
    """A line for each N of the training that was measured."""
    tried = sorted({entry.passes for entry in measured if entry.passes <= passes_trained})
    return tuple(replace(lines.own_line(measured, passes), name=f"N = {passes}") for passes in tried)


def _found(scene: Scene) -> CheckpointInfo | None:
    """The model that was trained from its answers alone: beside the task's own model, or that itself."""
    beside = scene.results.of("found", "found") if scene.results else ()
    named = beside[0].checkpoint if beside else scene.info.name if scene.info else ""
    alone = (info for info in scene.infos if info.meta.get("train", {}).get("loss") == "answers")
    return next((info for info in alone if info.name == named), None)
