"""Documents and questions as arrays of tokens: what the text model is trained on and examined with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sleepviz.tasks.base import NOT_ASKED, Split, Tokens
from sleepviz.text.documents import Fact, Question, narrated, question, retold, world

FACTS_PER_TOKEN = 0.11  # of a context; about what the mixture of sentences holds


@dataclass(frozen=True)
class Page:
    """One document as tokens: what is slept on, how it goes on, and which facts the context tells in full."""

    text: str  # of the context, cut at its last token
    context: list[int]
    onward: list[int]
    facts: tuple[Fact, ...]
    straddling: frozenset[Fact]  # those whose sentence a window's end cuts in two


@dataclass(frozen=True)
class TextBatch:
    """Contexts and two prediction chunks for each: questions with their answers, and the document's next words.

    Targets are the token that follows; NOT_ASKED where it does not count.
    """

    windows: Tokens  # [B, W, L]
    asked: Tokens  # [B, L]
    asked_targets: Tokens  # [B, L], answers and the end after them alone
    onward: Tokens  # [B, L]
    onward_targets: Tokens  # [B, L], every token


@dataclass(frozen=True)
class Writer:
    """Writes pages and chunks of `window` tokens with one tokenizer; remembers each sentence's tokens."""

    tokenizer: Any
    window: int
    known: dict[str, list[int]] = field(default_factory=dict)

    def encode(self, text: str) -> list[int]:
        """Tokens of a sentence with what comes before it. Sentences may be joined after encoding: the tokenizer
        never merges across a space or a new line.
        """
        if text not in self.known:
            self.known[text] = self.tokenizer.encode(text, add_special_tokens=False)
        return self.known[text]

    def page(self, rng: np.random.Generator, split: Split, n_tokens: int) -> Page:
        """A document whose context is exactly so many tokens, with one window of what comes after it."""
        tokens, told, cut = list[int](), list[Fact](), set[Fact]()
        while not told:  # a short context of fillers alone has nothing to ask for
            facts, tokens = world(rng, split, int(FACTS_PER_TOKEN * n_tokens)), []
            for sentence in narrated(rng, facts):
                first = len(tokens)
                tokens += self.encode(sentence.gap + sentence.text)
                if sentence.fact and len(tokens) <= n_tokens:
                    told.append(sentence.fact)
                    if first // self.window != (len(tokens) - 1) // self.window:
                        cut.add(sentence.fact)
                if len(tokens) >= n_tokens:
                    break
        for sentence in retold(rng, told, facts[len(told) :]):
            if len(tokens) >= n_tokens + self.window:
                break
            tokens += self.encode(sentence.gap + sentence.text)
        context, onward = tokens[:n_tokens], tokens[n_tokens : n_tokens + self.window]
        return Page(self.tokenizer.decode(context), context, onward, tuple(told), frozenset(cut))

    def answered(self, asked: Question) -> tuple[list[int], list[int]]:
        """A question followed by its answer and the end -> (tokens, targets), of one length."""
        ask, answer = self.encode(asked.text), self.encode(" " + asked.answer)
        tokens = [*ask, *answer, self.tokenizer.eos_token_id]
        return tokens, [NOT_ASKED] * (len(ask) - 1) + tokens[len(ask) :] + [NOT_ASKED]

    def batch(
        self,
        rng: np.random.Generator,
        *,
        size: int,
        n_windows: int,
        hops: int,
        split: Split,
        one_hop_share: float = 0.75,
    ) -> TextBatch:
        """So many pages, each with as many questions of at most `hops` hops as fit a chunk.

        `one_hop_share` of the questions, at least, are those of one hop, which everything else is made of.
        """
        pages = [self.page(rng, split, n_windows * self.window) for _ in range(size)]
        chunks = [self._asked(rng, page, hops, one_hop_share) for page in pages]
        onward = np.array([page.onward for page in pages])
        following = np.concatenate([onward[:, 1:], np.full((size, 1), NOT_ASKED)], axis=1)
        return TextBatch(
            windows=np.array([page.context for page in pages]).reshape(size, n_windows, self.window),
            asked=np.array([tokens for tokens, _ in chunks]),
            asked_targets=np.array([targets for _, targets in chunks]),
            onward=onward,
            onward_targets=following,
        )

    def _asked(
        self, rng: np.random.Generator, page: Page, hops: int, one_hop_share: float
    ) -> tuple[list[int], list[int]]:
        """A chunk full of questions and answers; the last, which is cut off, is not scored."""
        tokens, targets = list[int](), list[int]()
        while True:
            more, wanted = self.answered(question(rng, page.facts, _drawn(rng, hops, one_hop_share)))
            if len(tokens) + len(more) > self.window:
                break
            tokens, targets = tokens + more, targets + wanted
        rest = self.window - len(tokens)
        return tokens + more[:rest], targets + [NOT_ASKED] * rest


def _drawn(rng: np.random.Generator, hops: int, one_hop_share: float) -> int:
    """How many hops to ask for."""
    return 1 if rng.random() < one_hop_share else int(rng.integers(1, hops + 1))
