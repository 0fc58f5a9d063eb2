"""The recorded runs that pages show first are what the shipped checkpoints do now."""

import numpy as np
import pytest

from app.shell import runs
from sleepviz.config.events import AnswerScored, SleepPassDone, Trace
from sleepviz.config.run import RunSpec
from sleepviz.runs import checkpoint
from sleepviz.runs.checkpoint import find, list_checkpoints
from sleepviz.runs.record import trace
from sleepviz.studies.recordings import read_recording, recordings, text_recordings, text_trace
from sleepviz.text import example

RECORDINGS = recordings()


@pytest.mark.parametrize("name", sorted(RECORDINGS))
def test_a_recording_equals_a_live_run(name: str) -> None:
    recorded, spec = read_recording(name), RECORDINGS[name]
    assert recorded.checkpoint["digest"] == find(spec.checkpoint, task=spec.task).digest
    same_run(recorded, spec, trace(spec))


@pytest.mark.parametrize("name", example.RECORDINGS)
def test_a_recording_of_a_text_equals_a_live_run(name: str) -> None:
    recorded, spec = read_recording(name), text_recordings()[name]
    live = text_trace(spec)
    assert recorded.checkpoint == live.checkpoint
    same_run(recorded, spec, live)


def same_run(recorded: Trace, spec: RunSpec, live: Trace) -> None:
    assert RunSpec.from_json(recorded.spec) == spec
    assert [type(event) for event in recorded.events] == [type(event) for event in live.events]
    for then, now in zip(recorded.events, live.events, strict=True):
        if isinstance(then, SleepPassDone) and isinstance(now, SleepPassDone):
            assert then.woken.answers == now.woken.answers
            for before, after in zip(then.layers, now.layers, strict=True):
                np.testing.assert_allclose(before.drift, after.drift, atol=1e-4)
        if isinstance(then, AnswerScored) and isinstance(now, AnswerScored):
            assert then.answer.answers == now.answer.answers


@pytest.mark.parametrize("task", ["rule110", "depo", "gsm"])
def test_live_runs_are_compared_with_the_model_of_the_recordings(task: str) -> None:
    """The shipped checkpoints hold other models with N = 1 too: oracles, a deeper one, small ones."""
    chosen = runs.baseline_checkpoint(task, tuple(list_checkpoints(checkpoint.FOLDER)))
    assert chosen is not None and chosen.name == recordings()[f"{task}-home-baseline"].checkpoint
    assert chosen.meta["train"]["n_passes"] == 1 and chosen.meta["train"]["eviction"] == "hard"
