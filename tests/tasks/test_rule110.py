"""Rule 110 against a table written by hand, published evolutions, and hostile input."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sleepviz.config.base import ConfigError
from sleepviz.tasks.base import NOT_ASKED, InputError
from sleepviz.tasks.rule110.task import (
    Rule110,
    Rule110Instance,
    is_held_out,
    next_rows,
    row_text,
    sample_rows,
    space_time,
)

TABLE = {"111": "0", "110": "1", "101": "1", "100": "0", "011": "1", "010": "1", "001": "1", "000": "0"}
TASK = Rule110(row_cells=8, rows_max=3, steps_max=5)
LIMITS = {"row_cells": 8, "rows_max": 3, "steps_max": 5, "passes_trained": 4, "passes_max": 64}
rows = st.text("01", min_size=8, max_size=8)


def by_table(row: str, steps: int = 1) -> str:
    """Look each neighbourhood up in the published table; the row is a ring."""
    for _ in range(steps):
        ring = row[-1] + row + row[0]
        row = "".join(TABLE[ring[i : i + 3]] for i in range(len(row)))
    return row


def cells(row: str) -> np.ndarray:
    return np.array([int(cell) for cell in row], dtype=np.uint8)


@given(row=st.text("01", min_size=3, max_size=40), steps=st.integers(0, 12))
def test_evolution_equals_the_lookup_table(row: str, steps: int) -> None:
    assert row_text(space_time(cells(row), steps)[steps]) == by_table(row, steps)
    assert row_text(next_rows(cells(row))) == by_table(row)


def test_every_neighbourhood_of_the_table() -> None:
    for neighbourhood, result in TABLE.items():
        assert row_text(next_rows(cells("00" + neighbourhood + "00")))[3] == result


def test_a_single_cell_grows_as_published() -> None:
    """The first rows of Rule 110 from one black cell (Wolfram, A New Kind of Science, p. 32), growing to the left."""
    published = [
        "0000000000000001",
        "0000000000000011",
        "0000000000000111",
        "0000000000001101",
        "0000000000011111",
        "0000000000110001",
        "0000000001110011",
        "0000000011010111",
        "0000000111111101",
        "0000001100000111",
        "0000011100001101",
        "0000110100011111",
        "0001111100110001",
    ]
    diagram = space_time(cells("0" * 14 + published[0] + "0" * 2), 12)  # far from its own other end
    assert [row_text(row)[14:30] for row in diagram] == published


def test_many_rows_at_once_equal_each_alone() -> None:
    many = np.random.default_rng(0).integers(0, 2, (3, 4, 11), dtype=np.uint8)
    diagram = space_time(many, 6)
    assert diagram.shape == (3, 4, 7, 11)
    for i in range(3):
        for j in range(4):
            assert [row_text(row) for row in diagram[i, j]] == [by_table(row_text(many[i, j]), t) for t in range(7)]


# Input.


def refused(text: str, limits: dict[str, Any] | None = None) -> str:
    with pytest.raises(InputError) as refusal:
        TASK.parse(text, limits or LIMITS)
    message = str(refusal.value)
    assert message.endswith(".") and "\n" not in message and len(message) < 200, message
    assert message.isascii() and "<" not in message, "the input itself must not be shown back raw"
    return message


@given(written=st.lists(rows, min_size=1, max_size=3), steps=st.integers(0, 5))
def test_valid_input_is_read_as_written(written: list[str], steps: int) -> None:
    instance = TASK.parse(json.dumps({"rows": written, "steps": steps}), LIMITS)
    assert instance == Rule110Instance(tuple(written), steps)


ROW = "01101001"


@pytest.mark.parametrize(
    ("rows", "steps"),
    [
        (["0110"], 1),
        (["011010011"], 1),
        ([""], 1),
        ([], 1),
        ([ROW] * 4, 1),
        (ROW, 1),
        ({"0": ROW}, 1),
        ([None], 1),
        ([[0, 1, 1, 0, 1, 0, 0, 1]], 1),
        ([1101001], 1),
        (["01101002"], 1),
        (["0110100 "], 1),
        (["0110100\n"], 1),
        (["0110100\x00"], 1),
        (["0110100\u0661"], 1),  # an Arabic one: a digit to str.isdigit, not to us
        (["０１１０１００１"], 1),  # full-width
        (["0110100😴"], 1),
        (["\ud800" * 8], 1),
        (["<b>01</b>"], 1),
        (["0" * 1_000_000], 1),
        (["x" * 1_000_000], 1),
        ([ROW] * 100_000, 1),
        ([ROW], -1),
        ([ROW], 6),
        ([ROW], 10**30),
        ([ROW], 1.0),
        ([ROW], "1"),
        ([ROW], None),
        ([ROW], True),
        ([ROW], [1]),
        ([ROW], float("nan")),
        ([ROW], float("inf")),
    ],
)
def test_input_out_of_range_is_refused_with_one_sentence(rows: Any, steps: Any) -> None:
    refused(json.dumps({"rows": rows, "steps": steps}))


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "null", "[]", "5", '"rows"', "{", "{}", "not JSON", "'rows'", "NaN", "\x00", "\ufeff{}", "😴"),
        *('{"rows": ["01101001"]}', '{"steps": 1}', '{"rows": ["01101001"], "steps": 1, "extra": 0}'),
        *('{"rows": ["01101001"], "steps": 1}}', '{"rows": ["01101001"], "steps": 01}'),
        *("[" * 100_000, '{"a":' * 100_000, "9" * 100_000, '{"rows": ["01101001"], "steps": ' + "9" * 5000 + "}"),
        *(" " * 1_000_000, "x" * 1_000_000),
    ],
    ids=lambda text: repr(text[:20]),
)
def test_text_that_is_not_the_input_is_refused_with_one_sentence(text: str) -> None:
    refused(text)


@given(text=st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for attempt in (text, json.dumps({"rows": [text], "steps": 1}), json.dumps({"rows": [ROW], "steps": text})):
        with contextlib.suppress(InputError):
            assert TASK.parse(attempt, LIMITS).cells.shape[-1] == 8


def test_what_a_model_has_not_learned_is_refused_though_the_task_allows_it() -> None:
    limits = {**LIMITS, "rows_max": 2, "steps_max": 3}
    assert "from 0 to 3" in refused(json.dumps({"rows": [ROW], "steps": 4}), limits)
    assert "from 1 to 2" in refused(json.dumps({"rows": [ROW] * 3, "steps": 1}), limits)
    TASK.parse(json.dumps({"rows": [ROW] * 2, "steps": 3}), limits)
    # Limits of a file that was changed cannot ask for more than the vocabulary holds.
    assert "from 0 to 5" in refused(json.dumps({"rows": [ROW], "steps": 6}), {**LIMITS, "steps_max": 99})


@pytest.mark.parametrize(
    "sizes",
    [
        *({"row_cells": 2}, {"row_cells": 65}, {"row_cells": "8"}, {"row_cells": 8.0}),
        *({"rows_max": 0}, {"rows_max": None}, {"steps_max": -1}, {"cells": 8}),
    ],
)
def test_sizes_out_of_range_are_refused(sizes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Rule110.from_json(sizes)


# Tokens.


@given(written=st.lists(rows, min_size=1, max_size=3), steps=st.integers(0, 5))
def test_encoding_says_everything_about_the_input_and_can_be_read_back(written: list[str], steps: int) -> None:
    problem = TASK.encode(Rule110Instance(tuple(written), steps))
    windows = np.array(problem.context).reshape(len(written), TASK.window)
    texts = [[TASK.token_text(token) for token in window] for window in windows.tolist()]
    for row, window in zip(written, texts, strict=True):
        assert "".join(text for text in window if text in "01") == row
        assert f"t{steps}" in window
    assert problem.query_stops == tuple(TASK.window * (i + 1) for i in range(len(written)))
    assert min(problem.context) >= 0 and max(problem.context) < TASK.vocab_size
    assert problem.queries.shape[1] <= TASK.window  # a prediction chunk is at most one window


def written_in(tokens: np.ndarray) -> str:
    """The cells among the tokens, whatever their row."""
    return "".join(text for text in map(TASK.token_text, tokens.tolist()) if text in "01")


def name_in(tokens: np.ndarray) -> int:
    """The row that every cell among the tokens says it is of, from 0."""
    names = {token // 3 for token in tokens.tolist() if TASK.token_text(token) in "01"}
    assert len(names) == 1
    return int(names.pop())


def test_no_two_inputs_and_no_two_queries_look_alike() -> None:
    seen = set()
    for row in ("00000000", "00000001", "10000000"):
        for place in range(3):
            for steps in range(6):
                context = ["11111111"] * 3
                context[place] = row
                seen.add(TASK.encode(Rule110Instance(tuple(context), steps)).context)
    assert len(seen) == 3 * 3 * 6
    queries = TASK.encode(Rule110Instance(("00000000",) * 3, 2)).queries
    assert len({tuple(query) for query in queries.tolist()}) == 3
    # A query must not give its answer away: it is the same whatever the rows and the steps.
    assert np.array_equal(queries, TASK.encode(Rule110Instance(("11010011", "10110111", "00001111"), 5)).queries)


def test_batches_ask_for_the_rows_that_the_table_gives() -> None:
    difficulty = np.array([0, 5, 3, 1])
    for split in ("train", "held_out"):
        batch = TASK.batch(np.random.default_rng(3), size=4, n_windows=3, difficulty=difficulty, split=split)  # type: ignore[arg-type]
        for b in range(4):
            written = [written_in(window) for window in batch.windows[b]]
            names = [name_in(window) for window in batch.windows[b]]
            assert sorted(names) == [0, 1, 2] and (split == "train" or names == [0, 1, 2])
            # Row r of a person's problem is in the window that is named r; a query asks for its window's row.
            order = np.argsort(names)
            problem = TASK.encode(Rule110Instance(tuple(written[window] for window in order), int(difficulty[b])))
            assert batch.windows[b][order].reshape(-1).tolist() == list(problem.context)
            assert np.array_equal(batch.queries[b][order], problem.queries)
            for row in range(3):
                for level in range(6):
                    target = batch.targets[b, row, level]
                    assert written_in(target[target != NOT_ASKED]) == by_table(written[row], level)
                    assert name_in(target[target != NOT_ASKED]) == names[row]
                    # Each cell is asked at its own place: the unknowns of the query, in order.
                    unknown = [TASK.token_text(token) == "?" for token in batch.queries[b, row].tolist()]
                    assert (target != NOT_ASKED).tolist() == unknown


@pytest.mark.parametrize("split", ["train", "held_out"])
def test_the_stream_is_the_question_so_many_steps_further_on(split: Any) -> None:
    """With what is left to do in its first token: a problem of its own, with the same answer."""
    difficulty = np.array([0, 5, 3, 1])
    batch = TASK.batch(np.random.default_rng(5), size=4, n_windows=2, difficulty=difficulty, split=split)
    before = batch.targets.copy(), batch.windows.copy()
    for level in range(9):
        stream = TASK.targets_after_pass(batch, level)
        assert stream.shape == batch.windows.shape and stream.dtype == batch.windows.dtype
        for b, window in np.ndindex(4, 2):
            left = max(int(difficulty[b]) - level, 0)
            assert TASK.token_text(stream[b, window, 0]) == f"t{left}"
            written = written_in(stream[b, window])
            assert written == by_table(written_in(batch.windows[b, window]), min(level, int(difficulty[b])))
            assert name_in(stream[b, window]) == name_in(batch.windows[b, window])
            target = batch.targets[b, window, difficulty[b]]
            assert by_table(written, left) == written_in(target[target != NOT_ASKED])
    assert np.array_equal(TASK.targets_after_pass(batch, 0), batch.windows)
    # What was drawn is not written over.
    assert np.array_equal(before[0], batch.targets) and np.array_equal(before[1], batch.windows)


def test_every_row_is_anywhere_in_training_and_in_its_place_when_measured() -> None:
    """With fewer windows than rows, any of the rows' names."""
    zeros = np.zeros(200, np.int64)
    names = {}
    for split in ("train", "held_out"):
        batch = TASK.batch(np.random.default_rng(0), size=200, n_windows=2, difficulty=zeros, split=split)  # type: ignore[arg-type]
        names[split] = [tuple(name_in(window) for window in windows) for windows in batch.windows]
    assert set(names["held_out"]) == {(0, 1)}
    assert set(names["train"]) == {(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)}
    assert min(map(names["train"].count, set(names["train"]))) > 200 / 6 / 2


