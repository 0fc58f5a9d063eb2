"""The Digits page as a script: images to draw and to take, another start, links, and what the picture is given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.shell import runs
from app.tasks import PAGES
from app.tasks.digits.codes import looks, read_ring, ring_text
from sleepviz.tasks.base import InputError
from sleepviz.tasks.digits.examples import SEVEN, drawn
from sleepviz.tasks.digits.images import digits, numbers
from sleepviz.tasks.digits.task import Digits
from tests.app.made import make_checkpoint
from tests.app.page import clean, errors, live, opened, payload, trigger

DRAWN = st.builds(
    lambda pixels, digit: {"pixels": pixels, "digit": digit}, st.text("01", min_size=48, max_size=48), st.integers(0, 9)
)


@pytest.fixture
def page(assets: Path) -> Any:
    """The page with an untrained model, at the hard preset."""
    make_checkpoint(assets, "digits-answers", n_passes=0, task=Digits())
    runs.checkpoints.clear()
    return opened("digits")


def ring_of(page: Any) -> list[Any]:
    return read_ring(str(page.session_state["digits_kept"]["digits"]))


def test_the_first_question_needs_every_jump(page: Any) -> None:
    hard = drawn(8, 4)
    assert ring_of(page) == hard["digits"] and page.session_state["digits_kept"]["start"] == hard["start"]
    assert page.slider(key="digits_jumps").value == 4 and not errors(page)
    assert page.title[0].value.startswith("Jump 4 times from image 1")


def test_the_hard_example_is_as_hard_as_training_came_to_and_says_so(assets: Path) -> None:
    make_checkpoint(assets, "digits-answers", n_passes=0, task=Digits())
    path = assets / "checkpoints" / "digits-answers" / "meta.json"
    meta = json.loads(path.read_text())
    meta["metrics"] = {"passes": [1], "difficulty": [0], "validation_accuracy": [[0.0]]}
    meta["training"] = {"stage_reached": {"difficulty": 3}}
    path.write_text(json.dumps(meta))
    runs.checkpoints.clear()
    page = opened("digits")
    hard = page.button(key="preset_hard")
    assert hard.label == "3 jumps"
    page = hard.click().run()
    assert page.slider(key="digits_jumps").value == 3


def test_another_image_is_the_start(page: Any) -> None:
    trigger(page, "starts", "start", 5)
    assert page.session_state["digits_kept"]["start"] == 6
    for untrusted in (8, -1, True, "1", None):
        trigger(page, "starts", "start", untrusted)
    assert page.session_state["digits_kept"]["start"] == 6


def test_a_drawing_takes_an_image_s_place(page: Any) -> None:
    before = ring_of(page)
    trigger(page, "pad", "drawn", {"place": 2, "pixels": SEVEN, "digit": 7})
    assert ring_of(page) == [*before[:2], {"pixels": SEVEN, "digit": 7}, *before[3:]]
    for untrusted in (
        {"place": 8, "pixels": SEVEN, "digit": 7},
        {"place": 2, "pixels": SEVEN, "digit": 10},
        {"place": 2, "pixels": SEVEN + "1", "digit": 7},
        {"place": 2, "pixels": "<b>" * 16, "digit": 7},
        {"place": True, "pixels": SEVEN, "digit": 7},
        [SEVEN],
    ):
        trigger(page, "pad", "drawn", untrusted)
    assert ring_of(page)[2] == {"pixels": SEVEN, "digit": 7}


def test_an_image_that_is_taken_shows_the_digit_and_was_kept_from_training(page: Any) -> None:
    for digit in (0, 9):
        trigger(page, "pad", "taken", {"place": 7, "digit": digit})
        number = ring_of(page)[7]
        assert digits()[number] == digit and number in numbers("held_out")


def test_the_picture_is_given_the_ring_and_the_way(page: Any) -> None:
    ring = [{"pixels": SEVEN, "digit": 7}, *drawn(8, 1)["digits"][1:]]
    there = opened("digits", task="digits", digits=ring_text(ring), start="1", k="1", N="2")
    shown = payload(live(there))["picture"]
    seen = looks(ring)
    assert [image["pixels"] for image in shown["images"]] == [each["pixels"] for each in seen]
    assert [image["first"] for image in shown["images"]] == [0, 9, 18, 27, 44, 53, 62, 71]
    assert shown["path"] == [0, 7] and shown["jumps_max"] == 4


def test_a_link_that_cannot_be_read_is_refused_in_a_sentence(page: Any) -> None:
    for digits_, says in (
        ("1,2,3", "must give 8 digits"),
        ("a" * 9, "cannot be read"),
        ("9999," * 8, "cannot be read"),
    ):
        refused = clean(opened("digits", task="digits", digits=digits_))
        assert any(says in each for each in errors(refused)), errors(refused)


def test_random_digits_are_kept_from_training(page: Any) -> None:
    before = ring_of(page)
    page.button(key="preset_random").click()
    clean(page.run())
    after = ring_of(page)
    assert after != before and set(after) <= set(numbers("held_out").tolist())


@given(st.lists(st.one_of(st.integers(0, 1796), DRAWN), min_size=1, max_size=9))
def test_a_ring_as_text_is_read_back(ring: list[Any]) -> None:
    text = ring_text(ring)

    assert read_ring(text) == ring
    assert set(text) <= set("0123456789abcdefx,")


@pytest.mark.parametrize("text", ["", ",", "1,,2", "12345", "7x", "7x0123456789a", "7X0123456789ab", "٣", "-1"])
def test_other_text_is_no_ring(text: str) -> None:
    with pytest.raises(InputError):
        read_ring(text)


def test_a_drawing_s_code_worked_out_by_hand() -> None:
    """A bar of six pixels at the top is 111111 and 42 noughts: fc followed by ten noughts."""
    assert ring_text([{"pixels": "1" * 6 + "0" * 42, "digit": 1}]) == "1xfc0000000000"


def test_the_questions_of_an_answer_by_their_image() -> None:
    """In the task's own words: a question that is asked twice counts where it was asked last."""
    task = Digits()
    instance = task.parse(json.dumps({**drawn(8, 1), "start": 1}), task.limits())
    nothing = np.zeros((4, 2, task.vocab_size), dtype=np.float32)

    keys = PAGES["digits"].keys
    assert keys is not None
    found = keys(task.answer(instance, nothing))  # the person's question, then image 1 with 0, 1 and 2 jumps

    assert found == {"#1": (("0 jumps", 1), ("1 jump", 2), ("2 jumps", 3))}
