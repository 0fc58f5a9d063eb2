"""On the page "Your model": the player, the cards side by side, what was held, and the bar of downloads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import streamlit as st

from app import player
from app.parts.units import count
from app.player import Contender
from app.sharing import bar, exports, packed
from app.sharing.bar import Shared
from app.shell import messages, progress, runs, theme
from app.shell.jobs import Job, Phase, RunKey
from app.shell.position import Position
from app.shell.state import Visit
from app.stage import about, stage_text
from app.your_model import document_box, model_text, models, own_text, text_runs
from app.your_model.text_runs import SideBySide
from sleepviz.config.base import ConfigError
from sleepviz.config.events import CacheEvicted, SleepStarted, Trace
from sleepviz.config.places import SITE
from sleepviz.config.run import RunSpec

POLL_S = 1.5  # a script run collects garbage in full: polled more often, it starves the loading
QUICK_S = 0.5
INSIDE_RUN = "inside_words_run"  # of the session


def follow(visit: Visit, has_tape: bool) -> None:
    """Say where the latest run stands, and keep it once it is done."""
    job = visit.job
    if job is None:
        st.caption(f"{model_text.RECORDED if has_tape else model_text.NOTHING_YET} {model_text.FIRST_RUN}")
        return
    if job.was_left:  # it ended while nobody asked for it: a page that cannot be reached for a while, for example
        job = models.queue().submit(job.keys)
        visit.set_job(job)
    if not job.is_over:
        job.wait(QUICK_S)
    if job.phase == "done":
        visit.set_latest(job)
    elif job.phase == "failed":
        st.error(messages.plain(job.message), icon=":material/error:")
    elif job.was_stopped:
        st.info(model_text.STOPPED, icon=":material/stop_circle:")
    else:
        progress.show((job,), partial(_standing, job), every_s=POLL_S, cancel="your_model_cancel")


def link_of(spec: RunSpec) -> dict[str, str]:
    """What is asked, as a link's values; nothing where the model is a visitor's own, which no other server has."""
    if models.is_own(spec.checkpoint):
        return {}
    given = json.loads(spec.input)
    asked = {"question": given["question"]}
    asked |= {"L": str(given["window"])} if spec.checkpoint.startswith("random:") else {}
    usual = document_box.first_document(spec.checkpoint)
    document = packed.packed(given["document"]) if given["document"] != usual else None
    asked |= {"doc": document} if document else {}
    return {"model": spec.checkpoint, "N": str(spec.n_passes), "eviction": spec.eviction, **asked}


def show(shown: SideBySide, asked: RunKey | None, at: Position, mode: theme.Mode) -> None:
    """Draw the runs. `asked` is what the controls ask for now; another run than that is greyed and says so."""
    spec, trace = shown.first
    titles = {
        (1, spec.eviction): model_text.SLEPT_ONCE,
        (0, spec.eviction): model_text.NO_SLEEP,
        (1, "none"): model_text.FULL_ATTENTION,
        (spec.n_passes, spec.eviction): (
            model_text.SLEPT.format(passes=spec.n_passes),
            model_text.SLEPT_NOTE,
        ),
    }
    cards, full = [], None
    for each, found in shown.outcomes.items():
        title, note = titles[(each.spec.n_passes, each.spec.eviction)]
        told = (found, "") if isinstance(found, Trace) else (None, found)
        cards.append(Contender(title, note, *told))
        if each.spec.eviction == "none" and isinstance(found, Trace):
            full = found
    name = spec.checkpoint.partition(":")[2]
    kind = spec.checkpoint.partition(":")[0]
    whose = {"text": model_text.OURS, "random": model_text.RANDOM}.get(kind, model_text.YOURS)
    called = model_text.DROPPED if kind == "dropped" else Path(name).name
    badge = model_text.BADGE.format(origin=shown.origin, name=called, whose=whose, eviction=spec.eviction)
    player.show(
        player.player_payload(
            trace,
            contenders=tuple(cards),
            badge=badge,
            terms=stage_text.terms_of_a_text(int(json.loads(spec.input)["window"])),
        ),
        key="player_your_model",
        start=player.Start(event=at.event, speed=at.speed, paused=at.event is not None),
        stale="" if asked == next(iter(shown.outcomes)) else model_text.STALE,
    )
    if st.button(model_text.LOOK_INSIDE, icon=":material/biotech:", key="your_model_inside"):
        look_inside(next(iter(shown.outcomes)))
    _share(shown, {card.title: card.trace for card in cards if card.trace is not None})
    st.caption(_note(kind, name, next(iter(shown.outcomes))))
    st.markdown(held(trace, full))
    about.transcript(trace)
    about.numbers(trace)
    about.drift_curves(trace, mode)


def look_inside(key: RunKey) -> None:
    """Open the page Inside on a run. A visitor's own model has no link, so the session holds the run."""
    st.session_state[INSIDE_RUN] = key
    st.switch_page(SITE / "pages" / "inside.py", query_params={"task": key.spec.task, **link_of(key.spec)})