def test_batches_follow_the_generator() -> None:
    def windows(seed: int) -> list[int]:
        batch = TASK.batch(
            np.random.default_rng(seed), size=8, n_windows=2, difficulty=np.zeros(8, np.int64), split="train"
        )
        return batch.windows.reshape(-1).tolist()

    assert windows(1) == windows(1) != windows(2)


# Held-out rows.


@given(row=st.text("01", min_size=8, max_size=24), shift=st.integers(0, 24))
def test_a_row_is_held_out_together_with_its_rotations(row: str, shift: int) -> None:
    """A ring has no first cell: a rotation of a training row would not be new."""
    ring = cells(row)
    assert bool(is_held_out(ring)) == bool(is_held_out(np.roll(ring, shift))) == bool(is_held_out(ring[None])[0])


@pytest.mark.parametrize("width", [8, 16, 24, 64])
def test_about_one_row_in_eight_is_held_out_and_no_split_draws_from_the_other(width: int) -> None:
    rng = np.random.default_rng(0)
    share = is_held_out(rng.integers(0, 2, (4000, width), dtype=np.uint8)).mean()
    # Rows come in classes of up to W rotations, so the share of few cells is rougher.
    assert abs(share - 1 / 8) < (0.06 if width == 8 else 0.03)
    assert not is_held_out(sample_rows(rng, (300, 2), width, "train")).any()
    assert is_held_out(sample_rows(rng, (300, 2), width, "held_out")).all()


