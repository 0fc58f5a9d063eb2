"""GSM: chains of small sums with distractors; after sleep, what is the value of a variable?

The paper's third task (GSM-Infinite, arXiv:2502.05252), in the symbolic form of its public generator
and in a size that a small model reads. Difficulty is the asked variable's depth: the operations between
it and a constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sleepviz.config.base import require
from sleepviz.config.events import Answer
from sleepviz.tasks.base import NOT_ASKED, Batch, InputError, Problem, Split, Tokens, read_json
from sleepviz.tasks.gsm.sampling import draw
from sleepviz.tasks.gsm.text import Solution, Statement, read_statements, solve
from sleepviz.tasks.gsm.tokens import GsmTokens

FORM = '{"text": "assign b = a + 1. assign a = 7.", "question": "b"}'


@dataclass(frozen=True)
class GsmInstance:
    """Statements in the order in which they are read, and what is asked: one variable, or which equal a value."""

    statements: tuple[Statement, ...]
    question: str | None
    equals: int | None
    question_first: bool

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every variable, in the order in which it is first mentioned."""
        mentioned = (name for s in self.statements for name in (s.name, s.source) if name is not None)
        return tuple(dict.fromkeys(mentioned))

    @cached_property
    def solution(self) -> Solution:
        """Values and depths of what is defined."""
        return solve(self.statements)

    @property
    def asked(self) -> tuple[str, ...]:
        """The variables that the answer takes."""
        return self.names if self.question is None else (self.question,)


