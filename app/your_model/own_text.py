"""On the page "Your model": what a page in the style of our text model says when it is read by rule."""

from __future__ import annotations

import json
from pathlib import Path

import streamlit as st

from app.shell import messages
from sleepviz.text import words
from sleepviz.text.reading import read, solved, unknown_words

WORDS_SHOWN = 12
WINDOWS_TOLD = 4
STYLE = (
    "This model has read nothing but made-up pages: who lives where, works as what, is whose brother or sister, "
    "where a thing is and whose it is, among filler sentences. Edit the page in that style; outside of it, its answers "
    "mean nothing."
)


def notes(document: str, question: str) -> None:
    """Whether this is a text that the model was made for; and what it says by itself."""
    strange = unknown_words(f"{document} {question}")
    if strange:
        named = ", ".join(f"“{messages.plain(word)}”" for word in strange[:WORDS_SHOWN])
        more = f" and {len(strange) - WORDS_SHOWN} more" if len(strange) > WORDS_SHOWN else ""
        st.warning(
            f"Outside its style: the model has never read {named}{more}. Do not expect right answers.",
            icon=":material/menu_book:",
        )
    st.caption(told(document, question))


def told(document: str, question: str) -> str:
    """One sentence: the answer that the page gives when it is read by rule, without the model."""
    reading = read(document)
    chain = solved(question, reading.facts)
    if chain is None:
        return (
            f"Read by rule, the page tells {len(reading.facts)} facts, and they do not answer this question, or it is "
            "not asked in the model's style."
        )
    hops = "one hop" if len(chain) == 1 else f"{len(chain)} hops"
    steps = "; ".join(messages.plain(fact.told(0).rstrip(".")) for fact in chain)
    answer = messages.plain(chain[-1].value)
    return f"Read by rule, the page answers **{answer}**, in {hops}: {steps}. It tells {len(reading.facts)} facts."


def measured(path: Path, digest: str, n_passes: int) -> str:
    """What the results file says of these weights on pages of four windows; "" where it does not."""
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        cells = [e for e in results["entries"] if (e["windows"], e["passes"]) == (WINDOWS_TOLD, n_passes)]
        parts = [f"{e['accuracy']:.2f} with {e['hops']} hop{'s' * (e['hops'] > 1)} (n = {e['n']})" for e in cells]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if results.get("digest") != digest or not parts:
        return ""
    return f"On held-out pages of {WINDOWS_TOLD} windows it was right, at N = {n_passes}: {', '.join(parts)}."


def vocabulary() -> None:
    """The words and forms that the model knows."""
    with st.expander("What this model can read and be asked", key="your_model_words"):
        st.markdown(
            "\n".join(
                [
                    "Facts: *Ana lives in Oslo. The home of Ana is Oslo. Ana is a baker. Ana became a baker. The "
                    "brother of Ana is Ben. The brother of Ana is called Ben.* (also *sister*) *They keep the key in "
                    "the box. You find the key in the box. The key belongs to Ana. Now the key belongs to Ana.*",
                    "",
                    "Questions: *Where does Ana live? What is the job of Ana? Who is the brother of Ana? Where is "
                    "the key? Who owns the key?* Instead of a name: *the brother of Ana*, *the owner of the key*.",
                    "",
                    *(f"- {kind}: {', '.join(listed)}" for kind, listed in _LISTS),
                ]
            )
        )


_LISTS = (
    ("People", words.PEOPLE),
    ("Cities", words.CITIES),
    ("Jobs", words.JOBS),
    ("Things", words.THINGS),
    ("Places", words.PLACES),
)
