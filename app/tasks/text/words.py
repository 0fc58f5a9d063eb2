"""Everything that the app says of Text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.parts.units import count
from app.tasks import evidence
from app.tasks.base import Deviation, Words
from sleepviz.tasks.text.story import OWNER, RELATIONS, question_read, sentences_of

# The controls.
EASY, HARD, THING = "Easy", "Hard", "A key"
PRESET_HELP = {
    "easy": "One hop: the answer stands in one sentence.",
    "hard": "{hops} hops over four pages: no single sentence gives the answer.",
    "thing": "Three hops that begin with a thing.",
}
EDIT, DOCUMENT, QUESTION = "Edit the document", "Document", "Question"
DOCUMENT_HELP = (
    "“The doctor of Ana is Ben.” or “The key belongs to Ana.” Other sentences may stand between. "
    "Write one such sentence for each person and thing."
)
DOCUMENT_LIMITS = "The document may name {people_max} people and fill {pages_max} pages."
QUESTION_HELP = f"“Who is the … of the … of Ana?” with the words {', '.join((*RELATIONS, OWNER))}."


def question(given: Mapping[str, Any]) -> str:
    """What an input asks, in one line."""
    relations, start = question_read(str(given["question"]))
    n_sentences = len(sentences_of(str(given["document"])))
    return f"{count(len(relations), 'hop')} from {start} in a document of {count(n_sentences, 'sentence')}"


def asks(given: Mapping[str, Any]) -> str:
    """The question that an input asks."""
    return str(given["question"])


WORDS = Words(
    title="A page of English is read and forgotten. Who is the person asked for?",
    asks=asks,
    explanation=(
        "The model reads a document **page by page**. After each page it sleeps, and the page is cleared from the KV "
        "cache. The last page is an index: it names everybody and tells nothing. Then the model is asked a question "
        "such as **“Who is the lawyer of the doctor of Ana?”** No single sentence gives the answer: one sentence "
        "names the doctor, another names that doctor's lawyer. The model answers in a single forward pass. It did not "
        "know the question while it slept."
    ),
    notice=(
        "Sentences are struck out as they are forgotten. The chain above them shows which answers S alone would give, "
        "from one hop to the most."
    ),
    symbol="hops",
    right="questions answered right",
    window="one window is one page: whole sentences, then the names of everybody in the document",
    woken="Filled is right, a cross is wrong",
    presets="We drew the documents by a seed that was fixed before any model had answered them.",
    glossary={
        "hops": "Hops: how many sentences lead from the start to the answer.",
        "foot": "Foot of a page: the names of everybody in the document. The model can work there while it sleeps. "
        "The paper's windows have no such part.",
        "index": "Index: the last page, which names everybody and tells nothing. While the model sleeps on it, the "
        "passes can only work on what S holds. The paper's tasks have no such page.",
    },
    lab="Story: hops through a page of English",
    sizes=" ({people_max} people, {pages_max} pages, up to {hops_max} hops)",
    question=question,
    departures=(
        Deviation("foot of the page", "Every page ends with all names, where the passes can work."),
        Deviation("index", "The last page names everybody and tells nothing, so its passes can only work on S."),
        Deviation("one fact each", "One sentence leads on from each person, so a chain has one way only."),
    ),
    evidence=(*evidence.FIRST[:2], *evidence.CONTROLS),
)
