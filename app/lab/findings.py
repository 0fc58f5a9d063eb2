"""What the measured entries say, in sentences. Pure: results in, words out; no sentence is written in advance."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.figures.measured import points, reach
from app.figures.over_windows import OverWindows, windows_slept
from app.figures.percent import percent
from app.lab.lab_text import ENOUGH, NO, WITHOUT_SLEEP, YES, levels
from app.lab.lines import (
    Duel,
    gains,
    is_above,
)
from app.lab.subjects import begun, subject, verb
from app.parts.units import count
from app.shell.messages import joined
from app.shell.results import Comparison, Result, Results
from app.tasks.base import Evidence

AGAINST = "against the paper's trend"


@dataclass(frozen=True)
class Finding:
    """One or a few short sentences, and whether they contradict the paper's trend."""

    sentence: str
    is_against: bool = False

    @property
    def first(self) -> str:
        """The first of the sentences."""
        return re.split(r"(?<=[.]) (?=[A-Z*])", self.sentence, maxsplit=1)[0]


def answer(measured: Sequence[Result], symbol: str, chance: float = 0.0) -> str:
    """Whether sleeping longer helps, in one line; "" where nothing can be compared."""
    found = gains(measured, chance)
    if found is None:
        return ""
    if found.helped:
        first, best = found.largest
        rise = f"At {symbol} = {first.difficulty}, accuracy rises from {points(first)} to {points(best)}."
        return YES.format(finding=rise)
    told = gain_finding(measured, symbol, chance)
    assert told is not None
    return (ENOUGH if found.is_enough else NO).format(finding=told.sentence)


def gain_finding(measured: Sequence[Result], symbol: str, chance: float = 0.0) -> Finding | None:
    """Where more passes than the fewest are measurably better; None where there is nothing to compare."""
    found = gains(measured, chance)
    if found is None:
        return None
    if found.helped:
        first, best = found.largest
        said = (
            f"More passes help at {levels(list(found.helped), symbol)}. At {symbol} = {first.difficulty}, accuracy "
            f"rises from {points(first)} with N = {first.passes} to {points(best)} with N = {best.passes}."
        )
        if found.rest:
            said += f" At {levels_of(found.rest, symbol)}, no gain was measured."
        return Finding(said)
    if found.is_enough:
        return Finding(f"N = {found.fewest} is enough: nothing is left to gain at {levels_of(found.rest, symbol)}.")
    return Finding(
        f"More passes than {found.fewest} help at no {symbol} that was measured, {AGAINST}.", is_against=True
    )


def reach_finding(measured: Sequence[Result], symbol: str, solved: float) -> Finding:
    """Which N gets furthest, the fewest passes of equals; the table has the reach of every N."""
    tried, share = sorted({entry.passes for entry in measured}), f"{percent(solved, 0)} %"
    reached = {n: level for n in tried if (level := reach(measured, n, solved)) is not None}
    if not reached:
        return Finding(f"At no {symbol} are {share} right, with any N.")
    passes = max(reached, key=lambda n: (reached[n], -n))
    said = f"With N = {passes}, at least {share} are right up to {symbol} = {reached[passes]}"
    return Finding(f"{said}; no other N gets further." if len(tried) > 1 else f"{said}.")


