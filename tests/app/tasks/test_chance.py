"""Chance as the Lab draws it, against every answer that can be given, tried out one by one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest

from app.tasks import PAGES
from sleepviz.tasks.base import Task
from sleepviz.tasks.depo.task import Depo
from sleepviz.tasks.digits.task import Digits
from sleepviz.tasks.gsm.task import Gsm
from sleepviz.tasks.rule110.task import Rule110, next_rows


def asked(task: Task, n: int = 400) -> list[int]:
    """The right answers (tokens) to n held-out questions of the hardest kind; one token each."""
    rng = np.random.default_rng(0)
    difficulty = np.full(n, task.difficulty_max)
    batch = task.batch(rng, size=n, n_windows=task.windows_max, difficulty=difficulty, split="held_out")
    targets = batch.targets[np.arange(n), 0, batch.difficulty]  # [n, T]
    (place,) = np.flatnonzero((targets >= 0).all(axis=0))
    return [int(token) for token in targets[:, place]]


def share_of_guesses(truths: Sequence[object], answers: Sequence[object]) -> Fraction:
    """The share of all pairs (right answer, guess) that agree."""
    return Fraction(sum(truth == guess for truth in truths for guess in answers), len(truths) * len(answers))


def test_a_whole_row_and_a_single_cell_of_rule_110() -> None:
    size = Rule110(row_cells=8, rows_max=1, steps_max=3)
    rows = [bytes(row) for row in itertools.product((0, 1), repeat=size.row_cells)]
    truths = [next_rows(np.frombuffer(row, dtype=np.uint8)).tobytes() for row in rows]
    whole = PAGES["rule110"].counts("accuracy", size.to_json())
    assert whole.chance == share_of_guesses(truths, rows) == Fraction(1, 2**8)
    cell = PAGES["rule110"].counts("probe", size.to_json())
    assert cell.chance == share_of_guesses([each for truth in truths for each in truth], (0, 1)) == Fraction(1, 2)
    assert "cell" in cell.right and cell.right != whole.right


@pytest.mark.parametrize("nodes", [6, 10])
def test_a_node_of_depo(nodes: int) -> None:
    size = Depo(nodes_max=nodes, nodes_min=4, window_edges=5, hops_max=3)
    truths = asked(size)
    assert set(truths) == set(range(nodes))  # every name can be the answer, and nothing else
    chance = PAGES["depo"].counts("accuracy", size.to_json()).chance
    assert chance == pytest.approx(float(share_of_guesses(truths, range(nodes))))
    assert PAGES["depo"].counts("probe", size.to_json()).right != PAGES["depo"].words.right


@pytest.mark.parametrize(("low", "high"), [(-2, 12), (0, 4)])
def test_a_value_of_gsm(low: int, high: int) -> None:
    size = Gsm(low=low, high=high)
    values = range(size.zero_value + low, size.zero_value + high + 1)
    truths = asked(size)
    assert set(truths) <= set(values) and len(set(truths)) > len(values) // 2
    chance = PAGES["gsm"].counts("accuracy", size.to_json()).chance
    assert chance == pytest.approx(float(share_of_guesses(truths, values)))
    assert PAGES["gsm"].counts("public_problems", size.to_json()).chance is None  # a set of variables


def test_a_digit_of_a_ring() -> None:
    size = Digits()
    truths = asked(size)
    assert set(truths) == set(range(size.digit, size.digit + 10))
    chance = PAGES["digits"].counts("accuracy", size.to_json()).chance
    assert chance == pytest.approx(float(share_of_guesses(truths, range(size.digit, size.digit + 10))))


@pytest.mark.parametrize("task", sorted(PAGES))
def test_of_a_model_that_is_not_here_chance_is_not_known(task: str) -> None:
    assert PAGES[task].counts("accuracy", {}).chance is None
    assert PAGES[task].counts("accuracy", {}).right == PAGES[task].words.right
