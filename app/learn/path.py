"""Where a visitor stands on the path, in the session and in the link (?step=4)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from app.learn.learn_text import STEPS
from app.shell import address
from app.shell.state import LinkError, whole_number

LAST = len(STEPS)
LINK = address.Part("learn", ("step",))
_PLACE, _PROBLEM = "learn_place", "learn_problem"
_read_step = whole_number("step", "step", 1, LAST)


@dataclass(frozen=True)
class Place:
    """The step that is shown, and how many steps are open: a step opens when the one before it is done."""

    step: int = 1
    opened: int = 1

    def at(self, step: int) -> Place:
        """Go to an open step. Raises ValueError for a closed one."""
        if not 1 <= step <= self.opened:
            raise ValueError(f"step {step} is not open yet.")
        return replace(self, step=step)

    def linked(self, step: int) -> Place:
        """A link opens its step and every step before it."""
        return Place(step, max(step, self.opened))

    def done(self) -> Place:
        """This step is done: the next one opens."""
        return replace(self, opened=min(LAST, max(self.opened, self.step + 1)))


def place() -> Place:
    """The place in the session; a link that this session did not write is followed first."""
    given = LINK.given()
    found: Place = st.session_state.get(_PLACE, Place())
    if given is not None:
        st.session_state[_PROBLEM] = ""
        try:
            found = found.linked(_read_step(given["step"])["step"]) if given.get("step") else found.at(1)
        except LinkError as error:
            st.session_state[_PROBLEM] = str(error)
    st.session_state[_PLACE] = found
    return found


def problem() -> str:
    """What is wrong with the link's step, in one sentence; "" where nothing is."""
    return str(st.session_state.get(_PROBLEM, ""))


def go(to: Place) -> None:
    """Remember the place. The other values of the link stay."""
    if to.step != st.session_state.get(_PLACE, to).step:
        st.session_state[_PROBLEM] = ""
    st.session_state[_PLACE] = to


def write_link(shown: Place) -> None:
    """Put the step into the link; a first visit leaves the address bare until the second step."""
    if not problem() and (shown != Place() or "step" in address.asked()):
        LINK.write({"step": str(shown.step)})
