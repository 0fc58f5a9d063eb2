"""The measured entries as lines over difficulty, one model against another. Pure: results in, results out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from app.figures.percent import NEARLY_ALWAYS
from app.lab.lab_text import WITHOUT_SLEEP, variant_name
from app.shell.difference import is_above
from app.shell.results import Result, Results


@dataclass(frozen=True)
class Line:
    """One model at one N (or at its best N), by difficulty."""

    name: str
    variant: str
    passes: int | None  # None: the best N at each difficulty
    entries: tuple[Result, ...]

    def at(self, difficulty: int) -> Result | None:
        """The entry at one difficulty."""
        return next((entry for entry in self.entries if entry.difficulty == difficulty), None)


@dataclass(frozen=True)
class Duel:
    """This model against one baseline: the pairs (this model, the baseline) by difficulty, by who is ahead."""

    baseline: Line
    own: Line
    ahead: tuple[tuple[Result, Result], ...]
    equal: tuple[tuple[Result, Result], ...]
    behind: tuple[tuple[Result, Result], ...]

    @property
    def is_against(self) -> bool:
        """Whether the paper's trend says otherwise: a model without repeated sleep is ahead."""
        return bool(self.behind) and self.baseline.variant in WITHOUT_SLEEP


def newest(results: Results) -> Results:
    """While the queue runs, a file can hold a setting of older weights too: of each setting the last one counts."""
    settings: dict[tuple[object, ...], Result] = {}
    for e in results.entries:
        settings[e.experiment, e.variant, e.checkpoint, e.passes, e.difficulty, e.threshold] = e
    return replace(results, entries=tuple(settings.values()))


def of_task(results: Results, task: str) -> Results:
    """The entries of one task, of a file of several."""
    return replace(results, entries=tuple(entry for entry in results.entries if entry.task == task))


def best_line(measured: Sequence[Result]) -> Line:
    """At each difficulty the N that did best, the fewest passes of equals."""
    best: dict[int, Result] = {}
    for entry in sorted(measured, key=lambda entry: (entry.difficulty, entry.passes)):
        if entry.difficulty not in best or entry.accuracy > best[entry.difficulty].accuracy:
            best[entry.difficulty] = entry
    return Line("this model (best N)", "any_n", None, tuple(best.values()))


def own_line(measured: Sequence[Result], passes: int) -> Line:
    """This model at one N."""
    return Line(f"this model (N = {passes})", "any_n", passes, tuple(e for e in measured if e.passes == passes))


def lines_of(results: Results, experiment: str) -> tuple[Line, ...]:
    """An experiment's entries in the file's order: a line for each variant, N and checkpoint.

    N and the checkpoint are named where there are several.
    """
    kinds: dict[tuple[str, int, str], list[Result]] = defaultdict(list)
    for entry in results.entries:
        if entry.experiment == experiment:
            kinds[entry.variant, entry.passes, entry.checkpoint].append(entry)
    lines = []
    for (variant, passes, checkpoint), entries in kinds.items():
        name = variant_name(variant)
        if passes > 1 or len({n for v, n, _ in kinds if v == variant}) > 1:
            name += f", N = {passes}"
        if len({c for v, n, c in kinds if (v, n) == (variant, passes)}) > 1:
            name += f" ({checkpoint})"
        lines.append(Line(name, variant, passes, tuple(sorted(entries, key=lambda entry: entry.difficulty))))
    return tuple(lines)


def label(variant: str, checkpoint: str) -> str:
    """A variant as a legend has it, with its checkpoint if there is one to name."""
    return variant_name(variant) + (f" ({checkpoint})" if checkpoint else "")


def models_of(
    results: Results, experiment: str, difficulty: int | None, named: Callable[[str, str], str] = label
) -> dict[str, tuple[Result, ...]]:
    """Each model of an experiment at one difficulty, or at all; its checkpoint is named where a variant has several."""
    of = [entry for entry in results.entries if entry.experiment == experiment]
    entries = [entry for entry in of if difficulty in (None, entry.difficulty)]
    models: dict[str, list[Result]] = defaultdict(list)
    for entry in entries:
        several = len({other.checkpoint for other in entries if other.variant == entry.variant}) > 1
        models[named(entry.variant, entry.checkpoint if several else "")].append(entry)
    return {name: tuple(measured) for name, measured in models.items()}


def baseline_lines(results: Results) -> tuple[Line, ...]:
    """A line for every separately trained model that was measured as a baseline."""
    return lines_of(results, "baseline")


def other_experiments(results: Results | None, known: Sequence[str]) -> tuple[str, ...]:
    """The experiments of the file that are not among the known ones, in its order."""
    here = dict.fromkeys(entry.experiment for entry in results.entries) if results else {}
    return tuple(name for name in here if name not in known)


@dataclass(frozen=True)
class Gains:
    """Where more passes than the fewest measured are measurably better, and where they were tried and are not."""

    fewest: int
    helped: Mapping[int, tuple[Result, Result]]  # difficulty -> (the fewest passes, the best of more)
    rest: tuple[Result, ...]  # the fewest passes, where more do not help
    n_better: int  # settings of more passes that are better
    n_compared: int  # settings of more passes in all

    @property
    def largest(self) -> tuple[Result, Result]:
        """The largest gain, the hardest of equals."""
        return max(self.helped.values(), key=lambda pair: (pair[1].accuracy - pair[0].accuracy, pair[0].difficulty))

    @property
    def is_enough(self) -> bool:
        """Whether the fewest passes leave nothing to gain."""
        return not self.helped and all(entry.accuracy >= NEARLY_ALWAYS for entry in self.rest)


def gains(measured: Sequence[Result], chance: float = 0.0) -> Gains | None:
    """Compare the fewest passes with every other N; None where there is nothing to compare."""
    fewest = min((entry.passes for entry in measured), default=0)
    helped, rest, n_better, n_compared = {}, [], 0, 0
    for first in own_line(measured, fewest).entries:
        others = [e for e in measured if e.difficulty == first.difficulty and e.passes > fewest]
        better = [entry for entry in others if is_above(entry, first, chance)]
        n_better, n_compared = n_better + len(better), n_compared + len(others)
        if better:
            helped[first.difficulty] = first, max(better, key=lambda entry: (entry.accuracy, -entry.passes))
        elif others:
            rest.append(first)
    return Gains(fewest, helped, tuple(rest), n_better, n_compared) if helped or rest else None


def duel(baseline: Line, measured: Sequence[Result], chance: float = 0.0) -> Duel:
    """Where this model is ahead of a baseline, where it is behind, and where the two are not told apart.

    A baseline of several passes is compared at the same N, any other with this model's best N.
    """
    same = own_line(measured, baseline.passes or 1)
    own = same if baseline.passes and baseline.passes > 1 and same.entries else best_line(measured)
    ahead: list[tuple[Result, Result]] = []
    behind: list[tuple[Result, Result]] = []
    equal: list[tuple[Result, Result]] = []
    for entry in baseline.entries:
        ours = own.at(entry.difficulty)
        if ours is not None:
            lists = ahead if is_above(ours, entry, chance) else behind if is_above(entry, ours, chance) else equal
            lists.append((ours, entry))
    return Duel(baseline, own, tuple(ahead), tuple(equal), tuple(behind))
