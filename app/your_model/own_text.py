"""On the page "Your model": what a page in the style of our text model says when it is read by rule."""

from __future__ import annotations

import json
from pathlib import Path

import streamlit as st

from app.parts.units import count
from app.shell import messages
from app.your_model import model_text
from sleepviz.config import words
from sleepviz.config.outside import MALFORMED
from sleepviz.text.reading import read, solved, unknown_words

WORDS_SHOWN = 12
WINDOWS_TOLD = 4


def notes(document: str, question: str) -> None:
    """Whether this is a text that the model was made for; and what it says by itself."""
    strange = unknown_words(f"{document} {question}")
    if strange:
        named = ", ".join(f"“{messages.plain(word)}”" for word in strange[:WORDS_SHOWN])
        more = f" and {len(strange) - WORDS_SHOWN} more" if len(strange) > WORDS_SHOWN else ""
        st.warning(
            model_text.OUTSIDE.format(named=named + more),
            icon=":material/menu_book:",
        )
    st.caption(told(document, question))


def told(document: str, question: str) -> str:
    """One sentence: the answer that the page gives when it is read by rule, without the model."""
    reading = read(document)
    chain = solved(question, reading.facts)
    if chain is None:
        return model_text.NOT_ANSWERED.format(facts=count(len(reading.facts), "fact"))
    hops, facts = count(len(chain), "hop"), count(len(reading.facts), "fact")
    steps = "; ".join(messages.plain(fact.told(0).rstrip(".")) for fact in chain)
    answer = messages.plain(chain[-1].value)
    return model_text.ANSWERED.format(answer=answer, hops=hops, steps=steps, facts=facts)


def measured(path: Path, digest: str, n_passes: int) -> str:
    """What the results file says of these weights on pages of four windows; "" where it does not."""
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        is_of_these = results.get("digest") == digest
        cells = [e for e in results["entries"] if (e["windows"], e["passes"]) == (WINDOWS_TOLD, n_passes)]
        parts = [
            model_text.MEASURED_HOPS.format(
                correct=round(e["accuracy"] * e["n"]), n=e["n"], hops=count(e["hops"], "hop")
            )
            for e in cells
        ]
    except (OSError, *MALFORMED):
        return ""
    if not is_of_these or not parts:
        return ""
    return model_text.MEASURED.format(windows=WINDOWS_TOLD, passes=n_passes, shares=" ".join(parts))


def vocabulary() -> None:
    """The words and forms that the model knows."""
    with st.expander(model_text.VOCABULARY_BOX, key="your_model_words"):
        lists = (f"- {kind}: `{', '.join(listed)}`" for kind, listed in _LISTS)
        st.markdown("\n".join([model_text.VOCABULARY, *lists]))


_LISTS = (
    (model_text.PEOPLE, words.PEOPLE),
    (model_text.CITIES, words.CITIES),
    (model_text.JOBS, words.JOBS),
    (model_text.THINGS, words.THINGS),
    (model_text.PLACES, words.PLACES),
)
