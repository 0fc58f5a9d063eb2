"""The paper's own Rule 110 task, to the letter (arXiv:2605.26099 §4.1): four rows of 24 cells, t = 32.

A window is one row of character tokens and nothing else (L = 24, T = 100); the only labels are the
first cell of each row after t steps, read from four query tokens in one prediction chunk. The number
of steps is fixed, not a token. Whole rows as answers, and steps as tokens: see task.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sleepviz.config.base import JsonRoundTrip, require
from sleepviz.config.events import Answer
from sleepviz.tasks.base import Batch, InputError, Problem, Split, Tokens, read_json
from sleepviz.tasks.rule110.task import sample_rows, space_time

FIRST_QUERY = 2  # tokens 0 and 1 are the cells; then one query token a row


@dataclass(frozen=True)
class Rule110Paper(JsonRoundTrip):
    """`rows` rows of `row_cells` cells, always all of them, always `steps` steps."""

    row_cells: int = 24
    rows: int = 4
    steps: int = 32

    name = "rule110-paper"
    windows_min = 1
    difficulty_min = 0
    difficulty_in_windows = True

    def __post_init__(self) -> None:
        require(8 <= self.row_cells <= 64, "row_cells must be from 8 to 64.")
        require(1 <= self.rows <= self.row_cells, "rows must be from 1 to row_cells, to be asked in one chunk.")
        require(0 <= self.steps <= 256, "steps must be from 0 to 256.")

    @property
    def vocab_size(self) -> int:
        """Two kinds of cell and the query tokens."""
        return FIRST_QUERY + self.rows

    @property
    def window(self) -> int:
        """Tokens of a window: the cells of one row."""
        return self.row_cells

    @property
    def difficulty_max(self) -> int:
        """The number of steps t, which the paper fixes."""
        return self.steps

    @property
    def windows_max(self) -> int:
        """As many as rows: a window holds one row."""
        return self.rows

    def limits(self) -> dict[str, Any]:
        """Sizes that a person's input must keep to."""
        return {"row_cells": self.row_cells, "rows_max": self.rows, "steps_max": self.steps}

    def token_text(self, token: int) -> str:
        """Cells as 0 and 1, queries as q1, q2, and so on."""
        return str(token) if token < FIRST_QUERY else f"q{token - FIRST_QUERY + 1}"

    def batch(self, rng: np.random.Generator, *, size: int, n_windows: int, difficulty: Tokens, split: Split) -> Batch:
        """Sample uniform random rows of one split; one query chunk asks for every row's first cell."""
        rows = sample_rows(rng, (size, n_windows), self.row_cells, split)
        targets = space_time(rows, self.steps)[..., 0].swapaxes(1, 2)[:, None]  # [B, 1, levels, R]
        queries = np.broadcast_to(self._query(n_windows), (size, 1, n_windows))
        return Batch(rows.astype(np.int64), queries, targets.astype(np.int64), difficulty)

    def parse(self, text: str, limits: Mapping[str, Any]) -> tuple[str, ...]:
        """Read {"rows": ["0110...", ...]}. Raises InputError."""
        rows = read_json(text, ("rows",), '{"rows": ["0110...", ...]}')["rows"]
        good = isinstance(rows, list) and len(rows) == self.rows
        if not good or any(
            not isinstance(r, str) or len(r) != self.row_cells or set(r) - {"0", "1"} for r in rows or ()
        ):
            raise InputError(f"Give exactly {self.rows} rows of {self.row_cells} characters, each 0 or 1.")
        return tuple(rows or ())

    def encode(self, instance: tuple[str, ...]) -> Problem:
        """One window a row, one prediction chunk for all."""
        context = tuple(int(cell) for row in instance for cell in row)
        return Problem(context, self._query(self.rows)[None], (len(context),), n_asked=1)

    def formatted(self, instance: tuple[str, ...], answers: tuple[str, ...]) -> list[str]:
        """The first cells of all rows, as one text."""
        return list(answers)

    def further_scores(self, right: NDArray[np.bool_]) -> dict[str, float]:
        """The first cells of all rows right: every label is one."""
        share = float(right.all(axis=(1, 2)).mean())
        return {"all_rows": share, "first_cells": share}

    def answer(self, instance: tuple[str, ...], probabilities: NDArray[np.float32]) -> Answer:
        """Read the first cells from probabilities [Q', T, vocab_size], Q' 0 or 1."""
        if len(probabilities) == 0:
            return Answer((), (), (), (), (), np.zeros((0, self.rows), dtype=np.float32))
        rows = np.array([[int(cell) for cell in row] for row in instance], dtype=np.uint8)
        first = space_time(rows, self.steps)[..., 0].T  # [levels, R]
        cell = probabilities[0, :, :FIRST_QUERY]  # [R, 2]
        answered = cell.argmax(-1)
        wrong = (first != answered).sum(-1) - 0.5 * (np.arange(self.steps + 1) == self.steps)
        text = "".join(map(str, answered))
        truth = "".join(map(str, first[-1]))
        return Answer(("first cells",), (text,), (truth,), (text == truth,), (int(wrong.argmin()),), cell.max(-1)[None])

    def _query(self, n_rows: int) -> Tokens:
        return np.arange(FIRST_QUERY, FIRST_QUERY + n_rows, dtype=np.int64)
