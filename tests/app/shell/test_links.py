"""Links: what a URL may say, and what is said of one that says something else."""

from __future__ import annotations

import pytest

from app.shell.state import one_of, read_link, whole_number
from app.tasks.rule110.form import Rule110Form

READERS = {
    **Rule110Form().readers({"row_cells": 4, "rows_max": 2, "steps_max": 8}),
    "N": whole_number("passes", "passes N", 0, 64),
    "checkpoint": one_of("checkpoint", "checkpoint", ("a", "b")),
}


def test_a_whole_link() -> None:
    given = {"task": "rule110", "rows": "0110,1010", "t": "3", "N": "12", "checkpoint": "b"}
    values, problems = read_link(given, "rule110", READERS)
    assert problems == ()
    assert values == {"n_rows": 2, "row_1": "0110", "row_2": "1010", "steps": 3, "passes": 12, "checkpoint": "b"}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("t", "9", "steps t must be a whole number from 0 to 8"),
        ("t", "-1", "steps t must be"),
        ("t", "1.5", "steps t must be"),
        ("t", "", "steps t must be"),
        ("t", "٣", "steps t must be"),
        ("N", "65", "passes N must be a whole number from 0 to 64"),
        ("N", "9" * 5000, "passes N must be"),
        ("rows", "0,1,0", "from 1 to 2 rows of 4 cells"),
        ("rows", "0" * 5000, "from 1 to 2 rows of 4 cells"),
        ("checkpoint", "<script>", "there are: a, b"),
        ("rows", "0\ud83d11", "holds half a character"),  # found by tests.fuzz, as are the next two
        ("rows", "a\udfff", "holds half a character"),
        ("checkpoint", "\udc00a", "holds half a character"),
        ("task", "sudoku", "this page shows rule110"),
    ],
)
def test_each_bad_value_is_one_sentence_that_says_what_is_allowed(name: str, value: str, says: str) -> None:
    values, problems = read_link({name: value}, "rule110", READERS)
    assert values == {} and len(problems) == 1
    assert says in problems[0] and problems[0].endswith(".")


def test_the_good_values_of_a_bad_link_are_kept() -> None:
    values, problems = read_link({"t": "99", "N": "2"}, "rule110", READERS)
    assert values == {"passes": 2} and len(problems) == 1
