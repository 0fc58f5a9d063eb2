"""What a transformers model is tuned on: instances of our tasks, or texts with questions about them.

A line of a FILE.jsonl is {"context": TEXT, "question": TEXT, "answer": TEXT}, with "difficulty" (a
whole number) if there is one. The three are tokenised apart, as they are when the model is used: the
context is slept on and gone before the question is read. Texts are never padded, since S would read
the padding: each is a batch of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from sleepviz.config.base import ConfigError, require
from sleepviz.config.outside import InputError, json_of, lines_of, path_of
from sleepviz.hybrids.models.tokens import read_on, read_text
from sleepviz.tasks import TASKS, build_task
from sleepviz.tasks.base import NOT_ASKED, Batch, Task, pass_supervised
from sleepviz.training.evaluate import EVALUATION_STREAM, held_out

HELD_OUT_SHARE = 8  # one context in so many is kept from training
LINES_MAX = 1_000_000
LEAST_TOKENS = 2  # of a context, and of a question: the library's one-token kernels have no gradient
KEYS = ("context", "question", "answer")


@dataclass(frozen=True)
class Examples:
    """Contexts of one length, to be slept on, and what is asked of them afterwards."""

    context: Tensor  # [B, T]
    queries: Tensor  # [B, Q, K]: each one prediction chunk, from a fork of the memory
    targets: Tensor  # [B, Q, K], NOT_ASKED where no answer is read
    later: tuple[Tensor, ...] = ()  # [B, T] each: what the context should have become after pass 1, 2, and so on


class ExampleSource(Protocol):
    """Where the examples of a tuning come from."""

    @property
    def vocab_size(self) -> int:
        """How many tokens the model must know."""

    @property
    def difficulties(self) -> tuple[int, ...]:
        """The difficulties that are trained and examined."""

    def draw(self, rng: np.random.Generator, size: int) -> list[Examples]:
        """One step's instances, `size` in all, of any difficulty."""

    def exam(self, difficulty: int, n: int, seed: int) -> Iterator[Examples]:
        """At most `n` held-out instances of one difficulty, the same for the same seed."""


@dataclass(frozen=True)
class TaskExamples:
    """One of our tasks; contexts of any number of its windows in training, of the most in exams."""

    task: Task
    difficulties: tuple[int, ...]
    exam_batch: int = 32

    @property
    def vocab_size(self) -> int:
        """How many tokens the task's vocabulary has."""
        return self.task.vocab_size

    def draw(
        self, rng: np.random.Generator, size: int, *, hardest: int | None = None, later: int = 0
    ) -> list[Examples]:
        """One batch, difficulties and the number of windows drawn uniformly; no difficulty above `hardest`, if given.

        `later` says for how many passes the examples bring what the context should have become.
        """
        n_windows = int(rng.integers(self.task.windows_min, self.task.windows_max + 1))
        easiest = min(self.difficulties)
        allowed = [d for d in self.difficulties if hardest is None or d <= max(hardest, easiest)]
        levels = rng.choice(allowed, size)
        batch = self.task.batch(rng, size=size, n_windows=n_windows, difficulty=levels, split="train")
        passes = range(1, later + 1)
        if not passes:
            return [_examples(batch)]
        task = pass_supervised(self.task, "pass_loss")
        windows = (task.targets_after_pass(batch, n_passes).reshape(size, -1) for n_passes in passes)
        return [replace(_examples(batch), later=tuple(torch.from_numpy(each) for each in windows))]

    def exam(self, difficulty: int, n: int, seed: int) -> Iterator[Examples]:
        """The instances of the `eval` command with this seed."""
        given = (EVALUATION_STREAM, seed)
        for batch in held_out(self.task, difficulty=difficulty, n=n, n_windows=self.task.windows_max, seed=given):
            whole = _examples(batch)
            tensors = (whole.context, whole.queries, whole.targets)
            parts = zip(*(torch.split(tensor, self.exam_batch) for tensor in tensors), strict=True)
            yield from (Examples(context, queries, targets) for context, queries, targets in parts)


def _examples(batch: Batch) -> Examples:
    """The windows as one context, and the answers of the asked difficulty."""
    targets = batch.targets[np.arange(len(batch.difficulty)), :, batch.difficulty]
    context = torch.from_numpy(batch.windows.reshape(len(batch.windows), -1))
    return Examples(context, torch.from_numpy(np.ascontiguousarray(batch.queries)), torch.from_numpy(targets))