def loss_findings(
    measured: Sequence[Result], symbol: str, passes_trained: int | None, chance: float = 0.0
) -> tuple[Finding, ...]:
    """Where accuracy is measurably lower with more passes than with fewer; or that it is nowhere.

    A fall from what guessing might give is none.
    """
    if len({entry.passes for entry in measured}) < 2:
        return ()
    falls: dict[bool, dict[int, tuple[Result, Result]]] = {False: {}, True: {}}  # by whether N is beyond training
    for difficulty in sorted({entry.difficulty for entry in measured}):
        line = sorted((e for e in measured if e.difficulty == difficulty), key=lambda entry: entry.passes)
        pairs = [
            (less, more) for at, less in enumerate(line) for more in line[at + 1 :] if is_above(less, more, chance)
        ]
        for less, more in sorted(pairs, key=_fall):
            falls[_is_beyond(more, passes_trained)][difficulty] = less, more
    if not any(falls.values()):
        return (Finding(f"At no {symbol} is accuracy measurably lower with more passes than with fewer."),)
    found = []
    for is_beyond, group in falls.items():
        if group:
            less, more = max(group.values(), key=_fall)
            harmful = (
                f"More passes than the {passes_trained} of training do harm" if is_beyond else "More passes do harm"
            )
            found.append(
                Finding(
                    f"{harmful} at {levels(list(group), symbol)}, {AGAINST}. At {symbol} = {less.difficulty}, accuracy "
                    f"falls from {points(less)} with N = {less.passes} to {points(more)} with N = {more.passes}.",
                    is_against=True,
                )
            )
    return tuple(found)


def _fall(pair: tuple[Result, Result]) -> float:
    less, more = pair
    return less.accuracy - more.accuracy


def _is_beyond(entry: Result, passes_trained: int | None) -> bool:
    return passes_trained is not None and entry.passes > passes_trained


def baseline_findings(duels: Sequence[Duel], symbol: str) -> tuple[Finding, ...]:
    """The largest lead over the models without repeated sleep, then every lead that one of them has over this."""
    alone = [each for each in duels if each.baseline.variant in WITHOUT_SLEEP and (each.ahead or each.equal)]
    found = []
    if alone:
        best: dict[int, tuple[Result, Result]] = {}
        for each in alone:
            for ours, theirs in (*each.ahead, *each.equal):
                if theirs.difficulty not in best or theirs.accuracy > best[theirs.difficulty][1].accuracy:
                    best[theirs.difficulty] = ours, theirs
        ours, theirs = max(best.values(), key=lambda pair: pair[0].accuracy - pair[1].accuracy)
        if ours.low > theirs.high:
            found.append(
                Finding(
                    f"At {symbol} = {ours.difficulty}, this model has {points(ours)} right, the best model without "
                    f"repeated sleep {points(theirs)}. The first took N = {ours.passes}. The second is "
                    f"{subject(theirs.variant).removesuffix(',')}."
                )
            )
    for each in (each for each in duels if each.is_against):
        ours, theirs = max(each.behind, key=lambda pair: pair[1].accuracy - pair[0].accuracy)
        found.append(
            Finding(
                f"{begun(subject(theirs.variant))} is ahead at {where(each.behind, symbol)}, {AGAINST}. At {symbol} = "
                f"{ours.difficulty}, {points(theirs)} of its answers are right; this model has {points(ours)}.",
                is_against=True,
            )
        )
    if alone and not any(each.is_against for each in duels):
        found.append(Finding(f"At no {symbol} is a model without repeated sleep ahead."))
    return tuple(found)


def where(pairs: Sequence[tuple[Result, Result]], symbol: str) -> str:
    """The difficulties of some pairs."""
    return levels_of([ours for ours, _ in pairs], symbol)


def control_finding(found: Sequence[Comparison]) -> Finding | None:
    """In how many controls accuracy falls; None where none was measured."""
    if not found:
        return None
    falling = sum(bool(each.falls) for each in found)
    one = "one part" if len(found) > 1 else "a part"
    return Finding(f"Breaking {one} of the mechanism lowers accuracy in {falling} of {len(found)} controls.")


