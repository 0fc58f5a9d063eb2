"""Whether the server's memory goes on growing: a leak has a slope that does not end, a cache that fills has a bound."""

from __future__ import annotations

import math
import re
import urllib.request
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean
from typing import Any

from app.shell import runs
from app.shell.jobs import RunQueue
from app.stage.kept import PICTURES_KEPT

METRICS = "_stcore/metrics?families=cache_memory_bytes"
STAT = re.compile(r'^cache_memory_bytes\{cache_type="([^"]*)",cache="([^"]*)"\} (\d+)$', re.MULTILINE)
# What is kept for everybody, by its place in the server's figures, and its bound.
BOUNDS = {
    "kept_runs": (("kept_runs", "runs"), RunQueue.kept),
    "kept_runs_bytes": (("kept_bytes", "runs"), RunQueue.kept_bytes),
    "kept_pictures": (("kept_pictures", "pictures"), PICTURES_KEPT),
    "kept_checkpoints": (("st_cache_resource", "app.shell.runs._loaded"), runs.LOADED_MAX),
}
POINTS_MIN = 5
Points = Sequence[tuple[float, float]]  # (rounds, megabytes)
Held = Mapping[int, Mapping[str, int]]  # after so many rounds, what each cache held


@dataclass(frozen=True)
class Sample:
    """The server's memory when every student had done so many rounds in the mean."""

    rounds: float
    resident_mb: float


@dataclass(frozen=True)
class Slope:
    """Of a straight line through the points by least squares, with its 95 % interval."""

    value: float
    low: float
    high: float


def slope(points: Points) -> Slope:
    """Of y over x. The interval is Student's: it takes the points' distances from the line as independent."""
    x_mean, y_mean = fmean(x for x, _ in points), fmean(y for _, y in points)
    spread = sum((x - x_mean) ** 2 for x, _ in points)
    value = sum((x - x_mean) * (y - y_mean) for x, y in points) / spread
    off = sum((y - y_mean - value * (x - x_mean)) ** 2 for x, y in points)
    free = len(points) - 2
    half = students_t(free) * math.sqrt(off / free / spread)
    return Slope(value, value - half, value + half)


def students_t(free: int) -> float:
    """Its 97.5 % point for so many degrees of freedom, by the expansion of Cornish and Fisher: to 0.004 from 3 on."""
    z = NormalDist().inv_cdf(0.975)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / free**power for power, term in enumerate(terms, start=1))


def second_half(samples: Sequence[Sample], rounds: int) -> list[tuple[float, float]]:
    """A point a round, the mean of its samples: those of one second and the next are nearly the same."""
    by_round: dict[int, list[Sample]] = defaultdict(list)
    for sample in samples:
        if rounds / 2 <= sample.rounds < rounds:
            by_round[math.floor(sample.rounds)].append(sample)
    found = (by_round[number] for number in sorted(by_round))
    return [(fmean(s.rounds for s in each), fmean(s.resident_mb for s in each)) for each in found]


def less_kept(points: Points, held: Held) -> list[tuple[float, float]]:
    """The same points less the kept runs' arrays, as they were when the point's round began."""
    found = []
    for rounds, resident_mb in points:
        known = [number for number in held if number <= rounds]
        if known:
            found.append((rounds, resident_mb - held[max(known)]["kept_runs_bytes"] / 1e6))
    return found


def caches(url: str) -> dict[str, int]:
    """What the server says that its bounded caches hold now; one that is not there yet holds nothing."""
    with urllib.request.urlopen(f"{url}/{METRICS}", timeout=60) as answer:
        held = {(kind, name): int(number) for kind, name, number in STAT.findall(answer.read().decode())}
    return {name: held.get(place, 0) for name, (place, _) in BOUNDS.items()}


def _growth(points: Points) -> dict[str, Any] | None:
    """In MB a round; None where the points are too few."""
    if len(points) < POINTS_MIN:
        return None
    found = slope(points)
    return {"mb_per_round": round(found.value, 3), "ci95": [round(found.low, 3), round(found.high, 3)]}


def report(samples: Sequence[Sample], held: Held, rounds: int) -> dict[str, Any]:
    """For load.json: the growth over the second half, and the caches after each round beside their bounds."""
    points = second_half(samples, rounds)
    return {
        "kind": "memory",
        "from_round": math.ceil(rounds / 2) + 1,
        "rounds": len(points),
        "growth": _growth(points),
        "growth_beside_kept_runs": _growth(less_kept(points, held)),
        "bounds": {name: bound for name, (_, bound) in BOUNDS.items()},
        "caches": [{"round": number, **held[number]} for number in sorted(held)],
    }
