"""What every task's page has: controls, the player, where the run comes from, and its numbers."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from app import player
from app.shell import messages, position, runs, share, theme, view
from app.shell.position import Position
from app.shell.results import Results
from app.shell.share import Shared
from app.shell.state import Visit
from app.stage import about, controls, stage_text, watch
from app.tasks import PAGES, TaskPage
from app.tasks.base import Words
from sleepviz.runs.checkpoint import CheckpointInfo


def show(task: str) -> None:
    """The whole page of one task: the question, its controls and the stage fill the window; the rest stands below."""
    page, looks = PAGES[task], view.current()
    mode = theme.page_mode(st.context.theme.type)
    visit, words = Visit(task), page.words
    infos = runs.checkpoints(runs.checkpoint_folder())
    tape = watch.recorded(task, infos)
    results = runs.results(task)

    with st.container(key="stage_area"):
        title = st.container(key="question")
        with st.container(key="controls_locked" if looks.is_locked else "controls"):
            recorded_spec = tape.trace.spec if isinstance(tape, watch.Shown) else None
            choice = controls.controls(page, visit, infos, recorded_spec)
        title.title(messages.plain(choice.asks), anchor=False)
        shown = watch.shown_run(visit, choice, infos, tape)
        if shown is not None:
            _stage(shown, page, choice, position.of(visit), None if isinstance(results, str) else results, looks)
    if shown is not None:
        _under(shown, page, infos, mode)
    st.markdown(words.explanation)
    about.measured(visit, words, results, choice, mode)
    about.explanations(words)


def _stage(
    shown: watch.Shown,
    page: TaskPage,
    choice: controls.Choice,
    at: Position,
    results: Results | None,
    looks: view.View,
) -> None:
    """One run beside those that it is compared with."""
    cards = watch.contenders(shown, int(shown.trace.spec["n_passes"]), results)
    terms = stage_text.terms(page.words)
    payload = player.player_payload(shown.trace, contenders=cards, badge=shown.badge, terms=terms)
    player.show(
        payload,
        key=f"player_{page.task}",  # a key a task: another page's player is another player
        start=player.Start(event=at.event, speed=at.speed, paused=at.event is not None),
        stale=watch.stale(shown, choice),
        presented=looks.is_presented,
        locked=looks.is_locked,
        on_present=view.present,
    )
    on_screen = {card.title: card.trace for card in cards if card.trace is not None}
    asked = page.words.asks(json.loads(shown.trace.spec["input"]))
    share.bar(Shared(page.task, {"task": page.task, **choice.link}, shown.source, on_screen, asked))


def _under(shown: watch.Shown, page: TaskPage, infos: tuple[CheckpointInfo, ...], mode: theme.Mode) -> None:
    """What to notice, where the run comes from, and everything that can be known of it."""
    meta: dict[str, Any] = next((info.meta for info in infos if info.name == shown.trace.checkpoint["name"]), {})
    with st.container(horizontal=True, key="actions"):
        about.provenance(meta, shown.trace)
    st.caption(f"{_notice(shown, page.words)} {about.training_note(shown.trace)} {page.words.presets}")
    about.departures(meta)
    about.transcript(shown.trace)
    about.numbers(shown.trace)
    about.drift_curves(shown.trace, mode)


def _notice(shown: watch.Shown, words: Words) -> str:
    """What to look at: the part that was broken, if one was."""
    if shown.is_broken:
        return f"{stage_text.WHAT_IS_BROKEN[shown.trace.spec['control']]} {stage_text.AS_INTACT}"
    is_awake_only = shown.trace.checkpoint["limits"]["passes_trained"] == 1
    return f"{words.notice} {stage_text.AWAKE_ONLY if is_awake_only else stage_text.BASELINE_WARNING}"
