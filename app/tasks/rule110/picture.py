"""Rule 110: the newest row as it would be answered now, beside the true space-time diagram."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

import numpy as np

from app.parts.units import count
from app.tasks.answers import least_sure
from app.tasks.base import Table
from sleepviz.config.events import Answer, Trace
from sleepviz.tasks.rule110.task import is_held_out, row_text, space_time


class Rule110Picture:
    """The rows that the model would answer after each pass, beside the true rows."""

    kind = "rows"

    def __init__(self, trace: Trace) -> None:
        values = json.loads(trace.spec["input"])
        self.steps = int(values["steps"])
        self._cells = [np.array([int(cell) for cell in row], dtype=np.uint8) for row in values["rows"]]

    @cached_property
    def _diagrams(self) -> list[list[str]]:
        """The true rows after 0, 1, ... steps, of each row."""
        return [[row_text(row) for row in space_time(each, self.steps)] for each in self._cells]

    @property
    def difficulty(self) -> int | None:
        """The number of steps that is asked for."""
        return self.steps

    @property
    def chance(self) -> float | None:
        """Half for every cell of a row: all of them must be guessed."""
        return float(2.0 ** -len(self._cells[0]))

    def scene(self) -> dict[str, Any]:
        """The true row after every step, for each row that is read."""
        label = "The row that the model would answer after each pass, beside the true rows, one for each step"
        return {"kind": self.kind, "label": label, "truth": self._diagrams, "steps": self.steps}

    def token(self, token: str) -> str:
        """Cells and steps are written as they are read."""
        return token

    def woken(self, woken: Answer) -> dict[str, Any] | None:
        """The newest row against the true row that is nearest to it."""
        if not woken.asked:
            return None
        row, reached = len(woken.asked) - 1, woken.reached[-1]
        answer, truth = woken.answers[-1], woken.truths[-1]
        nearest = row_text(space_time(self._cells[row], reached)[reached])
        wrong = differing(answer, nearest)
        if wrong:
            unit = f"nearest to step {reached} of {self.steps}: × {cells_of(len(wrong))} off"
        else:
            unit = f"exactly step {reached} of {self.steps}{': right' if woken.correct[-1] else ''}"
        return {
            "row": row,
            "cells": answer,
            "reached": reached,
            "correct": woken.correct[-1],
            "wrong": wrong,
            "wrong_asked": differing(answer, truth),
            "least": round(float(woken.confidence[-1].min()), 3),
            "unit": unit,
        }

    def woken_text(self, woken: Answer) -> str:
        """The newest row in a sentence."""
        if not woken.asked:
            return "No row is complete yet, so there is nothing to ask."
        row, answer, reached = woken.asked[-1], woken.answers[-1], woken.reached[-1]
        if woken.correct[-1]:
            return f"If it woke now, {row} would be right."
        short = f"{count(self.steps - reached, 'step')} short"
        wrong = differing(answer, row_text(space_time(self._cells[len(woken.asked) - 1], reached)[reached]))
        if not wrong:
            return f"If it woke now, it would answer {row} exactly as it is after step {reached}, {short}."
        return f"If it woke now, its {row} would be nearest to step {reached}, with {cells_of(len(wrong))} wrong."

    def update_text(self, woken: Answer) -> str:
        """For each row, whether it would be right."""
        if not woken.asked:
            return ""
        answered = [f"{asked} {'right' if correct else 'wrong'}" for asked, correct in _pairs(woken)]
        return ", ".join(answered)

    def answer_text(self, answer: Answer) -> str:
        """For each row, whether it is right, or in how many cells it is wrong."""
        said = []
        for asked, cells, truth, correct in zip(
            answer.asked, answer.answers, answer.truths, answer.correct, strict=True
        ):
            how = "right" if correct else f"wrong in {len(differing(cells, truth))} of {len(truth)} cells"
            said.append(f"{asked} is {how}")
        return "; ".join(said)

    def wrong_text(self, answer: Answer) -> str:
        """How many cells differ, over all rows."""
        wrong = sum(len(differing(*pair)) for pair in zip(answer.answers, answer.truths, strict=True))
        return f"wrong in {wrong} of {sum(map(len, answer.truths))} cells"

    def card(self, answer: Answer) -> dict[str, Any]:
        """The answer row by row, where it is wrong, and how sure each cell is."""
        rows = [
            {
                "asked": answer.asked[index],
                "cells": answer.answers[index],
                "truth": answer.truths[index],
                "wrong": differing(answer.answers[index], answer.truths[index]),
                "confidence": [round(float(value), 4) for value in answer.confidence[index]],
            }
            for index in range(len(answer.asked))
        ]
        n_wrong = sum(len(row["wrong"]) for row in rows)
        n_cells = sum(len(row["cells"]) for row in rows)
        return {
            "rows": rows,
            "right": all(answer.correct),
            "verdict": "Right" if n_wrong == 0 else f"{n_wrong} of {n_cells} cells wrong",
            "least": least_sure(answer),
            "least_of": "least sure cell",
        }

    def seen(self) -> str:
        """One row in eight was kept from training."""
        kept = [bool(is_held_out(cells)) for cells in self._cells]
        if all(kept):
            return "No row here, nor a rotation of it, was ever shown to the model in training."
        rows = "Some of these rows" if any(kept) else "Rows like these"
        return f"{rows} may have been seen in training. The accuracies below use rows that the model never saw."

    def table(self) -> Table | None:
        """The sentences say it all."""
        return None


def cells_of(number: int) -> str:
    """“1 cell”, “5 cells”."""
    return count(number, "cell")


def differing(answer: str, truth: str) -> list[int]:
    """Indices of the cells that differ."""
    return [index for index, (a, b) in enumerate(zip(answer, truth, strict=True)) if a != b]


def _pairs(woken: Answer) -> list[tuple[str, bool]]:
    return list(zip(woken.asked, woken.correct, strict=True))
