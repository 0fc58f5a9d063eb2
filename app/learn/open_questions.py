"""The last step: an open question is picked; what was measured about it, and the ways on, stand below."""

from __future__ import annotations

import streamlit as st

from app.learn import learn_text, limits_page
from app.learn.limits import TOPICS
from app.shell.state import Visit
from sleepviz.config.places import SITE


def show(visit: Visit) -> bool:
    """Draw the questions; True once one is picked."""
    questions = dict(learn_text.OPEN_QUESTIONS)
    visit.set_missing({"open": None})
    picked = st.radio(learn_text.PICK, tuple(questions), key=visit.key("open"), label_visibility="collapsed")
    if picked is None:
        return False
    topic = next(each for each in TOPICS if each.name == questions[picked])
    st.markdown("\n".join(f"- {sentence}" for sentence in topic.sentences(limits_page.evidence())))
    st.markdown(learn_text.FINISHED)
    with st.container(horizontal=True):
        for page, label in learn_text.WAYS_ON:
            st.page_link(SITE / "pages" / f"{page}.py", label=label)
    return True
