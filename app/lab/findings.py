"""What the measured entries say, in sentences. Pure: results in, words out; no sentence is written in advance.

Two shares are told apart when their 95 % intervals do not overlap; otherwise neither is called better.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.lab.lab_text import WITHOUT_SLEEP, levels, variant_name
from app.shell.messages import joined
from app.shell.results import Result, Results
from app.tasks.base import Evidence

NEARLY_ALWAYS = 0.95
AGAINST = "against the paper's trend"


@dataclass(frozen=True)
class Finding:
    """One sentence, and whether it contradicts the paper's trend."""

    sentence: str
    is_against: bool = False


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


def is_above(one: Result, other: Result) -> bool:
    """Whether the one interval lies wholly above the other."""
    return one.low > other.high


def newest(results: Results) -> Results:
    """While the queue runs, a file can hold a cell of older weights too: of each cell the last one counts."""
    cells: dict[tuple[object, ...], Result] = {}
    for e in results.entries:
        cells[e.experiment, e.variant, e.checkpoint, e.passes, e.difficulty, e.threshold] = e
    return replace(results, entries=tuple(cells.values()))


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


def models_of(results: Results, experiment: str, difficulty: int) -> dict[str, tuple[Result, ...]]:
    """What each model of an experiment did at one difficulty; its checkpoint is named where a variant has several."""
    entries = [e for e in results.entries if e.experiment == experiment and e.difficulty == difficulty]
    models: dict[str, list[Result]] = defaultdict(list)
    for entry in entries:
        several = len({other.checkpoint for other in entries if other.variant == entry.variant}) > 1
        models[variant_name(entry.variant) + (f" ({entry.checkpoint})" if several else "")].append(entry)
    return {name: tuple(measured) for name, measured in models.items()}


def baseline_lines(results: Results) -> tuple[Line, ...]:
    """Every baseline."""
    return lines_of(results, "baseline")


def other_experiments(results: Results | None, known: Sequence[str]) -> tuple[str, ...]:
    """The experiments of the file that are not among the known ones, in its order."""
    here = dict.fromkeys(entry.experiment for entry in results.entries) if results else {}
    return tuple(name for name in here if name not in known)


def reach(measured: Sequence[Result], passes: int) -> int | None:
    """The difficulty up to which, from the easiest on, N passes are right at least 95 times in 100."""
    reached = None
    for entry in own_line(measured, passes).entries:
        if entry.accuracy < NEARLY_ALWAYS:
            break
        reached = entry.difficulty
    return reached


def gain_finding(measured: Sequence[Result], symbol: str) -> Finding | None:
    """Where more passes than the fewest are measurably better; None where there is nothing to compare."""
    fewest = min((entry.passes for entry in measured), default=0)
    helped, rest = {}, []
    for first in own_line(measured, fewest).entries:
        others = [e for e in measured if e.difficulty == first.difficulty and e.passes > fewest]
        better = [entry for entry in others if is_above(entry, first)]
        if better:
            helped[first.difficulty] = first, max(better, key=lambda entry: (entry.accuracy, -entry.passes))
        elif others:
            rest.append(first)
    if helped:
        first, best = max(helped.values(), key=lambda pair: (pair[1].accuracy - pair[0].accuracy, pair[0].difficulty))
        said = (
            f"More passes help at {levels(list(helped), symbol)}: at {symbol} = {first.difficulty} accuracy rises from "
            f"{share(first)} with N = {fewest} to {share(best)} with N = {best.passes}"
        )
        if rest:
            said += f"; at {levels([entry.difficulty for entry in rest], symbol)} no gain was measured"
        return Finding(f"{said}.")
    if not rest:
        return None
    if all(entry.accuracy >= NEARLY_ALWAYS for entry in rest):
        return Finding(f"N = {fewest} is enough: nothing is left to gain at {levels_of(rest, symbol)}.")
    return Finding(f"More passes than {fewest} help at no {symbol} that was measured, {AGAINST}.", is_against=True)


