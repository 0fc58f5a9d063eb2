"""The controls: one click breaks the visitor's own question live, beside what the control did to all questions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from app.figures.measured import share
from app.lab import lab_text
from app.lab.tables import NOT_MEASURED
from app.parts.html_table import html_table
from app.parts.units import count
from app.player.pictures import picture_of
from app.shell import messages, progress, runs
from app.shell.jobs import Job, Outcome, RunKey
from app.shell.results import Result, Results, comparisons
from app.shell.state import Visit
from app.stage import stage_text
from app.stage.about import control_sentence
from app.tasks.base import Words
from sleepviz.config.base import ConfigError
from sleepviz.config.events import AnswerScored
from sleepviz.config.run import RunSpec
from sleepviz.runs.checkpoint import CheckpointInfo

POLL_S = 1.0
QUICK_S = 0.5
CONTROLS = tuple(name for name in stage_text.CONTROLS if name != "none")


def show(task: str, results: Results | None, infos: Sequence[CheckpointInfo], said: Words) -> None:
    """Buttons, one table, and a sentence on each control."""
    st.markdown(lab_text.CONTROLS_INTRO)
    question = current_question(task, infos)
    jobs: dict[str, Job] = {}
    if question is None:
        st.info(lab_text.NO_QUESTION, icon=":material/info:")
    else:
        key, source = question
        asked = messages.plain(said.question(json.loads(key.spec.input)))
        st.caption(lab_text.QUESTION.format(source=source, asked=asked, passes=key.spec.n_passes))
        jobs = _jobs(task, key)
        with st.container(horizontal=True, gap="small", key="lab_controls"):
            for control in CONTROLS:
                st.button(
                    stage_text.CONTROLS[control],
                    key=f"lab_break_{control}",
                    on_click=_break,
                    args=(jobs, key, (control,)),
                )
            st.button(
                lab_text.ALL_CONTROLS, key="lab_break_all", on_click=_break, args=(jobs, key, CONTROLS), type="primary"
            )
        waiting = [job for job in jobs.values() if not job.is_over]
        if waiting and not waiting[-1].wait(QUICK_S):
            progress.show(waiting, lambda phase: _standing(waiting), every_s=POLL_S)
    measured = measured_controls(results)
    if not measured:
        st.markdown(lab_text.CONTROLS_NOT_RUN)
    st.html(control_table(jobs, results, said))
    if results:
        st.markdown("\n".join(f"- {control_sentence(found, said)}" for found in comparisons(results)))


def current_question(task: str, infos: Sequence[CheckpointInfo]) -> tuple[RunKey, str] | None:
    """The visitor's latest question on the task's page, or the recorded one; unbroken, and whose it is."""
    latest = Visit(task).latest
    digests = {info.name: info.digest for info in infos if info.task == task}
    usual = runs.default_checkpoint(task, tuple(infos))
    if latest is not None:
        spec, source = latest.keys[0].spec, lab_text.YOURS
    else:
        try:
            trace = runs.recording(f"{task}-home")
            if trace is None:
                return None
            spec, source = RunSpec.from_json(trace.spec), lab_text.RECORDED
        except (ConfigError, ValueError):
            return None
    name = spec.checkpoint if spec.checkpoint in digests else usual.name if usual else ""
    if not name:
        return None
    return RunKey(replace(spec, checkpoint=name, control="none"), digests[name]), source


def control_table(jobs: Mapping[str, Job], results: Results | None, said: Words) -> str:
    """A row for the run as it is and one for each control: this question live, then all measured questions."""
    measured = measured_controls(results)
    places = sorted({(passes, difficulty) for _, passes, difficulty in measured})
    whole = {(e.passes, e.difficulty): e for e in (results.of("accuracy", "any_n") if results else ())}
    sets = [lab_text.WHOLE_SET.format(symbol=said.symbol, level=level, passes=n) for n, level in places]
    heads = [*lab_text.CONTROLS_HEADS, *sets]
    unbroken = next((job.results[job.keys[1]] for job in jobs.values() if job.keys[1] in job.results), None)
    rows = [[stage_text.AS_IT_IS, verdict(unbroken), *(_share(whole.get(place)) for place in places)]]
    for control in CONTROLS:
        job = jobs.get(control)
        rows.append(
            [
                stage_text.CONTROLS[control],
                _live(job),
                *(_share(measured.get((control, *place))) for place in places),
            ]
        )
    return html_table(lab_text.CONTROLS_TABLE.format(right=said.right), heads, rows)


def measured_controls(results: Results | None) -> dict[tuple[str, int, int], Result]:
    """The file's controls by name, N and difficulty."""
    found = results.of("control") if results else ()
    return {(entry.variant, entry.passes, entry.difficulty): entry for entry in found}


def verdict(outcome: Outcome | None) -> str:
    """What came of a run, in a few words."""
    if outcome is None:
        return NOT_MEASURED
    if isinstance(outcome, str):
        return outcome
    scored = [event.answer for event in outcome.events if isinstance(event, AnswerScored)]
    if not scored:
        return lab_text.NO_ANSWER
    return lab_text.RIGHT if all(scored[-1].correct) else picture_of(outcome).wrong_text(scored[-1])


def _share(entry: Result | None) -> str:
    return NOT_MEASURED if entry is None else share(entry)


def _live(job: Job | None) -> str:
    if job is None:
        return NOT_MEASURED
    if not job.is_over:
        return lab_text.RUNNING
    if job.phase == "done":
        return verdict(job.results[job.keys[0]])
    return job.message or lab_text.STOPPED


def _jobs(task: str, key: RunKey) -> dict[str, Job]:
    """This visitor's jobs on this question, by control; another question begins anew."""
    of, jobs = st.session_state.get(f"lab_{task}_broken", (None, {}))
    if of != key:
        for job in jobs.values():
            job.cancel()
        jobs = {}
        st.session_state[f"lab_{task}_broken"] = (key, jobs)
    return jobs


def _break(jobs: dict[str, Job], key: RunKey, controls: Sequence[str]) -> None:
    """Queue a run for each control that is not there yet, and the unbroken run beside it."""
    for control in controls:
        if control not in jobs or jobs[control].phase in ("cancelled", "failed"):
            broken = replace(key, spec=replace(key.spec, control=control))  # type: ignore[arg-type]
            jobs[control] = runs.queue().submit((broken, key))


def _standing(waiting: Sequence[Job]) -> progress.Standing:
    """How many controls have not been run yet."""
    n = sum(not job.is_over for job in waiting)
    return progress.Standing(lab_text.CONTROLS_RUNNING.format(controls=count(n, "control")))
