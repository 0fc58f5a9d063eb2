"""On the page "Your model": a few runs side by side, live or as they ship with the app."""

from __future__ import annotations

from dataclasses import dataclass

from app.sharing import exports
from app.shell import runs
from app.shell.jobs import Job, Outcome, RunKey
from app.your_model import models
from sleepviz.config.events import Trace
from sleepviz.config.outside import MALFORMED
from sleepviz.config.run import RunSpec
from sleepviz.text import example


@dataclass(frozen=True)
class SideBySide:
    """Runs of one question in the order in which they are shown; the first one came to an end."""

    origin: str  # "recorded" or "live"
    outcomes: dict[RunKey, Outcome]

    @property
    def first(self) -> tuple[RunSpec, Trace]:
        """The run on the stage."""
        key, trace = next(iter(self.outcomes.items()))
        assert isinstance(trace, Trace)
        return key.spec, trace


def of_job(job: Job) -> SideBySide:
    """The runs of a job that is done."""
    return SideBySide("live", {key: job.results[key] for key in job.keys})


def recorded(source: str) -> SideBySide | None:
    """The shipped runs of the model `source`; None where there are none of these very weights, or they are damaged."""
    if source != f"text:{example.MODEL}":
        return None
    try:
        traces = [runs.recording(name) for name in example.RECORDINGS]
        _, _, digest = models.text_facts(example.MODEL)
        found = {RunKey(RunSpec.from_json(t.spec), str(t.checkpoint["digest"])): t for t in traces if t is not None}
    except MALFORMED:
        return None
    complete = len(found) == len(example.RECORDINGS) and {key.digest for key in found} == {digest}
    return SideBySide("recorded", dict(found)) if complete else None


def call_of(spec: RunSpec, checkpoint: str) -> str | None:
    """A Python call that makes a run of this page again; None where no public function does.

    Random weights, and files that were dropped, are this server's own.
    """
    kind, _, name = spec.checkpoint.partition(":")
    return exports.text_call(spec, name) if kind in ("text", "local") else None
