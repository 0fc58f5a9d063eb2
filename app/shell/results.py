"""Read assets/results/*.json into frozen records. Every number shown in a plot comes from there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

from app.shell.difference import is_above
from sleepviz.config.outside import MALFORMED
from sleepviz.tasks import FAMILIES

ROUNDING = 1e-9  # the interval's upper end of a share of 1 is 1 only up to rounding

MOSTLY_RIGHT = 0.5


class ResultsError(ValueError):
    """A results file is missing or damaged; the message is one sentence."""


@dataclass(frozen=True)
class Cost:
    """What one window's sleep, one answer, and one answer from reading the window again take (sleepviz/cost.py)."""

    sleep_s: float
    wake_s: float
    reread_s: float
    sleep_flops: float
    wake_flops: float
    reread_flops: float
    break_even_s: float | None  # queries a window from which on sleep takes less time; None: never
    break_even_flops: float | None  # ... needs fewer operations


@dataclass(frozen=True)
class Result:
    """One measured cell: `correct` of `n` at this number of passes and difficulty, with its 95 % interval."""

    experiment: str
    variant: str
    passes: int
    difficulty: int
    n: int
    accuracy: float
    low: float
    high: float
    checkpoint: str = ""
    digest: str = ""
    mean_passes: float | None = None  # halting: how many passes a window took in the mean
    threshold: float = 0.0  # halting: sleep ends when S drifts by less; 0 for a fixed N
    cost: Cost | None = None
    task: str = ""  # in a file of several tasks
    mean_sleeps: float | None = None  # schedules: how often an instance slept in the mean


@dataclass(frozen=True)
class Results:
    """What one file of assets/results says: who measured it, how, and every entry."""

    task: str
    made_by: str
    entries: tuple[Result, ...]
    commit: str = ""

    def of(self, experiment: str, variant: str | None = None) -> tuple[Result, ...]:
        """The entries of one experiment, of one variant if given, ordered by difficulty and passes."""
        chosen = [e for e in self.entries if e.experiment == experiment and variant in (None, e.variant)]
        return tuple(sorted(chosen, key=lambda entry: (entry.difficulty, entry.passes)))

    @property
    def solved_from(self) -> float:
        """The share of right answers from which on a difficulty of the task counts as solved."""
        return FAMILIES[self.task].study.solved

    def enough(self, experiment: str, variant: str | None = None) -> Result | None:
        """The hardest difficulty that some N solves, with the fewest passes that do."""
        solved = [entry for entry in self.of(experiment, variant) if entry.accuracy >= self.solved_from]
        return max(solved, key=lambda entry: (entry.difficulty, -entry.passes), default=None)

    def beyond_one_pass(self) -> tuple[Result, Result] | None:
        """One pass and the fewest that are enough, as measured with the cost; None where these are no better."""
        if (enough := self.enough("cost")) is None:
            return None
        tried = (entry for entry in self.of("cost") if entry.difficulty == enough.difficulty and entry.passes == 1)
        one = next(tried, None)
        return (one, enough) if one is not None and is_above(enough, one) else None

    def best_of_one_pass(self, difficulty: int) -> Result | None:
        """The best of the separate models that were trained with one pass only."""
        alone = (e for e in self.of("baseline") if e.difficulty == difficulty and e.variant.startswith("n1_"))
        return max(alone, key=lambda entry: entry.accuracy, default=None)


@dataclass(frozen=True)
class Comparison:
    """One control against the run as it is, at the same N, wherever that run is mostly right."""

    control: str
    passes: int
    pairs: tuple[tuple[Result, Result], ...]  # (control, run as it is), by difficulty

    @property
    def falls(self) -> tuple[int, ...]:
        """The difficulties at which the control is measurably lower."""
        return tuple(broken.difficulty for broken, whole in self.pairs if is_above(whole, broken))

    @property
    def rises(self) -> tuple[int, ...]:
        """The difficulties at which it is measurably higher."""
        return tuple(broken.difficulty for broken, whole in self.pairs if is_above(broken, whole))

    @property
    def holds(self) -> tuple[int, ...]:
        """All others: no loss was measured there."""
        return tuple(broken.difficulty for broken, _ in self.pairs if broken.difficulty not in self.falls)