# Answers.


def probabilities_of(answered: list[str], confidence: float = 0.75) -> np.ndarray:
    """Probabilities over the vocabulary under which each row is answered, at the places of the unknowns."""
    queries = TASK.encode(Rule110Instance(("00000000",) * 3, 0)).queries[: len(answered)]
    found = np.full((*queries.shape, TASK.vocab_size), 0.01, dtype=np.float32)
    for row, text in enumerate(answered):
        places = [t for t, token in enumerate(queries[row].tolist()) if TASK.token_text(token) == "?"]
        for place, cell in zip(places, text, strict=True):
            found[row, place, 3 * row + int(cell)] = confidence  # each row answers in its own tokens
    return found


@pytest.mark.parametrize(
    ("answered", "correct", "reached"),
    [
        ("11010000", True, 3),  # right
        ("00010000", False, 0),  # has not begun
        ("01110000", False, 2),  # one step short
        ("11110001", False, 4),  # one step too far
        ("00010111", False, 5),  # one cell from step 5
        ("11110000", False, 3),  # one cell from steps 2, 3 and 4: the step that was asked for goes first
        ("00110001", False, 1),  # one cell from steps 1 and 5 alone: then the earlier one
    ],
)
def test_reached_is_the_nearest_row_of_the_diagram_by_hand(answered: str, correct: bool, reached: int) -> None:
    diagram = ["00010000", "00110000", "01110000", "11010000", "11110001", "00010011"]
    assert diagram == [by_table("00010000", t) for t in range(6)]
    answer = TASK.answer(Rule110Instance(("00010000",), 3), probabilities_of([answered]))
    assert answer.answers == (answered,) and answer.truths == ("11010000",)
    assert (answer.correct, answer.reached) == ((correct,), (reached,))


