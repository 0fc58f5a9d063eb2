"""`sleepviz.run`: one problem, asked of a trained model, in one call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from sleepviz.config.events import Trace
from sleepviz.config.model import Eviction, SleepAttention
from sleepviz.config.run import Control, RunSpec, Spending, Trigger
from sleepviz.runs.record import trace


def run(
    task: str,
    given: Mapping[str, Any],
    *,
    checkpoint: str = "",
    n_passes: int = 4,
    eviction: Eviction = "hard",
    control: Control = "none",
    sleep_attention: SleepAttention | Literal[""] = "",
    trigger: str = "window",
    spending: str = "fixed",
    seed: int = 0,
) -> Trace:
    """Let a model read a problem, sleep over each window, and answer with an empty cache.

    `given` is the task's input, for example {"rows": ["0110100110010110"], "steps": 4} for "rule110". `checkpoint` is
    a name that `python -m sleepviz checkpoints` lists; "" is the task's default. `n_passes` is N, the passes over each
    window. `control` breaks one part of the mechanism; `seed` is that of the weights or the S which some controls
    put in its place. `sleep_attention` "" is the way in which the checkpoint was trained. `trigger` says when sleep
    begins: "window" (it is full), "every:M" (after M tokens), "manual:A,B" (after A and after B tokens), "surprise:R"
    (after a statement with a token that S expected R times less than usual) or "statement:K" (after K statements).
    `spending` says how many passes each window gets: "fixed" (N), "still:T" (until a pass changes S by less than T, at
    most N), "even:B" or "hardest:B" (B passes in all; a window that is still leaves its passes to later ones).

    The result holds every event of the run, its passes as `.passes` and the answer as `.answer`.

    Raises ConfigError for settings out of range, InputError for a problem that the model cannot be asked, and
    CheckpointError where there is no such checkpoint; each message is one sentence.
    """
    spec = RunSpec(
        task=task,
        input=json.dumps(dict(given)),
        checkpoint=checkpoint,
        n_passes=n_passes,
        eviction=eviction,
        sleep_attention=sleep_attention,
        trigger=Trigger.parse(trigger),
        spending=Spending.parse(spending),
        control=control,
        seed=seed,
    )
    return trace(spec)
