"""The page Inside: the controls of a run, the microscope over one head, and the questions to the memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from app.inside import beside, looked, memory, scope
from app.inside import inside_text as text
from app.inside.payload import Where, passes_of, payload
from app.inside.probing import ByProbe
from app.inside.ways import Ways, notice, ways_of
from app.parts.menus import pick
from app.player.pictures import picture_of
from app.shell import address, messages, runs
from app.shell.state import Reader, Visit, short_text, whole_number
from app.stage import controls, stage_text, watch
from app.stage.controls import Choice
from app.tasks import PAGES, TaskPage
from sleepviz.config.events import Trace
from sleepviz.config.run import RunSpec
from sleepviz.inside.seen import PASSES_MAX, PassSeen
from sleepviz.runs.checkpoint import CheckpointInfo

WORD_MAX = 80  # characters of a key or a model's name in a link
HEADS_MAX = 4096
FIRST = {"layer": 0, "head": 1, "window": 0, "pass": 1, "key": "", "reader": "None", "beside": "", "attention": 1}
"""Layer 0 and window 0 stand for the last."""
LINKED = tuple(FIRST)


@dataclass(frozen=True)
class InsideVisit(Visit):
    """A visit whose values stand apart from those of the task's own page."""

    def of_session(self, name: str) -> str:
        """The session's key of one value."""
        return f"inside_{self.task}_{name}"


def readers() -> dict[str, Reader]:
    """What a link holds beside the run: ?layer=2&head=3&window=1&pass=4&key=a&reader=1&beside=n1"""
    numbers = {
        "layer": whole_number("layer", "layer", 0, 128),
        "head": whole_number("head", "head", 1, HEADS_MAX),
        "window": whole_number("window", "window", 0, 1000),
        "pass": whole_number("pass", "pass", 1, PASSES_MAX),
        "attention": whole_number("attention", "head of attention", 1, HEADS_MAX),
    }
    return numbers | {name: short_text(name, name, WORD_MAX) for name in ("key", "reader", "beside")}


def show() -> None:
    """The whole page."""
    st.title(text.TITLE, anchor=False)
    st.markdown(text.LEAD)
    infos = runs.checkpoints(runs.checkpoint_folder())
    tasks = tuple(name for name in PAGES if runs.default_checkpoint(name, infos))
    if not tasks:
        st.info(messages.no_checkpoint(next(iter(PAGES))), icon=":material/info:")
        return
    page = PAGES[_task(tasks)]
    visit = InsideVisit(page.task)
    shipped = watch.recorded(page.task, infos)
    recorded = shipped.trace.spec if isinstance(shipped, watch.Shown) else None
    choice = controls.controls(page, visit, infos, recorded, further=readers(), first=FIRST, run=text.LOOK)
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
        return PAGES[name].words.lab

    chosen = str(st.segmented_control(text.TASK, tasks, required=True, format_func=named, key="inside_task"))
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
    where = _place(visit, own.look, offered)
    other = _other(visit, spec, info, mine)
    word = offered[str(visit.get("beside"))]
    _said(own, other, word)
    named = [(own, stage_text.passes(spec.n_passes)), *([(other, word)] if other is not None else [])]
    ways = ways_of([passes_of(seen.look, where) for seen, _ in named])
    drawn = [seen.drawn(where, way, name) for (seen, name), way in zip(named, ways, strict=True)]
    at = min(int(visit.get("pass")), max(each["passes"] for each in drawn))
    moved = partial(_moved, visit)
    scope.show(drawn, plane=notice(ways), at=at, key=f"scope_{page.task}", on_pass=moved)
    probe = ByProbe.of(runs.key_of(spec, info), own.look[-1].window_index)
    memory.show(page, visit, own.look, where.window, at, probe)
    place = {name: str(visit.get(name)) for name in LINKED if visit.get(name) != FIRST[name]}
    visit.write_url({**choice.link, **place})


def _moved(visit: Visit, n: int) -> None:
    """The slider of the passes was moved."""
    visit.change({"pass": n})


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


def _place(visit: Visit, look: Sequence[PassSeen], offered: Mapping[str, str]) -> Where:
    """The menus: which head of S, which window, which head of attention, and what stands beside."""
    last, layers = look[-1], [each.layer for each in look[-1].layers]
    heads = {
        f"{layer + 1}.{head + 1}": text.HEAD_NAME.format(layer=layer + 1, head=head + 1)
        for layer, each in zip(layers, last.layers, strict=True)
        for head in range(len(each.state))
    }
    n_windows = last.window_index + 1
    windows = {str(n): text.WINDOW_NAME.format(window=n, windows=n_windows) for n in range(1, n_windows + 1)}
    attended = {str(n + 1): str(n + 1) for n in range(len(last.attention[0]) if last.attention else 0)}
    columns = st.columns([1.2, 1, 1, 1.6], vertical_alignment="bottom")
    head_of = f"{visit.get('layer') or layers[-1] + 1}.{visit.get('head')}"
    _menu(visit, columns[0], "head_of", text.HEAD, heads, head_of)
    _menu(visit, columns[1], "window_of", text.WINDOW, windows, str(visit.get("window") or n_windows))
    _menu(visit, columns[2], "attention_of", text.ATTENTION_HEAD, attended, str(visit.get("attention")))
    with columns[3]:
        pick(visit, "beside", text.BESIDE, offered)
    layer, head = (int(part) for part in str(visit.get("head_of")).split("."))
    before = [i for i, each in enumerate(last.attention_layers) if each < layer - 1]
    attention, window = int(visit.get("attention_of") or 1), int(visit.get("window_of"))
    return Where(layers.index(layer - 1), head - 1, window - 1, max(before, default=0), attention - 1)


def _menu(visit: Visit, where: Any, name: str, label: str, options: Mapping[str, str], chosen: str) -> None:
    """A menu of places that holds what the link asks, as far as there is such a place."""
    if not options:
        return
    visit.hold({name: chosen if chosen in options else next(reversed(list(options)))})

    def moved() -> None:
        layer, head = (int(part) for part in str(visit.get("head_of")).split("."))
        attention = int(visit.get("attention_of") or 1)
        visit.change({"layer": layer, "head": head, "window": int(visit.get("window_of")), "attention": attention})

    def worded(option: str) -> str:
        return options.get(option, option)

    where.selectbox(label, tuple(options), format_func=worded, key=visit.key(name), on_change=moved)


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
