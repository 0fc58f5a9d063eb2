"""What a task's picture offers, and what the graph tasks share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sleepviz.config.events import Answer, TokenRead, Trace

RIGHT, WRONG, UNKNOWN = "right", "wrong", "unknown"


@dataclass(frozen=True)
class Table:
    """The picture in numbers: a caption, and columns with a row for each pass."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Picture(Protocol):
    """One run's picture. Sentences are for everyone; the dicts are drawn by the script of the same `kind`."""

    kind: str

    @property
    def difficulty(self) -> int | None:
        """Steps, hops or operations that are asked for; None where there is no such number."""

    def scene(self) -> dict[str, Any]:
        """What does not change while the run plays."""

    def token(self, token: str) -> str:
        """A token as the visitor wrote it."""

    def woken(self, woken: Answer) -> dict[str, Any] | None:
        """What is drawn of the answers "if woken now", `unit` being their one line; None where nothing is asked."""

    def woken_text(self, woken: Answer) -> str:
        """The same in a sentence."""

    def update_text(self, woken: Answer) -> str:
        """The same in a few words, to follow `narration.told_from`; "" where nothing is asked."""

    def answer_text(self, answer: Answer) -> str:
        """The scored answer in words, to follow "Awake, in one ordinary pass"."""

    def card(self, answer: Answer) -> dict[str, Any]:
        """The rows, the verdict and the surety of one answer among those compared."""

    def seen(self) -> str:
        """Whether the model can have met this input in training."""

    def table(self) -> Table | None:
        """What the picture shows after each pass, in numbers; None where the sentences say it all."""


def context_tokens(trace: Trace) -> tuple[TokenRead, ...]:
    """The tokens in the order in which they are read."""
    return tuple(event for event in trace.events if isinstance(event, TokenRead))


def window_parts(spans: Sequence[tuple[int, int]], n_tokens: int, name: str) -> list[dict[str, Any]]:
    """Names for the parts of every window on the time line: what was written, then the roll call up to the next."""
    stops = [first for first, _ in spans[1:]] + [n_tokens]
    parts: list[dict[str, Any]] = []
    for (first, last), stop in zip(spans, stops, strict=False):  # without a span, nothing has a name
        parts += [{"start": first, "stop": last, "name": name, "own": True}]
        parts += [{"start": last, "stop": stop, "name": "roll call", "own": False}]
    return parts


def standing(answer: str, truth: str) -> str:
    """Right, wrong, or "unknown": the model says that it cannot tell what could be told."""
    return RIGHT if answer == truth else UNKNOWN if answer == "?" else WRONG


def one_answer_card(answer: Answer, what: Sequence[str]) -> dict[str, Any]:
    """A card of answers that are a name or a number each; `what` says what each is the answer to."""
    rows = [
        {
            "asked": asked,
            "answer": said if said != "?" or truth == "?" else "unknown",
            "truth": truth if truth != "?" else "undefined",
            "right": correct,
            "confidence": [round(float(sure), 4) for sure in sureness],
        }
        for asked, said, truth, correct, sureness in zip(
            what, answer.answers, answer.truths, answer.correct, answer.confidence, strict=True
        )
    ]
    n_wrong = sum(not correct for correct in answer.correct)
    verdict = "Right" if n_wrong == 0 else "Wrong" if len(rows) == 1 else f"Wrong for {n_wrong} of {len(rows)}"
    return {
        "rows": rows,
        "right": n_wrong == 0,
        "verdict": verdict,
        "least": least_sure(answer),
        "least_of": "probability" if len(rows) == 1 else "least sure answer",
    }


def listed(words: Sequence[str]) -> str:
    """Write ("1", "4", "8") as "1, 4 and 8"."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def least_sure(answer: Answer) -> float:
    """The lowest probability that the model gave to any part of its answer."""
    return round(float(np.min(answer.confidence)), 3) if answer.confidence.size else 0.0
