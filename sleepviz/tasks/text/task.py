"""Text: a document in plain English is read, slept on and evicted; then a question of several hops is asked.

The task of "a page of English that needs sleep": each fact says one thing ("The doctor of Ana is Ben."), the facts
stand in shuffled order among sentences that tell nothing, and a question follows several of them. Questions come only
after every window is evicted, so the memory must be ready for all of them.

A window is one page: whole sentences, then a foot with the names of everybody in the document. The foot is a departure
from the paper (the roll call): it gives every name a place in every window, where a pass can work. With `index` a
document ends with one more page that has a foot and no sentence, like the index of a book. There the passes have
nothing to read but S.
A prediction chunk holds questions in slots of equal length, filled up on the left; an answer is read at the "?".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sleepviz.config.base import JsonRoundTrip, require
from sleepviz.config.events import Answer
from sleepviz.config.words import PEOPLE, THINGS
from sleepviz.tasks.base import (
    NOT_ASKED,
    Batch,
    InputError,
    Problem,
    Split,
    Tokens,
    ends_in_windows,
    hops_reached,
    read_json,
)
from sleepviz.tasks.text.story import (
    OWNER,
    THINGS_MAX,
    Fact,
    fact_of,
    filler_tokens,
    people_tokens,
    question_read,
    question_text,
    question_tokens,
    sampled_town,
    sentences_of,
)
from sleepviz.tasks.text.tokens import NEW_LINE, VOCAB_SIZE, encoded, spelled, vocabulary, word, words

PAGES_MAX = 16  # of a document that a person writes
PEOPLE_MIN = 4
SLOTS = 3  # questions in a prediction chunk of training
FILLED = 0.8  # how likely a page of training takes one more sentence that tells nothing
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,!?'-\n")
FORM = '{"document": "The doctor of Ana is Ben. The cook of Ben is Leo.", "question": "Who is the doctor of Ana?"}'


@dataclass(frozen=True)
class TextInstance:
    """The sentences of a document in order, what they tell, and a question: the relations from `start`."""

    sentences: tuple[str, ...]
    facts: tuple[Fact, ...]
    start: str
    relations: tuple[str, ...]

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody of whom a fact tells, in the order of the document."""
        named = (name for fact in self.facts for name in (fact.subject, fact.person) if name in PEOPLE)
        return tuple(dict.fromkeys(named))

    @property
    def chain(self) -> tuple[Fact, ...]:
        """The facts from the start onward, as far as the document tells, each once."""
        onward = {fact.subject: fact for fact in self.facts}
        chain: list[Fact] = []
        name = self.start
        while (fact := onward.get(name)) is not None and fact not in chain:
            chain.append(fact)
            name = fact.person
        return tuple(chain)

    @property
    def hops(self) -> int:
        """How many facts lead to the answer."""
        return len(self.relations)


