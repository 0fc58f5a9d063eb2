"""The page "Your model": a model of the transformers library, a text or a task's input, and the same player."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from app import player
from app.player import Contender
from app.sharing import bar, exports, packed
from app.sharing.bar import Shared
from app.shell import messages, position, progress, runs, theme, uploads
from app.shell.jobs import Job, Phase, RunKey
from app.shell.position import Position
from app.shell.state import Visit, one_number_of, one_of, short_text
from app.stage import about, stage_text
from app.stage.watch import QUICK_S
from app.tasks import PAGES
from app.your_model import document_box, model_text, models, own_text, sleeping_longer, text_runs
from app.your_model.text_runs import SideBySide
from sleepviz.config.base import ConfigError
from sleepviz.config.events import CacheEvicted, SleepStarted, Trace
from sleepviz.config.run import INPUT_MAX_CHARACTERS, RunSpec
from sleepviz.runs.checkpoint import CheckpointInfo
from sleepviz.tasks import build_task
from sleepviz.tasks.base import InputError
from sleepviz.text import example

PASSES = (1, 2, 3, 4, 6, 8, 12)
POLL_S = 1.5  # a script run collects garbage in full: polled more often, it starves the loading


@dataclass(frozen=True)
class Asked:
    """What the controls ask: the run, the model's identity, and what a perplexity may be measured of."""

    spec: RunSpec
    digest: str
    measured: sleeping_longer.Measured | None = None  # None where it would mean nothing


def show() -> None:
    """The whole page."""
    mode = theme.page_mode(st.context.theme.type)
    visit = Visit("your_model")
    st.title(model_text.TITLE, anchor=False)
    st.markdown(model_text.EXPLANATION)
    infos = runs.checkpoints(runs.checkpoint_folder())
    is_linked = _adopt_link(visit, infos)
    for problem in visit.link_problems:
        st.error(messages.plain(problem), icon=":material/error:")
    try:
        asked = _controls(visit, infos)
    except (ConfigError, InputError) as error:
        st.error(messages.plain(str(error)), icon=":material/error:")
        asked = None
    # Never switched off: a click may come from a text box, whose correction is only being sent.
    pressed = st.button(model_text.RUN, key="your_model_run", type="primary")
    if asked is not None and (pressed or is_linked):
        visit.forget_link_problems()
        visit.write_url(_link(asked.spec))
        visit.set_job(models.queue().submit(_keys(asked)))
    tape = text_runs.recorded(str(visit.get("source"))) if visit.latest is None else None
    _follow(visit, tape is not None)
    shown = text_runs.of_job(visit.latest) if visit.latest is not None else tape
    if shown is not None:
        _stage(shown, position.of(visit), mode)
    if not models.local_models_allowed():
        st.caption(model_text.NOT_ALLOWED.format(allowed=models.ALLOWED))
    if asked is not None:
        _perplexity(visit, asked, mode)


def _adopt_link(visit: Visit, infos: tuple[CheckpointInfo, ...]) -> bool:
    """Take over ?model=text:text-micro&N=4&eviction=hard&question=..., which is then run."""
    choices = tuple(_choices(infos))
    first = {"source": choices[0], "passes": example.N_PASSES, "eviction": "hard", **document_box.FIRST_VALUES}
    first |= {f"input_{task}": page.example for task, page in PAGES.items()}

    def read_question(given: str) -> dict[str, Any]:
        asked = short_text("question", "question", document_box.QUESTION_MAX)(given)["question"]
        return dict.fromkeys(document_box.FIRST_QUESTIONS, asked)

    def read_document(given: str) -> dict[str, Any]:
        return dict.fromkeys(document_box.FIRST_DOCUMENTS, packed.reader("document", "document")(given)["document"])

    readers = {
        "model": one_of("source", "model", [choice for choice in choices if not choice.startswith("local:")]),
        "N": one_number_of("passes", "passes N", PASSES),
        "eviction": one_of("eviction", "eviction", tuple(model_text.EVICTIONS)),
        "question": read_question,
        "doc": read_document,
        "L": one_number_of("window", "window L", document_box.WINDOWS),
        **{f"{task}_input": short_text(f"input_{task}", "input", INPUT_MAX_CHARACTERS) for task in PAGES},
        **position.readers(),
    }
    is_linked = visit.adopt_url(readers, first)
    visit.set_missing(first)  # on every run, or what one kind of model was given is lost to another
    return is_linked and not visit.link_problems


