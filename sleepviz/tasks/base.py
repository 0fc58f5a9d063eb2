"""What every task offers to training, evaluation and recording."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from sleepviz.config.events import Answer

Tokens = NDArray[np.int64]
Split = Literal["train", "held_out"]
NOT_ASKED = -100  # the target at a place where no answer is read


class InputError(ValueError):
    """A person's input cannot be used; the message is one sentence that says what is allowed."""


@dataclass(frozen=True)
class Batch:
    """Fresh instances, all of one shape.

    `targets[b, q, l]` is the answer to query q at difficulty l of instance b (Rule 110: the row
    after l steps), so that a model can be asked how far it has come; NOT_ASKED elsewhere.
    """

    windows: Tokens  # [B, W, L]
    queries: Tokens  # [B, Q, T], T <= L: one prediction chunk a query
    query_windows: tuple[int, ...]  # [Q] the window after which the query can be answered
    targets: Tokens  # [B, Q, levels, T]
    difficulty: Tokens  # [B] the level that is asked for


@dataclass(frozen=True)
class Problem:
    """One instance, encoded: what is read, in windows' order, and what is asked once all is evicted."""

    context: tuple[int, ...]  # every context token; cut into windows by the trigger
    queries: Tokens  # [Q, T]
    query_stops: tuple[int, ...]  # [Q] context tokens that must have been read before the query makes sense
    n_asked: int  # the first so many queries are the person's; the others are asked for the picture


def read_json(text: str, names: Sequence[str], form: str, optional: Sequence[str] = ()) -> dict[str, Any]:
    """Read a JSON object with these names and no others but optional ones. Raises InputError, which shows `form`."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"The input is not JSON; write {form}.") from error
    if not isinstance(values, dict) or set(values) - set(optional) != set(names):
        quoted = [f'"{name}"' for name in names]
        listed = " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
        raise InputError(f"The input must have exactly {listed}; write {form}.")
    return values


class Task(Protocol):
    """A task family in one size. Arrays of probabilities are over the model's vocabulary."""

    @property
    def name(self) -> str:
        """Its name on the command line."""

    @property
    def vocab_size(self) -> int:
        """Tokens in its vocabulary."""

    @property
    def window(self) -> int:
        """L, tokens in one window."""

    @property
    def difficulty_min(self) -> int:
        """The smallest difficulty that makes sense."""

    @property
    def difficulty_max(self) -> int:
        """The largest difficulty (steps, hops or operations) that it can ask for."""

    @property
    def difficulty_name(self) -> str:
        """The key of `limits` that bounds the difficulty."""

    @property
    def first_part(self) -> int:
        """The place in a query's tokens of the answer's first part (Rule 110: the row's first cell)."""

    @property
    def difficulty_in_windows(self) -> bool:
        """Whether the windows tell what will be asked; else one sleep serves questions of every difficulty."""

    @property
    def answers_rows(self) -> bool:
        """Whether an answer is a row, scored in three ways: each row, all rows, and the paper's first cells."""

    @property
    def n_questions(self) -> int:
        """Questions of one training chunk that each have a difficulty of their own; 0: an instance has one."""

    @property
    def windows_max(self) -> int:
        """The most windows in one instance."""

    def to_json(self) -> dict[str, Any]:
        """Its sizes, for `build_task`."""

    def limits(self) -> dict[str, Any]:
        """What a person may ask of it, for `checkpoints` and for messages."""

    def token_text(self, token: int) -> str:
        """How a token is written in the token strip."""

    def batch(
        self,
        rng: np.random.Generator,
        *,
        size: int,
        n_windows: int,
        difficulty: Tokens,
        split: Split,
        ahead: tuple[int, ...] = (0,),
    ) -> Batch:
        """Sample `size` fresh instances of `n_windows` windows; difficulties are [size] or [size, questions].

        No instance of one split can be drawn in the other, whatever the generators. With `ahead` the windows
        are what so many passes would have made of them, and the levels of the targets count from there. Of
        several numbers, each window comes once for each, in that order, if the task can tell what that teaches.
        """

    def stream(self, batch: Batch, level: int) -> Tokens:
        """The windows [B, W, L] of the same questions `level` levels on: what is left to do after so many passes."""

    def parse(self, text: str, limits: Mapping[str, Any]) -> Any:
        """Read a person's JSON input within `limits`. Raises InputError with one sentence on anything else."""

    def encode(self, instance: Any) -> Problem:
        """Tokens of one instance."""

    def told(self, instance: Any, answers: tuple[str, ...]) -> Any:
        """The answers to the person's own queries, as the command line prints them."""

    def answer(self, instance: Any, probabilities: NDArray[np.float32]) -> Answer:
        """Read the answers to the first Q queries from probabilities [Q, T, vocab_size]."""
