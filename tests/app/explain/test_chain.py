"""What a question asks, in a sentence and in boxes."""

from __future__ import annotations

import json

import pytest

from app.explain.chain import in_words
from app.tasks import PAGES


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "From b, no hop: the question asks for the start itself."),
        (1, "From b, 1 hop: what is at the end?"),
        (8, "From b, 8 hops in a row: what is at the end?"),
    ],
)
def test_a_chain_is_said_in_one_sentence(count: int, said: str) -> None:
    assert in_words("b", "hop", count) == said


@pytest.mark.parametrize(
    ("task", "start", "unit"),
    [("rule110", "0110100110010110", "step"), ("depo", "a", "hop"), ("gsm", "a given number", "operation")],
)
def test_every_task_says_where_its_question_begins(task: str, start: str, unit: str) -> None:
    page = PAGES[task]
    assert page.start(json.loads(page.example)) == start and page.unit == unit
