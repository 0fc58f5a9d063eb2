"""GSM: chains of small sums with distractors; after sleep, what is the value of a variable?

The paper's third task (GSM-Infinite, arXiv:2502.05252), in the symbolic form of its public generator
and in a size that a small model reads. Difficulty is the asked variable's depth: the operations between
it and a constant.

A window is [question][statement]*E[ask][variable source change]*(V + 1). A statement too is
[variable source change], with a value for the source of a constant; the question, where it comes first
as in the paper, is the statement "answer = asked variable", and padding where it comes after. The last
part, the roll call, is where there is room to work: it begins with "v = v + 0" for every variable v, and is
meant to go one operation back with every pass (v = u + 1, v = w + 3, v = 4 + 3), until it holds a constant.
The paper has no roll call: it is a departure, said on screen. A prediction chunk is [ask][variable]..., and
the answer is read at the variable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sleepviz.config import JsonRoundTrip, require
from sleepviz.events import Answer
from sleepviz.tasks.base import NOT_ASKED, Batch, InputError, Problem, Split, Tokens, read_json
from sleepviz.tasks.gsm_text import Solution, Statement, read_statements, solve

PART = 3  # tokens in a statement, the question included
FORM = '{"text": "assign b = a + 1. assign a = 7.", "question": "b"}'
CONSTANT_SHARE = 0.2  # of the distractors in training
UNDEFINED_SHARE = 0.3


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
class Drawn:
    """Sampled statements; every array is [B, variables], by place, and `parts` has the tokens [B, variables, 3]."""

    names: Tokens  # the variable at each place
    depth: Tokens
    value: Tokens  # tokens; unknown where undefined
    parts: Tokens

    def replace(self, wrong: NDArray[np.bool_], others: Drawn) -> None:
        """Put others in the place of the instances that are `wrong` [B]."""
        for mine, theirs in zip(vars(self).values(), vars(others).values(), strict=True):
            mine[wrong] = theirs


@dataclass(frozen=True)
class Gsm(JsonRoundTrip):
    """GSM in one size: `variables_max` variables, `window_statements` statements a window, values `low`..`high`."""

    variables_max: int = 14
    window_statements: int = 7
    windows_max: int = 2
    operations_max: int = 8
    low: int = -2
    high: int = 12
    change_max: int = 1  # as in the public data
    question: Literal["after", "first"] = "after"  # where held-out problems have theirs; training has both

    def __post_init__(self) -> None:
        require(2 <= self.variables_max <= 256, "variables_max must be from 2 to 256.")
        require(1 <= self.window_statements <= 256, "window_statements must be from 1 to 256.")
        require(1 <= self.windows_max <= 64, "windows_max must be from 1 to 64.")
        require(self.window_statements * self.windows_max <= self.variables_max, "a statement needs a variable.")
        require(1 <= self.operations_max < self.variables_max, "operations_max must be below variables_max.")
        require(self.low < self.high and self.high - self.low <= 256, "values must be a range of at most 256.")
        require(1 <= self.change_max <= self.high - self.low, "change_max must fit the values.")
        require(self.question in ("after", "first"), "question must be after or first.")

    name = "gsm"
    difficulty_name = "operations_max"
    difficulty_min = 0
    answers_rows = False
    first_part = 1  # the place of the first variable in a prediction chunk

    @property
    def difficulty_in_windows(self) -> bool:
        """A question that comes first is in the first window."""
        return self.question == "first"

    @property
    def _answer(self) -> int:
        return self.variables_max  # the variable that the question defines

    @property
    def unknown(self) -> int:
        """The token of a value that is not known, or not yet."""
        return self.variables_max + 1

    @property
    def _pad(self) -> int:
        return self.unknown + 1

    @property
    def _ask(self) -> int:
        return self.unknown + 2

    @property
    def _value(self) -> int:
        return self.unknown + 3 - self.low  # of 0

    @property
    def _change(self) -> int:
        return self._value + self.high + 1 + self._change_limit  # of 0

    @property
    def _change_limit(self) -> int:
        return self.high - self.low  # of all changes on the way to a constant, added up

    @property
    def vocab_size(self) -> int:
        """Variables and the answer, unknown, pad, ask, values, changes."""
        return self._change + self._change_limit + 1

    @property
    def _roll_call(self) -> int:
        return PART * (1 + self.window_statements) + 1

    @property
    def window(self) -> int:
        """L: question, statements and roll call."""
        return self._roll_call + PART * (self.variables_max + 1)

    @property
    def difficulty_max(self) -> int:
        """Operations."""
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

    def token_text(self, token: int) -> str:
        """Variables as v1, v2; values as numbers; changes as +1, -2, =."""
        if token < self._answer:
            return f"v{token + 1}"
        special = {self._answer: "answer", self.unknown: "?", self._pad: "·", self._ask: "ask", self._change: "="}
        if token in special:
            return special[token]
        if token <= self._value + self.high:
            return str(token - self._value)
        return f"{token - self._change:+d}"

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
        """Sample problems of `n_windows` windows with a variable `difficulty` operations deep, and distractors.

        In training a chunk asks every variable, in any order, and the question comes first or after; to be
        measured, one chunk asks one variable, and every problem has a chain of `operations_max` operations.
        A level of the targets counts passes: a value is known as soon as one operation a pass reaches a
        constant, and unknown before.
        """
        (level,) = ahead
        training = split == "train"
        slots = self.variables_max
        most = n_windows * self.window_statements
        n_statements = rng.integers((n_windows - 1) * self.window_statements + 1, most + 1, size)
        longest = difficulty if training else np.full(size, self.operations_max)
        n_statements = np.maximum(n_statements, np.minimum(np.maximum(longest + 1, 2), most))
        chain = np.minimum(longest, n_statements - 1)  # [B] the place of the chain's end
        at = np.minimum(difficulty, chain)  # [B] the asked variable's place
        drawn = self._sample_statements(rng, n_statements, chain)
        while (wrong := _is_held_out(drawn.parts) != (split == "held_out")).any():
            drawn.replace(wrong, self._sample_statements(rng, n_statements[wrong], chain[wrong]))
        names, depth, value, parts = drawn.names, drawn.depth, drawn.value, drawn.parts
        first = rng.random(size) < 0.5 if training else np.full(size, self.question == "first")
        order = np.argsort(np.where(np.arange(slots) < n_statements[:, None], rng.random((size, slots)), 2.0), axis=1)
        parts = np.take_along_axis(parts, order[..., None], axis=1)[:, :most]
        instance = np.arange(size)
        asked = np.where(first, names[instance, at], self._answer)
        windows = self._windows(parts, np.where(first, asked, self._pad), n_windows)

        known = np.zeros((size, slots + 1), dtype=np.int64)  # [B, variables] the level that tells the value
        answers = np.full((size, slots + 1), self.unknown, dtype=np.int64)
        np.put_along_axis(known, names, depth + 1, axis=1)
        np.put_along_axis(answers, names, value, axis=1)
        known[:, self._answer] = depth[instance, at] + 2
        answers[:, self._answer] = np.where(first, value[instance, at], self.unknown)
        if training:
            variables = rng.permuted(np.broadcast_to(np.arange(slots + 1), (size, slots + 1)), axis=1)
        else:
            variables = np.where(first, self._answer, names[instance, at])[:, None]
        queries = self._queries(variables)  # [B, T]
        levels = self.operations_max + 3
        told = np.take_along_axis(known, variables, axis=1)[:, None] - level <= np.arange(levels)[None, :, None]
        targets = np.full((size, 1, levels, queries.shape[1]), NOT_ASKED, dtype=np.int64)
        answers = np.take_along_axis(answers, variables, axis=1)
        targets[:, 0, :, self.first_part :] = np.where(told, answers[:, None], self.unknown)
        batch = Batch(windows, queries[:, None], (n_windows - 1,), targets, np.full(size, levels - 1))
        return replace(batch, windows=self.stream(batch, level))

    def stream(self, batch: Batch, level: int) -> Tokens:
        """The roll call `level` operations further back, as far as the statements read so far tell."""
        windows = batch.windows.copy()
        size, n_windows, _ = windows.shape
        n_slots = self.variables_max + 1
        # Where one operation back leads from each token: values and unknown stay as they are.
        source = np.broadcast_to(np.arange(self._change), (size, self._change)).copy()
        source[:, :n_slots] = self.unknown
        change = np.zeros_like(source)
        for index in range(n_windows):
            parts = windows[:, index, : self._roll_call - 1].reshape(size, -1, PART)
            row, place = np.nonzero(parts[..., 0] < n_slots)
            variable = parts[row, place, 0]
            source[row, variable] = parts[row, place, 1]
            change[row, variable] = parts[row, place, 2] - self._change
            from_ = windows[:, index, self._roll_call + 1 :: PART]  # views: they change the windows
            total = windows[:, index, self._roll_call + 2 :: PART]
            for _ in range(level):
                total += np.take_along_axis(change, from_, axis=1)
                np.clip(total, self._change - self._change_limit, self._change + self._change_limit, out=total)
                from_[:] = np.take_along_axis(source, from_, axis=1)
                total[from_ == self.unknown] = self._change
        return windows

    def parse(self, text: str, limits: Mapping[str, Any]) -> GsmInstance:
        """Read {"text": "...", "question": "b"} or {"text": "...", "equals": 8}. Raises InputError.

        "question_first": true puts the question before the text; a story may ask its own question instead.
        """
        values = read_json(text, ("text",), FORM, optional=("question", "equals", "question_first"))
        if not isinstance(values["text"], str):
            raise InputError(f"The text must be sentences; write {FORM}.")
        statements, own_question = read_statements(values["text"])
        question, equals = values.get("question", own_question), values.get("equals")
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
        parts = np.array([self._part(statement, slot) for statement in instance.statements])
        n_windows = -(-len(parts) // self.window_statements)
        missing = n_windows * self.window_statements - len(parts)
        parts = np.pad(parts, ((0, missing), (0, 0)), constant_values=self._pad)
        first = instance.question_first and instance.question is not None
        asked = slot[instance.question] if first and instance.question is not None else self._pad
        windows = self._windows(parts[None], np.array([asked]), n_windows)[0]
        own = [self._answer] if first else [slot[name] for name in instance.asked]
        queries = self._queries(np.array([*own, *slot.values()])[:, None])
        return Problem(tuple(windows.reshape(-1).tolist()), queries, (0,) * len(queries), n_asked=len(own))

    def answer(self, instance: GsmInstance, probabilities: NDArray[np.float32]) -> Answer:
        """Read values from probabilities [Q, T, vocab_size] of the first Q questions."""
        asked = (*instance.asked, *instance.names)[: len(probabilities)]
        tokens = [self.unknown, *range(self._value + self.low, self._value + self.high + 1)]
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

    def told(self, instance: GsmInstance, answers: tuple[str, ...]) -> Any:
        """A value, or the names of the variables that have the asked value."""
        if instance.question is None:
            return [
                name for name, answer in zip(instance.names, answers, strict=True) if answer == str(instance.equals)
            ]
        return answers[0] if answers[0] == "?" else int(answers[0])

    def _sample_statements(self, rng: np.random.Generator, n_statements: Tokens, chain: Tokens) -> Drawn:
        """Statements place by place: each variable's source is a place before it, a constant, or undefined.

        The first `chain` + 1 places are a chain from a constant; the places from `n_statements` on stay undefined.
        """
        size, slots = len(n_statements), self.variables_max
        source = np.full((size, slots), -1)  # a place; -1 a constant
        change = np.zeros((size, slots), dtype=np.int64)
        depth = np.zeros((size, slots), dtype=np.int64)
        value = np.full((size, slots), self.unknown, dtype=np.int64)
        instance = np.arange(size)
        for place in range(slots):
            kind = rng.random(size)
            earlier = rng.integers(0, place, size) if place else np.full(size, -1)
            undefined = (n_statements < slots) & (kind > 1 - UNDEFINED_SHARE)
            from_ = np.where(undefined, rng.integers(np.minimum(n_statements, slots - 1), slots), earlier)
            constant = (kind < CONSTANT_SHARE) | (place == 0)
            constant |= ~undefined & (depth[instance, earlier] >= self.operations_max)
            from_ = np.where(place <= chain, place - 1, np.where(constant, -1, from_))
            base = np.where(from_ >= 0, value[instance, from_], self.unknown)
            known = base != self.unknown
            step = self._sample_change(rng, np.where(known, base - self._value, (self.low + self.high) // 2))
            number = rng.integers(self.low, self.high + 1, size)
            defined = place < n_statements
            source[:, place] = from_
            change[:, place] = np.where(from_ >= 0, step, 0)
            depth[:, place] = np.where(from_ >= 0, depth[instance, from_] + 1, 0)
            own = np.where(from_ < 0, self._value + number, np.where(known, base + step, self.unknown))
            value[:, place] = np.where(defined, own, self.unknown)
        names = rng.permuted(np.broadcast_to(np.arange(slots), (size, slots)), axis=1)
        return Drawn(names, depth, value, self._parts(names, source, change, value, n_statements))

    def _sample_change(self, rng: np.random.Generator, base: Tokens) -> Tokens:
        """A change [B] that keeps base + change in range; half of them at most 1, as in the public data."""
        most = np.where(rng.random(len(base)) < 0.5, 1, self.change_max)
        return rng.integers(np.maximum(-most, self.low - base), np.minimum(most, self.high - base) + 1)

    def _parts(self, names: Tokens, source: Tokens, change: Tokens, value: Tokens, n_statements: Tokens) -> Tokens:
        """Statements as tokens [B, variables, 3]; a constant's value stands where the source would; padding last."""
        from_ = np.where(source < 0, value, np.take_along_axis(names, np.maximum(source, 0), axis=1))
        parts = np.stack([names, from_, self._change + change], axis=-1)
        parts[np.arange(self.variables_max) >= n_statements[:, None]] = self._pad
        return parts

    def _part(self, statement: Statement, slot: Mapping[str, int]) -> tuple[int, int, int]:
        if statement.source is None:
            return slot[statement.name], self._value + statement.change, self._change
        return slot[statement.name], slot[statement.source], self._change + statement.change

    def _windows(self, parts: Tokens, asked: Tokens, n_windows: int) -> Tokens:
        """Statements [B, W E, 3] and the variable asked first [B], or pad -> tokens [B, W, L]."""
        size = len(parts)
        windows = np.full((size, n_windows, self.window), self._pad, dtype=np.int64)
        first = asked != self._pad
        windows[first, 0, :PART] = np.stack(
            [np.full_like(asked, self._answer), asked, np.full_like(asked, self._change)], -1
        )[first]
        windows[:, :, self._roll_call - 1] = self._ask
        windows[:, :, PART : self._roll_call - 1] = parts.reshape(size, n_windows, -1)
        roll_call = windows[:, :, self._roll_call :].reshape(size, n_windows, -1, PART)  # a view
        roll_call[..., :2] = np.arange(self.variables_max + 1)[:, None]
        roll_call[..., 2] = self._change
        return windows

    def _queries(self, variables: Tokens) -> Tokens:
        """Variables [B, asked] -> prediction chunks [B, T]."""
        return np.pad(variables, ((0, 0), (1, 0)), constant_values=self._ask)


def _is_held_out(parts: Tokens) -> NDArray[np.bool_]:
    """Whether problems [B, statements, 3] are kept from training: one in eight, whatever the statements' order."""
    code = (parts[..., 0] * 521 + parts[..., 1]) * 131 + parts[..., 2]
    with np.errstate(over="ignore"):  # products wrap on purpose: a statement's hash, and their sum's
        hashed = (code.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        hashed ^= hashed >> np.uint64(29)
        total = (hashed * np.uint64(0xBF58476D1CE4E5B9)).sum(-1, dtype=np.uint64) * np.uint64(0x94D049BB133111EB)
    return np.asarray(total >> np.uint64(61) == 0)