def run_inside(given: Mapping[str, str]) -> RunKey | None:
    """The run that `look_inside` opened; None where the address asks for another, or none was opened."""
    key: RunKey | None = st.session_state.get(INSIDE_RUN)
    if key is None or ("model" in given and any(given.get(k) != v for k, v in link_of(key.spec).items())):
        return None
    return key if link_of(key.spec) or "model" not in given else None


def _share(shown: SideBySide, on_screen: exports.Runs) -> None:
    """The bar under the stage; and what of this run no link can hold."""
    spec, _ = shown.first
    given = json.loads(spec.input)
    shared = Shared("your-model", link_of(spec), shown.origin, on_screen, str(given["question"]))
    bar.show(shared, call=text_runs.call_of, no_python=model_text.NO_PYTHON)
    if models.is_own(spec.checkpoint):
        st.caption(model_text.NO_LINK)
    elif packed.packed(given["document"]) is None:
        st.caption(model_text.NOT_IN_LINK)
        st.download_button(
            model_text.SAVE_DOCUMENT,
            data=given["document"],
            file_name="sleepviz-document.txt",
            mime="text/plain",
            on_click="ignore",
            icon=":material/download:",
            key="your_model_document",
        )


def _note(kind: str, name: str, run: RunKey) -> str:
    """What kind of model answered; of our text model, what was measured of the weights that ran."""
    if kind == "text":
        told = own_text.measured(runs.ASSETS / "results" / f"{name}.json", run.digest, run.spec.n_passes)
        try:
            _, passes_trained, _ = models.text_facts(name)
        except ConfigError:  # its folder went away while its run is shown
            return told
        trained = (
            model_text.TEXT_TRAINED_AWAKE
            if passes_trained == 1
            else model_text.TEXT_TRAINED.format(passes=passes_trained)
        )
        return f"{trained} {told}"
    return model_text.RANDOM_WARNING if kind == "random" else model_text.UNTRAINED_FOR_SLEEP


def held(trace: Trace, full: Trace | None) -> str:
    """The cache in bytes as a table: at its fullest, after the last sleep, and what full attention would hold."""
    fullest = max(event.kv_bytes for event in trace.events if isinstance(event, SleepStarted))
    evicted = [event for event in trace.events if isinstance(event, CacheEvicted)]
    freed = sum(event.bytes_freed for event in evicted)
    kept = _kept_bytes(trace)
    lines = [
        f"| {model_text.HELD} | {model_text.BYTES} |",
        "|---|---:|",
        f"| {model_text.CACHE_FULL} | {fullest:,} |",
        f"| {model_text.CACHE_KEPT} | {kept:,} |",
        f"| {model_text.FAST_WEIGHTS} | {evicted[-1].fast_bytes:,} |",
        f"| {model_text.FREED.format(evictions=count(len(evicted), 'eviction'))} | {freed:,} |",
    ]
    if full is not None:
        whole = max(event.kv_bytes for event in full.events if isinstance(event, SleepStarted))
        lines.append(f"| {model_text.CACHE_WHOLE} | {whole:,} |")
    return "\n".join(lines)


def _kept_bytes(trace: Trace) -> int:
    """Of the last window: what was there before eviction, less what was freed."""
    started = [event for event in trace.events if isinstance(event, SleepStarted)]
    evicted = [event for event in trace.events if isinstance(event, CacheEvicted)]
    return started[-1].kv_bytes - evicted[-1].bytes_freed


def _standing(job: Job, phase: Phase) -> progress.Standing:
    """Where the run stands."""
    run, runs = len(job.results) + 1, len(job.keys)
    sentences: dict[Phase, str] = {
        "waiting": model_text.WAITING,
        "starting": model_text.STARTING,
        "running": model_text.RUNNING.format(events=count(job.events, "event"), run=run, runs=runs),
    }
    return progress.Standing(sentences.get(phase, ""))
