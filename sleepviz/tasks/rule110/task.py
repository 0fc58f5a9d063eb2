"""Rule 110: rows of cells, one a window; after sleep, what is each row `steps` steps later?

The paper's first task (arXiv:2605.26099 §4.1), with the whole row as the answer instead of its
first cell, and the number of steps as a token. A window is [steps][W cells]; the prediction chunk
of a row is [ask][W unknowns], each unknown at its cell's place. The three tokens 0, 1 and unknown
are other tokens in each row: they say which row they belong to, so that a query is (row r, cell i).
Cells are periodic: the last is a neighbour of the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sleepviz.config.base import JsonRoundTrip, require
from sleepviz.config.events import Answer
from sleepviz.tasks.base import (
    NOT_ASKED,
    Batch,
    InputError,
    Problem,
    Split,
    Tokens,
    ends_in_windows,
    is_whole,
    read_json,
)

Cells = NDArray[np.uint8]

RULE = 110
UNKNOWN = 2  # of row 0; row r's three tokens are 3 r + (0, 1, UNKNOWN)
ROW_TOKENS = 3
HEADER = 1  # tokens before the cells


def next_rows(rows: Cells) -> Cells:
    """One step on periodic rows, [..., W] of 0/1 -> the same shape."""
    neighbourhood = 4 * np.roll(rows, 1, -1) + 2 * rows + np.roll(rows, -1, -1)
    return ((RULE >> neighbourhood) & 1).astype(np.uint8)


def space_time(rows: Cells, steps: int) -> Cells:
    """The rows after 0..steps steps: [..., W] -> [..., steps + 1, W]."""
    diagram = [rows]
    for _ in range(steps):
        diagram.append(next_rows(diagram[-1]))
    return np.stack(diagram, axis=-2)


def is_held_out(rows: Cells) -> NDArray[np.bool_]:
    """Whether each row, [..., W] -> [...], is kept from training: one in eight, together with its rotations.

    Rows of 16 cells are so few that training sees them all; only these are never seen, so only they
    can show that the rule was learned and not the table.
    """
    weights = 1 << np.arange(rows.shape[-1], dtype=np.uint64)
    codes = [(np.roll(rows, shift, -1) * weights).sum(-1, dtype=np.uint64) for shift in range(rows.shape[-1])]
    canonical = np.stack(codes).min(axis=0)
    with np.errstate(over="ignore"):  # the product wraps on purpose; numpy warns of it for a single row
        hashed = (canonical * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(61)  # Fibonacci hashing
    return np.asarray(hashed == 0)


def sample_rows(rng: np.random.Generator, shape: tuple[int, ...], row_cells: int, split: Split) -> Cells:
    """Uniform random rows of one split, [*shape, W]."""
    rows = rng.integers(0, 2, (*shape, row_cells), dtype=np.uint8)
    while (wrong := is_held_out(rows) != (split == "held_out")).any():
        rows[wrong] = rng.integers(0, 2, (int(wrong.sum()), row_cells), dtype=np.uint8)
    return rows


def row_text(row: Cells) -> str:
    """[W] of 0/1 -> "0110..."."""
    return "".join(str(int(cell)) for cell in row)


@dataclass(frozen=True)
class Rule110Instance:
    """Rows of W cells, written "0110...", and the steps asked of every one of them."""

    rows: tuple[str, ...]
    steps: int

    @property
    def cells(self) -> Cells:
        """The rows as an array [rows, W] of 0 and 1."""
        return np.array([[int(cell) for cell in row] for row in self.rows], dtype=np.uint8)


@dataclass(frozen=True)
class Rule110(JsonRoundTrip):
    """Rule 110 in one size: W cells a row, up to `rows_max` rows, 0..`steps_max` steps."""

    row_cells: int = 16
    rows_max: int = 4
    steps_max: int = 12

    def __post_init__(self) -> None:
        require(8 <= self.row_cells <= 64, "row_cells must be from 8 to 64.")
        require(1 <= self.rows_max <= 64, "rows_max must be from 1 to 64.")
        require(0 <= self.steps_max <= 256, "steps_max must be from 0 to 256.")

    name = "rule110"
    windows_min = 1
    difficulty_min = 0
    difficulty_in_windows = True

    @property
    def vocab_size(self) -> int:
        """Three tokens a row, ask, and one token for each number of steps."""
        return self._ask + 1 + self.steps_max + 1

    @property
    def _ask(self) -> int:
        return ROW_TOKENS * self.rows_max

    @property
    def window(self) -> int:
        """L: one row with its header."""
        return HEADER + self.row_cells

    @property
    def difficulty_max(self) -> int:
        """The most steps t that may be asked for."""
        return self.steps_max

    @property
    def windows_max(self) -> int:
        """As many as rows: a window holds one row."""
        return self.rows_max

    def limits(self) -> dict[str, Any]:
        """Sizes that a person's input must keep to."""
        return {"row_cells": self.row_cells, "rows_max": self.rows_max, "steps_max": self.steps_max}

    def token_text(self, token: int) -> str:
        """Cells as 0 and 1 whatever their row, steps as t0, t1, and so on."""
        if token < self._ask:
            return "01?"[token % ROW_TOKENS]
        return "ask" if token == self._ask else f"t{token - self._ask - 1}"

    def batch(
        self,
        rng: np.random.Generator,
        *,
        size: int,
        n_windows: int,
        difficulty: Tokens,
        split: Split,
        skipped_passes: tuple[int, ...] = (0,),
    ) -> Batch:
        """Sample uniform random rows of one split. A row some steps on is a row with fewer steps to go.

        In training, an instance's windows are any of the rows' names in any order, so that the last row's
        name is learned as soon as the first's; to be measured, they are rows 1, 2, and so on.
        """
        (level,) = skipped_passes
        rows = sample_rows(rng, (size, n_windows), self.row_cells, split)
        difficulty = np.maximum(difficulty - level, 0)
        names = np.broadcast_to(np.arange(self.rows_max), (size, self.rows_max))
        names = (rng.permuted(names, axis=1) if split == "train" else names)[:, :n_windows]
        diagram = space_time(rows, self.steps_max)  # [B, R, levels, W]
        targets = np.full((*diagram.shape[:-1], self.window), NOT_ASKED, dtype=np.int64)
        targets[..., HEADER:] = diagram + ROW_TOKENS * names[:, :, None, None]
        queries = self._queries(names)
        return Batch(self._windows(rows, names, difficulty), queries, targets, difficulty)

    def targets_after_pass(self, batch: Batch, n_passes: int) -> Tokens:
        """Each row `n_passes` steps later, but never past the asked step; the header shows the steps that are left."""
        taken = np.minimum(batch.difficulty, n_passes)
        further = batch.targets[np.arange(len(taken)), :, taken].copy()  # [B, R, T]
        further[:, :, 0] = self._ask + 1 + (batch.difficulty - taken)[:, None]
        return further

    def parse(self, text: str, limits: Mapping[str, Any]) -> Rule110Instance:
        """Read {"rows": ["0110..."], "steps": 4}. Raises InputError."""
        rows_max, steps_max = min(limits["rows_max"], self.rows_max), min(limits["steps_max"], self.steps_max)
        values = read_json(text, ("rows", "steps"), '{"rows": ["0110..."], "steps": 4}')
        rows, steps = values["rows"], values["steps"]
        if not isinstance(rows, list) or not 1 <= len(rows) <= rows_max:
            raise InputError(f"Give from 1 to {rows_max} rows.")
        for number, row in enumerate(rows, start=1):
            self._check_row(row, number)
        if not is_whole(steps, 0, steps_max):
            raise InputError(f"Steps must be a whole number from 0 to {steps_max}.")
        return Rule110Instance(tuple(rows), steps)

    def _check_row(self, row: Any, number: int) -> None:
        if not isinstance(row, str) or set(row) - {"0", "1"}:
            raise InputError(f"Row {number} may hold only the characters 0 and 1.")
        if len(row) != self.row_cells:
            raise InputError(f"Row {number} needs exactly {self.row_cells} cells; yours has {len(row)}.")

    def encode(self, instance: Rule110Instance) -> Problem:
        """One window a row; one query a row."""
        cells = instance.cells
        names = np.arange(len(cells))
        windows = self._windows(cells[None], names[None], np.array([instance.steps]))[0]  # [R, L]
        stops = tuple(self.window * (row + 1) for row in range(len(cells)))
        return Problem(tuple(windows.reshape(-1).tolist()), self._queries(names), stops, n_asked=len(cells))

    def steps_asked(self, context: Sequence[int]) -> int:
        """The steps that the header of a context shows."""
        return int(context[0]) - self._ask - 1

    def statement_stops(self, context: Sequence[int]) -> tuple[int, ...]:
        """A row with its header is one statement, and one window: to sleep at its end is to sleep at a full window."""
        return ends_in_windows(len(context), self.window, ())

    def formatted(self, instance: Rule110Instance, answers: tuple[str, ...]) -> list[str]:
        """One row for each row."""
        return list(answers)

    def further_scores(self, right: NDArray[np.bool_]) -> dict[str, float]:
        """All rows of an instance right, and the paper's score: the first cell of every row right."""
        return {
            "all_rows": float(right.all(axis=(1, 2)).mean()),
            "first_cells": float(right[:, :, HEADER].all(axis=-1).mean()),
        }

    def answer(self, instance: Rule110Instance, probabilities: NDArray[np.float32]) -> Answer:
        """Read rows from probabilities [R', T, vocab_size] of the first R' queries."""
        rows = instance.cells[: len(probabilities)]
        diagram = space_time(rows, self.steps_max)  # [R', levels, W]
        own = ROW_TOKENS * np.arange(len(rows))[:, None] + np.arange(2)  # [R', 2] each row answers in its own 0 and 1
        cell = np.take_along_axis(probabilities[:, HEADER:], own[:, None], axis=-1)  # [R', W, 2]
        answered = cell.argmax(-1).astype(np.uint8)
        wrong = (diagram != answered[:, None]).sum(-1)  # [R', levels]
        # Ties go to the asked row: a diagram that repeats must not make a right answer look early.
        wrong_asked_first = wrong - (np.arange(self.steps_max + 1) == instance.steps) * 0.5
        truth = diagram[:, instance.steps]
        return Answer(
            asked=tuple(f"row {number + 1}" for number in range(len(rows))),
            answers=tuple(map(row_text, answered)),
            truths=tuple(map(row_text, truth)),
            correct=tuple((answered == truth).all(-1).tolist()),
            reached=tuple(wrong_asked_first.argmin(-1).tolist()),
            confidence=cell.max(-1).astype(np.float32),
        )

    def _windows(self, rows: Cells, names: Tokens, steps: Tokens) -> Tokens:
        """rows [B, R, W] named names [B, R], steps [B] -> tokens [B, R, L]."""
        windows = np.empty((*rows.shape[:2], self.window), dtype=np.int64)
        windows[:, :, 0] = self._ask + 1 + steps[:, None]
        windows[:, :, HEADER:] = rows + ROW_TOKENS * names[..., None]
        return windows

    def _queries(self, names: Tokens) -> Tokens:
        """One prediction chunk for each named row: [..., R] -> [..., R, T]."""
        queries = np.empty((*names.shape, self.window), dtype=np.int64)
        queries[..., 0] = self._ask
        queries[..., HEADER:] = UNKNOWN + ROW_TOKENS * names[..., None]
        return queries