def reach_finding(measured: Sequence[Result], symbol: str) -> Finding:
    """How far each N reaches."""
    reached = {n: reach(measured, n) for n in sorted({entry.passes for entry in measured})}
    far = [f"{symbol} = {level} with N = {n}" for n, level in reached.items() if level is not None]
    never = [n for n, level in reached.items() if level is None]
    if not far:
        return Finding(f"At no {symbol} are 95 answers in 100 right, with any N.")
    said = f"At least 95 answers in 100 are right up to {joined(far)}"
    return Finding(f"{said}; at no {symbol} with {levels(never, 'N')}." if never else f"{said}.")


def loss_findings(measured: Sequence[Result], symbol: str, passes_trained: int | None) -> tuple[Finding, ...]:
    """Where accuracy is measurably lower with more passes than with fewer; or that it is nowhere."""
    if len({entry.passes for entry in measured}) < 2:
        return ()
    falls: dict[int, tuple[Result, Result]] = {}
    for difficulty in sorted({entry.difficulty for entry in measured}):
        line = sorted((e for e in measured if e.difficulty == difficulty), key=lambda entry: entry.passes)
        pairs = [(less, more) for at, less in enumerate(line) for more in line[at + 1 :] if is_above(less, more)]
        if pairs:
            falls[difficulty] = max(pairs, key=lambda pair: pair[0].accuracy - pair[1].accuracy)
    if not falls:
        return (Finding(f"At no {symbol} is accuracy measurably lower with more passes than with fewer."),)
    found = []
    within = {d: pair for d, pair in falls.items() if not _is_beyond(pair[1], passes_trained)}
    beyond = {d: pair for d, pair in falls.items() if d not in within}
    for group, where in ((within, ""), (beyond, f", beyond the {passes_trained} passes that it was trained up to")):
        if group:
            less, more = max(group.values(), key=lambda pair: pair[0].accuracy - pair[1].accuracy)
            found.append(
                Finding(
                    f"More passes do harm at {levels(list(group), symbol)}, {AGAINST}: at {symbol} = {less.difficulty} "
                    f"accuracy falls from {share(less)} with N = {less.passes} to {share(more)} with "
                    f"N = {more.passes}{where}.",
                    is_against=True,
                )
            )
    return tuple(found)


def _is_beyond(entry: Result, passes_trained: int | None) -> bool:
    return passes_trained is not None and entry.passes > passes_trained


def baseline_finding(baseline: Line, measured: Sequence[Result], symbol: str) -> Finding:
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
            (ahead if is_above(ours, entry) else behind if is_above(entry, ours) else equal).append((ours, entry))
    if not ahead and not behind and not equal:
        return Finding(f"*{baseline.name}*: nothing to compare it with was measured.")
    parts = []
    for pairs, said in ((ahead, "{own} is ahead at {where}"), (equal, "the two cannot be told apart at {where}")):
        if pairs:
            parts.append(said.format(own=own.name, where=_where(pairs, symbol)))
    is_against = bool(behind) and baseline.variant in WITHOUT_SLEEP
    if behind:
        ours, theirs = max(behind, key=lambda pair: pair[1].accuracy - pair[0].accuracy)
        told = f"the baseline is ahead at {_where(behind, symbol)}{', ' + AGAINST if is_against else ''}"
        parts.append(
            f"{told}: at {symbol} = {ours.difficulty} {share(theirs)} of its answers are right, here {share(ours)}"
        )
    return Finding(f"*{baseline.name}*: {'; '.join(parts)}.", is_against)


def _where(pairs: Sequence[tuple[Result, Result]], symbol: str) -> str:
    return levels_of([ours for ours, _ in pairs], symbol)


def halting_finding(fixed: Sequence[Result], drift: Sequence[Result]) -> Finding | None:
    """What stopping on drift saves against the fewest fixed passes that do as well as the best; None without both."""
    drift = [entry for entry in drift if entry.mean_passes is not None]
    if not fixed or not drift:
        return None
    best = max(fixed, key=lambda entry: (entry.accuracy, -entry.passes))
    enough = min((entry for entry in fixed if not is_above(best, entry)), key=lambda entry: entry.passes)
    as_good = [entry for entry in drift if not is_above(best, entry)]
    said = f"The best fixed N is {best.passes}, with {share(best)} right"
    if enough.passes != best.passes:
        said += f"; N = {enough.passes}, with {share(enough)}, cannot be told apart from it"
    if not as_good:
        nearest = max(drift, key=lambda entry: entry.accuracy)
        return Finding(f"{said}. Stopping on drift never does as well: {share(nearest)} at most.")
    first = min(as_good, key=_mean_passes)
    mean = _mean_passes(first)
    taken = f"Stopping on drift below {first.threshold:g} does as well, {share(first)}, with {mean:.1f} passes"
    saved = enough.passes - mean
    verdict = f", {saved:.1f} fewer" if saved >= 0.05 else ", which saves nothing"
    return Finding(f"{said}. {taken} in the mean{verdict}.")


