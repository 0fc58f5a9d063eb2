"""The runs of the path: one row of Rule 110, asked one step and six steps ahead. All are made live, in one job."""

from __future__ import annotations

import json
from collections.abc import Mapping

import streamlit as st

from app.learn import learn_text
from app.shell import messages, progress, runs
from app.shell.jobs import Job, Phase, RunKey
from sleepviz.config.events import Trace
from sleepviz.config.run import Control, RunSpec
from sleepviz.runs.checkpoint import CheckpointInfo

TASK = "rule110"
ROW, EASY, HARD = "0100110101110010", 1, 6  # the row is the one that the task's page opens with
BREAKS: tuple[Control, ...] = ("zero_state", "shuffled_state", "replay")
QUICK_S, POLL_S = 0.5, 0.5
_JOB = "learn_job"

Runs = Mapping[str, Trace | str]  # a run by its name, or one sentence that says why there is none


def keys(infos: tuple[CheckpointInfo, ...]) -> dict[str, RunKey]:
    """What is run, by name; empty where the task has no model."""
    own, other = runs.default_checkpoint(TASK, infos), runs.baseline_checkpoint(TASK, infos)
    if own is None:
        return {}

    def spec(steps: int, n_passes: int, info: CheckpointInfo, control: Control = "none") -> RunKey:
        asked = json.dumps({"rows": [ROW], "steps": steps})
        return runs.key_of(RunSpec(TASK, asked, info.name, n_passes, control=control), info)

    wanted = {
        "easy": spec(EASY, 1, own),
        "one_pass": spec(HARD, 1, own),
        "slept": spec(HARD, HARD, own),
        "unslept": spec(HARD, 0, own),
        **{control: spec(HARD, HARD, own, control) for control in BREAKS},
    }
    if other is not None:
        wanted["other"] = spec(HARD, 1, other)
    return wanted


def made(infos: tuple[CheckpointInfo, ...]) -> Runs | None:
    """The runs; None while they are being made, or where they cannot be: what is going on is then said on the page."""
    wanted = keys(infos)
    if not wanted:
        st.error(messages.no_checkpoint(TASK), icon=":material/error:")
        return None
    job = _job(tuple(wanted.values()))
    if not job.is_over:
        job.wait(QUICK_S)
    if job.phase == "done":
        return {name: job.results[key] for name, key in wanted.items()}
    if job.is_over:
        st.error(job.message or learn_text.NOT_RUN.format(reason=job.phase), icon=":material/error:")
        st.button(learn_text.START_AGAIN, key="learn_again", on_click=_forget)
        return None
    progress.show((job,), _standing, every_s=POLL_S)
    return None


def _job(wanted: tuple[RunKey, ...]) -> Job:
    """This visitor's job, submitted if it is not there."""
    job: Job | None = st.session_state.get(_JOB)
    if job is None or job.keys != wanted:
        job = runs.queue().submit(wanted)
        st.session_state[_JOB] = job
    return job


def _forget() -> None:
    st.session_state.pop(_JOB, None)


def _standing(phase: Phase) -> progress.Standing:
    said: dict[Phase, str] = {"waiting": learn_text.WAITING, "starting": learn_text.STARTING}
    return progress.Standing(said.get(phase, learn_text.RUNNING))
