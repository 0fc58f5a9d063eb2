"""A text and a question about it. Where the text answers the question by rule, that is the truth; else nobody knows."""

from __future__ import annotations

import json
from itertools import accumulate
from typing import Any

from app.tasks.answers import context_tokens, first_wrong, least_sure
from app.tasks.base import Table
from sleepviz.config.events import Answer, SleepPassDone, Trace
from sleepviz.config.words import WORD
from sleepviz.text.reading import places, read, solved


class DocumentPicture:
    """The text as it is read and evicted, what the answer would begin with, and how sure the model is of it."""

    kind = "words"

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        asked = json.loads(trace.spec["input"])
        self._document = asked["document"]
        self._chain = solved(asked["question"], read(self._document).facts) or ()
        self._truth = self._chain[-1].value if self._chain else None

    @property
    def difficulty(self) -> int | None:
        """None: a text has no number of steps."""
        return None

    @property
    def chance(self) -> float | None:
        """None: nobody counts all that might be said."""
        return None

    def scene(self) -> dict[str, Any]:
        """The text, token by token, and which tokens tell the answer."""
        return {
            "kind": self.kind,
            "label": "The text: read, in the KV cache, or cleared; above it how the answer would begin if it woke now",
            "texts": [event.token for event in context_tokens(self._trace)],
            "needed": self._needed(),
        }

    def _needed(self) -> list[int]:
        """The tokens that overlap a sentence which tells the answer; none where tokens are not pieces of the text."""
        texts = [event.token for event in context_tokens(self._trace)]
        if "".join(texts) != self._document:
            return []
        told = places(self._document, self._chain)
        stops = list(accumulate(len(text) for text in texts))
        spans = zip([0, *stops], stops, strict=False)
        return [
            i for i, (start, stop) in enumerate(spans) if any(start < last and first < stop for first, last in told)
        ]

    def token(self, token: str) -> str:
        """White space made visible; a dot for a token that has no text of its own, such as one that begins a text."""
        return token.strip() or ("␣" if token else "·")

    def woken(self, woken: Answer) -> dict[str, Any] | None:
        """The first token and its probability."""
        begins = visible(woken.answers[0])
        return {"begins": begins, "sure": least_sure(woken), "unit": f"{begins}, probability {least_sure(woken):.2f}"}

    def woken_text(self, woken: Answer) -> str:
        """The same in a sentence."""
        return f"If it woke now, the answer would begin with “{visible(woken.answers[0])}” ({least_sure(woken):.2f})."

    def update_text(self, woken: Answer) -> str:
        """The same in a few words."""
        return f"the answer would begin with “{visible(woken.answers[0])}”"

    def answer_text(self, answer: Answer) -> str:
        """The generated answer, and what the text says."""
        said = f"the answer is “{visible(answer.answers[0])}”"
        return said if self._truth is None else f"{said}, and the page says “{self._truth}”"

    def wrong_text(self, answer: Answer) -> str:
        """What the page says instead."""
        return first_wrong(answer)

    def card(self, answer: Answer) -> dict[str, Any]:
        """One generated answer; `right` is None where no truth is known."""
        said, sure = visible(answer.answers[0]), least_sure(answer)
        right = self._is_right(said)
        row = {"asked": visible(answer.asked[0]), "answer": said, "truth": self._truth or "no reference answer"}
        return {
            "rows": [{**row, "right": right is not False, "confidence": [sure]}],
            "right": right,
            "verdict": self._verdict(right),
            "least": sure,
            "least_of": "least sure token",
        }

    def _is_right(self, said: str) -> bool | None:
        """None where no truth is known, and where it comes first and more follows."""
        if self._truth is None:
            return None
        if said == self._truth:
            return True
        return None if WORD.findall(said)[:1] == [self._truth] else False

    def _verdict(self, right: bool | None) -> str:
        if right is None:
            return "We cannot check this answer" if self._truth is None else "Starts right, then rambles"
        return "Right, as the page says" if right else "Wrong"

    def seen(self) -> str:
        """Nothing is known of its training."""
        return "What this model saw in training is not known here."

    def table(self) -> Table | None:
        """The first token after each pass."""
        passes = [event for event in self._trace.events if isinstance(event, SleepPassDone)]
        rows = tuple(
            (
                f"{event.window_index + 1} · {event.pass_index + 1}",
                visible(event.woken.answers[0]),
                f"{least_sure(event.woken):.2f}",
            )
            for event in passes
        )
        said = "What the answer would begin with if the model woke after each pass."
        return Table(said, ("window · pass", "first token", "probability"), rows) if rows else None


def visible(text: str) -> str:
    """On one line, short, and never empty."""
    line = " ".join(text.split())[:200]
    return line or "␣"
