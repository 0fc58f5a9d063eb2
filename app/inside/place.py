"""Where the microscope stands: the head, the window and the pass in sight, in menus and in a link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.inside import inside_text as text
from app.inside.payload import Where
from app.parts.menus import pick
from app.shell.state import Reader, Visit, short_text, whole_number
from sleepviz.inside.seen import PASSES_MAX, Looked

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


def link_of(visit: Visit) -> dict[str, str]:
    """Where the visitor stands, as a link's values; what stands as at first is left out."""
    return {name: str(visit.get(name)) for name in LINKED if visit.get(name) != FIRST[name]}


def moved(visit: Visit, n: int) -> None:
    """The slider of the passes was moved."""
    visit.change({"pass": n})


def menus(visit: Visit, look: Sequence[Looked], offered: Mapping[str, str]) -> Where:
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
