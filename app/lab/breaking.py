"""The controls: one click breaks the visitor's own question live, beside what the control did to the whole set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from app.lab import words
from app.lab.findings import share
from app.lab.tables import NOT_MEASURED, html_table
from app.shell import runs, text
from app.shell.jobs import Job, Outcome, RunKey
from app.shell.results import Result, Results, comparisons
from app.shell.state import Visit
from app.stage.about import control_sentence
from sleepviz.config.base import ConfigError
from sleepviz.config.events import AnswerScored
from sleepviz.config.run import RunSpec
from sleepviz.runs.checkpoint import CheckpointInfo

POLL_S = 1.0
QUICK_S = 0.5
CONTROLS = tuple(name for name in text.CONTROLS if name != "none")


def show(task: str, results: Results | None, infos: Sequence[CheckpointInfo], said: text.TaskWords) -> None:
    """Buttons, one table, and a sentence on each control."""
    st.markdown(words.CONTROLS_INTRO)
    question = current_question(task, infos)
    jobs: dict[str, Job] = {}
    if question is None:
        st.info("No question is here to break yet: run one live on the task's own page.", icon=":material/info:")
    else:
        key, source = question
        st.caption(f"The question, {source}: {text.plain(words.question(key.spec))}, at N = {key.spec.n_passes}.")
        jobs = _jobs(task, key)
        with st.container(horizontal=True, gap="small", key="lab_controls"):
            for control in CONTROLS:
                st.button(
                    text.CONTROLS[control], key=f"lab_break_{control}", on_click=_break, args=(jobs, key, (control,))
                )
            st.button("All of them", key="lab_break_all", on_click=_break, args=(jobs, key, CONTROLS), type="primary")
        waiting = [job for job in jobs.values() if not job.is_over]
        if waiting and not waiting[-1].wait(QUICK_S):
            _progress(tuple(waiting))
    measured = measured_controls(results)
    if not measured:
        st.markdown("On the whole set: not run.")
    st.html(control_table(jobs, results, said, task))
    if results:
        st.markdown("\n".join(f"- {control_sentence(found, said)}" for found in comparisons(results)))


def current_question(task: str, infos: Sequence[CheckpointInfo]) -> tuple[RunKey, str] | None:
    """The visitor's latest question on the task's page, or the recorded one; unbroken, and whose it is."""
    latest = Visit(task).latest
    digests = {info.name: info.digest for info in infos if info.task == task}
    default = next((info.name for info in infos if info.task == task and info.default), "")
    if latest is not None:
        spec, source = latest.keys[0].spec, "yours"
    else:
        try:
            trace = runs.recording(f"{task}-home")
            if trace is None:
                return None
            spec, source = RunSpec.from_json(trace.spec), "the recorded one"
        except (ConfigError, ValueError):
            return None
    name = spec.checkpoint if spec.checkpoint in digests else default
    if not name:
        return None
    return RunKey(replace(spec, checkpoint=name, control="none"), digests[name]), source


def control_table(jobs: Mapping[str, Job], results: Results | None, said: text.TaskWords, task: str) -> str:
    """A row for the run as it is and one for each control: this question live, then the whole set."""
    measured = measured_controls(results)
    places = sorted({(passes, difficulty) for _, passes, difficulty in measured})
    whole = {(e.passes, e.difficulty): e for e in (results.of("accuracy", "any_n") if results else ())}
    heads = ["what", "this question, live", *(f"whole set, {said.symbol} = {level}, N = {n}" for n, level in places)]
    unbroken = next((job.results[job.keys[1]] for job in jobs.values() if job.keys[1] in job.results), None)
    rows = [[text.AS_IT_IS, verdict(unbroken, task), *(_share(whole.get(place)) for place in places)]]
    for control in CONTROLS:
        job = jobs.get(control)
        rows.append(
            [
                text.CONTROLS[control],
                _live(job, task),
                *(_share(measured.get((control, *place))) for place in places),
            ]
        )
    return html_table(f"Controls: {said.right}, with 95 % Wilson intervals", heads, rows)


def measured_controls(results: Results | None) -> dict[tuple[str, int, int], Result]:
    """The file's controls by name, N and difficulty."""
    found = results.of("control") if results else ()
    return {(entry.variant, entry.passes, entry.difficulty): entry for entry in found}


def verdict(outcome: Outcome | None, task: str) -> str:
    """What came of a run, in a few words."""
    if outcome is None:
        return NOT_MEASURED
    if isinstance(outcome, str):
        return outcome
    scored = [event.answer for event in outcome.events if isinstance(event, AnswerScored)]
    if not scored:
        return "no answer"
    answer = scored[-1]
    if all(answer.correct):
        return "right"
    if task == "rule110":
        cells = [ours == true for ours, true in zip("".join(answer.answers), "".join(answer.truths), strict=True)]
        return f"wrong in {cells.count(False)} of {len(cells)} cells"
    wrong = [
        pair for pair, ok in zip(zip(answer.answers, answer.truths, strict=True), answer.correct, strict=True) if not ok
    ]
    first = f"wrong: {wrong[0][0]} instead of {wrong[0][1]}"
    return first if len(wrong) == 1 else f"{first}, and {len(wrong) - 1} more"


def _share(entry: Result | None) -> str:
    return NOT_MEASURED if entry is None else share(entry)


def _live(job: Job | None, task: str) -> str:
    if job is None:
        return NOT_MEASURED
    if not job.is_over:
        return "running"
    if job.phase == "done":
        return verdict(job.results[job.keys[0]], task)
    return job.message or "stopped"


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


@st.fragment(run_every=POLL_S)
def _progress(waiting: tuple[Job, ...]) -> None:
    """Poll, which keeps the jobs alive, until all are over."""
    still = [job for job in waiting if job.poll() not in ("done", "cancelled", "failed")]
    if not still:
        st.rerun()
    st.caption(f"Running live: {len(still)} control{'' if len(still) == 1 else 's'} to go.")
