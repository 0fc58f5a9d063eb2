"""On the page "Your model": the document, typed or uploaded, the question, and the window."""

from __future__ import annotations

import streamlit as st

from app.shell import messages, uploads
from app.shell.state import Visit
from app.your_model import model_text, own_text
from sleepviz.tasks.base import InputError
from sleepviz.text import example

WINDOWS = (8, 16, 32, 64, 128, 256)
DOCUMENT = (
    "The lamp in the hall is green. Mira keeps the key of the boathouse in a blue jar. The train to Aldern leaves at "
    "seven. Mira's brother Joss paints the boathouse every spring."
)


FIRST_QUESTIONS = {"page_question": example.QUESTION, "question": "Where is the key? It is in"}
FIRST_DOCUMENTS = {"page": example.PAGE, "document": DOCUMENT}
FIRST_VALUES = {**FIRST_QUESTIONS, **FIRST_DOCUMENTS, "window": 32}
QUESTION_MAX = 500  # characters


def first_document(source: str) -> str:
    """What a model's box holds until the visitor writes something else."""
    return FIRST_DOCUMENTS["page" if source.startswith("text:") else "document"]


def in_our_style(visit: Visit, window: int) -> tuple[str, str]:
    """A page in the style of our text model, and a question."""
    question = _question(visit, "page_question")
    told = st.container()
    with st.expander(model_text.PAGE_BOX):
        st.markdown(model_text.STYLE)
        document = st.text_area(model_text.DOCUMENT, height=260, key=visit.key("page"))
        _upload(visit, "page")
        st.caption(model_text.PAGE_WINDOW.format(window=window))
    with told:
        own_text.notes(document, question)
    own_text.vocabulary()
    return document, question


def of_any_style(visit: Visit) -> tuple[str, str, int]:
    """Any document, a question, and the window."""
    document = st.text_area(model_text.DOCUMENT, height=140, key=visit.key("document"))
    with st.expander(model_text.UPLOAD_BOX):
        _upload(visit, "document")
    columns = st.columns([3, 1.2], gap="medium")
    with columns[0]:
        question = _question(visit, "question")
    with columns[1]:
        window = int(st.select_slider(model_text.WINDOW, WINDOWS, key=visit.key("window")))
    return document, question, window


def _question(visit: Visit, name: str) -> str:
    return st.text_input(model_text.QUESTION, max_chars=QUESTION_MAX, key=visit.key(name))


def _upload(visit: Visit, box: str) -> None:
    """A file whose text replaces what stands in the box above, or one sentence that says why not."""
    key, problem = visit.key(f"upload_{box}"), f"upload_problem_{box}"

    def take() -> None:
        file = st.session_state[key]
        if file is None:
            visit.set({problem: ""})
            return
        try:
            visit.set({box: uploads.text_of(file.name, file.getvalue()), problem: ""})
        except InputError as error:
            visit.set({problem: str(error)})

    label = model_text.UPLOAD.format(most=uploads.MOST_CHARACTERS)
    st.file_uploader(label, uploads.TYPES, key=key, on_change=take, max_upload_size=uploads.MOST_MB)
    if visit.get(problem):
        st.error(messages.plain(visit.get(problem)), icon=":material/error:")