def halting_finding(fixed: Sequence[Result], drift: Sequence[Result]) -> Finding | None:
    """What stopping on drift saves against the fewest fixed passes that do as well as the best; None without both."""
    drift = [entry for entry in drift if entry.mean_passes is not None]
    if not fixed or not drift:
        return None
    best = max(fixed, key=lambda entry: (entry.accuracy, -entry.passes))
    enough = min((entry for entry in fixed if not is_above(best, entry)), key=lambda entry: entry.passes)
    as_good = [entry for entry in drift if not is_above(best, entry)]
    said = f"The best fixed N is {best.passes}, with {points(best)} right."
    if enough.passes != best.passes:
        said += f" N = {enough.passes} cannot be told apart from it, with {points(enough)}."
    if not as_good:
        nearest = max(drift, key=lambda entry: entry.accuracy)
        return Finding(f"Stopping on drift never does as well as a fixed N. {said} Drift reaches {points(nearest)}.")
    first = min(as_good, key=_mean_passes)
    mean = _mean_passes(first)
    saved = enough.passes - mean
    verdict = f"and saves {saved:.1f} passes a window" if saved >= 0.05 else "but saves nothing"
    return Finding(
        f"Stopping once drift is below {first.threshold:g} does as well {verdict}. {said} Stopping early reaches "
        f"{points(first)} with {mean:.1f} passes on average."
    )


def _mean_passes(entry: Result) -> float:
    assert entry.mean_passes is not None
    return entry.mean_passes


def windows_finding(entries: Sequence[Result], said: OverWindows, symbol: str, chance: float = 0.0) -> Finding | None:
    """Whether questions are still answered right after the most windows; None where nothing is compared.

    Each difficulty is asked after the fewest windows and after the most; where the first was never learned, nothing can
    be forgotten.
    """
    ends: dict[int, tuple[Result, Result]] = {}
    for difficulty in sorted({entry.difficulty for entry in entries}):
        line = sorted((e for e in entries if e.difficulty == difficulty), key=windows_slept)
        if windows_slept(line[0]) < windows_slept(line[-1]):
            ends[difficulty] = line[0], line[-1]
    learned = {difficulty: pair for difficulty, pair in ends.items() if pair[0].accuracy > 2 * chance}
    lost = {difficulty: pair for difficulty, pair in learned.items() if is_above(*pair)}
    kept = [difficulty for difficulty in learned if difficulty not in lost]
    unknown = [difficulty for difficulty in ends if difficulty not in learned]
    parts = []
    if kept:
        first, last = ends[kept[0]]
        parts.append(said.kept.format(fewest=_windows(first), most=_windows(last), levels=levels(kept, symbol)))
    if lost:
        first, last = max(lost.values(), key=lambda pair: pair[0].accuracy - pair[1].accuracy)
        told = {"fewest": _windows(first), "most": _windows(last), "one": f"{symbol} = {first.difficulty}"}
        told |= {"first": points(first), "last": points(last), "levels": levels(list(lost), symbol)}
        parts.append(said.lost.format(**told))
    if unknown:
        parts.append(said.unknown.format(levels=levels(unknown, symbol)))
    return Finding(" ".join(parts)) if parts else None


def _windows(entry: Result) -> str:
    return count(windows_slept(entry), "window")


def models_finding(models: Mapping[str, Sequence[Result]], asked: str, chance: float = 0.0) -> Finding | None:
    """Which model of an experiment gets furthest at one difficulty, each at its best N; None without two models.

    `models` are by the subject of their sentence.
    """
    best = {name: max(line, key=lambda entry: (entry.accuracy, -entry.passes)) for name, line in models.items()}
    ranked = sorted(best.items(), key=lambda pair: -pair[1].accuracy)
    if len(ranked) < 2:
        return None
    (leader, first), (follower, second), (weakest, last) = ranked[0], ranked[1], ranked[-1]
    if first.accuracy <= 2 * chance:
        return Finding(f"At {asked}, no model is clearly better than guessing.")
    said = f"At {asked}, {leader} {_often(first)} of cases, with N = {first.passes}."
    if not is_above(first, second):
        said += f" {begun(follower)} {_often(second)}: the two cannot be told apart."
    else:
        said += f" Next, {follower} {_often(second)}."
    if len(ranked) > 2:
        said += f" Last, {weakest} {_often(last)}."
    return Finding(said)


