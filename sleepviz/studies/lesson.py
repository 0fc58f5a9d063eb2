"""The runs of the lesson: one row of Rule 110, asked one step and six steps ahead, slept on in seven ways."""

from __future__ import annotations

import json

from sleepviz.config.run import Control, RunSpec

TASK = "rule110"
EASY, HARD = 1, 6  # steps; and six passes are enough for six steps
BREAKS: tuple[Control, ...] = ("zero_state", "shuffled_state", "replay")


def lesson_specs(row: str, baseline: str) -> dict[str, RunSpec]:
    """The runs by name: of the task's own model on `row`, and of the N = 1 model `baseline` unless that is ""."""

    def spec(steps: int, n_passes: int, control: Control = "none", checkpoint: str = "") -> RunSpec:
        given = json.dumps({"rows": [row], "steps": steps})
        return RunSpec(TASK, given, checkpoint, n_passes, control=control)

    specs = {
        "easy": spec(EASY, 1),
        "one_pass": spec(HARD, 1),
        "slept": spec(HARD, HARD),
        "unslept": spec(HARD, 0),
    }
    specs |= {control: spec(HARD, HARD, control) for control in BREAKS}
    if baseline:
        specs["other"] = spec(HARD, 1, checkpoint=baseline)
    return {recording_name(name): each for name, each in specs.items()}


def recording_name(name: str) -> str:
    """What the recording of one of these runs is called."""
    return f"lesson-{name}"
