"""What the right answer is, computed apart from the app: by table, by walking, by adding."""

from __future__ import annotations

import re
from typing import Any


def rule110_after(row: str, steps: int) -> str:
    """Rule 110 on a ring, cell by cell: 111, 100 and 000 give 0, all others 1."""
    for _ in range(steps):
        row = "".join(
            "0" if row[i - 1] + row[i] + row[(i + 1) % len(row)] in ("111", "100", "000") else "1"
            for i in range(len(row))
        )
    return row


def hops_from(edges: list[list[str]], start: str, hops: int) -> str:
    """Follow the arrows."""
    after = {source: to for source, to in edges}
    for _ in range(hops):
        start = after[start]
    return start


def value_of(text: str, name: str) -> int:
    """Add up what is assigned, from the name back to a number. Spaces of any kind and number are one."""
    text = re.sub(r"[^\S\n]+", " ", text.translate({0x200B: " ", 0x2060: None, 0xFEFF: None}))
    told = {
        to: (source, int(number.replace(" ", "") or 0))
        for to, source, number in re.findall(r"(\w+) = (\w+)((?: [+-] \d+)?)", text)
    }
    source, added = told[name]
    return added + (int(source) if source.isdigit() else value_of(text, source))


def person_named(document: str, question: str) -> str:
    """Walk from the name at the question's end, the last relation first."""
    told = {(of, relation): who for relation, of, who in re.findall(r"The (\w+) of (\w+) is (\w+)\.", document)}
    told |= {(thing, "owner"): who for thing, who in re.findall(r"The (\w+) belongs to (\w+)\.", document)}
    name = re.findall(r"\w+", question)[-1]
    for relation in reversed(re.findall(r"the (\w+) of", question)):
        name = told[name, relation]
    return name


def truths_of(task: str, given: dict[str, Any]) -> list[str] | None:
    """The right answers to an input, as the cards write them; None where this does not say."""
    if task == "rule110":
        return [rule110_after(row, given["steps"]) for row in given["rows"]]
    if task == "depo":
        return [hops_from(given["edges"], given["start"], given["hops"])]
    if task == "text":
        return [person_named(" ".join(given["document"].split()), given["question"])]
    return [str(value_of(given["text"], given["question"]))] if task == "gsm" and "question" in given else None