@dataclass(frozen=True)
class Text(JsonRoundTrip):
    """Text in one size: pages of `page_tokens` tokens, a foot of `people_max` names, questions of up to `hops_max`."""

    people_max: int = 13
    hops_max: int = 6
    page_tokens: int = 56
    pages_max: int = 4  # of a document that is sampled
    chunks: int = 3  # prediction chunks of one training instance
    index: bool = False  # whether a document ends with a page that only names everybody
    things_max: int = THINGS_MAX  # that one document tells of
    thing_share: float = 0.0  # of its questions begin with a thing, where the document tells of one; more do by chance

    name = "text"
    difficulty_min = 1
    difficulty_in_windows = False  # one sleep serves the questions of every difficulty
    vocab_size = VOCAB_SIZE

    def __post_init__(self) -> None:
        require(PEOPLE_MIN <= self.people_max <= len(PEOPLE), f"people_max must be from 4 to {len(PEOPLE)}.")
        require(1 <= self.hops_max < self.people_max, "hops_max must be from 1, and below people_max.")
        require(self.page_tokens >= PEOPLE_MIN * 7, "page_tokens must be at least 28, for four facts.")
        require(self.chunks >= 1, "chunks must be at least 1.")
        require(0 <= self.things_max <= len(THINGS), f"things_max must be from 0 to {len(THINGS)}.")
        require(0 <= self.thing_share <= 1, "thing_share must be from 0 to 1.")
        require(1 <= self.pages_max <= PAGES_MAX, f"pages_max must be from 1 to {PAGES_MAX}.")
        require(SLOTS * self.slot <= self.window, "three questions must fit in a window.")

    @property
    def window(self) -> int:
        """L: a page and its foot."""
        return self.page_tokens + self.people_max

    @property
    def windows_min(self) -> int:
        """One page, and the index."""
        return 1 + self.index

    @property
    def windows_max(self) -> int:
        """Pages of the longest document that is sampled, the index among them."""
        return self.pages_max + self.index

    @property
    def difficulty_max(self) -> int:
        """Hops."""
        return self.hops_max

    @property
    def slot(self) -> int:
        """Tokens of the longest question."""
        return 3 * self.hops_max + 5

    @property
    def n_questions(self) -> int:
        """Questions of one training instance."""
        return self.chunks * SLOTS

    def limits(self) -> dict[str, Any]:
        """Sizes that a person's input must keep to."""
        return {
            "people_max": self.people_max,
            "hops_max": self.hops_max,
            "page_tokens": self.page_tokens,
            "pages_max": PAGES_MAX,
        }

    def token_text(self, token: int) -> str:
        """The token as it is written; an empty place as a dot."""
        return "·" if token == self._blank else spelled(token)

    def statement_stops(self, context: Sequence[int]) -> tuple[int, ...]:
        """Each sentence is a statement; the foot with the empty places before it is one more."""
        full_stops = {vocabulary()[mark] for mark in ".!?"}
        over = {count for count, token in enumerate(context, start=1) if token in full_stops}
        return tuple(sorted(over | set(ends_in_windows(len(context), self.window, ()))))

    @property
    def _blank(self) -> int:
        return vocabulary()[NEW_LINE]

    def batch(self, rng: np.random.Generator, *, size: int, n_windows: int, difficulty: Tokens, split: Split) -> Batch:
        """Sample documents: a cycle of people, things that belong to them, and other sentences.

        `n_windows` counts all pages, the index among them. In training an instance has several questions, of towns of
        any size; to be measured, one question, of the largest town. `difficulty` is [size], or [size, questions] where
        each question has its own. No question goes further than half way round the cycle, beyond which the way back
        would be shorter.
        """
        training, n_pages = split == "train", n_windows - self.index
        most = min(n_pages * (self.page_tokens // 7), self.people_max)
        n_people = np.full(size, most)
        if training:
            varied = rng.random(size) < 0.5
            n_people[varied] = rng.integers(min(PEOPLE_MIN, most), most + 1, int(varied.sum()))
        chunks, slots = (self.chunks, SLOTS) if training else (1, 1)
        hops = np.broadcast_to(difficulty.reshape(size, -1), (size, chunks * slots))
        hops = np.clip(hops, 1, np.maximum((n_people - 1) // 2, 1)[:, None])
        windows = np.full((size, n_pages, self.window), self._blank)
        queries = np.full((size, chunks, slots, self.slot), self._blank)
        targets = np.full((size, chunks, self.hops_max + 1, slots, self.slot), NOT_ASKED)
        for index in range(size):
            town = sampled_town(rng, int(n_people[index]), split, self.things_max)
            pages, told = self._told(rng, town.facts, n_pages)
            foot = [town.people[place] for place in rng.permutation(len(town.people))]
            windows[index] = self._pages(pages, foot)
            for question, n_hops in enumerate(hops[index]):
                start = self._start(rng, told, training)
                relations, person = town.chain(start, int(n_hops))
                chunk, slot = divmod(question, slots)
                asked = question_tokens(relations, start)
                queries[index, chunk, slot, self.slot - len(asked) :] = asked
                targets[index, chunk, :, slot, -1] = word(person)
        flat = targets.reshape(size, chunks, self.hops_max + 1, slots * self.slot)
        return Batch(
            self._indexed(windows),
            queries.reshape(size, chunks, -1),
            flat,
            hops if difficulty.ndim == 2 else difficulty,
        )

    def _start(self, rng: np.random.Generator, told: Sequence[Fact], training: bool) -> str:
        """Whom or what a question begins with."""
        if training and self.thing_share and rng.random() < self.thing_share:
            told = [fact for fact in told if fact.relation == OWNER] or told
        return told[int(rng.integers(len(told)))].subject

    def _told(
        self, rng: np.random.Generator, facts: Sequence[Fact], n_pages: int
    ) -> tuple[list[list[tuple[int, ...]]], list[Fact]]:
        """Sentences of each page, shuffled, and the facts that they tell: what is last may find no room.

        Each fact stands on a random page that has room for it. Other sentences fill the pages, or a part of them.
        """
        pages: list[list[tuple[int, ...]]] = [[] for _ in range(n_pages)]
        room, told = np.full(n_pages, self.page_tokens), []
        for fact in facts:
            sentence = fact.tokens
            (fitting,) = np.nonzero(room >= len(sentence))
            if fitting.size:
                page = int(rng.choice(fitting))
                pages[page].append(sentence)
                room[page] -= len(sentence)
                told.append(fact)
        fillers = filler_tokens()
        for page in range(n_pages):
            while rng.random() < FILLED:
                filler = fillers[rng.integers(len(fillers))]
                if len(filler) > room[page]:
                    break
                pages[page].append(filler)
                room[page] -= len(filler)
            pages[page] = [pages[page][index] for index in rng.permutation(len(pages[page]))]
        return pages, told

    def _pages(self, pages: Sequence[Sequence[Sequence[int]]], people: Sequence[str]) -> Tokens:
        """Pages of sentences with their feet, [pages, L]."""
        windows = np.full((len(pages), self.window), self._blank)
        windows[:, self.page_tokens : self.page_tokens + len(people)] = words(people)
        for window, page in zip(windows, pages, strict=True):
            told = [token for sentence in page for token in sentence]
            window[: len(told)] = told
        return windows

    def _indexed(self, windows: Tokens) -> Tokens:
        """Pages [B, W, L] with the index, if the document has one."""
        return np.concatenate([windows, self.rest(windows)], axis=1) if self.index else windows

    def rest(self, windows: Tokens) -> Tokens:
        """A page without a sentence, after pages [B, W, L], with the same foot, [B, 1, L]."""
        page = windows[:, -1:].copy()
        page[..., : self.page_tokens] = self._blank
        return page

    def parse(self, text: str, limits: Mapping[str, Any]) -> TextInstance:
        """Read {"document": "The cook of Ana is Ben.", "question": "Who is the cook of Ana?"}. Raises InputError."""
        values = read_json(text, ("document", "question"), FORM)
        document, question = values["document"], values["question"]
        for what, given in (("document", document), ("question", question)):
            if not isinstance(given, str):
                raise InputError(f"The {what} must be text; write {FORM}.")
            if strange := sorted(set(given) - PLAIN):
                raise InputError(f"The {what} may hold plain letters, digits and . , ! ? ' -, but not {strange[0]!r}.")
        sentences = sentences_of(document)
        facts = tuple(fact for fact in map(fact_of, sentences) if fact is not None)
        relations, start = question_read(question)
        instance = TextInstance(sentences, facts, start, relations)
        self._check(instance, limits)
        return instance

    def _check(self, instance: TextInstance, limits: Mapping[str, Any]) -> None:
        subjects = [fact.subject for fact in instance.facts]
        twice = next((name for name in subjects if subjects.count(name) > 1), None)
        if twice is not None:
            raise InputError(f"Two sentences lead on from {twice}; write one for each person and thing.")
        people_max = min(limits["people_max"], self.people_max)
        if len(instance.people) > people_max:
            raise InputError(
                f"The document names {len(instance.people)} people; this model reads {people_max} at most."
            )
        hops_max = min(limits["hops_max"], self.hops_max)
        if instance.hops > hops_max:
            raise InputError(f"The question follows {instance.hops} facts; this model is asked for {hops_max} at most.")
        name, chain = instance.start, iter(instance.chain)
        for relation in instance.relations:
            fact = next(chain, None)
            if fact is None or fact.relation != relation:
                raise InputError(f"The document does not tell who the {relation} of {name} is.")
            name = fact.person
        n_pages = len(self._pages_of(instance))
        if n_pages > limits["pages_max"]:
            raise InputError(f"The document fills {n_pages} pages; {limits['pages_max']} are read at most.")

    def _pages_of(self, instance: TextInstance) -> list[list[tuple[int, ...]]]:
        """The sentences page by page, none of them cut. Raises InputError where one does not fit on a page."""
        pages: list[list[tuple[int, ...]]] = [[]]
        for sentence in instance.sentences:
            told = encoded(sentence)
            if len(told) > self.page_tokens:
                raise InputError(
                    f"A sentence may have {self.page_tokens} tokens at most: “{sentence[:40]}…” is longer."
                )
            if sum(map(len, pages[-1])) + len(told) > self.page_tokens:
                pages.append([])
            pages[-1].append(told)
        return pages

    def encode(self, instance: TextInstance) -> Problem:
        """The person's question first; then, for the picture, every number of hops from the same start."""
        windows = self._indexed(self._pages(self._pages_of(instance), instance.people)[None])[0]
        asked = [instance.relations, *self._further(instance)]
        queries = np.full((len(asked), self.slot), self._blank)
        for query, relations in zip(queries, asked, strict=True):
            written = question_tokens(relations, instance.start)
            query[self.slot - len(written) :] = written
        return Problem(tuple(windows.reshape(-1).tolist()), queries, (0,) * len(asked), n_asked=1)

    def _further(self, instance: TextInstance) -> Iterator[tuple[str, ...]]:
        """The relations of one hop, of two, and so on, as far as the document tells."""
        relations = tuple(fact.relation for fact in instance.chain)
        for hops in range(1, min(len(relations), self.hops_max) + 1):
            yield relations[:hops]

    def answer(self, instance: TextInstance, probabilities: NDArray[np.float32]) -> Answer:
        """Read names from probabilities [Q, T, vocab_size] of the first Q questions."""
        asked = [instance.relations, *self._further(instance)][: len(probabilities)]
        shares = probabilities[:, -1, list(people_tokens())]  # [Q, people]
        answers = [PEOPLE[place] for place in shares.argmax(-1)]
        walk = [instance.start, *(fact.person for fact in instance.chain)]
        truths = [walk[len(relations)] for relations in asked]
        return Answer(
            asked=tuple(question_text(relations, instance.start) for relations in asked),
            answers=tuple(answers),
            truths=tuple(truths),
            correct=tuple(answer == truth for answer, truth in zip(answers, truths, strict=True)),
            reached=tuple(hops_reached(walk, answer, len(each)) for answer, each in zip(answers, asked, strict=True)),
            confidence=shares.max(-1, keepdims=True).astype(np.float32),
        )
