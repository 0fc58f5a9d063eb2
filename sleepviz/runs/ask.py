"""`sleepviz.run`: one problem, asked of a trained model, in one call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sleepviz.config.events import Trace
from sleepviz.config.model import Eviction
from sleepviz.config.run import Control, RunSpec
from sleepviz.runs.record import trace


def run(
    task: str,
    given: Mapping[str, Any],
    *,
    checkpoint: str = "",
    n_passes: int = 4,
    eviction: Eviction = "hard",
    control: Control = "none",
) -> Trace:
    """Let a model read a problem, sleep over each window, and answer with an empty cache.

    `given` is the task's input, for example {"rows": ["0110100110010110"], "steps": 4} for "rule110". `checkpoint` is
    a name that `python -m sleepviz checkpoints` lists; "" is the task's default. `n_passes` is N, the passes over each
    window. The result holds every event of the run, and the answer as `.answer`.

    Raises ConfigError for settings out of range, InputError for a problem that the model cannot be asked, and
    CheckpointError where there is no such checkpoint; each message is one sentence.
    """
    text = json.dumps(dict(given))
    spec = RunSpec(task=task, input=text, checkpoint=checkpoint, n_passes=n_passes, eviction=eviction, control=control)
    return trace(spec)
