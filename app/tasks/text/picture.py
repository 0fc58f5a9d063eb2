"""Text: the document as it is read, held and cleared, and the chain of people with the answer for every hop."""

from __future__ import annotations

import json
from typing import Any

from app.parts.units import count
from app.tasks.answers import context_tokens, first_wrong, one_answer_card, woken_passes
from app.tasks.base import Table
from sleepviz.config.events import Answer, Trace
from sleepviz.tasks.text import story, tokens
from sleepviz.tasks.text.task import Text, TextInstance

FOOT, INDEX = "names:", "The index:"  # before the names at the foot of a page, and of one without a sentence
EMPTY = "·"  # how a place is written that holds no token of the document


class TextPicture:
    """A page of prose and a chain. A woken answer's first entry is the person's question; then one hop, two, ..."""

    kind = "story"

    def __init__(self, trace: Trace) -> None:
        values = json.loads(trace.spec["input"])
        sentences = story.sentences_of(values["document"])
        facts = tuple(fact for fact in map(story.fact_of, sentences) if fact is not None)
        relations, start = story.question_read(values["question"])
        self._trace = trace
        self._instance = TextInstance(sentences, facts, start, relations)
        self._walk = [start, *(fact.person for fact in self._instance.chain)]

    @property
    def difficulty(self) -> int | None:
        """Hops."""
        return self._instance.hops

    @property
    def chance(self) -> float | None:
        """One of the people in the document."""
        return 1 / len(self._instance.people)

    def scene(self) -> dict[str, Any]:
        """The document token by token, which tokens tell the answer, and the chain."""
        hops = self._instance.hops
        told = " ".join(fact.text for fact in self._instance.chain[:hops])
        return {
            "kind": self.kind,
            "label": f"The document, whose sentences are struck out as they are cleared. The question: {self._asked()} "
            f"These sentences tell the answer: {told} Above them the chain of answers, hop by hop.",
            "texts": self._prose(),
            "needed": self._needed(),
            "walk": self._walk[: self._hops_shown() + 1],
            "hops": hops,
        }

    def token(self, token: str) -> str:
        """Without the space before it."""
        return token.strip() or token

    def woken(self, woken: Answer) -> dict[str, Any] | None:
        """The answer to the question, and those to one hop, two, and so on."""
        if not woken.asked:
            return None
        return {
            "correct": woken.correct[0],
            "answers": list(woken.answers[1:]),
            "right": list(woken.correct[1:]),
            "unit": f"{_said(woken)} · {_hops_right(woken)} right",
        }

    def woken_text(self, woken: Answer) -> str:
        """The question's answer, and which hops are right."""
        if not woken.asked:
            return "Nothing can be asked yet."
        return (
            f"If it woke now, the answer would be {_said(woken)}. From {self._instance.start}, "
            f"{_hops_right(woken)} would be right."
        )

    def update_text(self, woken: Answer) -> str:
        """How many hops S alone knows."""
        if not woken.asked:
            return ""
        return f"{_hops_right(woken)} right"

    def answer_text(self, answer: Answer) -> str:
        """The person's question."""
        how = "right" if answer.correct[0] else f"wrong: it is {answer.truths[0]}"
        return f"the answer is {answer.answers[0]}, {how}"

    def wrong_text(self, answer: Answer) -> str:
        """The name that it should have been."""
        return first_wrong(answer)

    def card(self, answer: Answer) -> dict[str, Any]:
        """One name."""
        return one_answer_card(answer, (self._asked(),))

    def seen(self) -> str:
        """By the facts of the document."""
        kept = story.Town(self._instance.facts, self._instance.people).split == "held_out"
        return (
            "No document with these facts was in the training."
            if kept
            else "A document with these facts may have been in the training; accuracies are measured on others."
        )

    def table(self) -> Table | None:
        """The answer for every number of hops after each pass."""
        passes = woken_passes(self._trace)
        if not passes:
            return None
        hops = range(1, len(passes[0].woken.asked))
        rows = tuple(
            (
                f"{event.window_index + 1} · {event.pass_index + 1}",
                *(
                    said if right else f"{said} ×"
                    for said, right in zip(event.woken.answers[1:], event.woken.correct[1:], strict=True)
                ),
            )
            for event in passes
        )
        return Table(
            f"The answer after each pass, by hops from {self._instance.start}; × marks a wrong one.",
            ("window · pass", *(count(hop, "hop") for hop in hops)),
            (*rows, ("truth", *passes[0].woken.truths[1:])),
        )

    def _asked(self) -> str:
        return story.question_text(self._instance.relations, self._instance.start)

    def _hops_shown(self) -> int:
        """The hops that were asked for the picture; without a pass, those of the question."""
        passes = woken_passes(self._trace)
        return len(passes[0].woken.asked) - 1 if passes else self._instance.hops

    def _prose(self) -> list[str]:
        """Every token as it is written, the foot of each page on a line of its own; nothing at empty places."""
        limits = {**Text().limits(), **self._trace.checkpoint.get("limits", {})}
        page, window = limits["page_tokens"], limits["page_tokens"] + limits["people_max"]
        tokens = ["" if event.token == EMPTY else event.token for event in context_tokens(self._trace)]
        for first in range(0, len(tokens), window):
            is_index = not any(tokens[first : first + page])
            if first > 0 and not is_index:
                tokens[first] = f"\n{tokens[first]}"
            if first + page < len(tokens):
                tokens[first + page] = f"\n{INDEX if is_index else FOOT}{tokens[first + page]}"
        return tokens

    def _needed(self) -> list[int]:
        """The tokens of the sentences that lead to the answer."""
        texts = [event.token for event in context_tokens(self._trace)]
        wanted = {tuple(map(tokens.spelled, fact.tokens)) for fact in self._instance.chain[: self._instance.hops]}
        found: list[int] = []
        for told in wanted:
            for first in range(len(texts) - len(told) + 1):
                if tuple(texts[first : first + len(told)]) == told:
                    found += range(first, first + len(told))
        return sorted(found)


def _said(woken: Answer) -> str:
    """The answer to the person's question, and whether it is right."""
    return f"{woken.answers[0]}, {'right' if woken.correct[0] else 'wrong'}"


def _hops_right(woken: Answer) -> str:
    """How many numbers of hops are answered right, and of how many; the person's own question is not counted."""
    return f"{sum(woken.correct[1:])} of {count(len(woken.correct) - 1, 'hop')}"