def _mean_passes(entry: Result) -> float:
    assert entry.mean_passes is not None
    return entry.mean_passes


def not_run(evidence: Sequence[Evidence], results: Results | None) -> tuple[str, ...]:
    """What belongs to the evidence on this task and is not in its results file."""
    here = {(entry.experiment, entry.variant) for entry in results.entries} if results else set()
    here |= {(experiment, "") for experiment, _ in here}
    return tuple(each.said for each in evidence if (each.experiment, each.variant) not in here)


def beyond_training(
    measured: Sequence[Result], symbol: str, passes_trained: int | None, difficulty_trained: int | None
) -> str:
    """What of the grid lies beyond training, one sentence; empty where training's bounds are not known."""
    if not measured or passes_trained is None:
        return ""
    passes = sorted({e.passes for e in measured if _is_beyond(e, passes_trained)})
    hard = sorted(
        {e.difficulty for e in measured if difficulty_trained is not None and e.difficulty > difficulty_trained}
    )
    trained = f"The model was trained with up to {passes_trained} passes"
    trained += "" if difficulty_trained is None else f" and up to {symbol} = {difficulty_trained}"
    outside = [levels(values, name) for values, name in ((passes, "N"), (hard, symbol)) if values]
    if outside:
        return f"{trained}; {joined(outside)} lie{'s' if len(passes) + len(hard) == 1 else ''} beyond that."
    return f"{trained}; nothing beyond that was measured here."


def not_run_beyond(
    measured: Sequence[Result], symbol: str, passes_trained: int | None, difficulty_trained: int | None
) -> tuple[str, ...]:
    """Which direction beyond training was not measured, where the accuracies and training's bounds are known."""
    missing = []
    if measured and passes_trained is not None and not any(_is_beyond(e, passes_trained) for e in measured):
        missing.append(f"N beyond the {passes_trained} of training")
    if measured and difficulty_trained is not None and all(e.difficulty <= difficulty_trained for e in measured):
        missing.append(f"{symbol} beyond the {difficulty_trained} of training")
    return tuple(missing)


def cost_finding(costs: Sequence[Result]) -> Finding | None:
    """What the fewest and the most passes cost, and from how many questions a window on they pay."""
    told = [(entry, entry.cost) for entry in costs if entry.cost is not None]
    if not told:
        return None
    (few, cheap), (many, dear) = told[0], told[-1]
    said = (
        f"Sleeping on one window takes {milliseconds(cheap.sleep_s)} with N = {few.passes} and "
        f"{milliseconds(dear.sleep_s)} with N = {many.passes}; an answer afterwards takes "
        f"{milliseconds(cheap.wake_s)} and {milliseconds(dear.wake_s)}"
    )
    if dear.break_even_flops is None:
        return Finding(f"{said}; sleep with N = {many.passes} never pays.")
    return Finding(
        f"{said}. Against reading the window again for every question, sleep with N = {many.passes} needs fewer "
        f"operations from {math.ceil(dear.break_even_flops)} questions a window on."
    )


def milliseconds(seconds: float) -> str:
    """Write 0.0123 as "12 ms"."""
    return f"{seconds * 1e3:.3g} ms"


def levels_of(entries: Sequence[Result], symbol: str) -> str:
    """The difficulties of some entries, in lab_text."""
    return levels([entry.difficulty for entry in entries], symbol)


def share(entry: Result) -> str:
    """Write an accuracy with its interval: 0.98 (0.97–0.99)."""
    return f"{entry.accuracy:.2f} ({entry.low:.2f}–{entry.high:.2f})"
