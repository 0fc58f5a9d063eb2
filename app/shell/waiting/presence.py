"""Whether a visitor still waits: their browser is connected, and the page on their screen shows what they wait for.

Streamlit knows both, however late a page asks. A server that has too much to do hears its pages late, and a browser
rings the timers of a hidden tab once a minute: silence alone does not mean that somebody has left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

_KEY = "screen"


@dataclass
class Screen:
    """One visitor's screen: how many times the script has begun to draw it, and the latest drawing that is whole."""

    session: str
    begun: int = 0
    whole: int = 0

    def watch(self) -> Callable[[], bool]:
        """Whether what is drawn now still stands there: until a later drawing is whole, or the visitor has left."""
        drawing = self.begun
        return lambda: self.whole <= drawing and is_connected(self.session)


def begin() -> None:
    """The script begins to draw the page."""
    if _KEY not in st.session_state:
        context = get_script_run_ctx(suppress_warning=True)
        st.session_state[_KEY] = Screen(context.session_id if context is not None else "")
    st.session_state[_KEY].begun += 1


def end() -> None:
    """The page is whole: what an earlier drawing showed and this one does not is gone from the screen."""
    st.session_state[_KEY].whole = st.session_state[_KEY].begun


def here() -> Callable[[], bool]:
    """Whether what is drawn now still stands on this visitor's screen. Any thread may ask, at any time."""
    is_drawn = get_script_run_ctx(suppress_warning=True) is not None
    screen: Screen | None = st.session_state.get(_KEY) if is_drawn else None
    return screen.watch() if screen is not None else lambda: False


def is_connected(session: str) -> bool:
    """Whether the browser of this session is connected to this server."""
    try:
        return bool(runtime.get_instance().is_active_session(session))
    except RuntimeError:  # no server: it has ended, or a test draws the page
        return False
