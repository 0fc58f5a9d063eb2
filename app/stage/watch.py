"""Which run the page shows: the recorded one at once, the live one when it is ready."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial

import streamlit as st

from app.figures.measured import right_of
from app.parts.units import count
from app.player import Contender
from app.player.pictures import picture_of
from app.shell import progress, runs
from app.shell.jobs import Job, Phase, RunKey
from app.shell.results import Result, Results, measured_of
from app.shell.state import Visit
from app.stage import stage_text
from app.stage.controls import Choice, is_plain
from app.tasks import PAGES
from sleepviz.config.events import Trace
from sleepviz.config.run import RunSpec, Spending
from sleepviz.runs.checkpoint import CheckpointInfo

QUICK_S = 0.8  # a warm run is over by then: no loading state flickers, and the page is not drawn twice
POLL_S = 0.5


@dataclass(frozen=True)
class Shown:
    """A run and those that it is compared with; a sentence stands for one that could not be had."""

    source: str  # "recorded" or "live"
    trace: Trace
    intact: Trace | str  # the same run with nothing broken: `trace` itself, unless a control is on
    one_pass: Trace | str
    baseline: Trace | str
    baseline_name: str

    @property
    def is_broken(self) -> bool:
        """Whether a part of the mechanism was broken on purpose."""
        return bool(self.trace.spec["control"] != "none")

    @property
    def badge(self) -> str:
        """What the player says about where the run comes from."""
        checkpoint, spec = self.trace.checkpoint, self.trace.spec
        # What is broken comes first: a narrow head cuts off the end.
        parts = [stage_text.CONTROLS.get(spec["control"], spec["control"])] * self.is_broken
        parts += [self.source, f"{checkpoint['name']} {str(checkpoint['digest'])[:8]}"]
        trigger = spec["trigger"]["kind"]
        parts += [f"trigger: {stage_text.TRIGGERS[trigger]}"] * (trigger != "window")
        spending = RunSpec.from_json(spec).spending.kind
        parts += [f"passes: {stage_text.SPENDING[spending]}"] * (spending != "fixed")
        parts += [f"eviction {spec['eviction']}"] * (spec["eviction"] != "hard")
        parts += [f"{spec['sleep_attention']} attention asleep"] * bool(spec["sleep_attention"])
        return " · ".join(parts)


def recorded(task: str, infos: tuple[CheckpointInfo, ...]) -> Shown | str:
    """The run that ships with the app, or one sentence that says why it cannot be shown."""
    try:
        trace, one_pass = runs.recording(f"{task}-home"), runs.recording(f"{task}-home-n1")
        baseline = runs.recording(f"{task}-home-baseline")
    except ValueError:
        return stage_text.RECORDING_DAMAGED
    if trace is None:
        return stage_text.NO_RECORDING
    info = runs.baseline_checkpoint(task, infos)
    no_baseline = stage_text.PRESS_TO_ASK if info else stage_text.NO_BASELINE
    return Shown(
        "recorded",
        trace,
        trace,
        one_pass or stage_text.PRESS_TO_SEE,
        baseline or no_baseline,
        str(baseline.checkpoint["name"]) if baseline else info.name if info else "",
    )


def shown_run(visit: Visit, choice: Choice, infos: tuple[CheckpointInfo, ...], shipped: Shown | str) -> Shown | None:
    """Decide what to show, start a live run where one is wanted, and say what is going on."""
    recording = shipped if isinstance(shipped, Shown) else None
    if choice.spec is None or choice.info is None:
        return _latest(visit, infos) or recording
    if isinstance(shipped, str):
        st.info(shipped, icon=":material/info:")
    is_recorded = recording is not None and not visit.asked_live and _same_question(recording.trace, choice)
    if not is_recorded or visit.has_url:  # a first visit leaves the address bare; coming back to the recording does not
        visit.write_url(choice.link)
    if recording is not None and is_recorded:
        _say_if_weights_differ(recording, infos)
        return recording
    before, job = visit.job, _job(visit, choice, infos)
    if choice.run_pressed and job is before and job.phase == "done":
        st.toast(stage_text.SAME_RUN, icon=":material/check:")
    if not job.is_over:
        job.wait(QUICK_S)
    if job.phase == "done":
        visit.set_latest(job)
        return _of_job(job, infos)
    if job.phase == "failed":
        st.error(job.message, icon=":material/error:")
    elif job.was_stopped:
        st.info(stage_text.STOPPED, icon=":material/stop_circle:")
    else:
        progress.show((job,), partial(_standing, job), every_s=POLL_S, cancel="cancel")
    return _latest(visit, infos) or recording


def contenders(shown: Shown, results: Results | None) -> tuple[Contender, ...]:
    """The cards: this run, the same with one pass or with nothing broken, and the model that only ever knew N = 1."""
    named = stage_text.SEPARATE_NAMED.format(name=shown.baseline_name)
    spec = RunSpec.from_json(shown.trace.spec)
    n = stage_text.passes_of(spec)
    own = (stage_text.THIS_RUN.format(passes=n), stage_text.THIS_RUN_NOTE, shown.trace)
    if shown.is_broken:
        intact = (stage_text.INTACT_RUN.format(passes=n), stage_text.INTACT_NOTE, shown.intact)
        control = shown.trace.spec["control"]
        title = stage_text.BROKEN_RUN.format(part=stage_text.BROKEN_PART[control], passes=n)
        broken = (title, stage_text.BROKEN[control], shown.trace)
        beside = [intact, broken]
    elif spec.n_passes != 1 or spec.spending.has_budget:
        beside = [own, (*stage_text.ONE_PASS, shown.one_pass)]
    else:
        beside = [own]
    cards = [*beside, (stage_text.AWAKE_MODEL, named if shown.baseline_name else stage_text.SEPARATE, shown.baseline)]
    return tuple(_contender(title, note, answer, results) for title, note, answer in cards)


def _contender(title: str, note: str, answer: Trace | str, results: Results | None) -> Contender:
    """A card: how often such a run is right was measured, since one answer may be luck."""
    if isinstance(answer, str):
        return Contender(title, note, None, answer)
    found = _measured(answer, results) if results is not None else None
    if found is None:
        return Contender(title, note, answer)
    words = PAGES[answer.spec["task"]].words
    said = stage_text.HOW_OFTEN.format(
        share=right_of(found),
        right=words.right,
        symbol=words.symbol,
        difficulty=found.difficulty,
    )
    return Contender(title, note, answer, measured=said, share=found.accuracy)


def _measured(answer: Trace, results: Results) -> Result | None:
    """The entry of the results file that tells of runs such as this one; None where there is none."""
    spec, difficulty = RunSpec.from_json(answer.spec), picture_of(answer).difficulty
    if is_plain(spec):
        return measured_of(results, str(answer.checkpoint["digest"]), spec.n_passes, difficulty)
    if not is_plain(replace(spec, control="none")):
        return None
    same = (str(answer.checkpoint["digest"]), spec.n_passes, difficulty)
    entries = (*results.of("control", spec.control), *results.of("found_control", spec.control))
    return next((entry for entry in entries if (entry.digest, entry.passes, entry.difficulty) == same), None)


def _job(visit: Visit, choice: Choice, infos: tuple[CheckpointInfo, ...]) -> Job:
    """This visitor's job for the chosen run, submitted if it is not there."""
    assert choice.spec is not None and choice.info is not None
    own = runs.key_of(choice.spec, choice.info)
    _, baseline = _baseline_key(own, infos)
    beside = _one_pass_key(own) if own.spec.control == "none" else _intact_key(own)
    wanted = tuple(dict.fromkeys(key for key in (own, beside, baseline) if key is not None))
    job = visit.job
    is_asked_again = job is not None and choice.run_pressed and job.phase in ("cancelled", "failed")
    if job is None or job.keys != wanted or is_asked_again or job.was_left:
        job = runs.queue().submit(wanted)
        visit.set_job(job)
    return job


