"""The runs of the path, recorded: one row of Rule 110, asked one step and six steps ahead."""

from __future__ import annotations

from collections.abc import Mapping

from app.learn import learn_text
from app.shell import runs
from sleepviz.config.events import Trace
from sleepviz.studies.lesson import BREAKS, EASY, HARD, TASK, recording_name

__all__ = ["BREAKS", "EASY", "HARD", "NAMES", "TASK", "Runs", "recorded"]

NAMES = ("easy", "one_pass", "slept", "unslept", *BREAKS, "other")
Runs = Mapping[str, Trace | str]  # a run by its name, or one sentence that says why there is none


def recorded() -> Runs:
    """Every run of the path."""
    return {name: _recorded(name) for name in NAMES}


def _recorded(name: str) -> Trace | str:
    try:
        return runs.recording(recording_name(name)) or learn_text.NO_RECORDING
    except ValueError:
        return learn_text.DAMAGED
