"""What the measured entries say, in sentences. Pure: results in, words out; no sentence is written in advance."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.figures.measured import points, reach
from app.figures.percent import one_in, percent
from app.lab.lab_text import ENOUGH, NO, WITHOUT_SLEEP, YES, levels
from app.lab.lines import Duel, gains
from app.lab.subjects import begun, subject
from app.parts.units import count
from app.shell.difference import is_above
from app.shell.messages import joined
from app.shell.results import Comparison, Result, Results
from app.tasks.base import Evidence

AGAINST = "against the paper's trend"
ONE_SIDED = 40  # of so many comparisons without a true difference, a 95 % interval calls about one lower


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
        tried = count(found.n_compared, "setting")
        said += f" Of {tried} with more passes, {found.n_better} are measurably better than N = {found.fewest}."
        if found.rest:
            said += f" At {levels_of(found.rest, symbol)}, no gain was measured."
        return Finding(said)
    if found.is_enough:
        return Finding(f"N = {found.fewest} is enough: nothing is left to gain at {levels_of(found.rest, symbol)}.")
    return Finding(
        f"More passes than {found.fewest} bring no measurable gain at any {symbol} that was tried, {AGAINST}.",
        is_against=True,
    )


def reach_finding(measured: Sequence[Result], symbol: str, solved: float) -> Finding:
    """Which N gets furthest, the fewest passes of equals; the table has the reach of every N."""
    tried, share = sorted({entry.passes for entry in measured}), f"{percent(solved, 0)} %"
    reached = {n: level for n in tried if (level := reach(measured, n, solved)) is not None}
    if not reached:
        return Finding(f"No N gets {share} right at any {symbol}.")
    passes = max(reached, key=lambda n: (reached[n], -n))
    said = f"With N = {passes}, at least {share} are right up to {symbol} = {reached[passes]}"
    return Finding(f"{said}; no other N gets further." if len(tried) > 1 else f"{said}.")


def loss_findings(
    measured: Sequence[Result], symbol: str, passes_trained: int | None, chance: float = 0.0
) -> tuple[Finding, ...]:
    """Whether more passes do harm: within training, every larger N against every smaller; then each N beyond training
    against the most within. A fall from what guessing might give is none.
    """
    beyond = [entry for entry in measured if _is_beyond(entry, passes_trained)]
    within = [entry for entry in measured if entry not in beyond]
    found = [_loss_within(within, symbol, bool(beyond), chance)]
    if passes_trained is not None:
        found.append(_loss_beyond(within, beyond, symbol, passes_trained, chance))
    return tuple(each for each in found if each is not None)


def _loss_within(within: Sequence[Result], symbol: str, is_told_apart: bool, chance: float) -> Finding | None:
    pairs = [
        (less, more)
        for less in within
        for more in within
        if less.difficulty == more.difficulty and less.passes < more.passes
    ]
    if not pairs:
        return None
    told = [pair for pair in pairs if max(entry.accuracy for entry in pair) > 2 * chance]
    scope = "Within training, " if is_told_apart else ""
    falls = [pair for pair in pairs if is_above(*pair, chance)]
    if not falls:
        said = f"{scope}accuracy is not measurably lower with more passes than with fewer, at any {symbol}."
        return Finding(said[:1].upper() + said[1:])
    less, more = max(falls, key=fall)
    hard = levels(sorted({pair[0].difficulty for pair in falls}), symbol)
    is_chance = len(falls) <= len(told) / ONE_SIDED
    verdict = "Chance alone would give as many." if is_chance else f"This is {AGAINST}."
    said = (
        f"{scope}a larger N was compared with a smaller one in {count(len(told), 'comparison')}. At {hard}, accuracy "
        f"is measurably lower with the larger N in {len(falls)} of these. {verdict} At {symbol} = {less.difficulty}, "
        f"accuracy falls from {points(less)} with N = {less.passes} to {points(more)} with N = {more.passes}."
    )
    return Finding(said[:1].upper() + said[1:], is_against=not is_chance)


def _loss_beyond(
    within: Sequence[Result], beyond: Sequence[Result], symbol: str, passes_trained: int, chance: float
) -> Finding | None:
    """Each N beyond training against the most passes of training that were measured."""
    most = max((entry.passes for entry in within), default=0)
    known = {entry.difficulty: entry for entry in within if entry.passes == most}
    lower, higher = {}, {}
    for n in sorted({entry.passes for entry in beyond}):
        pairs = [(known[e.difficulty], e) for e in beyond if e.passes == n and e.difficulty in known]
        lower[n] = [(less, more) for less, more in pairs if is_above(less, more, chance)]
        higher[n] = [(less, more) for less, more in pairs if is_above(more, less, chance)]
    harmful = [n for n, pairs in lower.items() if pairs]
    tried = f"N = {most} at {_difficulties(len(known))}"
    if not known or not lower:
        return None
    if harmful:
        verb = "does" if len(harmful) == 1 else "do"
        said = [f"{levels(harmful, 'N')}, beyond the {passes_trained} passes of training, {verb} harm, {AGAINST}."]
        said.append(f"The comparison is with {tried}.")
    else:
        said = [f"No N beyond training is measurably worse. The comparison is with {tried}."]
    for word, found in (("lower", lower), ("higher", higher)):
        said += [_by_passes(n, word, pairs, symbol) for n, pairs in found.items() if pairs]
    return Finding(" ".join(said), is_against=bool(harmful))


def _by_passes(n: int, word: str, pairs: Sequence[tuple[Result, Result]], symbol: str) -> str:
    """At which difficulties one N is worse or better, and how the shares change where they change most."""
    before, after = max(pairs, key=lambda pair: abs(fall(pair)))
    at = "" if len(pairs) == 1 else f"at {symbol} = {before.difficulty} "
    change = f"{at}from {percent(before.accuracy)} to {points(after)}"
    return f"With N = {n}, accuracy is {word} at {where(pairs, symbol)}: {change}."


def _difficulties(number: int) -> str:
    return count(number, "difficulty", "difficulties")


def fall(pair: tuple[Result, Result]) -> float:
    """By how much the second share is lower than the first."""
    return pair[0].accuracy - pair[1].accuracy


def below_chance_finding(measured: Sequence[Result], symbol: str, chance: float | None) -> Finding | None:
    """Where accuracy lies measurably below what guessing gives; None where it nowhere does."""
    below = [entry for entry in measured if chance is not None and entry.high < chance]
    if not below or chance is None:
        return None
    lowest = min(below, key=lambda entry: (entry.accuracy, entry.difficulty, entry.passes))
    return Finding(
        f"At {len(below)} of {count(len(measured), 'setting')}, accuracy lies measurably below chance "
        f"({one_in(chance)}). One is {symbol} = {lowest.difficulty} with N = {lowest.passes}, with {points(lowest)}. "
        "Such answers are not guesses: the model gives a wrong answer in a regular way."
    )


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
        ours, theirs = max(best.values(), key=fall)
        if is_above(ours, theirs):
            found.append(
                Finding(
                    f"At {symbol} = {ours.difficulty}, this model has {points(ours)} right, and the best model "
                    f"without repeated sleep has {points(theirs)}. The first took N = {ours.passes}. The second is "
                    f"{subject(theirs.variant).removesuffix(',')}."
                )
            )
    for each in (each for each in duels if each.is_against):
        ours, theirs = min(each.behind, key=fall)
        compared = _difficulties(len(each.ahead) + len(each.equal) + len(each.behind))
        found.append(
            Finding(
                f"{begun(subject(theirs.variant))} is ahead at {where(each.behind, symbol)}, {AGAINST}; {compared} "
                f"were compared. At {symbol} = {ours.difficulty}, {points(theirs)} of its answers are right; "
                f"this model has {points(ours)}.",
                is_against=True,
            )
        )
    if alone and not any(each.is_against for each in duels):
        found.append(Finding(f"No model without repeated sleep is ahead at any {symbol}."))
    return tuple(found)


def where(pairs: Sequence[tuple[Result, Result]], symbol: str) -> str:
    """The difficulties of some pairs."""
    return levels_of([ours for ours, _ in pairs], symbol)


def control_finding(found: Sequence[Comparison]) -> Finding | None:
    """In how many controls accuracy falls; None where none was measured."""
    if not found:
        return None
    falling = sum(bool(each.falls) for each in found)
    lower, settings = sum(len(each.falls) for each in found), sum(len(each.pairs) for each in found)
    one = "one part" if len(found) > 1 else "a part"
    return Finding(
        f"Breaking {one} of the mechanism lowers accuracy in {falling} of {len(found)} controls: at {lower} of "
        f"{count(settings, 'setting')}."
    )


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
        said += f" N = {enough.passes} is not measurably worse, with {points(enough)}."
    if not as_good:
        nearest = max(drift, key=lambda entry: entry.accuracy)
        return Finding(
            f"Stopping on drift never does as well as a fixed N. {said} Stopping on drift reaches {points(nearest)}."
        )
    first = min(as_good, key=_mean_passes)
    mean = _mean_passes(first)
    saved = enough.passes - mean
    verdict = f"and saves {saved:.1f} passes a window" if saved >= 0.05 else "but saves nothing"
    return Finding(
        f"Stopping once drift is below {first.threshold:g} does as well as a fixed N {verdict}. {said} Stopping early "
        f"reaches {points(first)} with {mean:.1f} passes on average."
    )


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
        f"{milliseconds(dear.sleep_s)} with N = {many.passes}. An answer then takes {milliseconds(cheap.wake_s)} "
        f"in the first case and {milliseconds(dear.wake_s)} in the second."
    )
    if dear.break_even_flops is None:
        return Finding(f"{said} Sleep with N = {many.passes} never pays.")
    even = count(math.ceil(dear.break_even_flops), "question")
    return Finding(f"{said} With N = {many.passes}, sleep pays off from {even} per window, counted in operations.")


def milliseconds(seconds: float) -> str:
    """Write 0.0123 as "12 ms"."""
    return f"{seconds * 1e3:.3g} ms"


def levels_of(entries: Sequence[Result], symbol: str) -> str:
    """The difficulties of some entries, in words."""
    return levels([entry.difficulty for entry in entries], symbol)