def _one_pass_key(own: RunKey) -> RunKey:
    """The same run with one pass."""
    return replace(own, spec=replace(own.spec, n_passes=1, spending=Spending()))


def _intact_key(own: RunKey) -> RunKey:
    """The same run with nothing broken."""
    return replace(own, spec=replace(own.spec, control="none"))


def _baseline_key(own: RunKey, infos: tuple[CheckpointInfo, ...]) -> tuple[str, RunKey | None]:
    """The same question for the model trained with N = 1, slept on as it was trained; the model's name first."""
    info = runs.baseline_checkpoint(own.spec.task, infos, own.spec.checkpoint)
    if info is None:
        return "", None
    plain = replace(own.spec, n_passes=1, spending=Spending(), control="none")
    spec = replace(plain, checkpoint=info.name, sleep_attention="")
    return info.name, runs.key_of(spec, info)


def _of_job(job: Job, infos: tuple[CheckpointInfo, ...]) -> Shown:
    own = job.keys[0]
    trace = job.results[own]
    assert isinstance(trace, Trace)
    name, baseline = _baseline_key(own, infos)
    answered = job.results.get(baseline, stage_text.NO_BASELINE) if baseline is not None else stage_text.NO_BASELINE
    if own.spec.control != "none":
        return Shown("live", trace, job.results[_intact_key(own)], "", answered, name)
    return Shown("live", trace, trace, job.results[_one_pass_key(own)], answered, name)


def _latest(visit: Visit, infos: tuple[CheckpointInfo, ...]) -> Shown | None:
    """The visitor's latest finished live run, kept on screen while the next one computes."""
    job = visit.latest
    return _of_job(job, infos) if job is not None else None


def _same_question(trace: Trace, choice: Choice) -> bool:
    """Whether a recording answers what the controls ask; the checkpoint is compared apart.

    Settings that are younger than the recording had their usual values in it.
    """
    assert choice.spec is not None
    recorded, asked = (replace(spec, checkpoint="", input="") for spec in (RunSpec.from_json(trace.spec), choice.spec))
    same_input = json.loads(trace.spec["input"]) == json.loads(choice.spec.input)
    return same_input and recorded == asked and trace.checkpoint["name"] == choice.spec.checkpoint


def _say_if_weights_differ(shown: Shown, infos: tuple[CheckpointInfo, ...]) -> None:
    name, digest = shown.trace.checkpoint["name"], str(shown.trace.checkpoint["digest"])
    here = next((info for info in infos if info.name == name), None)
    if here is not None and here.digest != digest:
        st.warning(
            stage_text.OTHER_WEIGHTS.format(recorded=digest[:8], here=here.digest[:8]),
            icon=":material/warning:",
        )


def _standing(job: Job, phase: Phase) -> progress.Standing:
    """What the visitor's run is waiting for."""
    ahead = stage_text.SEVERAL_AHEAD.format(ahead=job.ahead) if job.ahead > 1 else stage_text.AHEAD
    sentences: dict[Phase, str] = {
        "waiting": ahead,
        "starting": stage_text.STARTING,
        "running": stage_text.RUNNING.format(events=count(job.events, "event")),
    }
    return progress.Standing(sentences.get(phase, ""))


def stale(shown: Shown, choice: Choice) -> str:
    """Why the run on screen is not the one that the controls ask for; "" where it is."""
    if choice.spec is None:
        return stage_text.CANNOT_RUN
    return "" if _same_question(shown.trace, choice) else stage_text.NOT_THIS
