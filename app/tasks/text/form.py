"""Text: a document, and a question about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.shell import messages
from app.shell.state import Reader, Visit, short_text
from app.tasks.base import Limits
from app.tasks.text.words import (
    DOCUMENT,
    DOCUMENT_HELP,
    DOCUMENT_LIMITS,
    EASY,
    EDIT,
    HARD,
    PRESET_HELP,
    QUESTION,
    QUESTION_HELP,
    THING,
)
from sleepviz.tasks.base import InputError
from sleepviz.tasks.text.examples import KEY, drawn
from sleepviz.tasks.text.story import question_read

DOCUMENT_MAX, QUESTION_MAX = 8000, 300  # characters
EXCERPT = 160  # characters of the document in sight beside the button


class TextForm:
    """The document behind one button, its beginning and the question in sight."""

    widths: tuple[float, ...] = (5.0, 4.0)

    def readers(self, limits: Limits) -> dict[str, Reader]:
        """?document=The doctor of Ana is Ben.&question=Who is the doctor of Ana?"""
        return {
            "document": short_text("document", "document", DOCUMENT_MAX),
            "question": short_text("question", "question", QUESTION_MAX),
        }

    def first_values(self, recorded: Mapping[str, Any] | None, limits: Limits) -> dict[str, Any]:
        """The recorded document, or the hard preset."""
        return dict(recorded or drawn(limits["people_max"], limits["hardest"]))

    def keep_within(self, visit: Visit, limits: Limits) -> None:
        """A text is checked when it is run."""

    def presets(self, visit: Visit, limits: Limits) -> None:
        """One hop, as many as the model is asked for, and a chain that begins with a thing."""
        hops = limits["hardest"]
        for key, label, given, n_passes in (
            ("easy", EASY, drawn(8, 1, 4), 1),
            ("hard", HARD, drawn(limits["people_max"], hops), 4),
            ("thing", THING, KEY, 4),
        ):
            values = {**given, "passes": min(n_passes, limits["passes_max"])}
            hint = PRESET_HELP[key].format(hops=hops)
            st.button(label, key=f"preset_{key}", on_click=visit.change, args=(values,), help=hint)

    def fields(self, visit: Visit, limits: Limits, columns: list[Any]) -> None:
        """The document and its beginning, and the question."""
        changed = visit.forget_link_problems
        with columns[0], st.container(horizontal=True, vertical_alignment="center", key="document"):
            with st.popover(EDIT, icon=":material/edit:", key="own_document"):
                st.text_area(DOCUMENT, key=visit.key("document"), help=DOCUMENT_HELP, on_change=changed, height=260)
                st.caption(DOCUMENT_LIMITS.format(**{key: limits[key] for key in ("people_max", "pages_max")}))
            begins = str(visit.get("document"))
            st.caption(messages.plain(begins[:EXCERPT] + "…" * (len(begins) > EXCERPT)))
        columns[1].text_input(QUESTION, key=visit.key("question"), help=QUESTION_HELP, on_change=changed)

    def advanced(self, visit: Visit, limits: Limits) -> None:
        """Nothing of its own."""

    def input(self, visit: Visit) -> dict[str, Any]:
        """The document and the question as typed."""
        return {name: str(visit.get(name)).strip() for name in ("document", "question")}

    def difficulty(self, visit: Visit, limits: Limits) -> int:
        """The question's hops; the least where the question cannot be read."""
        try:
            relations, _ = question_read(str(visit.get("question")))
        except InputError:
            return 1
        return min(len(relations), int(limits["hops_max"]))

    def link(self, visit: Visit) -> dict[str, str]:
        """Document and question."""
        return {name: str(visit.get(name)) for name in ("document", "question")}

    def notes(self, instance: Any) -> tuple[str, ...]:
        """Every document that is allowed is like those of training."""
        return ()