def _link(spec: RunSpec) -> dict[str, str]:
    """What is asked, as a link's values; nothing where the model is a visitor's own, which no other server has."""
    if spec.checkpoint.startswith("local:"):
        return {}
    asked = {f"{spec.task}_input": spec.input}
    if spec.task == example.TASK:
        given = json.loads(spec.input)
        asked = {"question": given["question"]}
        asked |= {"L": str(given["window"])} if spec.checkpoint.startswith("random:") else {}
        usual = document_box.first_document(spec.checkpoint)
        document = packed.packed(given["document"]) if given["document"] != usual else None
        asked |= {"doc": document} if document else {}
    return {"model": spec.checkpoint, "N": str(spec.n_passes), "eviction": spec.eviction, **asked}


def _follow(visit: Visit, has_tape: bool) -> None:
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
    elif job.phase == "cancelled":
        st.info(model_text.STOPPED, icon=":material/stop_circle:")
    else:
        progress.show((job,), partial(_standing, job), every_s=POLL_S, cancel="your_model_cancel")


def _perplexity(visit: Visit, asked: Asked, mode: theme.Mode) -> None:
    """Measured where a text is read by a model that was trained; else why not."""
    if asked.measured is not None:
        sleeping_longer.show(visit, asked.measured, mode)
    elif asked.spec.task == example.TASK:
        st.caption(model_text.MEANINGLESS)


def _controls(visit: Visit, infos: tuple[CheckpointInfo, ...]) -> Asked:
    """Draw the controls and read them. Raises ConfigError and InputError."""
    choices = _choices(infos)
    columns = st.columns([3, 1.2, 1.6], gap="medium")
    with columns[0]:
        source = str(
            st.selectbox(model_text.MODEL, tuple(choices), format_func=lambda c: choices[c], key=visit.key("source"))
        )
    with columns[1]:
        n_passes = int(st.select_slider(model_text.PASSES, PASSES, key=visit.key("passes")))
    with columns[2]:
        eviction = str(
            st.selectbox(
                model_text.EVICT,
                tuple(model_text.EVICTIONS),
                format_func=lambda e: model_text.EVICTIONS[e],
                key=visit.key("eviction"),
            )
        )
    kind, _, name = source.partition(":")
    if kind == "checkpoint":
        info = next(info for info in infos if info.name == name)
        given = st.text_area(model_text.TASK_INPUT, key=visit.key(f"input_{info.task}"))
        build_task(info.task, info.meta["task_sizes"]).parse(given, info.limits)
        return Asked(RunSpec(info.task, given, source, n_passes, eviction), info.digest)  # type: ignore[arg-type]
    trusted, digest = False, "random"
    if kind == "local":
        name = st.text_input(model_text.FOLDER, key=visit.key("name"), placeholder="Qwen/Qwen3.5-0.8B").strip()
        trusted = st.checkbox(model_text.TRUST, key=visit.key("trust"))
        source, digest = f"local:{name}", _fingerprint(name)
    if kind == "text":
        window, _, digest = models.text_facts(name)
        document, question = document_box.in_our_style(visit, window)
    else:
        document, question, window = document_box.of_any_style(visit)
    if not name:
        raise ConfigError(model_text.NO_FOLDER)
    if not document.strip() or not question.strip():
        raise ConfigError(model_text.NO_TEXT)
    if len(document) + len(question) > uploads.MOST_CHARACTERS:
        raise ConfigError(model_text.TOO_LONG.format(most=uploads.MOST_CHARACTERS))
    measured = (
        sleeping_longer.Measured(source, digest, document, window, trusted) if kind in ("text", "local") else None
    )
    spec = example.text_spec(
        source,
        document,
        question,
        window,
        n_passes=n_passes,
        eviction=eviction,  # type: ignore[arg-type]
        trust_remote_code=trusted,
    )
    return Asked(spec, digest, measured)


