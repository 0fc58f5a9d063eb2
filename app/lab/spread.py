"""Several trainings of one kind as one line: their mean, between the worst and the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from app.figures.measured import points
from app.figures.percent import NEARLY_ALWAYS, percent
from app.lab.findings import AGAINST, Finding
from app.lab.lab_text import levels, variant_name
from app.lab.lines import Line
from app.shell.results import Result


def by_seed(entries: Sequence[Result]) -> tuple[Line, ...]:
    """A line for each variant, in the entries' order; an entry's ends are the worst and the best of the seeds."""
    lines = []
    for variant in dict.fromkeys(entry.variant for entry in entries):
        of = [entry for entry in entries if entry.variant == variant]
        means = []
        for difficulty in sorted({entry.difficulty for entry in of}):
            seeds = [entry for entry in of if entry.difficulty == difficulty]
            shares = [entry.accuracy for entry in seeds]
            means.append(
                replace(seeds[0], accuracy=fmean(shares), low=min(shares), high=max(shares), checkpoint="", digest="")
            )
        lines.append(Line(variant_name(variant), variant, of[0].passes, tuple(means)))
    return tuple(lines)


def seeds(entries: Sequence[Result]) -> int:
    """How many trainings of one kind were measured, the fewest of all kinds."""
    kinds: dict[str, set[str]] = {}
    for entry in entries:
        kinds.setdefault(entry.variant, set()).add(entry.checkpoint)
    return min(map(len, kinds.values()), default=0)


def order_findings(lines: Sequence[Line], symbol: str, chance: float) -> tuple[Finding, ...]:
    """Each line beside those of fewer passes: where its worst training is above the best of theirs."""
    found = []
    for more in sorted(lines, key=lambda line: line.passes or 0):
        for fewer in lines:
            if (fewer.passes or 0) < (more.passes or 0):
                found.append(_order(more, fewer, symbol, chance))
    return tuple(found)


def _order(more: Line, fewer: Line, symbol: str, chance: float) -> Finding:
    pairs = [(entry, other) for entry in more.entries if (other := fewer.at(entry.difficulty)) is not None]
    told = [(entry, other) for entry, other in pairs if max(entry.low, other.low) > 2 * chance]
    ahead = [(entry, other) for entry, other in told if entry.low > other.high]
    behind = [(entry, other) for entry, other in told if other.low > entry.high]
    if not ahead:
        said = f"“{more.name}” is nowhere ahead of “{fewer.name}”, {AGAINST}."
        return Finding(said, is_against=True)
    best, other = max(ahead, key=lambda pair: pair[0].accuracy - pair[1].accuracy)
    said = (
        f"“{more.name}” is ahead of “{fewer.name}” at {levels([entry.difficulty for entry, _ in ahead], symbol)}: at "
        f"{symbol} = {best.difficulty}, {points(best)} and {points(other)} are right."
    )
    if behind:
        said += f" It is behind at {levels([entry.difficulty for entry, _ in behind], symbol)}, {AGAINST}."
    return Finding(said, is_against=bool(behind))


def reach_finding(lines: Sequence[Line], symbol: str) -> Finding | None:
    """The hardest questions that every training of some N nearly always answers, and what one pass does there."""
    ends = [(line, max((e.difficulty for e in line.entries if e.low >= NEARLY_ALWAYS), default=-1)) for line in lines]
    line, far = max(ends, key=lambda end: end[1], default=(None, -1))
    if line is None or far < 0:
        return None
    entry = line.at(far)
    assert entry is not None
    said = f"At {symbol} = {far}, every training with N = {line.passes} is right in at least {percent(entry.low)} %"
    alone = [other for each in lines if each.passes == 1 and (other := each.at(far)) is not None]
    if line.passes == 1 or not alone:
        return Finding(f"{said}.")
    best = max(other.high for other in alone)
    return Finding(f"{said}. The best training with N = 1 reaches {percent(best)} %.")
