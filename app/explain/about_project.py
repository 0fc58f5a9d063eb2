"""About, at the foot of every page: version, commit, licence, how to cite, and where to report a fault."""

from __future__ import annotations

import streamlit as st

import sleepviz
from app.shell import runs

COMMIT_CHARACTERS = 10

CITE_PAPER = """@misc{lee2026sleep,
  title  = {Do Language Models Need Sleep? Offline Recurrence for Improved Online Inference},
  author = {Lee, Sangyun and McLeish, Sean and Goldstein, Tom and Fanti, Giulia},
  year   = {2026}, eprint = {2605.26099}, archivePrefix = {arXiv}
}"""
CITE_PROJECT = "@software{sleepviz, title = {sleepviz: watch a small language model fall asleep}, year = {2026}}"
LICENCE = "MIT licence: use it, change it and share it, and keep the copyright notice."
FAULT = (
    "Open an issue in the repository from which this app was installed. Add the version above, the link of the "
    "page, and what you expected to see."
)


def version_line(version: str, commit: str) -> str:
    """The version, and the commit where there is one."""
    return f"sleepviz {version}" + (f", commit `{commit[:COMMIT_CHARACTERS]}`" if commit else "")


def show() -> None:
    """One button; the rest is in its popover."""
    with st.popover("About sleepviz", icon=":material/info:", key="about_project"):
        st.markdown(f"**Version** {version_line(sleepviz.__version__, runs.commit())}")
        st.markdown(f"**Licence** {LICENCE}")
        st.markdown("**Cite the paper whose mechanism this app shows**")
        st.code(CITE_PAPER, language=None, wrap_lines=True)
        st.markdown("**Cite this project**")
        st.code(CITE_PROJECT, language=None, wrap_lines=True)
        st.markdown(f"**Report a fault** {FAULT}")