def _choices(infos: tuple[CheckpointInfo, ...]) -> dict[str, str]:
    """What may be chosen, and how it is called."""
    choices = {f"text:{name}": _text_title(name) for name in models.text_models()}
    ours = [info for task in PAGES for info in infos if info.default and info.task == task]
    choices |= {
        f"checkpoint:{info.name}": model_text.OUR_TASK_MODEL.format(name=info.name, task=info.task) for info in ours
    }
    choices |= {f"random:{name}": model_text.RANDOM_MODEL.format(name=name) for name in models.FAMILIES}
    return choices | ({"local:": model_text.LOCAL_MODEL} if models.local_models_allowed() else {})


def _text_title(name: str) -> str:
    _, passes_trained, _ = models.text_facts(name)
    title = model_text.OUR_TEXT_MODEL_AWAKE if passes_trained == 1 else model_text.OUR_TEXT_MODEL
    return title.format(name=name)


def _fingerprint(name: str) -> str:
    """What a changed folder changes: sizes and times of its files. A hub name stands for itself."""
    folder = Path(name)
    try:
        files = sorted(folder.iterdir()) if folder.is_dir() else []
        stats = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    except OSError:
        stats = []
    return hashlib.sha256(repr((name, stats)).encode()).hexdigest()[:16]


def _keys(asked: Asked) -> tuple[RunKey, ...]:
    return tuple(RunKey(spec, asked.digest) for spec in example.side_by_side(asked.spec))


def _stage(shown: SideBySide, at: Position, mode: theme.Mode) -> None:
    """The player, the cards beside each other, and what was held."""
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
    ours = model_text.OURS
    whose = {"checkpoint": ours, "text": ours, "random": model_text.RANDOM}.get(kind, model_text.YOURS)
    badge = model_text.BADGE.format(origin=shown.origin, name=Path(name).name, whose=whose, eviction=spec.eviction)
    player.show(
        player.player_payload(trace, contenders=tuple(cards), badge=badge, terms=_terms(spec)),
        key="player_your_model",
        start=player.Start(event=at.event, speed=at.speed, paused=at.event is not None),
    )
    _share(shown, {card.title: card.trace for card in cards if card.trace is not None})
    st.caption(_note(kind, name, next(iter(shown.outcomes))))
    st.markdown(held(trace, full))
    about.transcript(trace)
    about.numbers(trace)
    about.drift_curves(trace, mode)


def _share(shown: SideBySide, on_screen: exports.Runs) -> None:
    """The bar under the stage; and what of this run no link can hold."""
    spec, _ = shown.first
    given = json.loads(spec.input)
    is_text = spec.task == example.TASK
    asked = str(given["question"]) if is_text else PAGES[spec.task].words.question(given)
    shared = Shared("your-model", _link(spec), shown.origin, on_screen, asked)
    bar.show(shared, call=text_runs.call_of, no_python=model_text.NO_PYTHON)
    if spec.checkpoint.startswith("local:"):
        st.caption(model_text.NO_LINK)
    elif is_text and packed.packed(given["document"]) is None:
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
    return {"checkpoint": model_text.TRAINED, "random": model_text.RANDOM_WARNING}.get(
        kind, model_text.UNTRAINED_FOR_SLEEP
    )


def _terms(spec: RunSpec) -> dict[str, str]:
    if spec.task == example.TASK:
        return stage_text.terms_of_a_text(int(json.loads(spec.input)["window"]))
    return stage_text.terms(PAGES[spec.task].words)


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
        f"| {model_text.FREED.format(evictions=len(evicted))} | {freed:,} |",
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
        "running": model_text.RUNNING.format(events=job.events, run=run, runs=runs),
    }
    return progress.Standing(sentences.get(phase, ""))