@dataclass(frozen=True)
class TextExamples:
    """Texts and questions; one context in HELD_OUT_SHARE is only ever examined."""

    train: tuple[Examples, ...]
    held_out: dict[int, tuple[Examples, ...]]  # by difficulty
    vocab_size: int

    @property
    def difficulties(self) -> tuple[int, ...]:
        """Those of the held-out lines."""
        return tuple(sorted(self.held_out))

    def draw(self, rng: np.random.Generator, size: int) -> list[Examples]:
        """`size` texts, drawn uniformly."""
        return [self.train[index] for index in rng.integers(0, len(self.train), size)]

    def exam(self, difficulty: int, n: int, seed: int) -> Iterator[Examples]:
        """Held-out lines in an order that the seed gives."""
        lines = self.held_out[difficulty]
        order = np.random.default_rng((EVALUATION_STREAM, seed, difficulty)).permutation(len(lines))
        yield from (lines[index] for index in order[:n])


def source_of(task: str, *, sizes: dict[str, Any] | None, difficulties: Sequence[int], tokenizer: Any) -> ExampleSource:
    """The source that a task's name, or a path ending in .jsonl, stands for. Raises ConfigError."""
    if task.endswith(".jsonl"):
        require(not sizes and not difficulties, "sizes and difficulties are not for a file; its lines say how hard.")
        return read_texts(path_of(task), tokenizer)
    require(task in TASKS, f"there is no task {task[:60]!r}: give {', '.join(TASKS)}, or a file that ends in .jsonl.")
    built = TASKS[task]() if sizes is None else build_task(task, sizes)
    levels = tuple(difficulties) or tuple(range(built.difficulty_min, built.difficulty_max + 1))
    in_range = all(built.difficulty_min <= level <= built.difficulty_max for level in levels)
    require(in_range, f"difficulty must be whole numbers from {built.difficulty_min} to {built.difficulty_max}.")
    return TaskExamples(built, levels)


def read_texts(path: Path, tokenizer: Any) -> TextExamples:
    """Read a file of texts. Raises ConfigError, with the line's number where one is wrong."""
    require(tokenizer is not None, "the model's folder has no tokenizer, and a file of texts needs one.")
    by_context: dict[str, list[tuple[int, Examples]]] = {}
    try:
        with path.open("rb") as file:
            for number, line in lines_of(file, path.name):
                require(number <= LINES_MAX, f"{path.name} has more than {LINES_MAX} lines.")
                values = _read_line(line, f"line {number} of {path.name}")
                found = _text_examples(values, tokenizer, f"line {number} of {path.name}")
                by_context.setdefault(values["context"], []).append((int(values.get("difficulty", 0)), found))
    except OSError as error:
        raise ConfigError(f"the file {path.name!r} cannot be read.") from error
    except InputError as error:
        raise ConfigError(str(error)) from error
    require(len(by_context) >= 2, f"{path.name} needs at least 2 contexts: one is kept from training.")
    # By the text itself: the same context is on the same side in every file and every run.
    contexts = sorted(by_context, key=lambda text: hashlib.sha256(text.encode()).digest())
    n_held_out = max(1, len(contexts) // HELD_OUT_SHARE)
    held: dict[int, list[Examples]] = {}
    for context in contexts[:n_held_out]:
        for difficulty, examples in by_context[context]:
            held.setdefault(difficulty, []).append(examples)
    train = tuple(examples for context in contexts[n_held_out:] for _, examples in by_context[context])
    return TextExamples(train, {level: tuple(batches) for level, batches in held.items()}, len(tokenizer))


def _read_line(line: str, where: str) -> dict[str, Any]:
    form = '{"context": "...", "question": "...", "answer": "..."}'
    values = json_of(line, where, form)
    fits = isinstance(values, dict) and set(values) - {"difficulty"} == set(KEYS)
    fits = fits and all(isinstance(values[key], str) for key in KEYS)
    require(fits and type(values.get("difficulty", 0)) is int, f"{where} must be {form}, with a difficulty if any.")
    return dict(values)


def _text_examples(values: dict[str, Any], tokenizer: Any, where: str) -> Examples:
    """One line: the question and the answer are one chunk, each answer token predicted by the one before it."""
    try:
        context = list(read_text(tokenizer, values["context"]).tokens)
        question, answer = read_on(tokenizer, values["question"]), read_on(tokenizer, values["answer"])
    except (ConfigError, InputError) as error:
        raise ConfigError(f"{where}: {error}") from error
    require(min(len(context), len(question)) >= LEAST_TOKENS, f"{where}: context and question need 2 tokens or more.")
    require(bool(answer), f"{where} has an empty answer.")
    if tokenizer.eos_token_id is not None:
        answer = [*answer, tokenizer.eos_token_id]
    chunk, target = [*question, *answer[:-1]], [NOT_ASKED] * (len(question) - 1) + answer
    return Examples(torch.tensor([context]), torch.tensor([[chunk]]), torch.tensor([[target]]))