def measured_of(results: Results, digest: str, passes: int, difficulty: int | None) -> Result | None:
    """What these weights were right in with this N at this difficulty, alone or as a baseline."""
    for entry in (*results.of("accuracy"), *results.of("baseline"), *results.of("found")):
        if (entry.digest, entry.passes, entry.difficulty) == (digest, passes, difficulty):
            return entry
    return None


FOUND_BESIDE = {"found_n1": "n1_same_tokens", "found_n1_flops": "n1_same_flops"}
"""What stands beside a model found from answers alone, and what the same is called beside the task's own model."""


def of_model(results: Results, checkpoint: str) -> Results:
    """The same as the page of one model tells it: of a model found from answers alone, its own entries in the places
    of those of the task's own model. Every other model is told of by the file as it is.
    """
    own = {entry.checkpoint for entry in results.of("found", "found")}
    return replace(results, entries=tuple(_told_of(checkpoint, results))) if checkpoint in own else results


def _told_of(found: str, results: Results) -> Iterator[Result]:
    for entry in results.entries:
        if entry.experiment == "found" and entry.checkpoint == found:
            yield replace(entry, experiment="accuracy", variant="any_n")
        elif entry.experiment == "found" and entry.variant in FOUND_BESIDE:
            yield replace(entry, experiment="baseline", variant=FOUND_BESIDE[entry.variant])
        elif entry.experiment == "found_control" and entry.checkpoint == found and entry.variant != "none":
            yield replace(entry, experiment="control")


def comparisons(results: Results) -> tuple[Comparison, ...]:
    """Every control that can be compared, in the file's order.

    Where the run as it is fails, breaking a part of it cannot show what that part does: left out.
    """
    whole = {(entry.difficulty, entry.passes): entry for entry in results.of("accuracy", "any_n")}
    kinds = dict.fromkeys((entry.variant, entry.passes) for entry in results.entries if entry.experiment == "control")
    found = []
    for control, passes in kinds:
        broken = [entry for entry in results.of("control", control) if entry.passes == passes]
        both = [(entry, whole[entry.difficulty, passes]) for entry in broken if (entry.difficulty, passes) in whole]
        pairs = tuple(pair for pair in both if pair[1].accuracy >= MOSTLY_RIGHT)
        if pairs:
            found.append(Comparison(control, passes, pairs))
    return tuple(found)


def read_results(path: Path) -> Results:
    """Read a results file, which is called as what it is about: "rule110.json". Raises ResultsError."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        entries = tuple(_entry(entry) for entry in values["entries"])
        if values["task"] != path.stem:
            raise ValueError("the file is about another task.")
        return Results(path.stem, str(values["made_by"]), entries, str(values.get("commit", "")))
    except FileNotFoundError as error:
        raise ResultsError(f"The results file {path.name} is not here.") from error
    except (OSError, *MALFORMED) as error:
        raise ResultsError(f"The results file {path.name} is damaged, so nothing is plotted from it.") from error


def _entry(values: dict[str, object]) -> Result:
    low, high = (float(bound) for bound in values["ci95"])  # type: ignore[attr-defined]
    accuracy = float(values["accuracy"])  # type: ignore[arg-type]
    if not (0 <= low <= accuracy + ROUNDING and accuracy - ROUNDING <= high <= 1):
        raise ValueError("an accuracy lies outside its interval.")
    return Result(
        experiment=str(values["experiment"]),
        variant=str(values["variant"]),
        passes=int(values["passes"]),  # type: ignore[call-overload]
        difficulty=int(values["difficulty"]),  # type: ignore[call-overload]
        n=int(values["n"]),  # type: ignore[call-overload]
        accuracy=accuracy,
        low=min(low, accuracy),
        high=max(high, accuracy),
        checkpoint=str(values.get("checkpoint", "")),
        digest=str(values.get("digest", "")),
        mean_passes=None if values.get("mean_passes") is None else float(values["mean_passes"]),  # type: ignore[arg-type]
        threshold=float(values.get("threshold") or 0.0),  # type: ignore[arg-type]
        cost=_cost(values) if "sleep_s" in values else None,
        task=str(values.get("task", "")),
        mean_sleeps=None if values.get("mean_sleeps") is None else float(values["mean_sleeps"]),  # type: ignore[arg-type]
    )


def _cost(values: dict[str, object]) -> Cost:
    numbers = {field.name: values[field.name] for field in fields(Cost)}
    return Cost(**{name: None if number is None else float(number) for name, number in numbers.items()})  # type: ignore[arg-type]
