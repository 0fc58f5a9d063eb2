"""A class arrives, works and leaves: what every click took, what went wrong, and what the server needed."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import sleepviz
from app.visitor.client import VisitError
from tests.load.lesson import STEPS, Click, arrive
from tests.load.memory import Sample, caches
from tests.serving import Served

ARRIVE_WITHIN_S = 10.0
SAMPLE_S = 1.0
DRIFT_TOLERANCE = 1e-3  # the page is told four digits


@dataclass(frozen=True)
class Hour:
    """What happened while the class was there."""

    clicks: tuple[Click, ...]
    errors: tuple[str, ...]
    seconds: float
    cpu_s: float
    samples: tuple[Sample, ...]  # one a second
    caches: Mapping[int, Mapping[str, int]]  # after each round, what the server says that they hold

    @property
    def resident_mb(self) -> tuple[float, ...]:
        """The server's memory, second by second."""
        return tuple(sample.resident_mb for sample in self.samples)


async def hold(
    served: Served,
    students: int,
    rounds: int,
    think_s: tuple[float, float],
    first: int = 1,
    told: Callable[[int], object] = lambda clicks: None,
) -> Hour:
    """Let so many students arrive within ten seconds; `first` is the number of the first of them.

    Once a second `told` hears how many clicks are done.
    """
    clicks: list[list[Click]] = [[] for _ in range(students)]
    errors: list[str] = []
    samples: list[Sample] = []
    held: dict[int, Mapping[str, int]] = {}

    async def attend(place: int) -> None:
        after_s = ARRIVE_WITHIN_S * place / students if students > 1 else 0.0
        try:
            await arrive(
                served.url,
                first + place,
                after_s=after_s,
                rounds=rounds,
                think_s=think_s,
                clicks=clicks[place],
            )
        except (VisitError, OSError, KeyError) as error:
            errors.append(f"student {first + place}: {type(error).__name__}: {error}")

    async def watch() -> None:
        while True:
            done = sum(map(len, clicks))
            told(done)
            samples.append(Sample(max(done / students - 1, 0.0), served.resident_mb))  # the first click: to arrive
            complete = done // students - 1
            if complete >= 1 and complete not in held:
                held[complete] = await asyncio.to_thread(caches, served.url)
            await asyncio.sleep(SAMPLE_S)

    started, cpu_before = time.perf_counter(), served.cpu_s
    watching = asyncio.create_task(watch())
    await asyncio.gather(*(attend(place) for place in range(students)))
    watching.cancel()
    with suppress(asyncio.CancelledError):  # what else it raised is raised here
        await watching
    seconds, cpu_s = time.perf_counter() - started, served.cpu_s - cpu_before
    told(sum(map(len, clicks)))
    held[rounds] = caches(served.url)
    every = tuple(click for each in clicks for click in each)
    return Hour(every, tuple(errors), seconds, cpu_s, tuple(samples), held)


def wrong_answers(clicks: Iterable[Click], most: int | None = None) -> list[str]:
    """What the stage said of each question, against the same run made here; at most so many questions."""
    shown: dict[tuple[str, int, str], list[dict[str, Any]]] = {}
    for click in clicks:
        if click.question is not None:
            shown.setdefault(click.question, []).append(click.shown)
    faults = []
    for question in list(shown)[:most]:
        row, n_passes, control = question
        passes = sleepviz.run("rule110", {"rows": [row], "steps": STEPS}, n_passes=n_passes, control=control).passes  # type: ignore[arg-type]
        cells = [done.woken.answers[-1] for done in passes]
        drift = [float(value) for done in passes for layer in done.layers for value in layer.drift]
        for each in shown[question]:
            told = [value for layers in each["drift"] for layer in layers for value in layer]
            far = max((abs(ours - theirs) for ours, theirs in zip(drift, told, strict=True)), default=math.inf)
            if each["cells"] != cells or far > DRIFT_TOLERANCE:
                faults.append(f"{question}: {each['cells']} instead of {cells}, drift off by {far:.4f}")
    return faults


def percentile(seconds: Sequence[float], share: float) -> float:
    """The smallest of these that at least this share of them does not exceed."""
    return sorted(seconds)[math.ceil(share * len(seconds)) - 1]


def waits(clicks: Iterable[Click], kind: str) -> dict[str, Any]:
    """From click to new picture, in seconds, of one kind of click."""
    return summary([click.seconds for click in clicks if click.kind == kind])


def summary(seconds: Sequence[float]) -> dict[str, Any]:
    """How many, and what half of them, and 95 % of them, do not exceed."""
    if not seconds:
        return {"clicks": 0}
    return {
        "clicks": len(seconds),
        "p50_s": round(percentile(seconds, 0.5), 3),
        "p95_s": round(percentile(seconds, 0.95), 3),
        "most_s": round(max(seconds), 3),
    }
