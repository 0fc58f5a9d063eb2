"""The bar under every stage: the link, the runs as JSON and CSV, the picture, and Python that makes them again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import streamlit as st

from app.sharing import exports, share_bar
from app.sharing.exports import Call, Runs

TEXTS = share_bar.Texts(
    copy="Copy link",
    copied="The link is copied. It opens this run at this place.",
    by_hand="The link. Your browser does not let the page copy it: copy it from here.",
    picture="PNG",
    no_picture="There is nothing to draw yet.",
)
JSON, CSV, PYTHON = "JSON", "CSV", "Python"
JSON_HELP = "Every run on screen, with all its events."
CSV_HELP = "A row for each pass: its drift, the norm of S, and the answer if it woke then."
PYTHON_SAID = "This makes the same runs with the package `sleepviz`, and prints their drift and answers."
NO_PYTHON = "There is no script for these runs."


@dataclass(frozen=True)
class Shared:
    """What is on screen."""

    page: str  # names the files and the bar's widgets
    link: Mapping[str, str]
    source: str  # "recorded" or "live"
    runs: Runs
    question: str  # the line under the picture


def show(shared: Shared, *, call: Call = exports.task_call, no_python: str = NO_PYTHON) -> None:
    """Draw it. `call` writes a run as Python, and `no_python` is said where it cannot."""
    file = f"sleepviz-{shared.page}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="share"):
        share_bar.show(shared.link, TEXTS, caption=shared.question, file=file, key=f"share_{shared.page}")
        _download(JSON, JSON_HELP, partial(exports.as_json, shared.source, shared.runs), f"{file}.json")
        _download(CSV, CSV_HELP, partial(exports.as_csv, shared.runs), f"{file}.csv")
        with st.popover(PYTHON, icon=":material/code:", key="share_python"):
            snippet = exports.as_python(shared.runs, call)
            st.markdown(PYTHON_SAID if snippet else no_python)
            if snippet:
                st.code(snippet, language="python", wrap_lines=True)


def _download(label: str, hint: str, data: partial[str], file: str) -> None:
    """A file that is made when it is asked for."""
    mime = "application/json" if file.endswith(".json") else "text/csv"
    key, icon = f"share_{label}", ":material/download:"
    st.download_button(label, data=data, file_name=file, mime=mime, on_click="ignore", icon=icon, key=key, help=hint)
