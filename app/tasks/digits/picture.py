"""Digits: the ring of images with the jumps from the start, and the grid of answers for every start and number."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from app.parts.units import count
from app.tasks.answers import context_tokens, first_wrong, one_answer_card, woken_passes
from app.tasks.base import Table
from app.tasks.digits.codes import looks
from app.tasks.roll_call import told_spans, window_parts
from app.tasks.starts import right_by_steps, starts_table
from sleepviz.config.events import Answer, Trace
from sleepviz.tasks.digits.images import PATCHES, is_held_out
from sleepviz.tasks.digits.task import DigitsInstance


class DigitsPicture:
    """A ring and a grid. A woken answer's first entry is the person's question; the grid follows, start by start."""

    kind = "jumps"

    def __init__(self, trace: Trace) -> None:
        values = json.loads(trace.spec["input"])
        shown = looks(values["digits"])
        self._trace = trace
        self._instance = DigitsInstance(
            tuple(each["pixels"] for each in shown),
            tuple(each["digit"] for each in shown),
            tuple(each if isinstance(each, int) else None for each in values["digits"]),
            int(values["start"]) - 1,
            int(values["jumps"]),
        )
        self._path = self._instance.path(self._instance.start, self._instance.jumps)

    @property
    def difficulty(self) -> int | None:
        """The number of jumps that is asked for."""
        return self._instance.jumps

    @property
    def chance(self) -> float | None:
        """One of ten digits."""
        return 1 / 10

    def scene(self) -> dict[str, Any]:
        """The images with the token that each begins with, and the path asked for."""
        digits = self._instance.digits
        way = ", then ".join(f"image {place + 1} with {digits[place]}" for place in self._path)
        firsts = self._firsts()
        return {
            "kind": self.kind,
            "label": f"A ring of {len(digits)} images of digits, each struck out when it is cleared. The way asked "
            f"for: {way}. Beside it a grid: for every start and every number of jumps, the digit that would be "
            "answered after this pass. The table below the player has the same in numbers.",
            "images": [
                {"pixels": pixels, "digit": digit, "first": first}
                for pixels, digit, first in zip(self._instance.pixels, digits, firsts, strict=False)
            ],
            "path": list(self._path),
            "jumps_max": self._jumps_max(),
            "parts": window_parts(self._spans(), len(context_tokens(self._trace)), "images"),
        }

    def token(self, token: str) -> str:
        """Patches and places are written as they are read."""
        return token

    def woken(self, woken: Answer) -> dict[str, Any] | None:
        """The answer to the question, and the digit said for every start and number of jumps."""
        if not woken.asked:
            return None
        return {
            "correct": woken.correct[0],
            "answer": woken.answers[0],
            "said": list(woken.answers[1:]),
            "right": list(woken.correct[1:]),
            "unit": f"{_said(woken)} · {sum(woken.correct[1:])} of {count(len(woken.correct) - 1, 'question')} right",
        }

    def woken_text(self, woken: Answer) -> str:
        """The question's answer, and how many starts are right for each number of jumps."""
        if not woken.asked:
            return "Nothing can be asked yet."
        n, by_jumps = len(self._instance.digits), self._right_by_jumps(woken)
        read = f"It would read {by_jumps[0]} of {n} digits right" if by_jumps else ""
        jumps = f" and answer {sum(by_jumps[1:])} of {n * len(by_jumps[1:])} questions with jumps right."
        return f"If it woke now, the answer would be {_said(woken)}. {read}{jumps if by_jumps else ''}".rstrip()

    def update_text(self, woken: Answer) -> str:
        """How many questions S alone answers."""
        return f"{sum(woken.correct[1:])} of {count(len(woken.correct) - 1, 'question')} right" if woken.asked else ""

    def answer_text(self, answer: Answer) -> str:
        """The digit that was answered, and whether it is right."""
        how = "right" if answer.correct[0] else f"wrong: it is {answer.truths[0]}"
        return f"{answer.answers[0]} for {self._asked()}, {how}"

    def wrong_text(self, answer: Answer) -> str:
        """The digit that it should have been."""
        return first_wrong(answer)

    def card(self, answer: Answer) -> dict[str, Any]:
        """One digit."""
        return one_answer_card(answer, (self._asked(),))

    def seen(self) -> str:
        """By the images' numbers."""
        numbers = [number for number in self._instance.numbers if number is not None]
        if is_held_out(np.array(numbers, dtype=np.int64)).all():
            return "The model saw none of these images in training."
        return "Some of these images were used in training; accuracies are measured on images that training never used."

    def table(self) -> Table | None:
        """Starts answered right, pass by pass and jump by jump."""
        heads = [count(jumps, "jump") for jumps in range(self._jumps_max() + 1)]
        return starts_table(self._trace, len(self._instance.digits), heads, _said)

    def _asked(self) -> str:
        return f"{count(self._instance.jumps, 'jump')} from image {self._instance.start + 1}"

    def _jumps_max(self) -> int:
        """The last column of the grid; without a pass nothing was asked, and the question's jumps are all we know."""
        passes = woken_passes(self._trace)
        return len(self._right_by_jumps(passes[0].woken)) - 1 if passes else self._instance.jumps

    def _right_by_jumps(self, woken: Answer) -> list[int]:
        """For 0, 1, 2, ... jumps: how many starts are right."""
        return right_by_steps(woken, len(self._instance.digits))

    def _firsts(self) -> list[int]:
        """The token that each image begins with: its patches stand before its place, #1, #2 and so on."""
        tokens = [event.token for event in context_tokens(self._trace)]
        return [place - PATCHES for place, token in enumerate(tokens) if token[0] == "#" and token[-1] != ":"]

    def _spans(self) -> list[tuple[int, int]]:
        """Where the images stand among the tokens, [first, last) for each window of the task."""
        tokens = [event.token for event in context_tokens(self._trace)]
        heads = [place for place, token in enumerate(tokens) if token == "#1:"]
        return told_spans(heads, len(tokens))


def _said(woken: Answer) -> str:
    """The answer to the person's question, and whether it is right."""
    return f"{woken.answers[0]}, {'right' if woken.correct[0] else 'wrong'}"
