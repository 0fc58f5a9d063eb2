"""Read assets/results/*.json into frozen records. Every number shown in a plot comes from there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

ROUNDING = 1e-9  # the interval's upper end of a share of 1 is 1 only up to rounding


class ResultsError(ValueError):
    """A results file is missing or damaged; the message is one sentence."""


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


@dataclass(frozen=True)
class Results:
    """A results file."""

    task: str
    made_by: str
    entries: tuple[Result, ...]

    def of(self, experiment: str, variant: str | None = None) -> tuple[Result, ...]:
        """The entries of one experiment, of one variant if given, ordered by difficulty and passes."""
        chosen = [e for e in self.entries if e.experiment == experiment and variant in (None, e.variant)]
        return tuple(sorted(chosen, key=lambda entry: (entry.difficulty, entry.passes)))


def read_results(path: Path) -> Results:
    """Read a results file. Raises ResultsError."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        entries = tuple(_entry(entry) for entry in values["entries"])
        return Results(str(values["task"]), str(values["made_by"]), entries)
    except FileNotFoundError as error:
        raise ResultsError(f"The results file {path.name} is not here.") from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
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
    )
