"""Every drawing of a group of buttons tells the browser which one is chosen."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from app.parts import buttons

    wanted = st.session_state.get("wanted") or st.session_state.get("row", 2)
    st.segmented_control("Row", (1, 2, 3), **buttons.chosen("row", wanted))
    st.session_state["wanted"] = None


def told(app: AppTest) -> tuple[object, list[int], list[str]]:
    """The value, and what a browser that draws only this run would show: the default, or the value that is sent."""
    row = app.button_group(key="row")
    assert not app.exception and not app.warning
    return row.value, list(row.proto.default), list(row.proto.raw_values) if row.proto.set_value else []


def test_a_browser_that_missed_the_first_drawing_still_shows_the_choice() -> None:
    app = AppTest.from_function(page).run()
    assert told(app) == (2, [1], [])
    assert told(app.run()) == (2, [1], [])


def test_what_the_visitor_chooses_stays_and_is_the_next_default() -> None:
    app = AppTest.from_function(page).run()
    app.button_group(key="row").set_value(3).run()
    assert told(app)[0] == 3
    assert told(app.run()) == (3, [2], [])


def test_what_the_page_changes_is_sent_once_and_is_the_default_from_then_on() -> None:
    app = AppTest.from_function(page).run()
    app.session_state["wanted"] = 1
    assert told(app.run()) == (1, [], ["1"])
    assert told(app.run()) == (1, [0], [])


def test_a_value_that_was_set_before_the_first_drawing_is_sent_and_is_the_default_from_then_on() -> None:
    app = AppTest.from_function(page)
    app.session_state["row"] = 3
    assert told(app.run()) == (3, [], ["3"])
    assert told(app.run()) == (3, [2], [])