def test_each_row_is_scored_on_its_own_with_its_probabilities() -> None:
    written = ("00010000", "11111111", "01101001")
    truths = [by_table(row, 2) for row in written]
    answered = [truths[0], "11111111", truths[2]]
    answer = TASK.answer(Rule110Instance(written, 2), probabilities_of(answered, 0.6))
    assert answer.asked == ("row 1", "row 2", "row 3")
    assert answer.truths == tuple(truths) and answer.correct == (True, False, True)
    np.testing.assert_allclose(answer.confidence, np.full((3, 8), 0.6, dtype=np.float32))
    # Fewer answers than rows, while later windows are still to be read:
    first = TASK.answer(Rule110Instance(written, 2), probabilities_of(answered[:1]))
    assert first.correct == (True,) and first.truths == (truths[0],)
    # What is said in another row's tokens is no answer, however sure.
    foreign = probabilities_of(answered, 0.6)
    for row in range(3):
        foreign[row, :, [3 * other + cell for other in range(3) for cell in (0, 1) if other != row]] = 0.99
    assert TASK.answer(Rule110Instance(written, 2), foreign).answers == tuple(answered)
    nothing = TASK.answer(Rule110Instance(written, 2), probabilities_of([]))
    assert nothing.answers == () and nothing.confidence.shape[0] == 0


@given(row=rows, steps=st.integers(0, 5))
@settings(max_examples=40)
def test_the_true_row_is_always_correct_and_reaches_what_was_asked(row: str, steps: int) -> None:
    answer = TASK.answer(Rule110Instance((row,), steps), probabilities_of([by_table(row, steps)]))
    assert answer.correct == (True,) and answer.reached == (steps,)
