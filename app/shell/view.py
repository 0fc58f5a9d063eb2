"""How a page is looked at: ?view=present fills the window with the stage, ?lock=1 hides the controls.

Both stay through every change of settings and every click in the menu, and leave with the link that had them.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from app.shell.state import is_same_page

VALUES = {"view": "present", "lock": "1"}  # what a link may hold


@dataclass(frozen=True)
class View:
    """What the link asks of the page."""

    is_presented: bool
    is_locked: bool


def adopt() -> None:
    """Read the link; after a click in the menu, which empties it, the way of looking is what it was."""
    given = {name: value for name, value in VALUES.items() if st.query_params.get(name) == value}
    held = {name: value for name, value in VALUES.items() if st.session_state.get(name) == value}
    if held and not given and not is_same_page():
        st.query_params.update(held)
        given = held
    for name in VALUES:
        st.session_state[name] = given.get(name, "")


def current() -> View:
    """As `adopt` left it."""
    return View(bool(st.session_state.get("view")), bool(st.session_state.get("lock")))


def present(is_on: bool) -> None:
    """The visitor has filled the window with the stage, or left it."""
    st.session_state["view"] = VALUES["view"] if is_on else ""
    if is_on:
        st.query_params["view"] = VALUES["view"]
    elif "view" in st.query_params:
        del st.query_params["view"]
