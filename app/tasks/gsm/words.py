"""Everything that the app says of GSM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.parts.units import count
from app.tasks import evidence
from app.tasks.base import Deviation, Words
from app.tasks.roll_call import ROLL_CALL
from sleepviz.tasks.gsm.text import read_statements

# The controls.
EASY, DEEP, EDIT = "Easy", "Deep", "Edit the text"
A_STORY, PUBLIC = "A story", "GSM-Infinite"
TEXT = "Text: assignments, or a story"
WHICH, WHAT, HOW = "Which variables equal", "What is the value of", "Question"
SUM_HELP = (
    "Write “assign b = a + 1.” or “Ben has 1 more apple than Ana.” Names are plain letters. A change is at most "
    "{change}, and values run from {low} to {high}. Statements that the question does not need may stay."
)
SUM_LIMITS = "One statement adds or takes away at most {change}. Values run from {low} to {high}."
PRESET_HELP = {
    "easy": "One operation, two passes of sleep.",
    "deep": "{deepest} operations in a row, told in two windows.",
    "story": "The same kind of sums, told as a story.",
}
OWN_QUESTION = "The text asks this itself."
REAL_SOURCE = (
    "Output of the public GSM-Infinite symbolic generator (Infini-AI-Lab, arXiv:2502.05252): the first of its problems "
    "with 8 operations."
)
ASK = {
    "after": "a variable, asked after the text",
    "first": "a variable, asked before the text (the paper)",
    "equals": "which variables equal a value (GSM-Infinite)",
}


def question(given: Mapping[str, Any]) -> str:
    """What an input asks, in one line."""
    statements, own = read_statements(given["text"])
    asked = (
        f"which variables equal {given['equals']}"
        if "equals" in given
        else f"the value of {given.get('question', own)}"
    )
    return f"{asked} in a text of {count(len(statements), 'statement')}"


def asks(given: Mapping[str, Any]) -> str:
    """The question that an input asks."""
    if "equals" in given:
        return f"Which variables are worth {given['equals']}, once the text is gone?"
    return f"What is {given.get('question', read_statements(given['text'])[1])} worth, once the text is gone?"


WORDS = Words(
    title="What is a variable worth, once the text is gone?",
    asks=asks,
    explanation=(
        "The model reads small assignments **in shuffled order**, some of which the question does not "
        "need. It sleeps each time its window is full. Then the KV cache is cleared, and the text is "
        "gone. The model wakes and says, in a single forward pass, **what a variable is worth**. Eight "
        "operations deep means eight small steps in a row (copy, +1 or −1), all done during sleep."
    ),
    notice=(
        "Each pass can make the values of deeper variables right, whether the question "
        "needs them or not. Statements fade when their window is cleared."
    ),
    symbol="depth",
    right="questions answered right",
    window="one window holds some statements, then the roll call: every variable, with room for its source. A question "
    "asked first stands before them",
    woken="A filled box is right, a cross is wrong, a question mark is “unknown”",
    presets="We chose the example questions before looking at any answers.",
    glossary={
        "operations": "Operations: how many small sums lie between a variable and a number.",
        "gsm": "GSM-Infinite: generated arithmetic with distractors, statements that the question does not need "
        "(Infini-AI-Lab, arXiv:2502.05252).",
        "roll_call": "Roll call: all variables at the end of every window, each with free places. The model writes "
        "there, pass by pass, what the variable is computed from. The paper's windows have no such part.",
    },
    lab="GSM-Infinite: arithmetic",
    question=question,
    departures=(
        ROLL_CALL,
        Deviation("small sums", "Values and changes are kept small; the paper's problems are larger."),
    ),
    evidence=(*evidence.FIRST, *evidence.FLOPS, *evidence.SEED, *evidence.CONTROLS, *evidence.HALTING, *evidence.COST),
)
