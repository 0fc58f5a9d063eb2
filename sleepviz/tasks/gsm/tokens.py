"""GSM's tokens: the vocabulary, and how statements, a question and the roll call lie in a window.

A window is [question][statement]*E[ask][variable source change]*(V + 1). A statement too is
[variable source change], with a value for the source of a constant; the question, where it comes first
as in the paper, is the statement "answer = asked variable", and padding where it comes after. The last
part, the roll call, is where there is room to work: it begins with "v = v + 0" for every variable v, and is
meant to go one operation back with every pass (v = u + 1, v = w + 3, v = 4 + 3), until it holds a constant.
The paper has no roll call: it is a departure, said on screen. A prediction chunk is [ask][variable]..., and
the answer is read at the variable.

A `compact` roll call is [variable]*(V + 1), for training from answers alone, where no pass is told what to put out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sleepviz.config.base import JsonRoundTrip, require
from sleepviz.tasks.base import Tokens, ends_in_windows
from sleepviz.tasks.gsm.text import Statement

PART = 3  # tokens in a statement, the question included


@dataclass(frozen=True)
class GsmTokens(JsonRoundTrip):
    """GSM in one size: `variables_max` variables, `window_statements` statements a window, values `low`..`high`."""

    variables_max: int = 14
    window_statements: int = 7
    windows_max: int = 2
    operations_max: int = 8
    low: int = -2
    high: int = 12
    change_max: int = 1  # as in the public data
    compact: bool = False

    def __post_init__(self) -> None:
        require(2 <= self.variables_max <= 256, "variables_max must be from 2 to 256.")
        require(1 <= self.window_statements <= 256, "window_statements must be from 1 to 256.")
        require(1 <= self.windows_max <= 64, "windows_max must be from 1 to 64.")
        require(self.window_statements * self.windows_max <= self.variables_max, "a statement needs a variable.")
        require(1 <= self.operations_max < self.variables_max, "operations_max must be below variables_max.")
        require(self.low < self.high and self.high - self.low <= 256, "values must be a range of at most 256.")
        require(1 <= self.change_max <= self.high - self.low, "change_max must fit the values.")

    @property
    def answer_variable(self) -> int:
        """The token of the variable that the question defines."""
        return self.variables_max

    @property
    def unknown(self) -> int:
        """The token of a value that is not known, or not yet."""
        return self.variables_max + 1

    @property
    def pad(self) -> int:
        """The token of a place that is empty."""
        return self.unknown + 1

    @property
    def ask(self) -> int:
        """The token that stands before what is asked."""
        return self.unknown + 2

    @property
    def zero_value(self) -> int:
        """The token of the value 0; the others lie around it."""
        return self.unknown + 3 - self.low

    @property
    def zero_change(self) -> int:
        """The token of a change by 0; the others lie around it."""
        return self.zero_value + self.high + 1 + self.change_limit

    @property
    def change_limit(self) -> int:
        """The largest change there is a token for: all on the way to a constant, added up."""
        return self.high - self.low

    @property
    def vocab_size(self) -> int:
        """Variables and the answer, unknown, pad, ask, values, changes."""
        return self.zero_change + self.change_limit + 1

    @property
    def roll_call(self) -> int:
        """The place in a window where the roll call begins."""
        return PART * (1 + self.window_statements) + 1

    @property
    def call_tokens(self) -> int:
        """Tokens of one entry of the roll call."""
        return 1 if self.compact else PART

    @property
    def window(self) -> int:
        """L: question, statements and roll call."""
        return self.roll_call + self.call_tokens * (self.variables_max + 1)

    def token_text(self, token: int) -> str:
        """Variables as v1, v2; values as numbers; changes as +1, -2, =."""
        if token < self.answer_variable:
            return f"v{token + 1}"
        special = {self.answer_variable: "answer", self.unknown: "?", self.pad: "·", self.ask: "ask"}
        special[self.zero_change] = "="
        if token in special:
            return special[token]
        if token <= self.zero_value + self.high:
            return str(token - self.zero_value)
        return f"{token - self.zero_change:+d}"

    def statement_stops(self, context: Sequence[int]) -> tuple[int, ...]:
        """Each assignment is a statement, the first one with the question's place; so is the roll call as a whole."""
        assignments = range(2 * PART, self.roll_call, PART)
        return ends_in_windows(len(context), self.window, assignments)

    def part(self, statement: Statement, slot: Mapping[str, int]) -> tuple[int, int, int]:
        """A statement's three tokens; `slot` says which variable each name is."""
        if statement.source is None:
            return slot[statement.name], self.zero_value + statement.change, self.zero_change
        return slot[statement.name], slot[statement.source], self.zero_change + statement.change

    def windows(self, parts: Tokens, asked: Tokens, n_windows: int) -> Tokens:
        """Statements [B, W E, 3] and the variable asked first [B], or pad -> tokens [B, W, L]."""
        size = len(parts)
        windows = np.full((size, n_windows, self.window), self.pad, dtype=np.int64)
        first = asked != self.pad
        windows[first, 0, :PART] = np.stack(
            [np.full_like(asked, self.answer_variable), asked, np.full_like(asked, self.zero_change)], -1
        )[first]
        windows[:, :, self.roll_call - 1] = self.ask
        windows[:, :, PART : self.roll_call - 1] = parts.reshape(size, n_windows, -1)
        roll_call = windows[:, :, self.roll_call :].reshape(size, n_windows, -1, self.call_tokens)  # a view
        roll_call[..., :2] = np.arange(self.variables_max + 1)[:, None]
        roll_call[..., 2:] = self.zero_change
        return windows

    def rest(self, windows: Tokens) -> Tokens:
        """A window without a question or a statement, after windows [B, W, L], with a new roll call, [B, 1, L]."""
        none = np.full((len(windows), self.window_statements, PART), self.pad)
        return self.windows(none, np.full(len(windows), self.pad), 1)

    def queries(self, variables: Tokens) -> Tokens:
        """Variables [B, asked] -> prediction chunks [B, T]."""
        return np.pad(variables, ((0, 0), (1, 0)), constant_values=self.ask)

    def further_back(self, windows: Tokens, level: int) -> Tokens:
        """The windows [B, W, L] with the roll call `level` operations back, as far as the statements so far tell.

        Raises ConfigError where a compact roll call has no room for that.
        """
        if not level:
            return windows
        require(not self.compact, "a compact roll call has no room for what a variable is computed from.")
        windows = windows.copy()
        size, n_windows, _ = windows.shape
        n_slots = self.variables_max + 1
        # Where one operation back leads from each token: values and unknown stay as they are.
        source = np.broadcast_to(np.arange(self.zero_change), (size, self.zero_change)).copy()
        source[:, :n_slots] = self.unknown
        change = np.zeros_like(source)
        for index in range(n_windows):
            parts = windows[:, index, : self.roll_call - 1].reshape(size, -1, PART)
            row, place = np.nonzero(parts[..., 0] < n_slots)
            variable = parts[row, place, 0]
            source[row, variable] = parts[row, place, 1]
            change[row, variable] = parts[row, place, 2] - self.zero_change
            from_ = windows[:, index, self.roll_call + 1 :: PART]  # views: they change the windows
            total = windows[:, index, self.roll_call + 2 :: PART]
            for _ in range(level):
                total += np.take_along_axis(change, from_, axis=1)
                np.clip(total, self.zero_change - self.change_limit, self.zero_change + self.change_limit, out=total)
                from_[:] = np.take_along_axis(source, from_, axis=1)
                total[from_ == self.unknown] = self.zero_change
        return windows
