"""GSM: a text of small sums, and what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.parts.menus import pick
from app.shell import messages
from app.shell.state import Reader, Visit, one_of, short_text, whole_number
from app.tasks.base import Limits
from app.tasks.gsm.words import (
    A_STORY,
    ASK,
    DEEP,
    EASY,
    EDIT,
    HOW,
    OWN_QUESTION,
    PRESET_HELP,
    PUBLIC,
    REAL_SOURCE,
    SUM_HELP,
    SUM_LIMITS,
    TEXT,
    WHAT,
    WHICH,
)
from sleepviz.tasks.base import InputError
from sleepviz.tasks.gsm.examples import DEEP_CHAIN, REAL, STORY, SUM_EASY, deep_sum
from sleepviz.tasks.gsm.text import Statement, read_statements, solve

TEXT_IN_URL_MAX = 4000  # characters
NAME_MAX_CHARACTERS = 12


class GsmForm:
    """The text behind one button and the question in sight; how it is asked under "More settings"."""

    widths: tuple[float, ...] = (5.0, 2.4)

    def readers(self, limits: Limits) -> dict[str, Reader]:
        """?text=assign a = 4.&question=a&ask=after, or &equals=8&ask=equals"""
        low, high = limits["values"]
        return {
            "text": short_text("text", "text", TEXT_IN_URL_MAX),
            "question": short_text("question", "question", NAME_MAX_CHARACTERS),
            "equals": whole_number("equals", "equals", low, high),
            "ask": one_of("ask", "ask", tuple(ASK)),
        }

    def first_values(self, recorded: Mapping[str, Any] | None, limits: Limits) -> dict[str, Any]:
        """The recorded problem, or the deep preset."""
        return _problem(recorded or deep_sum(limits["hardest"]))

    def keep_within(self, visit: Visit, limits: Limits) -> None:
        """A value that there is, and a question that is a variable: the text's own, if it asks one."""
        low, high = limits["values"]
        visit.hold_number("equals", low, high)
        names, own = _read(visit)[1:]
        if own is not None:
            visit.hold({"question": own, "ask": "after" if visit.get("ask") == "equals" else visit.get("ask")})
        elif names and visit.get("question") not in names:
            visit.set({"question": names[-1]})

    def presets(self, visit: Visit, limits: Limits) -> None:
        """Both sides of the question, a story, and one problem that is not ours."""
        deepest = min(limits["hardest"], len(DEEP_CHAIN) - 1)
        # An operation takes a pass, and so do the constant and, where it comes first, the question.
        passes = limits["hardest"] + 2
        for key, label, given, n_passes in (
            ("easy", EASY, SUM_EASY, 2),
            ("deep", DEEP, deep_sum(deepest), passes),
            ("story", A_STORY, STORY, passes),
            ("real", PUBLIC, REAL, passes),
        ):
            values = {**_problem(given), "passes": min(n_passes, limits["passes_max"])}
            hint = REAL_SOURCE if key == "real" else PRESET_HELP[key].format(deepest=deepest)
            st.button(label, key=f"preset_{key}", on_click=visit.change, args=(values,), help=hint)

    def fields(self, visit: Visit, limits: Limits, columns: list[Any]) -> None:
        """The text and its beginning, and the variable or the value that is asked for."""
        low, high = limits["values"]
        with columns[0], st.container(horizontal=True, vertical_alignment="center", key="sum"):
            with st.popover(EDIT, icon=":material/edit:", key="own_text"):
                st.text_area(
                    TEXT,
                    key=visit.key("text"),
                    help=SUM_HELP.format(change=limits["change_max"], low=low, high=high),
                    on_change=visit.forget_link_problems,
                    height=160,
                )
                st.caption(SUM_LIMITS.format(change=limits["change_max"], low=low, high=high))
            st.caption(messages.plain(str(visit.get("text"))))
        with columns[1]:
            if visit.get("ask") == "equals":
                key = visit.key("equals")
                st.number_input(WHICH, low, high, key=key, on_change=visit.forget_link_problems)
                return
            _, names, own = _read(visit)
            st.selectbox(
                WHAT,
                names or (visit.get("question"),),
                key=visit.key("question"),
                disabled=own is not None,
                help=OWN_QUESTION if own is not None else None,
                on_change=visit.forget_link_problems,
            )

    def advanced(self, visit: Visit, limits: Limits) -> None:
        """Where the question stands, or the benchmark's own kind of question."""
        pick(visit, "ask", HOW, ASK)

    def input(self, visit: Visit) -> dict[str, Any]:
        """The text and what is asked of it."""
        given = {"text": str(visit.get("text"))}
        if visit.get("ask") == "equals":
            return {**given, "equals": int(visit.get("equals"))}
        first = {"question_first": True} if visit.get("ask") == "first" else {}
        return {**given, "question": str(visit.get("question")), **first}

    def difficulty(self, visit: Visit, limits: Limits) -> int:
        """Operations of the asked variable; of the deepest where all are asked."""
        statements, _, _ = _read(visit)
        depths = solve(statements).depths
        deepest = max(depths.values(), default=0)
        asked = deepest if visit.get("ask") == "equals" else depths.get(str(visit.get("question")), 0)
        return min(asked, limits["operations_max"])

    def link(self, visit: Visit) -> dict[str, str]:
        """The text and the question, as they stand in the address."""
        asked = "equals" if visit.get("ask") == "equals" else "question"
        return {"text": str(visit.get("text")), asked: str(visit.get(asked)), "ask": str(visit.get("ask"))}

    def notes(self, instance: Any) -> tuple[str, ...]:
        """Every problem that is allowed is like those of training."""
        return ()


def _problem(given: Mapping[str, Any]) -> dict[str, Any]:
    """A task's input as widget values."""
    ask = "equals" if "equals" in given else "first" if given.get("question_first") else "after"
    values = {"text": given["text"], "question": given.get("question", ""), "ask": ask}
    return {**values, "equals": given.get("equals", 0)}


def _read(visit: Visit) -> tuple[tuple[Statement, ...], tuple[str, ...], str | None]:
    """Statements, every variable, and the text's own question; nothing where it cannot be read."""
    try:
        statements, own = read_statements(str(visit.get("text")))
    except InputError:
        return (), (), None
    names = dict.fromkeys(name for s in statements for name in (s.name, s.source) if name is not None)
    return statements, tuple(names), own
