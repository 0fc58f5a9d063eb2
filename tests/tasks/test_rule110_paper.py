"""The paper's own form of Rule 110, against a lookup table written by hand."""

import json

import numpy as np
import pytest

from sleepviz.tasks.base import InputError
from sleepviz.tasks.rule110.paper import Rule110Paper

TABLE = {"111": "0", "110": "1", "101": "1", "100": "0", "011": "1", "010": "1", "001": "1", "000": "0"}
ROWS = ("000000000000000000000001", "110100100111010001110100", "000000000000000000000000", "101010101010101010101010")


def by_table(row: str, steps: int) -> str:
    for _ in range(steps):
        row = "".join(TABLE[row[i - 1] + row[i] + row[(i + 1) % len(row)]] for i in range(len(row)))
    return row


def test_context_is_the_rows_and_nothing_else() -> None:
    task = Rule110Paper()
    problem = task.encode(task.parse(json.dumps({"rows": ROWS}), task.limits()))
    assert "".join(map(str, problem.context)) == "".join(ROWS)
    assert len(problem.context) + problem.queries.size == 100  # the paper's T


def test_labels_are_first_cells_after_32_steps() -> None:
    task = Rule110Paper()
    batch = task.batch(np.random.default_rng(3), size=5, n_windows=4, difficulty=np.full(5, 32), split="train")
    for instance in range(5):
        rows = ["".join(map(str, row)) for row in batch.windows[instance]]
        assert batch.targets[instance, 0, 32].tolist() == [int(by_table(row, 32)[0]) for row in rows]


def test_answer_is_scored_against_the_first_cells() -> None:
    task = Rule110Paper()
    truth = [int(by_table(row, 32)[0]) for row in ROWS]
    probabilities = np.zeros((1, 4, task.vocab_size), dtype=np.float32)
    probabilities[0, np.arange(4), truth] = 1
    assert task.answer(ROWS, probabilities).correct == (True,)
    probabilities[0, 0] = probabilities[0, 0][[1, 0, 2, 3, 4, 5]]
    assert task.answer(ROWS, probabilities).correct == (False,)


@pytest.mark.parametrize("text", ["", "[]", '{"rows": ["01"]}', json.dumps({"rows": ["2" * 24] * 4}), "[" * 9999])
def test_other_input_is_refused_in_one_sentence(text: str) -> None:
    task = Rule110Paper()
    with pytest.raises(InputError, match=r"^[^\n]+\.$"):
        task.parse(text, task.limits())
