"""A text and a question about it: nobody here knows the truth, so nothing is called right or wrong."""

from __future__ import annotations

from typing import Any

from app.player.pictures.base import Table, least_sure
from sleepviz.events import Answer, SleepPassDone, Trace


class WordsPicture:
    """What the answer would begin with, and how sure the model is of it."""

    kind = "words"

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def scene(self) -> dict[str, Any]:
        """Nothing but its name."""
        return {"kind": self.kind, "label": "The first token of the answer if woken now, and its probability"}

    def token(self, token: str) -> str:
        """White space made visible."""
        return token.strip() or "␣"

    def woken(self, woken: Answer) -> dict[str, Any] | None:
        """The first token and its probability."""
        begins = visible(woken.answers[0])
        return {"begins": begins, "sure": least_sure(woken), "unit": f"{begins}, probability {least_sure(woken):.2f}"}

    def woken_text(self, woken: Answer) -> str:
        """The same in a sentence."""
        return f"If woken now, the answer would begin with “{visible(woken.answers[0])}” ({least_sure(woken):.2f})."

    def update_text(self, woken: Answer) -> str:
        """The same in a few words."""
        return f"The answer would begin with “{visible(woken.answers[0])}”"

    def answer_text(self, answer: Answer) -> str:
        """The generated answer."""
        return f"the answer is “{visible(answer.answers[0])}”"

    def card(self, answer: Answer) -> dict[str, Any]:
        """One generated answer; `right` is None, since no truth is known."""
        row = {"asked": visible(answer.asked[0]), "answer": visible(answer.answers[0]), "truth": "not known"}
        sure = [least_sure(answer)]
        return {
            "rows": [{**row, "right": True, "confidence": sure}],
            "right": None,
            "verdict": "Whether it is right, you can tell",
            "least": sure[0],
            "least_of": "least sure token",
        }

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
        said = "What the answer would begin with if woken after each pass."
        return Table(said, ("window · pass", "first token", "probability"), rows) if rows else None


def visible(text: str) -> str:
    """On one line, short, and never empty."""
    line = " ".join(text.split())[:200]
    return line or "␣"
