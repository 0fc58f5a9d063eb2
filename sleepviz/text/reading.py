"""A document and a question in our style, read by rule: what the page itself says. No model is involved.

This is what the model's answer is held against, and how a visitor is told that a text is of another style.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sleepviz.config import words
from sleepviz.text.documents import ASKED, OF_THINGS, SENTENCES, TO_PEOPLE, VALUES, Fact, Relation

SENTENCE = re.compile(r"[^.?!\n]+[.?!]?")
Facts = dict[tuple[Relation, str], Fact]


@dataclass(frozen=True)
class Reading:
    """The facts that a document tells, the last where it tells two, and the sentences that tell none."""

    facts: Facts
    others: tuple[str, ...]


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"(\{subject\}|\{value\})", template)
    return re.compile("".join(f"(?P<{p[1:-1]}>\\w+)" if p.startswith("{") else re.escape(p) for p in parts))


_TOLD = tuple((relation, _pattern(form)) for relation, forms in SENTENCES.items() for form in forms)
_ASKED = tuple(
    (relation, re.compile(re.escape(form).replace(r"\{subject\}", "(.+)"))) for relation, form in ASKED.items()
)
_OF = re.compile(f"the ({'|'.join(TO_PEOPLE)}) of (.+)")


def read(document: str) -> Reading:
    """Read a text sentence by sentence, and keep the facts and what cannot be read."""
    facts, others = Facts(), list[str]()
    for found in SENTENCE.findall(document):
        if not (sentence := found.strip()):
            continue
        fact = _fact(sentence)
        if fact is None:
            others.append(sentence)
        else:
            facts[fact.relation, fact.subject] = fact
    return Reading(facts, tuple(others))


def _fact(sentence: str) -> Fact | None:
    for relation, pattern in _TOLD:
        found = pattern.fullmatch(sentence)
        subjects = words.THINGS if relation in OF_THINGS else words.PEOPLE
        if found and found["subject"] in subjects and found["value"] in VALUES[relation]:
            return Fact(relation, found["subject"], found["value"])
    return None


def places(document: str, facts: Iterable[Fact]) -> tuple[tuple[int, int], ...]:
    """Where the sentences stand that tell one of these facts: (first character, last + 1), in their order."""
    wanted = set(facts)
    told = (found for found in SENTENCE.finditer(document) if _fact(found[0].strip()) in wanted)
    return tuple((found.end() - len(found[0].lstrip()), found.end()) for found in told)


def solved(question: str, facts: Facts) -> tuple[Fact, ...] | None:
    """The facts that answer a question, one a hop, the last with the answer; None where they do not, or it is no
    question in our style.
    """
    for relation, pattern in _ASKED:
        found = pattern.fullmatch(question.strip())
        chain = _chain(relation, found[1], facts) if found else None
        if chain is not None:
            return chain
    return None


def _chain(relation: Relation, subject: str, facts: Facts) -> tuple[Fact, ...] | None:
    """`subject` is a name, "the key", or "the brother of ..."."""
    relations = [relation]
    while of := _OF.fullmatch(subject):
        relations.append(of[1])  # type: ignore[arg-type]
        subject = of[2]
    if relations[-1] in OF_THINGS:
        subject = subject.removeprefix("the ")
    chain: tuple[Fact, ...] = ()
    for asked in reversed(relations):
        fact = facts.get((asked, subject))
        if fact is None:
            return None
        chain, subject = (*chain, fact), fact.value
    return chain


def lexicon() -> frozenset[str]:
    """Every word that the model was trained on, as it is written in a sentence."""
    forms = [*words.FILLERS, *(form for forms in SENTENCES.values() for form in forms), *ASKED.values()]
    listed = (words.PEOPLE, words.CITIES, words.JOBS, words.THINGS, words.PLACES)
    said = " ".join(forms).replace("{subject}", "").replace("{value}", "")
    return frozenset(words.WORD.findall(said)).union(TO_PEOPLE, *listed)


def unknown_words(text: str) -> tuple[str, ...]:
    """Words that the model has never read, in the order of the text, each once."""
    known = lexicon()
    return tuple(dict.fromkeys(word for word in words.WORD.findall(text) if word not in known))
