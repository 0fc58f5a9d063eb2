"""The page “Limits and open questions”: the topics, what was measured about each, and the neighbours of the method."""

from __future__ import annotations

import streamlit as st

from app.learn import limits_text as text
from app.learn.limits import TOPICS, Evidence, Topic, read_text_model
from app.shell import runs
from app.shell.results import Results
from app.tasks import PAGES

TEXT_MODEL = "text-micro.json"


def show() -> None:
    """Draw the page: each limit with what was measured about it, then five neighbouring ideas."""
    found = evidence()
    st.title(text.TITLE, anchor=False)
    st.markdown(text.LEAD)
    for each in TOPICS:
        topic(each, found)
    st.header(text.OTHERS_TITLE, anchor="neighbours")
    for name, sentences in text.OTHERS:
        st.markdown(f"**{name}.** {sentences}")


def evidence() -> Evidence:
    """What the results files say now."""
    found = {name: runs.results(name) for name in PAGES}
    tasks = {name: results for name, results in found.items() if isinstance(results, Results)}
    return Evidence(tasks, read_text_model(runs.ASSETS / "results" / TEXT_MODEL))


def topic(each: Topic, found: Evidence) -> None:
    """One topic: the finding of others first, then what was measured here."""
    st.header(each.title, anchor=each.name)
    st.markdown(each.said)
    st.markdown("\n".join(f"- {sentence}" for sentence in each.sentences(found)))
