"""Guess first: a visitor says what will happen, is told what did, and keeps a tally for as long as the visit lasts.

said = guess.ask(question)            # draws the question with Yes and No; None until the visitor has said one
if said is not None:
    ...                               # show the run
    guess.tell(question, truth)       # draws what came of it, and the tally
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import streamlit as st

from app.parts.units import count

_BOOK = "guesses"
YES, NO = "Yes", "No"
RIGHT = "You guessed {said}, and you were right."
WRONG = "You guessed {said}. It was {truth}."
TALLY = "Right guesses so far: {right} of {told}."


@dataclass(frozen=True)
class Question:
    """A question with the answer yes or no. `name` tells questions apart: another run is another question."""

    name: str
    said: str


@dataclass(frozen=True)
class Guesses:
    """One visitor's guesses. A question is guessed once and told once: neither can be taken back."""

    said: Mapping[str, bool] = field(default_factory=dict)
    truths: Mapping[str, bool] = field(default_factory=dict)

    def guess(self, name: str, said: bool) -> Guesses:
        """Note a guess, unless there is one already or the truth is known."""
        if name in self.said or name in self.truths:
            return self
        return replace(self, said={**self.said, name: said})

    def tell(self, name: str, truth: bool) -> Guesses:
        """Note what happened; the first time counts."""
        return self if name in self.truths else replace(self, truths={name: truth, **self.truths})

    @property
    def told(self) -> int:
        """How many guesses have been told."""
        return len(self.said.keys() & self.truths.keys())

    @property
    def right(self) -> int:
        """How many of them were right."""
        return sum(self.said[name] == self.truths[name] for name in self.said.keys() & self.truths.keys())


def enough(passes: int, difficulty: int, unit: str, *, about: str) -> Question:
    """Will so many passes be enough? `unit` is the difficulty's word ("step"); `about` names the input and weights."""
    counted, asked = count(passes, "pass"), count(difficulty, unit)
    return Question(f"{about}|{passes}|{difficulty}", f"Will {counted} of sleep be enough for {asked}?")


def guesses() -> Guesses:
    """Every guess of this visit, and what came of it."""
    found: Guesses = st.session_state.get(_BOOK, Guesses())
    return found


def ask(question: Question, *, key: str = "guess") -> bool | None:
    """Draw the question with two buttons until the visitor has guessed; return the guess."""
    said = guesses().said.get(question.name)
    if said is None and question.name not in guesses().truths:
        st.markdown(f"**{question.said}**")
        with st.container(horizontal=True):
            st.button(YES, key=f"{key}_yes", on_click=_note, args=(question.name, True))
            st.button(NO, key=f"{key}_no", on_click=_note, args=(question.name, False))
    return said


def tell(question: Question, truth: bool) -> None:
    """Say what came of the guess, and the tally. Nothing is said where the visitor did not guess."""
    st.session_state[_BOOK] = guesses().tell(question.name, truth)
    said = guesses().said.get(question.name)
    if said is None:
        return
    sentence = (RIGHT if said == truth else WRONG).format(said=_word(said), truth=_word(truth))
    st.markdown(f"{sentence} {TALLY.format(right=guesses().right, told=guesses().told)}")


def _note(name: str, said: bool) -> None:
    st.session_state[_BOOK] = guesses().guess(name, said)


def _word(said: bool) -> str:
    return YES.lower() if said else NO.lower()
