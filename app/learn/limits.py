"""What was measured about each limit, as sentences: results in, words out. No figure is written here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.figures.measured import points, right_of
from app.learn import limits_text as text
from app.parts.units import count
from app.shell.difference import Share, is_above
from app.shell.messages import joined
from app.shell.results import Result, Results
from app.tasks import PAGES
from sleepviz.config.outside import MALFORMED

FAILED = 0.05  # below this share of right answers a model has failed
NAMED = 3  # as many difficulties are named one by one; more are counted


@dataclass(frozen=True)
class Evidence:
    """Every results file that the page reads: the tasks' by name, and that of the text model as it stands."""

    tasks: Mapping[str, Results]
    text_model: Mapping[str, Any]


@dataclass(frozen=True)
class Topic:
    """One limit or open question; `name` is its anchor and its place in links."""

    name: str
    title: str
    said: str
    measured: Callable[[Evidence], Iterator[str]]

    def sentences(self, evidence: Evidence) -> tuple[str, ...]:
        """What was measured, or that it is not there yet."""
        return tuple(self.measured(evidence)) or (text.NOT_MEASURED,)


def read_text_model(path: Path) -> Mapping[str, Any]:
    """The text model's results; empty where there are none, or the file is damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {**found, "entries": [_entry(entry) for entry in found["entries"]]}
    except (OSError, *MALFORMED):
        return {}


def _entry(values: Mapping[str, Any]) -> dict[str, Any]:
    low, high = (float(bound) for bound in values["ci95"])
    counts = {name: int(values[name]) for name in ("windows", "hops", "passes")}
    return {**values, **counts, "accuracy": float(values["accuracy"]), "ci95": [low, high]}


def cost(evidence: Evidence) -> Iterator[str]:
    """Operations of enough passes against one, from how many questions on they pay off, and what one pass cannot do;
    then the operations of an answer.
    """
    for results, task, unit in _tasks(evidence):
        costs = {entry.passes: entry.cost for entry in results.of("cost") if entry.cost is not None}
        enough = results.enough("cost")
        if enough is None or enough.passes not in costs or 1 not in costs:
            continue
        even = costs[enough.passes].break_even_flops
        if even is not None:
            ratio = costs[enough.passes].sleep_flops / costs[1].sleep_flops
            passes = count(enough.passes, "pass")
            said = text.COST_SLEEP.format(task=task, passes=passes, sleep=f"{ratio:.1f}", even=f"{even:.0f}")
            yield f"{said} {_unequal(results, unit)}".rstrip()
        if len({each.wake_flops for each in costs.values()}) == 1:
            yield text.COST_WAKE.format(task=task, least=min(costs), most=max(costs))


def _unequal(results: Results, unit: str) -> str:
    """That reading once does not answer what enough passes do, where the difference can be measured; else nothing."""
    if (unlike := results.beyond_one_pass()) is None:
        return ""
    one, enough = unlike
    steps, passes = count(enough.difficulty, unit), count(enough.passes, "pass")
    said = text.COST_UNEQUAL.format(steps=steps, one=right_of(one), passes=passes, many=right_of(enough))
    kept = _at(results.of("baseline", "oracle"), 1, enough.difficulty)
    if kept is None or not is_above(enough, kept):
        return said
    return f"{said} {text.COST_KEPT.format(kept=right_of(kept))}"


def tasks(evidence: Evidence) -> Iterator[str]:
    """What several passes gain on each task; then the text model."""
    for results, task, unit in _tasks(evidence):
        yield from _gain(results, task, unit)
    yield from _text_model(evidence.text_model)


def _gain(results: Results, task: str, unit: str) -> Iterator[str]:
    """The hardest difficulty that some N solves, with that N, with one pass, and by the best model of one pass only."""
    many = results.enough("accuracy", "any_n")
    one = None if many is None else _at(results.of("accuracy", "any_n"), 1, many.difficulty)
    if many is None or one is None:
        return
    said = text.TASKS_GAIN.format(
        task=task,
        steps=count(many.difficulty, unit),
        many=right_of(many),
        passes=count(many.passes, "pass"),
        one=right_of(one),
    )
    if (best := results.best_of_one_pass(many.difficulty)) is not None:
        said += f" {text.TASKS_ALONE.format(alone=right_of(best))}"
        said += "" if is_above(many, best) else f" {text.TASKS_NO_NEED}"
    yield said


def passes(evidence: Evidence) -> Iterator[str]:
    """The best N at the hardest difficulty and the largest N that was tried; then what this N does to the others."""
    for results, task, unit in _tasks(evidence):
        if (enough := results.enough("accuracy", "any_n")) is None:
            continue
        here = [entry for entry in results.of("accuracy", "any_n") if entry.difficulty == enough.difficulty]
        best, most = max(here, key=lambda entry: entry.accuracy), max(here, key=lambda entry: entry.passes)
        if best.passes < most.passes:
            sentence = text.PASSES_FEW if is_above(best, most) else text.PASSES_SAME
            said = sentence.format(
                task=task,
                steps=count(enough.difficulty, unit),
                best=right_of(best),
                passes=count(best.passes, "pass"),
                most=right_of(most),
                many=count(most.passes, "pass"),
            )
            yield f"{said} {_harm_elsewhere(results, most, unit)}".rstrip()


def _harm_elsewhere(results: Results, most: Result, unit: str) -> str:
    """At which other difficulties so many passes lower the accuracy that fewer reach, and by how much at the worst."""
    harmed = []
    for many in results.of("accuracy", "any_n"):
        fewer = [
            e for e in results.of("accuracy", "any_n") if e.difficulty == many.difficulty and e.passes < many.passes
        ]
        if many.passes != most.passes or many.difficulty == most.difficulty or not fewer:
            continue
        best = max(fewer, key=lambda entry: entry.accuracy)
        if is_above(best, many):
            harmed.append((best, many))
    if not harmed:
        return ""
    best, worst = max(harmed, key=lambda pair: pair[0].accuracy - pair[1].accuracy)
    sentence = text.PASSES_ELSEWHERE if len(harmed) == 1 else text.PASSES_ELSEWHERE_MOST
    return sentence.format(
        where=_named([many.difficulty for _, many in harmed], unit),
        many=count(most.passes, "pass"),
        steps=count(worst.difficulty, unit),
        high=points(best),
        passes=count(best.passes, "pass"),
        low=points(worst),
    )


def _named(difficulties: list[int], unit: str) -> str:
    """“1 and 3 hops”; or how many they are."""
    if len(difficulties) > NAMED:
        return text.OTHERS_HARMED.format(n=len(difficulties))
    *others, last = difficulties
    return joined([*map(str, others), count(last, unit)])


def windows(evidence: Evidence) -> Iterator[str]:
    """Clearing against sliding, and a model that keeps everything."""
    depo = evidence.tasks.get("depo")
    if depo is not None:
        hard = _best_at_hardest(depo.of("eviction", "hard"))
        if hard is not None:
            sliding = _at(depo.of("eviction", "sliding"), hard.passes, hard.difficulty)
            unprepared = _at(depo.of("eviction", "sliding_unprepared"), hard.passes, hard.difficulty)
            if sliding is not None:
                yield text.WINDOWS_SLIDING.format(
                    steps=count(hard.difficulty, "hop"),
                    passes=count(hard.passes, "pass"),
                    hard=right_of(hard),
                    sliding=right_of(sliding),
                )
            if unprepared is not None:
                yield text.WINDOWS_UNPREPARED.format(unprepared=right_of(unprepared))
    rule110 = evidence.tasks.get("rule110")
    if rule110 is not None:
        failed = [entry for entry in rule110.of("baseline", "oracle") if entry.accuracy < FAILED]
        if failed:
            yield text.WINDOWS_FULL.format(steps=count(failed[0].difficulty, "step"), oracle=right_of(failed[0]))


def attention(evidence: Evidence) -> Iterator[str]:
    """Both ways against back only, where both ways does best at the hardest difficulty it answers."""
    for results, task, unit in _tasks(evidence):
        full = _best_at_hardest(results.of("attention", "full"))
        if full is None:
            continue
        causal = _at(results.of("attention", "causal"), full.passes, full.difficulty)
        if causal is not None:
            yield text.ATTENTION_BOTH.format(
                task=task,
                steps=count(full.difficulty, unit),
                passes=count(full.passes, "pass"),
                full=right_of(full),
                causal=right_of(causal),
            )


def modalities(evidence: Evidence) -> Iterator[str]:
    """What several passes gain on images."""
    for results, task, unit in _tasks(evidence):
        if results.task == "digits":
            yield from _gain(results, task, unit)


def schedules(evidence: Evidence) -> Iterator[str]:
    """The rule that ends sleep by itself, against the fixed N that does best."""
    for results, task, _ in _tasks(evidence):
        stopped = [entry for entry in results.of("halting", "drift_halting") if entry.mean_passes is not None]
        fixed = results.of("halting", "fixed_n")
        if not stopped or not fixed:
            continue
        best = max(stopped, key=lambda entry: (entry.accuracy, -float(entry.mean_passes or 0)))
        yield text.SCHEDULES_STOP.format(
            task=task, threshold=f"{best.threshold:g}", right=right_of(best), mean=f"{best.mean_passes:.1f}"
        )
        same = max(fixed, key=lambda entry: (entry.accuracy, -entry.passes))
        yield text.SCHEDULES_FIXED.format(task=task, passes=count(same.passes, "pass"), right=right_of(same))


TOPICS = (
    Topic("cost", text.COST_TITLE, text.COST, cost),
    Topic("tasks", text.TASKS_TITLE, text.TASKS_SAID, tasks),
    Topic("passes", text.PASSES_TITLE, text.PASSES, passes),
    Topic("windows", text.WINDOWS_TITLE, text.WINDOWS, windows),
    Topic("attention", text.ATTENTION_TITLE, text.ATTENTION, attention),
    Topic("modalities", text.MODALITIES_TITLE, text.MODALITIES, modalities),
    Topic("schedules", text.SCHEDULES_TITLE, text.SCHEDULES, schedules),
)


def _tasks(evidence: Evidence) -> Iterator[tuple[Results, str, str]]:
    """Each measured task: its results, what it is called, and the word of its difficulty."""
    for name, page in PAGES.items():
        if name in evidence.tasks:
            yield evidence.tasks[name], page.called or page.title, page.unit


def _at(entries: tuple[Result, ...], n_passes: int, difficulty: int) -> Result | None:
    return next((entry for entry in entries if (entry.passes, entry.difficulty) == (n_passes, difficulty)), None)


def _best_at_hardest(entries: tuple[Result, ...]) -> Result | None:
    """Of the hardest difficulty that is mostly right at some N, the N that does best; the fewest passes of equals."""
    right = [entry for entry in entries if entry.accuracy > 0.5]
    return max(right, key=lambda entry: (entry.difficulty, entry.accuracy, -entry.passes), default=None)


def _text_model(found: Mapping[str, Any]) -> Iterator[str]:
    """One pass against two, at the most windows and hops."""
    entries = [entry for entry in found.get("entries", ()) if entry.get("passes") in (1, 2)]
    hardest = max(((entry["windows"], entry["hops"]) for entry in entries), default=None)
    at = {entry["passes"]: entry for entry in entries if (entry["windows"], entry["hops"]) == hardest}
    if hardest is None or not {1, 2} <= at.keys():
        return
    first, second = (Share(at[n]["accuracy"], *at[n]["ci95"]) for n in (1, 2))
    if not is_above(second, first):
        one, two = (f"{at[n]['accuracy']:.0%}".replace("%", " %") for n in (1, 2))
        yield text.TASKS_TEXT.format(hops=hardest[1], one=one, two=two)
