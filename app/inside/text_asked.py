"""Ask the memory of a model that reads a text: a token of the question, and the words that S gives back for it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.inside import inside_text as text
from app.inside.memory import choose, reader_name
from app.inside.nearest import Line, nearest_table
from app.shell import messages
from app.shell.state import Visit
from sleepviz.inside.seen import TextSeen, WordsRead


def show(visit: Visit, here: Sequence[TextSeen], question: str) -> None:
    """The section: pick a token and a reader; the nearest words after each pass, of this S and of another."""
    st.header(text.ASK, anchor="memory")
    if not here[0].own:
        st.info(text.NOT_ASKED, icon=":material/visibility_off:")
        return
    st.markdown(text.TEXT_ASK_LEAD)
    layers = [reading.layer for reading in here[0].own]
    tokens = {
        str(n + 1): text.TOKEN_NAME.format(place=n + 1, token=shown(token)) for n, token in enumerate(here[0].question)
    }
    left, right = st.columns(2)
    backwards = dict(reversed(tokens.items()))  # the answer is read at the last one
    token = choose(visit, left, "key", text.TOKEN, backwards)
    readers = {str(layer): reader_name(layer) for layer in reversed(layers)}
    chosen = choose(visit, right, "reader", text.READ_FROM, readers)
    at, reader = int(token) - 1, next(i for i, layer in enumerate(layers) if str(layer) == chosen)
    asked = shown(here[0].question[at])
    st.markdown(text.ASKED.format(question=messages.plain(question)))
    sides = (
        (text.OWN_S, [each.own[reader] for each in here]),
        (text.BACKWARDS_S, [each.other[reader] for each in here]),
    )
    for block, (of, readings) in zip(st.columns(2), sides, strict=True):
        with block:
            st.markdown(f"**{of}**")
            st.html(table(text.TEXT_TABLE.format(of=of, token=asked, reader=readers[chosen]), readings, at))
    st.caption(text.LENS)


def table(caption: str, readings: Sequence[WordsRead], at: int) -> str:
    """A row for each pass: the nearest words for the token at one place of the question."""
    lines = [
        Line(text.AFTER.format(n=n + 1), [*map(shown, each.words[at])], each.scores[at].tolist())
        for n, each in enumerate(readings)
    ]
    return nearest_table(caption, text.PASS_HEAD, lines, alike=text.ALIKE_TEXT)


def shown(token: str) -> str:
    """A token in a table: without its blanks, and named where nothing is left that can be shown."""
    return token.strip() if token.strip().isprintable() and token.strip() else text.NO_LETTER
