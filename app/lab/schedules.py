"""When to sleep: schedules against the paper's at equal passes, in sentences. Pure: results in, words out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from app.figures.measured import points
from app.lab import lab_text
from app.lab.findings import Finding
from app.lab.lab_text import levels, variant_name
from app.shell.difference import is_above
from app.shell.results import Result
from sleepviz.studies.measurements import PAPER, STILLNESS

Pair = tuple[Result, Result]  # (a schedule, the paper's at as many passes or more)


def pairs(entries: Sequence[Result]) -> tuple[Pair, ...]:
    """Every schedule with the paper's at the same N; stillness with the paper's at the next N above what it took."""
    papers = {entry.passes: entry for entry in entries if entry.variant == PAPER}
    found = []
    for entry in entries:
        n_passes = math.ceil(entry.mean_passes or 0) if entry.variant == STILLNESS else entry.passes
        if entry.variant != PAPER and n_passes in papers:
            found.append((entry, papers[n_passes]))
    return tuple(found)


def findings(entries: Sequence[Result], chance: float = 0.0) -> tuple[Finding, ...]:
    """Which schedule is best where one can be told, which do better and worse than the paper's, and which do not."""
    compared = pairs(entries)
    if not compared:
        return ()
    ahead = [pair for pair in compared if is_above(*pair, chance)]
    behind = [pair for pair in compared if is_above(pair[1], pair[0], chance)]
    found = [Finding(_first(entries, ahead, chance))]
    found += [_duel(group, lab_text.SCHEDULE_AHEAD) for group in _by_variant(ahead)]
    found += [_duel(group, lab_text.SCHEDULE_BEHIND) for group in _by_variant(behind)]
    apart = {entry.variant for entry, _ in (*ahead, *behind)}
    found += [_alike(group) for group in _by_variant([pair for pair in compared if pair[0].variant not in apart])]
    return tuple(found)


def _first(entries: Sequence[Result], ahead: Sequence[Pair], chance: float) -> str:
    """What is best, in a sentence."""
    variants = list(dict.fromkeys(entry.variant for entry, _ in ahead))
    if not variants:
        return lab_text.SCHEDULE_NONE_AHEAD
    if len(variants) == 1:
        return lab_text.SCHEDULE_ONE_AHEAD.format(name=variant_name(variants[0]))
    return _best(entries, chance)


def _alike(group: Sequence[Pair]) -> Finding:
    """A schedule that cannot be told apart from the paper's, and where it leaves half a pass a token or more."""
    said = [lab_text.SCHEDULE_ALIKE.format(name=variant_name(group[0][0].variant))]
    for entry, paper in group:
        taken = entry.mean_passes or 0.0
        if entry.variant != STILLNESS and taken <= paper.passes - 0.5:
            said.append(lab_text.SCHEDULE_SAVES.format(n=paper.passes, taken=taken))
    return Finding(" ".join(said))


def _best(entries: Sequence[Result], chance: float) -> str:
    """The best schedule of each N that is measurably ahead of every other."""
    alone: dict[str, list[int]] = {}
    for n_passes in sorted({entry.passes for entry in entries if entry.variant == PAPER}):
        here = [e for e in entries if e.passes == n_passes and e.variant != STILLNESS]
        leader = max(here, key=lambda entry: entry.accuracy)
        if len(here) > 1 and all(is_above(leader, other, chance) for other in here if other is not leader):
            alone.setdefault(leader.variant, []).append(n_passes)
    if not alone:
        return lab_text.SCHEDULE_NO_BEST
    return " ".join(
        lab_text.SCHEDULE_BEST.format(at=levels(at, "N"), name=variant_name(variant)) for variant, at in alone.items()
    )


def _duel(group: Sequence[Pair], sentence: str) -> Finding:
    """One schedule against the paper's, with the figures where they lie furthest apart."""
    ours, theirs = max(group, key=lambda pair: abs(pair[0].accuracy - pair[1].accuracy))
    at = sorted({paper.passes for _, paper in group})
    shares = lab_text.SCHEDULE_SHARES if len(at) == 1 else lab_text.SCHEDULE_SHARES_AT
    told = f"{sentence} {shares}".format(
        name=variant_name(ours.variant), at=levels(at, "N"), n=theirs.passes, ours=points(ours), theirs=points(theirs)
    )
    return Finding(told)


def _by_variant(compared: Sequence[Pair]) -> list[list[Pair]]:
    groups: dict[str, list[Pair]] = {}
    for pair in compared:
        groups.setdefault(pair[0].variant, []).append(pair)
    return list(groups.values())


def notes(variants: Sequence[str], *, is_difficulty_in_windows: bool) -> str:
    """What must be known to read the comparison: which schedules this task leaves out, and what was mixed."""
    said = [lab_text.SCHEDULE_MIXED_WINDOWS if is_difficulty_in_windows else lab_text.SCHEDULE_MIXED]
    said.append(lab_text.SCHEDULE_PAGES if "schedule_statements" in variants else lab_text.SCHEDULE_ONE_STATEMENT)
    said += [lab_text.SCHEDULE_STILL] * (STILLNESS in variants)
    return " ".join([*said, lab_text.SCHEDULE_BY_HAND])