@dataclass(frozen=True)
class Gsm(GsmTokens):
    """GSM in one size, that of its tokens."""

    question: Literal["after", "first"] = "after"  # where held-out problems have theirs; training has both

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.question in ("after", "first"), "question must be after or first.")

    name = "gsm"
    windows_min = 1
    difficulty_min = 0
    first_part = 1  # the place of the first variable in a prediction chunk

    @property
    def n_questions(self) -> int:
        """Variables in one prediction chunk of training, the one that the question defines among them."""
        return self.variables_max + 1

    @property
    def difficulty_in_windows(self) -> bool:
        """A question that comes first is in the first window."""
        return self.question == "first"

    @property
    def difficulty_max(self) -> int:
        """The most operations between a variable and a number."""
        return self.operations_max

    def limits(self) -> dict[str, Any]:
        """Sizes that a person's input must keep to."""
        return {
            "variables_max": self.variables_max,
            "statements_max": self.window_statements * self.windows_max,
            "operations_max": self.operations_max,
            "change_max": self.change_max,
            "values": [self.low, self.high],
            "windows_max": self.windows_max,
        }

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
        """Sample problems of `n_windows` windows with a variable `difficulty` operations deep, and distractors.

        In training a chunk asks every variable, in any order, and the question comes first or after; to be
        measured, one chunk asks one variable, and every problem has a chain of `operations_max` operations.
        A level of the targets counts passes: a value is known as soon as one operation a pass reaches a
        constant, and unknown before. Where `difficulty` is [size, questions], the first of an instance says how long
        its chain is, and each question's own depth is given back; -1 where no statement tells the value.
        """
        (level,) = skipped_passes
        of_questions = difficulty.ndim == 2
        difficulty = difficulty[:, 0] if of_questions else difficulty
        training = split == "train"
        slots = self.variables_max
        most = n_windows * self.window_statements
        n_statements = rng.integers((n_windows - 1) * self.window_statements + 1, most + 1, size)
        longest = difficulty if training else np.full(size, self.operations_max)
        n_statements = np.maximum(n_statements, np.minimum(np.maximum(longest + 1, 2), most))
        chain = np.minimum(longest, n_statements - 1)  # [B] the place of the chain's end
        at = np.minimum(difficulty, chain)  # [B] the asked variable's place
        drawn = draw(self, rng, n_statements, chain, split)
        names, depth, value, parts = drawn.names, drawn.depth, drawn.value, drawn.parts
        first = rng.random(size) < 0.5 if training else np.full(size, self.question == "first")
        order = np.argsort(np.where(np.arange(slots) < n_statements[:, None], rng.random((size, slots)), 2.0), axis=1)
        parts = np.take_along_axis(parts, order[..., None], axis=1)[:, :most]
        instance = np.arange(size)
        asked = np.where(first, names[instance, at], self.answer_variable)
        windows = self.windows(parts, np.where(first, asked, self.pad), n_windows)

        known = np.zeros((size, slots + 1), dtype=np.int64)  # [B, variables] the level that tells the value
        answers = np.full((size, slots + 1), self.unknown, dtype=np.int64)
        np.put_along_axis(known, names, depth + 1, axis=1)
        np.put_along_axis(answers, names, value, axis=1)
        known[:, self.answer_variable] = depth[instance, at] + 2
        answers[:, self.answer_variable] = np.where(first, value[instance, at], self.unknown)
        if training:
            variables = rng.permuted(np.broadcast_to(np.arange(slots + 1), (size, slots + 1)), axis=1)
        else:
            variables = np.where(first, self.answer_variable, names[instance, at])[:, None]
        queries = self.queries(variables)  # [B, T]
        levels = self.operations_max + 3
        reached = np.take_along_axis(known, variables, axis=1)[:, None] - level <= np.arange(levels)[None, :, None]
        targets = np.full((size, 1, levels, queries.shape[1]), NOT_ASKED, dtype=np.int64)
        answers = np.take_along_axis(answers, variables, axis=1)
        targets[:, 0, :, self.first_part :] = np.where(reached, answers[:, None], self.unknown)
        told = np.where(answers == self.unknown, 0, np.take_along_axis(known, variables, axis=1)) - 1
        told -= (variables == self.answer_variable) & (answers != self.unknown)  # the question is one step more
        batch = Batch(windows, queries[:, None], targets, told if of_questions else np.full(size, levels - 1))
        return replace(batch, windows=self.targets_after_pass(batch, level))

    def targets_after_pass(self, batch: Batch, n_passes: int) -> Tokens:
        """The roll call `n_passes` operations further back, as far as the statements read so far tell."""
        return self.further_back(batch.windows, n_passes)

    def parse(self, text: str, limits: Mapping[str, Any]) -> GsmInstance:
        """Read {"text": "...", "question": "b"} or {"text": "...", "equals": 8}. Raises InputError.

        "question_first": true puts the question before the text; a story may ask its own question instead.
        """
        values = read_json(text, ("text",), FORM, optional=("question", "equals", "question_first"))
        if not isinstance(values["text"], str):
            raise InputError(f"The text must be sentences; write {FORM}.")
        statements, own_question = read_statements(values["text"])
        question, equals = values.get("question", own_question), values.get("equals")
        if own_question not in (None, question):
            raise InputError(f'The text asks about {own_question!r} and "question" about another; ask one question.')
        if (question is None) == (equals is None):
            raise InputError(f'Ask one thing: a "question" with a variable, or "equals" with a value; write {FORM}.')
        if equals is not None and (isinstance(equals, bool) or not isinstance(equals, int)):
            raise InputError('"equals" must be a whole number.')
        question_first = values.get("question_first", False)
        if not isinstance(question_first, bool) or (question_first and question is None):
            raise InputError('"question_first" must be true or false, and needs a "question".')
        instance = GsmInstance(statements, question, equals, question_first)
        self._check(instance, limits)
        return instance

    def _check(self, instance: GsmInstance, limits: Mapping[str, Any]) -> None:
        """Refuse what the model cannot take. Raises InputError."""
        names, statements = instance.names, instance.statements
        statements_max = self.window_statements * self.windows_max
        if not 1 <= len(statements) <= statements_max:
            raise InputError(f"The text has {len(statements)} statements; this model reads 1 to {statements_max}.")
        if len(names) > self.variables_max:
            raise InputError(f"The text names {len(names)} variables; this model keeps at most {self.variables_max}.")
        assigned = [statement.name for statement in statements]
        for name in names:
            if assigned.count(name) > 1:
                raise InputError(f"{name!r} is given a value more than once.")
        for statement in statements:
            if statement.source is not None and abs(statement.change) > self.change_max:
                raise InputError(
                    f"{statement.name!r} changes by {statement.change}; "
                    f"this model adds and takes away at most {self.change_max}."
                )
        for name, value in instance.solution.values.items():
            if not self.low <= value <= self.high:
                raise InputError(f"{name!r} would be {value}; this model knows values from {self.low} to {self.high}.")
        question = instance.question
        if question is None:
            return
        if not isinstance(question, str) or question not in names:
            raise InputError("The question must be one of the variables of the text.")
        if question not in instance.solution.values:
            raise InputError(f"{question!r} depends on a variable that is undefined or defined through itself.")
        operations_max = min(limits["operations_max"], self.operations_max)
        if instance.solution.depths[question] > operations_max:
            raise InputError(
                f"{question!r} is {instance.solution.depths[question]} operations deep; "
                f"this model answers up to {operations_max}."
            )

    def encode(self, instance: GsmInstance) -> Problem:
        """What is asked first; then, for the picture, every variable."""
        slot = {name: index for index, name in enumerate(instance.names)}
        parts = np.array([self.part(statement, slot) for statement in instance.statements])
        n_windows = -(-len(parts) // self.window_statements)
        missing = n_windows * self.window_statements - len(parts)
        parts = np.pad(parts, ((0, missing), (0, 0)), constant_values=self.pad)
        first = instance.question_first and instance.question is not None
        asked = slot[instance.question] if first and instance.question is not None else self.pad
        windows = self.windows(parts[None], np.array([asked]), n_windows)[0]
        own = [self.answer_variable] if first else [slot[name] for name in instance.asked]
        queries = self.queries(np.array([*own, *slot.values()])[:, None])
        return Problem(tuple(windows.reshape(-1).tolist()), queries, (0,) * len(queries), n_asked=len(own))

    def answer(self, instance: GsmInstance, probabilities: NDArray[np.float32]) -> Answer:
        """Read values from probabilities [Q, T, vocab_size] of the first Q questions."""
        asked = (*instance.asked, *instance.names)[: len(probabilities)]
        tokens = [self.unknown, *range(self.zero_value + self.low, self.zero_value + self.high + 1)]
        share = probabilities[:, self.first_part, tokens]  # [Q, unknown and values]
        answers = ["?" if i == 0 else str(self.low + int(i) - 1) for i in share.argmax(-1)]
        values, depths = instance.solution.values, instance.solution.depths
        truths = [str(values[name]) if name in values else "?" for name in asked]
        right = [answer == truth for answer, truth in zip(answers, truths, strict=True)]
        return Answer(
            asked=tuple(asked),
            answers=tuple(answers),
            truths=tuple(truths),
            correct=tuple(right),
            reached=tuple(depths.get(name, 0) if good else 0 for name, good in zip(asked, right, strict=True)),
            confidence=share.max(-1, keepdims=True).astype(np.float32),
        )

    def formatted(self, instance: GsmInstance, answers: tuple[str, ...]) -> Any:
        """A value, or the names of the variables that have the asked value."""
        if instance.question is None:
            return [
                name for name, answer in zip(instance.names, answers, strict=True) if answer == str(instance.equals)
            ]
        return answers[0] if answers[0] == "?" else int(answers[0])
