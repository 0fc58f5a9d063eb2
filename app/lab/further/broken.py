"""Several models with one part broken, each beside its own unbroken run. Pure: results in, words out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.figures.measured import points
from app.lab.findings import Finding
from app.lab.lab_text import levels, variant_name
from app.lab.subjects import begun
from app.shell.difference import is_above
from app.shell.messages import joined
from app.shell.results import MOSTLY_RIGHT, Result, Results

UNBROKEN = "none"
NAMES = {"found": "the found model", "taught": "the taught model"}  # by the variant of the same weights

Runs = Mapping[str, Mapping[int, Result]]  # model -> difficulty -> entry


def broken_findings(results: Results, experiment: str, symbol: str) -> tuple[Finding, ...]:
    """What each control does to each model, where all the unbroken runs are mostly right."""
    entries = results.of(experiment)
    named = {entry.checkpoint: NAMES[entry.variant] for entry in results.entries if entry.variant in NAMES}
    whole = _runs([entry for entry in entries if entry.variant == UNBROKEN], named)
    solved = [level for level in _shared(whole) if all(run[level].accuracy >= MOSTLY_RIGHT for run in whole.values())]
    if not solved:
        return (Finding(f"The unbroken runs are not all mostly right at any {symbol}, so nothing is compared."),)
    hardest, n_passes = solved[-1], entries[0].passes
    found = [
        Finding(
            f"All unbroken runs are mostly right at {levels(solved, symbol)}. At {symbol} = {hardest} with N = "
            f"{n_passes}, {_shares(whole, hardest)}."
        )
    ]
    for control in dict.fromkeys(e.variant for e in results.entries if e.experiment == experiment):
        if control != UNBROKEN:
            broken = _runs([entry for entry in entries if entry.variant == control], named)
            found.append(_control(control, broken, whole, solved, symbol))
    return tuple(found)


def _control(control: str, broken: Runs, whole: Runs, solved: Sequence[int], symbol: str) -> Finding:
    falls = {
        name: [level for level in solved if level in run and is_above(whole[name][level], run[level])]
        for name, run in broken.items()
        if name in whole
    }
    told = [(f"at {levels(at, symbol)}" if at else f"at no {symbol}", name) for name, at in falls.items()]
    if len({where for where, _ in told}) == 1 < len(told):
        told = [(told[0][0], "each model")]
    hardest = max((level for level in solved if all(level in run for run in broken.values())), default=None)
    shares = "" if hardest is None else f" At {symbol} = {hardest}, {_shares(broken, hardest)}."
    fallen = joined([f"{where} for {name}" for where, name in told])
    return Finding(f"*{begun(variant_name(control))}*:{shares} Accuracy falls {fallen}.")


def _shares(runs: Runs, level: int) -> str:
    return joined([f"{name} has {points(run[level])} right" for name, run in runs.items()])


def _shared(runs: Runs) -> list[int]:
    """The difficulties of all runs, the easiest first."""
    return sorted(set.intersection(*(set(run) for run in runs.values()))) if runs else []


def _runs(entries: Sequence[Result], named: Mapping[str, str]) -> dict[str, dict[int, Result]]:
    found: dict[str, dict[int, Result]] = {}
    for entry in entries:
        found.setdefault(named.get(entry.checkpoint, entry.checkpoint), {})[entry.difficulty] = entry
    return found
