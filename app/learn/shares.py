"""Headline shares: how often such a run is right, read from the results file. One answer alone may be luck."""

from __future__ import annotations

from app.figures.measured import right_of
from app.learn import learn_text
from app.learn.lesson_runs import HARD, TASK
from app.parts.units import count
from app.shell.results import MOSTLY_RIGHT, Result, Results, measured_of
from app.tasks import PAGES
from sleepviz.config.events import Trace
from sleepviz.config.run import RunSpec

RARE = 0.1  # such runs are right, or wrong, less often than this: a single one is an exception


def found(results: Results | str, trace: Trace, difficulty: int) -> Result | None:
    """What was measured of runs such as this one: the same weights, N and difficulty, nothing broken."""
    spec = RunSpec.from_json(trace.spec)
    if isinstance(results, str) or spec.control != "none":
        return None
    return measured_of(results, str(trace.checkpoint["digest"]), spec.n_passes, difficulty)


def is_exception(result: Result, is_right: bool) -> bool:
    """Whether a run that came out like this is rare among its kind."""
    return (result.accuracy if is_right else 1 - result.accuracy) < RARE


def of_control(results: Results | str, control: str) -> str:
    """A control beside the unbroken run, at the hardest difficulty where both were measured; "" where none was."""
    if isinstance(results, str):
        return ""
    whole = {(entry.passes, entry.difficulty): entry for entry in results.of("accuracy", "any_n")}
    for broken in reversed(results.of("control", control)):
        unbroken = whole.get((broken.passes, broken.difficulty))
        if unbroken is not None and unbroken.accuracy >= MOSTLY_RIGHT:
            return learn_text.CONTROL_SHARE.format(
                which=learn_text.HARDER if broken.difficulty > HARD else learn_text.AS_HARD,
                steps=count(broken.difficulty, PAGES[TASK].unit),
                passes=count(broken.passes, "pass"),
                broken=right_of(broken),
                whole=right_of(unbroken),
            )
    return ""


def of_deeper(results: Results | str) -> str:
    """A deeper model with one pass beside the smaller one with several, where the deeper one first fails; or ""."""
    if isinstance(results, str):
        return ""
    for deeper in results.of("baseline_small", "deeper"):
        small = results.of("seeds", "any_n_small")
        slept = [e for e in small if e.difficulty == deeper.difficulty and e.accuracy >= MOSTLY_RIGHT]
        if deeper.accuracy < MOSTLY_RIGHT and slept:
            least = min(slept, key=lambda entry: (entry.passes, entry.checkpoint))
            page = PAGES[results.task]
            return learn_text.DEEPER.format(
                page=page.title,
                steps=count(deeper.difficulty, page.unit),
                deeper=right_of(deeper),
                passes=count(least.passes, "pass"),
                slept=right_of(least),
            )
    return ""