def _often(entry: Result) -> str:
    return f"{verb(entry.variant)} in {points(entry)}"


def growth_finding(line: Sequence[Result], right: str, asked: str) -> Finding | None:
    """How a single model's share changes from the fewest to the most passes at one difficulty."""
    line = sorted(line, key=lambda entry: entry.passes)
    if len(line) < 2:
        return None
    few, many = line[0], line[-1]
    first, last = (count(entry.passes, "pass") for entry in (few, many))
    return Finding(
        f"At {asked}, the share of {right} is {points(few)} after {first}. After {last}, the share is {points(many)}."
    )


def not_run(evidence: Sequence[Evidence], results: Results | None) -> tuple[str, ...]:
    """What belongs to the evidence on this task and is not in its results file."""
    here = {(entry.experiment, entry.variant) for entry in results.entries} if results else set()
    here |= {(experiment, "") for experiment, _ in here}
    return tuple(each.said for each in evidence if (each.experiment, each.variant) not in here)


def beyond_training(
    measured: Sequence[Result], symbol: str, passes_trained: int | None, difficulty_trained: int | None
) -> str:
    """Which of the settings lie beyond training, in short sentences; empty where training's bounds are not known."""
    if not measured or passes_trained is None:
        return ""
    passes = sorted({e.passes for e in measured if _is_beyond(e, passes_trained)})
    hard = sorted(
        {e.difficulty for e in measured if difficulty_trained is not None and e.difficulty > difficulty_trained}
    )
    trained = f"The model was trained with up to {count(passes_trained, 'pass')}"
    trained += "" if difficulty_trained is None else f" and up to {symbol} = {difficulty_trained}"
    outside = [levels(values, name) for values, name in ((passes, "N"), (hard, symbol)) if values]
    if outside:
        lie = "lies" if len(passes) + len(hard) == 1 else "lie"
        return f"{trained}. {joined(outside)} {lie} beyond that."
    return f"{trained}. Nothing beyond that was measured here."


def not_run_beyond(
    measured: Sequence[Result], symbol: str, passes_trained: int | None, difficulty_trained: int | None
) -> tuple[str, ...]:
    """Which direction beyond training was not measured, where the accuracies and training's bounds are known."""
    missing = []
    if measured and passes_trained is not None and not any(_is_beyond(e, passes_trained) for e in measured):
        missing.append(f"N above {passes_trained}, beyond the training range")
    if measured and difficulty_trained is not None and all(e.difficulty <= difficulty_trained for e in measured):
        missing.append(f"{symbol} above {difficulty_trained}, beyond the training range")
    return tuple(missing)


def cost_finding(costs: Sequence[Result]) -> Finding | None:
    """What the fewest and the most passes cost, and from how many questions per window on they pay."""
    told = [(entry, entry.cost) for entry in costs if entry.cost is not None]
    if not told:
        return None
    (few, cheap), (many, dear) = told[0], told[-1]
    said = (
        f"Sleeping on one window takes {milliseconds(cheap.sleep_s)} with N = {few.passes} and "
        f"{milliseconds(dear.sleep_s)} with N = {many.passes}. An answer then takes {milliseconds(cheap.wake_s)} or "
        f"{milliseconds(dear.wake_s)}."
    )
    if dear.break_even_flops is None:
        return Finding(f"{said} Sleep with N = {many.passes} never pays.")
    even = count(math.ceil(dear.break_even_flops), "question")
    return Finding(f"{said} With N = {many.passes}, sleep pays from {even} per window on, counted in operations.")


def milliseconds(seconds: float) -> str:
    """Write 0.0123 as "12 ms"."""
    return f"{seconds * 1e3:.3g} ms"


def levels_of(entries: Sequence[Result], symbol: str) -> str:
    """The difficulties of some entries, in words."""
    return levels([entry.difficulty for entry in entries], symbol)
