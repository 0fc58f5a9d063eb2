"""The page Inside: the controls of a run, the microscope over one head, and the questions to the memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from app.inside import beside, looked, memory, place, scope, text_run
from app.inside import inside_text as text
from app.inside.payload import Where, passes_of, payload
from app.inside.place import InsideVisit
from app.inside.probing import ByProbe
from app.inside.ways import Ways, notice, ways_of
from app.parts import buttons
from app.player.pictures import picture_of
from app.shell import address, messages, runs
from app.shell.state import Visit
from app.stage import controls, stage_text, watch
from app.stage.controls import Choice
from app.tasks import PAGES, TaskPage
from sleepviz.config.events import Trace
from sleepviz.config.run import RunSpec
from sleepviz.inside.seen import PASSES_MAX
from sleepviz.runs.checkpoint import CheckpointInfo


def show() -> None:
    """The whole page."""
    st.title(text.TITLE, anchor=False)
    st.markdown(text.LEAD)
    infos = runs.checkpoints(runs.checkpoint_folder())
    tasks = tuple(name for name in PAGES if runs.default_checkpoint(name, infos))
    if not tasks:
        st.info(messages.no_checkpoint(next(iter(PAGES))), icon=":material/info:")
        return
    chosen = _task((*tasks, text_run.TASK))
    if chosen == text_run.TASK:
        text_run.show()
        return
    page = PAGES[chosen]
    visit = InsideVisit(page.task)
    shipped = watch.recorded(page.task, infos)
    recorded = shipped.trace.spec if isinstance(shipped, watch.Shown) else None
    choice = controls.controls(page, visit, infos, recorded, further=place.readers(), first=place.FIRST, run=text.LOOK)
    if choice.spec is None or choice.info is None:
        return
    if choice.spec.spending.kind != "fixed":
        st.info(text.FIXED_ONLY, icon=":material/info:")
        return
    if not 1 <= choice.spec.n_passes <= PASSES_MAX:
        st.info(text.TOO_MANY.format(most=PASSES_MAX) if choice.spec.n_passes else text.NO_PASS, icon=":material/info:")
        return
    if "linear_attention" not in choice.info.meta["model"]["layer_types"]:
        st.info(text.NO_S, icon=":material/info:")
        return
    _look(page, visit, choice, choice.spec, choice.info, infos)


def _task(tasks: Sequence[str]) -> str:
    """The task that the link or the menu names, of those that have a model."""
    asked = address.asked().get("task", "")
    if asked in tasks and asked != st.session_state.get("inside_linked"):
        st.session_state["inside_task"] = st.session_state["inside_linked"] = asked
    if st.session_state.get("inside_task") not in tasks:
        before = st.session_state.get("inside_before")
        st.session_state["inside_task"] = before if before in tasks else tasks[0]

    def named(name: str) -> str:
        return text.YOUR_MODEL if name == text_run.TASK else PAGES[name].words.lab

    held = buttons.chosen("inside_task", st.session_state["inside_task"])
    chosen = str(st.segmented_control(text.TASK, tasks, required=True, format_func=named, **held))
    st.session_state["inside_before"] = chosen
    return chosen


def _look(
    page: TaskPage,
    visit: Visit,
    choice: Choice,
    spec: RunSpec,
    info: CheckpointInfo,
    infos: Sequence[CheckpointInfo],
) -> None:
    """One run, and what stands beside it."""
    mine = [each for each in infos if each.task == page.task]
    offered = beside.choices(spec, info, mine)
    if visit.get("beside") not in offered:
        visit.set({"beside": beside.ALONE})
    own = Seen.of(visit, "own", spec, info)
    if own is None:
        return
    where = place.menus(visit, own.look, offered)
    other = _other(visit, spec, info, mine)
    word = offered[str(visit.get("beside"))]
    _said(own, other, word)
    named = [(own, stage_text.passes(spec.n_passes)), *([(other, word)] if other is not None else [])]
    ways = ways_of([passes_of(seen.look, where) for seen, _ in named])
    drawn = [seen.drawn(where, way, name) for (seen, name), way in zip(named, ways, strict=True)]
    at = min(int(visit.get("pass")), max(each["passes"] for each in drawn))
    scope.show(drawn, plane=notice(ways), at=at, key=f"scope_{page.task}", on_pass=partial(place.moved, visit))
    probe = ByProbe.of(runs.key_of(spec, info), own.look[-1].window_index)
    memory.show(page, visit, own.look, where.window, at, probe)
    visit.write_url({**choice.link, **place.link_of(visit)})


@dataclass(frozen=True)
class Seen:
    """A run that was looked into."""

    spec: RunSpec
    info: CheckpointInfo
    look: looked.Look

    @classmethod
    def of(cls, visit: Visit, name: str, spec: RunSpec, info: CheckpointInfo) -> Seen | None:
        """The look, once it is there."""
        look = looked.look(visit, name, runs.key_of(spec, info), info)
        return None if look is None else cls(spec, info, look)

    def drawn(self, where: Where, ways: Ways, name: str) -> dict[str, Any]:
        """What the microscope draws of it; its tokens are written as the visitor wrote them."""
        token = picture_of(Trace(self.spec.to_json(), self.info.to_json(), ())).token
        return payload(self.look, where, ways, token=token, name=name)


def _other(visit: Visit, spec: RunSpec, info: CheckpointInfo, infos: Sequence[CheckpointInfo]) -> Seen | None:
    """The run beside, once it is there."""
    wanted = beside.beside(spec, info, infos, str(visit.get("beside")))
    if wanted is None:
        return None
    theirs = next((each for each in infos if each.name == wanted.checkpoint), info)
    return Seen.of(visit, "beside", wanted, theirs)


def _said(own: Seen, other: Seen | None, word: str) -> None:
    """Where the runs come from."""
    passes = stage_text.passes(own.spec.n_passes)
    lines = [text.SOURCE.format(name=own.info.name, digest=own.info.digest[:8], passes=passes)]
    if other is not None:
        lines.append(text.BESIDE_SOURCE.format(what=word, name=other.info.name, digest=other.info.digest[:8]))
    if own.spec.control in ("zero_state", "shuffled_state"):
        lines.append(text.SAME_UNTIL_WAKING)
    st.caption(" ".join(lines))
