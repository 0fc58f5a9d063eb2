"""Guess first: what counts, what does not, and how a question is asked."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from app.explain.guess import Guesses, enough


def test_a_guess_counts_once_and_cannot_be_taken_back() -> None:
    guesses = Guesses().guess("a", True).guess("a", False)
    assert guesses.said == {"a": True} and (guesses.right, guesses.told) == (0, 0)
    guesses = guesses.tell("a", True).tell("a", False)
    assert (guesses.right, guesses.told) == (1, 1)


def test_only_a_guess_made_before_the_truth_counts() -> None:
    guesses = Guesses().tell("a", True).guess("a", True)
    assert (guesses.right, guesses.told) == (0, 0)


def test_right_and_wrong_guesses_are_told_apart() -> None:
    guesses = Guesses()
    for name, said, truth in (("a", True, False), ("b", False, False), ("c", True, True)):
        guesses = guesses.guess(name, said).tell(name, truth)
    guesses = guesses.guess("d", True)  # not told yet
    assert (guesses.right, guesses.told) == (2, 3)


def test_a_question_is_asked_in_plain_words() -> None:
    assert enough(2, 6, "step", about="x").said == "Will 2 passes of sleep be enough for 6 steps?"
    assert enough(1, 1, "hop", about="x").said == "Will 1 pass of sleep be enough for 1 hop?"


def test_another_run_is_another_question() -> None:
    names = {enough(n, d, "step", about=about).name for n in (1, 2) for d in (1, 2) for about in ("x", "y")}
    assert len(names) == 8


def script() -> None:
    import streamlit as st

    from app.explain import guess

    asked = guess.enough(1, st.session_state.get("steps", 6), "step", about="row")
    if guess.ask(asked) is not None:
        guess.tell(asked, truth=False)


def test_on_a_page_the_buttons_give_way_to_what_came_of_it_and_the_tally_goes_on() -> None:
    page = AppTest.from_function(script).run()
    assert [each.label for each in page.button] == ["Yes", "No"]
    page = page.button(key="guess_yes").click().run()
    assert not page.button
    assert page.markdown[-1].value == "You guessed yes. It was no. Right guesses so far: 0 of 1."

    page.session_state["steps"] = 7
    page = page.run().button(key="guess_no").click().run()

    assert page.markdown[-1].value == "You guessed no, and you were right. Right guesses so far: 1 of 2."
