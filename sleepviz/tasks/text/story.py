"""A small town in sentences: who is whose doctor, what belongs to whom, and what else happened.

A person or a thing is the subject of one fact, so that a chain of facts leads on from everybody: "The doctor of Ana is
Ben." leads from Ana to Ben. A question names the chain from its end: "Who is the lawyer of the doctor of Ana?"
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from sleepviz.config.words import FILLERS, PEOPLE, THINGS
from sleepviz.tasks.base import InputError, Split
from sleepviz.tasks.text.tokens import encoded, vocabulary, word, words

RELATIONS = ("doctor", "teacher", "lawyer", "driver", "cook", "nurse", "gardener", "tailor")
OWNER = "owner"
HELD_OUT_SHARE = 8  # one town in so many is never trained on
THINGS_MAX = 2  # in one document, unless a task's sizes give another number

_RELATION = rf"(?:{'|'.join((*RELATIONS, OWNER))})"
_FACT = re.compile(rf"The ({'|'.join(RELATIONS)}) of (\w+) is (\w+)\.")
_BELONGS = re.compile(r"The (\w+) belongs to (\w+)\.")
_QUESTION = re.compile(rf"Who is ((?:the {_RELATION} of )+)(?:the )?(\w+) ?\?")
_SENTENCE = re.compile(r"[^.!?]*[.!?]|[^.!?]+$")


@dataclass(frozen=True)
class Fact:
    """One sentence that tells something: from whom or what it leads, by which relation, to whom."""

    subject: str
    relation: str
    person: str

    @property
    def text(self) -> str:
        """The sentence."""
        if self.relation == OWNER:
            return f"The {self.subject} belongs to {self.person}."
        return f"The {self.relation} of {self.subject} is {self.person}."

    @property
    def tokens(self) -> tuple[int, ...]:
        """The sentence's tokens."""
        stop = vocabulary()["."]
        if self.relation == OWNER:
            return (*words(("The", self.subject, "belongs", "to", self.person)), stop)
        return (*words(("The", self.relation, "of", self.subject, "is", self.person)), stop)


def question_text(relations: Sequence[str], start: str) -> str:
    """The question that follows the relations from `start`, the first one first."""
    nested = " of ".join(f"the {relation}" for relation in reversed(relations))
    return f"Who is {nested} of {'the ' if start in THINGS else ''}{start}?"


def question_tokens(relations: Sequence[str], start: str) -> tuple[int, ...]:
    """Its tokens; its answer is read at the last."""
    nested = [part for relation in reversed(relations) for part in ("the", relation, "of")]
    named = words(("is", *nested, *(("the",) if start in THINGS else ()), start))
    return (vocabulary()["Who"], *named, vocabulary()["?"])


def question_read(text: str) -> tuple[tuple[str, ...], str]:
    """The relations, the first one first, and the start. Raises InputError."""
    match = _QUESTION.fullmatch(" ".join(text.split()))
    if match is None:
        raise InputError(
            f"Ask with “Who is the … of …?”, for example “{question_text(('doctor', 'lawyer'), 'Ana')}”; the words are "
            f"{', '.join((*RELATIONS, OWNER))}."
        )
    relations = re.findall(_RELATION, match[1])
    return tuple(reversed(relations)), match[2]


def sentences_of(document: str) -> tuple[str, ...]:
    """The sentences of a document, without the spaces between them; an empty line ends one too."""
    paragraphs = re.split(r"\n\s*\n", document)
    found = (" ".join(each.split()) for paragraph in paragraphs for each in _SENTENCE.findall(paragraph))
    return tuple(sentence for sentence in found if sentence)


def fact_of(sentence: str) -> Fact | None:
    """What a sentence tells; None where it tells nothing of who leads to whom. Raises InputError on an unknown name."""
    if match := _FACT.fullmatch(sentence):
        fact = Fact(match[2], match[1], match[3])
    elif match := _BELONGS.fullmatch(sentence):
        fact = Fact(match[1], OWNER, match[2])
    else:
        return None
    subjects = THINGS if fact.relation == OWNER else PEOPLE
    for name, known in ((fact.subject, subjects), (fact.person, PEOPLE)):
        if name not in known:
            raise InputError(f"The model has never read the name {name!r}; it knows {', '.join(known)}.")
    return fact


@dataclass(frozen=True)
class Town:
    """Facts of one document, and its people in the order of the cycle that they form."""

    facts: tuple[Fact, ...]
    people: tuple[str, ...]

    @property
    def split(self) -> Split:
        """On which side of the split it is: by what it says, not by the order in which it is told."""
        told = "\n".join(sorted(fact.text for fact in self.facts))
        return "held_out" if hashlib.sha256(told.encode()).digest()[0] % HELD_OUT_SHARE == 0 else "train"

    def chain(self, start: str, hops: int) -> tuple[tuple[str, ...], str]:
        """The relations of so many hops from `start`, and where they lead."""
        onward = {fact.subject: fact for fact in self.facts}
        relations = []
        for _ in range(hops):
            relations.append(onward[start].relation)
            start = onward[start].person
        return tuple(relations), start


def sampled_town(rng: np.random.Generator, n_people: int, split: Split, things_max: int = THINGS_MAX) -> Town:
    """People in a cycle of random relations, and up to so many things that belong to some of them."""
    while True:
        people = tuple(PEOPLE[index] for index in rng.permutation(len(PEOPLE))[:n_people])
        relations = [RELATIONS[index] for index in rng.integers(0, len(RELATIONS), n_people)]
        facts = [
            Fact(people[index], relation, people[(index + 1) % n_people]) for index, relation in enumerate(relations)
        ]
        things = rng.permutation(len(THINGS))[: rng.integers(0, things_max + 1)]
        facts += [Fact(THINGS[index], OWNER, people[rng.integers(n_people)]) for index in things]
        town = Town(tuple(facts), people)
        if town.split == split:
            return town


@cache
def filler_tokens() -> tuple[tuple[int, ...], ...]:
    """Tokens of every sentence that tells nothing."""
    return tuple(encoded(filler) for filler in FILLERS)


@cache
def people_tokens() -> tuple[int, ...]:
    """The token of every name, in the order of PEOPLE."""
    return tuple(map(word, PEOPLE))
