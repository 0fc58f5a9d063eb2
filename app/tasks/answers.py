"""What several tasks' pictures share: tokens, the parts of a window, and cards of short answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sleepviz.config.events import Answer, SleepPassDone, TokenRead, Trace

RIGHT, WRONG, UNKNOWN = "right", "wrong", "unknown"


def context_tokens(trace: Trace) -> tuple[TokenRead, ...]:
    """The tokens in the order in which they are read."""
    return tuple(event for event in trace.events if isinstance(event, TokenRead))


def woken_passes(trace: Trace) -> tuple[SleepPassDone, ...]:
    """The passes after which something could be asked."""
    return tuple(event for event in trace.events if isinstance(event, SleepPassDone) and event.woken.asked)


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


def least_sure(answer: Answer) -> float:
    """The lowest probability that the model gave to any part of its answer."""
    return round(float(np.min(answer.confidence)), 3) if answer.confidence.size else 0.0


def first_wrong(answer: Answer) -> str:
    """The first of the wrong answers beside its truth, and how many more there are."""
    pairs = zip(answer.answers, answer.truths, answer.correct, strict=True)
    (said, truth), *more = [(said, truth) for said, truth, correct in pairs if not correct]
    first = f"wrong: {said} instead of {truth}"
    return f"{first}, and {len(more)} more" if more else first
