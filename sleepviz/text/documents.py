"""Documents of facts among filler sentences, and questions of one and more hops about them.

A fact is (relation, subject, value); a relation has at most one value for each subject. A question is a
start and a chain of relations: ("brother", "lives") from Ana asks where the brother of Ana lives, two hops.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sleepviz.config.words import CITIES, FILLERS, JOBS, MEN, PEOPLE, PLACES, THINGS, WOMEN
from sleepviz.tasks.base import Split

Relation = Literal["lives", "works", "brother", "sister", "inside", "owner"]
HELD_OUT_SHARE = 8  # one document in so many is never trained on
FACT_SHARE = 0.7  # of the sentences; the others are fillers
RETOLD_SHARE = 0.7  # of the facts after the context are told for the second time
PARAGRAPH_SHARE = 0.08  # of sentences begin a new line
HOPS_MAX = 3
TRIES = 30  # at a chain of the length that was asked for

# What is said of a subject stands two or three words after it, which is as far as the short convolution looks back.
SENTENCES: dict[Relation, tuple[str, str]] = {
    "lives": ("{subject} lives in {value}.", "The home of {subject} is {value}."),
    "works": ("{subject} is a {value}.", "{subject} became a {value}."),
    "brother": ("The brother of {subject} is {value}.", "The brother of {subject} is called {value}."),
    "sister": ("The sister of {subject} is {value}.", "The sister of {subject} is called {value}."),
    "inside": ("They keep the {subject} in the {value}.", "You find the {subject} in the {value}."),
    "owner": ("The {subject} belongs to {value}.", "Now the {subject} belongs to {value}."),
}
VALUES: dict[Relation, tuple[str, ...]] = {
    "lives": CITIES,
    "works": JOBS,
    "brother": MEN,
    "sister": WOMEN,
    "inside": PLACES,
    "owner": PEOPLE,
}
OF_THINGS: tuple[Relation, ...] = ("inside", "owner")
TO_PEOPLE: tuple[Relation, ...] = ("brother", "sister", "owner")
ASKED: dict[Relation, str] = {
    "lives": "Where does {subject} live?",
    "works": "What is the job of {subject}?",
    "brother": "Who is the brother of {subject}?",
    "sister": "Who is the sister of {subject}?",
    "inside": "Where is {subject}?",
    "owner": "Who owns {subject}?",
}


@dataclass(frozen=True)
class Fact:
    """A fact that one sentence tells: of whom or what, which relation, and its value."""

    relation: Relation
    subject: str
    value: str

    def told(self, template: int) -> str:
        """The sentence, in one of its two forms."""
        return SENTENCES[self.relation][template].format(subject=self.subject, value=self.value)


@dataclass(frozen=True)
class Sentence:
    """One sentence with what it says; None for a filler. `gap` comes before it: nothing, a space or a new line."""

    text: str
    fact: Fact | None
    gap: str


@dataclass(frozen=True)
class Question:
    """A question in words, its answer, and the facts that lead to it, one a hop."""

    text: str
    answer: str
    facts: tuple[Fact, ...]

    @property
    def hops(self) -> int:
        """How many facts lead to the answer."""
        return len(self.facts)


def world(rng: np.random.Generator, split: Split, n_facts: int) -> tuple[Fact, ...]:
    """All that a document of about so many facts could tell, in the order in which it will.

    No world of one split is ever drawn in the other, whatever the generators.
    """
    while True:
        n_people = int(rng.integers(3, min(12, max(3, n_facts // 4)) + 1))
        n_things = int(rng.integers(2, min(8, max(2, n_facts // 5)) + 1))
        people = [str(name) for name in rng.permutation(PEOPLE)[:n_people]]
        things = [str(name) for name in rng.permutation(THINGS)[:n_things]]
        keys: list[tuple[Relation, str]] = [(r, p) for r in SENTENCES if r not in OF_THINGS for p in people]
        keys += [(r, thing) for r in OF_THINGS for thing in things]
        facts = []
        for index in rng.permutation(len(keys)):
            relation, subject = keys[index]
            known = [v for v in VALUES[relation] if v in people and v != subject]
            values = known if relation in TO_PEOPLE else VALUES[relation]
            if values:
                facts.append(Fact(relation, subject, values[rng.integers(len(values))]))
        if split_of(facts) == split:
            return tuple(facts)


def split_of(facts: Sequence[Fact]) -> Split:
    """On which side a world is: by what it says, not by how or in which order."""
    told = "\n".join(sorted(f"{fact.relation} {fact.subject} {fact.value}" for fact in facts))
    return "held_out" if hashlib.sha256(told.encode()).digest()[0] % HELD_OUT_SHARE == 0 else "train"


def narrated(rng: np.random.Generator, facts: Sequence[Fact]) -> Iterator[Sentence]:
    """Each fact once, in order, among fillers; fillers alone when all is told. Endless."""
    waiting, gap = iter(facts), ""
    while True:
        fact = next(waiting, None) if rng.random() < FACT_SHARE else None
        yield Sentence(_text(rng, fact), fact, gap)
        gap = _gap(rng)


def retold(rng: np.random.Generator, told: Sequence[Fact], untold: Sequence[Fact]) -> Iterator[Sentence]:
    """How a document goes on: facts that were told before, new ones, and fillers. Endless."""
    waiting = iter(untold)
    while True:
        fact = None
        if rng.random() < FACT_SHARE:
            fact = told[int(rng.integers(len(told)))] if told and rng.random() < RETOLD_SHARE else next(waiting, None)
        yield Sentence(_text(rng, fact), fact, _gap(rng))


def _text(rng: np.random.Generator, fact: Fact | None) -> str:
    return fact.told(int(rng.integers(2))) if fact else FILLERS[rng.integers(len(FILLERS))]


def _gap(rng: np.random.Generator) -> str:
    return "\n" if rng.random() < PARAGRAPH_SHARE else " "


def question(rng: np.random.Generator, facts: Sequence[Fact], hops: int) -> Question:
    """A question whose answer these facts tell, with so many hops, or fewer if no such chain was found."""
    known = {(fact.relation, fact.subject): fact for fact in facts}
    longest: tuple[Fact, ...] = ()
    for _ in range(TRIES):
        chain = [facts[int(rng.integers(len(facts)))]]
        while len(chain) < hops and chain[-1].relation in TO_PEOPLE:
            onward = [r for r in SENTENCES if r not in OF_THINGS and (r, chain[-1].value) in known]
            if not onward:
                break
            chain.append(known[onward[int(rng.integers(len(onward)))], chain[-1].value])
        longest = max(longest, tuple(chain), key=len)
        if len(longest) == hops:
            break
    return asked(longest)


def asked(chain: Sequence[Fact]) -> Question:
    """The question that these facts answer one after another: each one's subject is the value before it."""
    first, last = chain[0], chain[-1]
    subject = f"the {first.subject}" if first.relation in OF_THINGS else first.subject
    for fact in chain[:-1]:
        subject = f"the {fact.relation} of {subject}"
    return Question(ASKED[last.relation].format(subject=subject), last.value, tuple(chain))
