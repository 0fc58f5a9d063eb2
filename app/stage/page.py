"""What every task's page has: controls, the player, where the run comes from, and its numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from app import player
from app.explain import chain, guess
from app.player.pictures import picture_of
from app.sharing import bar
from app.sharing.bar import Shared
from app.shell import messages, position, runs, theme
from app.shell.address import view
from app.shell.position import Position
from app.shell.results import Results
from app.shell.state import Visit
from app.stage import about, controls, kept, stage_text, trained, watch
from app.tasks import PAGES, TaskPage
from app.tasks.base import Words
from sleepviz.config.places import SITE
from sleepviz.config.run import RunSpec
from sleepviz.runs.checkpoint import CheckpointInfo

LEARN = SITE / "pages" / "learn.py"


def show(task: str) -> None:
    """The whole page of one task: the question, its controls and the stage fill the window; the rest stands below."""
    page, looks = PAGES[task], view.current()
    mode = theme.page_mode(st.context.theme.type)
    visit, words = Visit(task), page.words
    infos = runs.checkpoints(runs.checkpoint_folder())
    shipped = watch.recorded(task, infos)
    results = runs.results(task)

    with st.container(key="stage_area"):
        title = st.container(key="question", horizontal=True, vertical_alignment="center")
        with st.container(key="controls_locked" if looks.is_locked else "controls"):
            recorded_spec = shipped.trace.spec if isinstance(shipped, watch.Shown) else None
            choice = controls.controls(page, visit, infos, recorded_spec)
        with title:
            st.title(messages.plain(choice.asks), anchor=False)
            if not looks.is_locked:
                st.page_link(LEARN, label=stage_text.NEW_HERE, icon=":material/school:", width="content")
                # Before the run, like every control: a redraw right after the run would forget its first value.
                trained.switch(visit, page, infos)
        shown = watch.shown_run(visit, choice, infos, shipped)
        if shown is not None and not looks.is_locked:
            with title:
                _guess(shown, page)
        if shown is not None:
            layers = _meta(shown, infos).get("model", {}).get("layer_types", ())
            known = None if isinstance(results, str) else results
            _stage(shown, page, choice, position.of(visit), known, looks, layers)
    st.markdown(words.explanation)
    about.why()
    if shown is not None:
        _under(shown, page, infos, mode)
    about.measured(visit, words, results, choice, mode)
    about.explanations(words)


def _stage(
    shown: watch.Shown,
    page: TaskPage,
    choice: controls.Choice,
    at: Position,
    results: Results | None,
    looks: view.View,
    layers: Sequence[str],
) -> None:
    """One run beside those that it is compared with."""
    cards = watch.contenders(shown, results)
    pointed = player.show(
        kept.pictures().get(_identity(shown, cards), partial(_payload, page, shown, cards)),
        key=f"player_{page.task}",  # a key a task: another page's player is another player
        start=player.Start(event=at.event, speed=at.speed, paused=at.event is not None),
        stale=watch.stale(shown, choice),
        presented=looks.is_presented,
        locked=looks.is_locked,
        layers=layers,
        inside=True,
        on_present=view.present,
    )
    if pointed is not None:
        place = {name: str(value) for name, value in pointed.items()}
        st.switch_page(SITE / "pages" / "inside.py", query_params={"task": page.task, **choice.link, **place})
    on_screen = {card.title: card.trace for card in cards if card.trace is not None}
    asked = page.words.asks(json.loads(shown.trace.spec["input"]))
    bar.show(Shared(page.task, {"task": page.task, **choice.link}, shown.source, on_screen, asked))


def _payload(page: TaskPage, shown: watch.Shown, cards: tuple[player.Contender, ...]) -> Any:
    """What is drawn of a run."""
    terms = stage_text.terms(page.words)
    return player.player_payload(shown.trace, contenders=cards, badge=shown.badge, terms=terms)


def _identity(shown: watch.Shown, cards: tuple[player.Contender, ...]) -> str:
    """Everything that the drawing of a run depends on. Two runs of one question differ in their times."""
    texts = [(card.title, card.note, card.missing, card.measured, card.share) for card in cards]
    traces = [shown.trace, *(card.trace for card in cards if card.trace is not None)]
    return json.dumps([shown.badge, texts, [(t.spec, t.checkpoint["digest"], t.computed_in_s) for t in traces]])


def _under(shown: watch.Shown, page: TaskPage, infos: tuple[CheckpointInfo, ...], mode: theme.Mode) -> None:
    """What to notice, where the run comes from, and everything that can be known of it."""
    meta = _meta(shown, infos)
    _asked(shown, page)
    st.markdown(f"**{stage_text.NOTICE}** {_notice(shown, page.words)}")
    if shown.trace.spec["control"] != "untrained":
        st.markdown(trained.note(meta, has_other=bool(trained.ways(page.task, infos))))
    st.caption(f"{about.training_note(shown.trace)} {page.words.presets}")
    with st.container(horizontal=True, key="actions"):
        about.provenance(meta, shown.trace)
    about.departures(meta)
    about.transcript(shown.trace)
    about.numbers(shown.trace)
    about.drift_curves(shown.trace, mode)


def _meta(shown: watch.Shown, infos: tuple[CheckpointInfo, ...]) -> dict[str, Any]:
    """meta.json of the run's checkpoint; {} where that is not here."""
    return next((info.meta for info in infos if info.name == shown.trace.checkpoint["name"]), {})


def _guess(shown: watch.Shown, page: TaskPage) -> None:
    """Before the run shows it: will so many passes do?"""
    trace, difficulty = shown.trace, picture_of(shown.trace).difficulty
    is_fixed = RunSpec.from_json(trace.spec).spending.kind == "fixed"
    if difficulty is None or shown.is_broken or not is_fixed:
        return
    about_run = f"{trace.spec['input']}|{trace.checkpoint['digest']}"
    asked = guess.enough(int(trace.spec["n_passes"]), difficulty, page.unit, about=about_run)
    with st.popover(stage_text.GUESS, key="guess", help=stage_text.GUESS_HELP):
        if guess.ask(asked, key=f"guess_{page.task}") is not None:
            guess.tell(asked, trace.is_right)


def _asked(shown: watch.Shown, page: TaskPage) -> None:
    """What the question asks, as a picture, and the task's rule, if it has one."""
    difficulty = picture_of(shown.trace).difficulty
    if difficulty is not None:
        start = page.start(json.loads(shown.trace.spec["input"]))
        chain.show(start, page.unit, difficulty, key=f"chain_{page.task}")
    if page.legend is not None:
        page.legend(f"legend_{page.task}")


def _notice(shown: watch.Shown, words: Words) -> str:
    """What to look at: the part that was broken, if one was."""
    if shown.is_broken:
        return f"{stage_text.WHAT_IS_BROKEN[shown.trace.spec['control']]} {stage_text.AS_INTACT}"
    is_awake_only = shown.trace.checkpoint["limits"]["passes_trained"] == 1
    return f"{words.notice} {stage_text.AWAKE_ONLY if is_awake_only else stage_text.BASELINE_WARNING}"
