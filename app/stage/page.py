"""What every task's page has: controls, the player, where the run comes from, and its numbers."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from app import player
from app.shell import runs, share, theme
from app.shell.results import Results
from app.shell.share import Shared
from app.shell.state import Visit
from app.stage import about, controls, stage_text, watch
from app.tasks import PAGES, TaskPage
from sleepviz.runs.checkpoint import CheckpointInfo


def show(task: str) -> None:
    """The whole page of one task."""
    page = PAGES[task]
    mode = theme.page_mode(st.context.theme.type)
    visit, words = Visit(task), page.words
    infos = runs.checkpoints(runs.checkpoint_folder())
    tape = watch.recorded(task, infos)

    st.title(words.title, anchor=False)
    st.markdown(words.explanation)
    recorded_spec = tape.trace.spec if isinstance(tape, watch.Shown) else None
    choice = controls.controls(page, visit, infos, recorded_spec)
    shown = watch.shown_run(visit, choice, infos, tape)
    results = runs.results(task)
    if shown is not None:
        _run(shown, page, infos, choice, None if isinstance(results, str) else results, mode)
    about.measured(visit, words, results, choice, mode)
    about.explanations(words)


def _run(
    shown: watch.Shown,
    page: TaskPage,
    infos: tuple[CheckpointInfo, ...],
    choice: controls.Choice,
    results: Results | None,
    mode: theme.Mode,
) -> None:
    """One run on the stage, and everything that can be known of it."""
    words = page.words
    cards = watch.contenders(shown, int(shown.trace.spec["n_passes"]), results)
    is_awake_only = shown.trace.checkpoint["limits"]["passes_trained"] == 1
    warning = stage_text.AWAKE_ONLY if is_awake_only else stage_text.BASELINE_WARNING
    terms = stage_text.terms(words)
    # A key a task: another page's player is another player.
    player.show(
        player.player_payload(shown.trace, contenders=cards, badge=shown.badge, terms=terms), key=f"player_{page.task}"
    )
    on_screen = {card.title: card.trace for card in cards if card.trace is not None}
    asked = words.question(json.loads(shown.trace.spec["input"]))
    share.bar(Shared(page.task, {"task": page.task, **choice.link}, shown.source, on_screen, asked))
    st.caption(f"{words.notice} {warning} {about.training_note(shown.trace)} {words.presets}")
    meta: dict[str, Any] = next((info.meta for info in infos if info.name == shown.trace.checkpoint["name"]), {})
    with st.container(horizontal=True, key="actions"):
        about.provenance(meta, shown.trace)
    about.departures(meta)
    about.transcript(shown.trace)
    about.numbers(shown.trace)
    about.drift_curves(shown.trace, mode)
