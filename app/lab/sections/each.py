"""The paper's figure, in small: one model for each N, as in the paper, each trained from several seeds."""

from __future__ import annotations

from app.lab import lab_text, spread, tables
from app.lab.scene import Scene
from app.lab.sections.section import Section, chance_said, folded, lines_chart, noticed

EXPERIMENT, BESIDE = "each_n", ("each_n1_flops",)
LINE = (
    "Here each model has one N, in training and in the test, as in the paper. All found out how to use sleep from "
    "their answers alone. {seeds} trainings of each differ only in the random seed, which was chosen beforehand."
)
NOTICE = (
    "follow one line to the right: it falls where a question takes more steps than N passes can make. Whiskers reach "
    "from the worst training to the best."
)
TABLE = "{title}: share of {right}, the mean of {seeds} trainings, and in brackets the worst and the best"


def each(scene: Scene) -> tuple[Section, ...]:
    """The section; none where no such models were measured."""
    entries = scene.results.of(EXPERIMENT) if scene.results else ()
    if not entries:
        return ()
    counted, symbol, n_seeds = scene.counts(EXPERIMENT), scene.said.symbol, spread.seeds(entries)
    trained = spread.by_seed(entries)
    reached = spread.reach_finding(trained, symbol)
    said = (*([] if reached is None else [reached]), *spread.order_findings(trained, symbol, counted.chance or 0.0))

    def show() -> None:
        beside = [line for line in trained if line.variant in BESIDE]
        own = [line for line in trained if line not in beside]
        notice = noticed(NOTICE, chance_said(counted))
        lines_chart(scene, counted, own, beside, name=EXPERIMENT, notice=notice, alt=lab_text.PAPER_ALT)
        caption = TABLE.format(title=lab_text.PAPER, right=counted.right, seeds=n_seeds)
        folded(EXPERIMENT, tables.lines_rows(caption, trained, symbol=symbol))

    return (Section(lab_text.PAPER, EXPERIMENT, said, show, line=LINE.format(seeds=n_seeds)),)
