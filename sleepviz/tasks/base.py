"""What every task offers to training, evaluation and recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sleepviz.config.base import ConfigError
from sleepviz.config.events import Answer
from sleepviz.config.outside import InputError as InputError
from sleepviz.config.outside import json_of

Tokens = NDArray[np.int64]
Split = Literal["train", "held_out"]
NOT_ASKED = -100  # the target at a place where no answer is read


@dataclass(frozen=True)
class Batch:
    """Fresh instances, all of one shape.

    `targets[b, q, l]` is the answer to query q at difficulty l of instance b (Rule 110: the row
    after l steps), so that a model can be asked how far it has come; NOT_ASKED elsewhere.
    """

    windows: Tokens  # [B, W, L]
    queries: Tokens  # [B, Q, T], T <= L: one prediction chunk a query
    targets: Tokens  # [B, Q, levels, T]
    difficulty: Tokens  # [B] the level that is asked for

    def part(self, which: slice) -> Batch:
        """Some of its instances."""
        return Batch(self.windows[which], self.queries[which], self.targets[which], self.difficulty[which])


@dataclass(frozen=True)
class Problem:
    """One instance, encoded: what is read, in windows' order, and what is asked once all is evicted."""

    context: tuple[int, ...]  # every context token; cut into windows by the trigger
    queries: Tokens  # [Q, T]
    query_stops: tuple[int, ...]  # [Q] context tokens that must have been read before the query makes sense
    n_asked: int  # the first so many queries are the person's; the others are asked for the picture


def read_json(text: str, names: Sequence[str], form: str, optional: Sequence[str] = ()) -> dict[str, Any]:
    """Read a JSON object with these names and no others but optional ones. Raises InputError, which shows `form`."""
    values = json_of(text, form=form)
    if not isinstance(values, dict) or set(values) - set(optional) != set(names):
        quoted = [f'"{name}"' for name in names]
        listed = " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
        raise InputError(f"The input must have exactly {listed}; write {form}.")
    return values


def is_whole(value: Any, least: int, most: int) -> bool:
    """Whether a value of JSON is a whole number within these bounds; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def hops_reached(walk: Sequence[str], answer: str, hops: int) -> int:
    """How many hops on the answer lies; the asked number where it is right, 0 where it is nowhere on the walk."""
    if walk[hops] == answer:
        return hops
    return walk.index(answer) if answer in walk else 0


class Task(Protocol):
    """A task in one size: what every task must offer. The optional protocols below are for what some tasks offer.

    Arrays of probabilities are over the model's vocabulary.
    """

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
    def windows_min(self) -> int:
        """Windows that the smallest instance fills."""

    @property
    def windows_max(self) -> int:
        """The most windows in one instance."""

    @property
    def difficulty_min(self) -> int:
        """The smallest difficulty (steps, hops or operations) that makes sense."""

    @property
    def difficulty_max(self) -> int:
        """The largest difficulty that it can ask for."""

    @property
    def difficulty_in_windows(self) -> bool:
        """Whether the windows show the difficulty; else one sleep serves questions of every difficulty."""

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Build from `to_json`'s sizes. Raises ConfigError."""

    def to_json(self) -> dict[str, Any]:
        """Its sizes, for `build_task`."""

    def limits(self) -> dict[str, Any]:
        """What a person may ask of it, for `checkpoints` and for messages."""

    def token_text(self, token: int) -> str:
        """How a token is written in the token strip."""

    def batch(self, rng: np.random.Generator, *, size: int, n_windows: int, difficulty: Tokens, split: Split) -> Batch:
        """Sample `size` fresh instances of `n_windows` windows with the given difficulties [size].

        No instance of one split can be drawn in the other, whatever the generators.
        """

    def parse(self, text: str, limits: Mapping[str, Any]) -> Any:
        """Read a person's JSON input within `limits`. Raises InputError with one sentence on anything else."""

    def encode(self, instance: Any) -> Problem:
        """Tokens of one instance."""

    def answer(self, instance: Any, probabilities: NDArray[np.float32]) -> Answer:
        """Read the answers to the first Q queries from probabilities [Q, T, vocab_size]."""


@runtime_checkable
class PassSupervised(Task, Protocol):
    """A task that knows what each pass should put out: what a loss on every pass is computed from."""

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
        """As `Task.batch`, with the windows as they would look after `skipped_passes` passes.

        Level 0 of the targets starts there. With several counts, each window comes once for each count, in that
        order; a task that does not teach this accepts one count.
        """

    def targets_after_pass(self, batch: Batch, n_passes: int) -> Tokens:
        """What pass `n_passes` should put out, [B, W, L]: the windows of what is left to do after that many passes."""


@runtime_checkable
class AskedTogether(Task, Protocol):
    """A task whose training chunk asks several questions, each with a difficulty of its own.

    `batch` then takes difficulties [size, n_questions] as well.
    """

    @property
    def n_questions(self) -> int:
        """Questions in one training chunk."""


@runtime_checkable
class Resting(Task, Protocol):
    """A task whose windows end with every name, so that a window without statements still has work to do."""

    def rest(self, windows: Tokens) -> Tokens:
        """A window that tells nothing after windows [B, W, L], with the same names, [B, 1, L]."""


@runtime_checkable
class Stated(Task, Protocol):
    """A task whose context is made of statements, so that sleep can begin where one is over and tear none apart."""

    def statement_stops(self, context: Sequence[int]) -> tuple[int, ...]:
        """The token counts after which a statement of the context is over, in order."""


@runtime_checkable
class ScoredFurther(Task, Protocol):
    """A task that scores its answers in more ways than query by query."""

    def further_scores(self, right: NDArray[np.bool_]) -> dict[str, float]:
        """Shares by name, from whether each part of each answer is right, [n, Q, T]."""


@runtime_checkable
class Formatted(Task, Protocol):
    """A task whose answer is printed as something else than the text of its first query."""

    def formatted(self, instance: Any, answers: tuple[str, ...]) -> Any:
        """The answers to the person's own queries, as the command line prints them."""


def pass_supervised(task: Task, setting: str) -> PassSupervised:
    """The same task. Raises ConfigError where it does not know what a pass should put out, which `setting` needs."""
    if not isinstance(task, PassSupervised):
        raise ConfigError(f"{setting} must be 0: the task {task.name} does not say what a pass should put out.")
    return task


def resting(task: Task) -> Resting:
    """The same task. Raises ConfigError where its windows do not end with every name."""
    if not isinstance(task, Resting):
        raise ConfigError(f"rest_share must be 0: a window of the task {task.name} does not end with every name.")
    return task


def statement_stops(task: Task, context: Sequence[int]) -> tuple[int, ...]:
    """Where the context's statements end; every token by itself is one where the task does not say."""
    return task.statement_stops(context) if isinstance(task, Stated) else tuple(range(1, len(context) + 1))


def ends_in_windows(n_tokens: int, window: int, ends: Sequence[int]) -> tuple[int, ...]:
    """The token counts at which statements end that end at the same places, and at the last one, in every window."""
    within = sorted({end for end in ends if end < window} | {window})
    counts = (first + end for first in range(0, n_tokens, window) for end in within)
    return tuple(count for count in counts if count <= n_tokens)


def printed(task: Task, instance: Any, answers: tuple[str, ...]) -> Any:
    """An answer as the command line prints it: the task's own form, else the text of the first query's answer."""
    return task.formatted(instance, answers) if isinstance(task, Formatted) else answers[0]
