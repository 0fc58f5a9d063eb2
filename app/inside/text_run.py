"""A run of the page "Your model" on the page Inside: as much as its model lets one see."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from app.inside import inside_text as text
from app.inside import place, scope, text_asked
from app.inside.looked import Work, waited
from app.inside.payload import passes_of, payload
from app.inside.place import InsideVisit
from app.inside.ways import notice, ways_of
from app.shell import address, messages
from app.shell.jobs import RunKey
from app.shell.state import Visit
from app.stage import stage_text
from app.your_model import model_text, models, page, stage
from sleepviz.config.base import ConfigError
from sleepviz.config.run import RunSpec
from sleepviz.inside.seen import PASSES_MAX, TextSeen
from sleepviz.text import example

TASK = example.TASK


def show() -> None:
    """The page below its list of tasks."""
    visit = InsideVisit(TASK)
    visit.adopt_url(place.readers(), place.FIRST)
    visit.set_missing(place.FIRST)
    st.markdown(text.TEXT_LEAD)
    try:
        key, problems = _run()
    except ConfigError as error:
        key, problems = None, (str(error),)
    for problem in (*problems, *visit.link_problems):
        st.error(messages.plain(problem), icon=":material/error:")
    if key is not None and not visit.link_problems:
        _look(visit, key)


def _run() -> tuple[RunKey | None, tuple[str, ...]]:
    """The run that the page Your model opened, or that the link asks for."""
    given = address.asked()
    opened = stage.run_inside(given)
    return (opened, ()) if opened is not None else page.linked_run(given)


def _look(visit: Visit, key: RunKey) -> None:
    """One run, and what stands beside it."""
    offered = _beside(key.spec)
    if visit.get("beside") not in offered:
        visit.set({"beside": ""})
    own = _seen(visit, "own", key)
    if own is None:
        return
    where, word = place.menus(visit, own, {name: said for name, (said, _) in offered.items()}), str(visit.get("beside"))
    said, n_passes = offered[word]
    other = _seen(visit, "beside", RunKey(replace(key.spec, n_passes=n_passes), key.digest)) if word else None
    named = [(own, stage_text.passes(key.spec.n_passes)), *([(other, said)] if other is not None else [])]
    ways = ways_of([passes_of(look, where) for look, _ in named])
    drawn: list[dict[str, Any]] = [
        payload(look, where, way, token=str, name=name) for (look, name), way in zip(named, ways, strict=True)
    ]
    at = min(int(visit.get("pass")), max(each["passes"] for each in drawn))
    _said(key, own, drawn, said if other is not None else "")
    scope.show(drawn, plane=notice(ways), at=at, key="scope_words", on_pass=partial(place.moved, visit))
    here = [each for each in own if each.window_index == where.window]
    text_asked.show(visit, here, str(json.loads(key.spec.input)["question"]))
    visit.write_url({**stage.link_of(key.spec), **place.link_of(visit)})


def _beside(spec: RunSpec) -> dict[str, tuple[str, int]]:
    """What may stand beside the run: its words, and N."""
    offered = {"": (text.ALONE, spec.n_passes)}
    offered |= {"n1": (text.ONE_PASS, 1)} if spec.n_passes > 1 else {}
    return offered | ({"twice": (text.TWICE, 2 * spec.n_passes)} if 2 * spec.n_passes <= PASSES_MAX else {})


def _seen(visit: Visit, name: str, key: RunKey) -> tuple[TextSeen, ...] | None:
    """Every pass of a run, once all are there."""
    return waited(visit, name, Work((TASK, key), partial(models.look_into, key), 0, text.COMPUTING, models.queue))


def _said(key: RunKey, look: tuple[TextSeen, ...], drawn: list[dict[str, Any]], beside: str) -> None:
    """Where the run comes from, what stands beside it, and what its model does not let one see."""
    kind, _, name = key.spec.checkpoint.partition(":")
    called = text.DROPPED if kind == "dropped" else Path(name).name
    passes = stage_text.passes(key.spec.n_passes)
    name, digest = messages.plain(called), key.digest[:8]
    lines = [
        text.SOURCE.format(name=name, digest=digest, passes=passes),
        *([text.BESIDE_SOURCE.format(what=beside, name=name, digest=digest)] if beside else []),
        *([model_text.RANDOM_WARNING] if kind == "random" else []),
    ]
    st.caption(" ".join(lines))
    shown, n_all = len(look[0].layers), look[0].layers_in_all
    hidden = [
        *([text.FEWER_LAYERS.format(shown=shown, all=n_all)] if shown < n_all else []),
        *([text.NO_WRITES] if not all(each["decay"] for each in drawn) else []),
        *([text.NO_ATTENTION] if not any(each["attended"] for each in drawn) else []),
    ]
    for sentence in hidden:
        st.info(sentence, icon=":material/visibility_off:")
