"""Which model of an experiment is right how often, and where two of them differ. Pure: results in, words out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from app.figures.measured import points
from app.lab.findings import Finding
from app.lab.further.beside import agreement, beside
from app.lab.lines import models_of
from app.lab.subjects import IS_RIGHT, READERS, begun, subject
from app.shell.difference import is_above
from app.shell.results import MOSTLY_RIGHT, Result, Results

Models = Mapping[str, Sequence[Result]]  # by name

SIDE_BY_SIDE = {
    "joined": (("found_onward", "found_elsewhere"), ("taught_onward", "taught_elsewhere")),
    "found": (("found", "taught"), ("found", "found_n1_flops")),
}
"""Variants that an experiment is there to compare; of any other experiment, the two that do best are compared."""


def hardest_solved(entries: Sequence[Result]) -> int:
    """The hardest difficulty that a model mostly solves; where none is, the hardest. A reader of S solves nothing."""
    solved = [e.difficulty for e in entries if e.accuracy >= MOSTLY_RIGHT and e.variant not in READERS]
    return max(solved or [entry.difficulty for entry in entries])


def models_findings(results: Results, experiment: str, symbol: str, chance: float = 0.0) -> tuple[Finding, ...]:
    """How the models rank at the hardest difficulty that one solves, then where those differ that are compared."""
    hardest = hardest_solved(results.of(experiment))
    ranked = ranked_at_best_n(models_of(results, experiment, hardest, named=subject))
    found = [ranking_finding(ranked, f"{symbol} = {hardest}", chance)]
    order = list(ranked_at_best_n(models_of(results, experiment, hardest)))
    everywhere = models_of(results, experiment, None)
    for together, names in _compared(everywhere, experiment, order):
        found.append(agreement({name: everywhere[name] for name in names}, symbol, chance, together))
    return tuple(each for each in found if each is not None)


def _compared(models: Models, experiment: str, ranked: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """Which models are compared at all their settings, each group with the name that it has as a whole."""
    runs: dict[str, list[str]] = {}
    for name, line in models.items():
        runs.setdefault(line[0].variant, []).append(name)
    if experiment in SIDE_BY_SIDE:
        for pair in SIDE_BY_SIDE[experiment]:
            names = [name for variant in pair for name in runs.get(variant, ())]
            if len(names) == len(pair):
                yield "", names
        return
    several = {
        variant: names
        for variant, names in runs.items()
        if len(names) > 1 and beside({name: models[name] for name in names}).settings
    }
    for variant, names in several.items():
        yield (f"the {len(names)} runs of {subject(variant).removesuffix(',')}" if len(names) > 2 else ""), names
    if not several and len(ranked) > 1:
        yield "", ranked[:2]


def ranked_at_best_n(models: Models) -> dict[str, Result]:
    """Each model at its best N, the one that is right most often first."""
    best = {name: max(line, key=lambda entry: (entry.accuracy, -entry.passes)) for name, line in models.items()}
    return dict(sorted(best.items(), key=lambda pair: -pair[1].accuracy))


def ranking_finding(ranked: Mapping[str, Result], asked: str, chance: float = 0.0) -> Finding | None:
    """How often each of the first two and the last is right at one difficulty; None without two models."""
    if len(ranked) < 2:
        return None
    (leader, first), (follower, second), *others = ranked.items()
    if first.accuracy <= 2 * chance:
        return Finding(f"At {asked}, no model is clearly better than guessing.")
    said = [f"At {asked}, {leader} {IS_RIGHT} in {points(first)} of cases{_with(first)}."]
    said.append(_share(f"next, {follower}" if is_above(first, second) else follower, second))
    if others:
        weakest, last = others[-1]
        said.append(_share(f"last, {weakest}", last))
    return Finding(" ".join(said))


def _share(name: str, entry: Result) -> str:
    return f"{begun(name)} {IS_RIGHT} in {points(entry)}{_with(entry)}."


def _with(entry: Result) -> str:
    """The passes, where there is more than one."""
    return f", with N = {entry.passes}" if entry.passes > 1 else ""
