"""What can be read from S, beside what the model itself answers. Pure: results in, words out."""

from __future__ import annotations

from collections.abc import Sequence

from app.figures.measured import points
from app.figures.percent import percent
from app.lab.findings import Finding
from app.lab.subjects import begun, subject
from app.shell.difference import is_above
from app.shell.messages import joined
from app.shell.results import MOSTLY_RIGHT, Result

ANSWER, OTHER = "s_answer", ("s_other", "s_probe_other")
MISSES = "A linear probe can miss what S holds. So a low share does not show that the answer is missing from S."
HARDEST = (
    "Every probed window asks the hardest question. So S need not keep an easier answer once a harder one is computed."
)


def memory_finding(entries: Sequence[Result], symbol: str) -> Finding | None:
    """How often S names the model's answer, at the hardest question that the model solves; None without answers."""
    answers = {(e.difficulty, e.passes): e for e in entries if e.variant == ANSWER}
    solved = {place: entry for place, entry in answers.items() if entry.accuracy >= MOSTLY_RIGHT}
    if not answers:
        return None
    if not solved:
        return Finding(f"The model is not mostly right at any {symbol}, so the answers that S names say little.")
    hardest = max(solved.values(), key=lambda entry: (entry.difficulty, entry.accuracy, -entry.passes))
    here = [e for e in entries if (e.difficulty, e.passes) == (hardest.difficulty, hardest.passes)]
    readers = sorted((e for e in here if e.variant != ANSWER), key=lambda entry: -entry.accuracy)
    if not readers:
        return None
    said = [
        f"At {symbol} = {hardest.difficulty} with N = {hardest.passes}, the model's answer is right in "
        f"{points(hardest)} of cases."
    ]
    said += [f"{begun(subject(reader.variant))} names that answer in {points(reader)}." for reader in readers]
    own = next((reader for reader in readers if reader.variant not in OTHER), None)
    told = [e for e in entries if own is not None and e.variant == own.variant and (e.difficulty, e.passes) in solved]
    if own is not None and len(told) > 1:
        said.append(
            f"Over all {len(told)} settings that the model mostly solves, {subject(own.variant)} names the answer in "
            f"{_range(told)}."
        )
    return Finding(" ".join(said))


def probe_findings(
    probed: Sequence[Result], measured: Sequence[Result], right: str, symbol: str, *, is_difficulty_in_windows: bool
) -> tuple[Finding, ...]:
    """What the probe reads at each level once the model itself is mostly right, and what a low share may mean.

    Where the windows tell the difficulty, the model's answers to easier questions come from another S than the one that
    is probed: they are not set beside it.
    """
    counted = Finding(f"The probe's share counts {right}.")
    if is_difficulty_in_windows:
        levels_probed = sorted({entry.difficulty for entry in probed})
        shares = [_read([e for e in probed if e.difficulty == level]) for level in levels_probed]
        told = [Finding(f"At {symbol} = {level}, {said}.") for level, said in zip(levels_probed, shares, strict=True)]
        return (counted, *told, Finding(HARDEST)) if told else ()
    found, is_low = [counted], False
    for level in sorted({entry.difficulty for entry in probed}):
        line = sorted((e for e in probed if e.difficulty == level), key=lambda entry: entry.passes)
        own = _solved_on([e for e in measured if e.difficulty == level and e.passes <= line[-1].passes])
        read = [entry for entry in line if own and entry.passes >= own[0].passes]
        if not own or not read:
            continue
        found.append(
            Finding(
                f"From N = {own[0].passes} on, the model itself is right in {_range(own)} at {symbol} = {level}. "
                f"There, {_read(read)}."
            )
        )
        least = min(own, key=_accuracy)
        is_low = is_low or any(is_above(least, entry) for entry in read)
    return (*found, Finding(MISSES)) if is_low else tuple(found) if len(found) > 1 else ()


def _read(line: Sequence[Result]) -> str:
    line = sorted(line, key=lambda entry: entry.passes)
    shares = joined([percent(entry.accuracy) for entry in line])
    return f"the probe reads {shares} % with N = {joined([str(entry.passes) for entry in line])}"


def _solved_on(line: Sequence[Result]) -> list[Result]:
    """The model's entries from the fewest passes on from which all are mostly right."""
    solved: list[Result] = []
    for entry in sorted(line, key=lambda entry: -entry.passes):
        if entry.accuracy < MOSTLY_RIGHT:
            break
        solved.insert(0, entry)
    return solved


def _accuracy(entry: Result) -> float:
    return entry.accuracy


def _range(entries: Sequence[Result]) -> str:
    """Write the least and the most as "99.6 to 100.0 %"."""
    least, most = (pick(entries, key=_accuracy) for pick in (min, max))
    return points(most) if points(least) == points(most) else f"{percent(least.accuracy)} to {points(most)}"
