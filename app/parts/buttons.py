"""A group of buttons of which the page itself chooses one, in a browser that may draw them late."""

from __future__ import annotations

from typing import Any

import streamlit as st


def chosen(key: str, value: Any) -> dict[str, Any]:
    """The `key`, and mostly the `default`, of buttons (`st.segmented_control`, `st.pills`) that show `value`.

    A value that is set through the session is sent once. A browser that draws the buttons after the next run, because
    their code comes late, would show none chosen; the default is sent with every run. Streamlit warns of a default
    beside a value that was set in the same run, so that the two never come together.
    """
    drawn = f"{key}_drawn"
    is_first = key not in st.session_state
    is_as_drawn = not is_first and st.session_state[key] == value == st.session_state.get(drawn)
    if not is_first and st.session_state[key] != value:
        st.session_state[key] = value
    st.session_state[drawn] = value
    return {"key": key, "default": value} if is_first or is_as_drawn else {"key": key}
