"""GSM problems as text: the public generator's symbolic form, and story sentences of the same meaning.

    assign V1 = 7. assign V2 = V1 + 1. assign V3 = V2.
    Ana has 7 apples. Ben has 1 more apple than Ana. Cleo has as many apples as Ben.

The symbolic form is that of the GSM-Infinite generator (Infini-AI-Lab, arXiv:2502.05252). Whatever is not
one of these sentences is refused: nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import networkx as nx

from sleepviz.config.outside import single_spaced, sound
from sleepviz.tasks.base import InputError

STATEMENT_FORM = (
    '"assign b = a + 1.", "Ana has 7 apples.", "Ben has 1 more apple than Ana." or "Cleo has as many as Ben."'
)
_NAME = r"[A-Za-z_][A-Za-z_0-9]{0,11}"
_NUMBER = r"-?[0-9]{1,3}"
_ASSIGN = re.compile(rf"assign ({_NAME}) = (?:({_NUMBER})|({_NAME})(?: ([+-]) ([0-9]{{1,3}}))?)")
_OWNS = re.compile(rf"({_NAME}) has ({_NUMBER}) \w+")
_COMPARES = re.compile(rf"({_NAME}) has ([0-9]{{1,3}}) (more|fewer|less)(?: \w+)? than ({_NAME})")
_EQUALS = re.compile(rf"({_NAME}) has as many(?: \w+)? as ({_NAME})")
_MINUS = str.maketrans("\u2212\u2012\u2013\ufe63\uff0d", "-----")  # the signs that are set for a minus
_QUESTION = re.compile(rf"[Hh]ow many(?: \w+)? does ({_NAME}) have")


@dataclass(frozen=True)
class Statement:
    """`name` = `source` + `change`, or `name` = `change` where there is no source."""

    name: str
    source: str | None
    change: int


def read_statements(text: str) -> tuple[tuple[Statement, ...], str | None]:
    """Read sentences -> (statements in order, the question's name if the text asks one). Raises InputError."""
    statements: list[Statement] = []
    question: str | None = None
    read = single_spaced(sound(text, "The text")).translate(_MINUS)
    for sentence in (part.strip() for part in re.split(r"[.?\n]", read)):
        if not sentence:
            continue
        asked = _QUESTION.fullmatch(sentence)
        if asked:
            if question not in (None, asked[1]):
                raise InputError(f"The text asks about {question!r} and about {asked[1]!r}; ask one question.")
            question = asked[1]
            continue
        statements.append(_statement(sentence))
    return tuple(statements), question


def _statement(sentence: str) -> Statement:
    if found := _ASSIGN.fullmatch(sentence):
        name, number, source, sign, change = found.groups()
        if number is not None:
            return Statement(name, None, int(number))
        return Statement(name, source, int(f"{sign or '+'}{change or 0}"))
    if found := _COMPARES.fullmatch(sentence):
        name, change, direction, source = found.groups()
        return Statement(name, source, int(change) if direction == "more" else -int(change))
    if found := _EQUALS.fullmatch(sentence):
        return Statement(found[1], found[2], 0)
    if found := _OWNS.fullmatch(sentence):
        return Statement(found[1], None, int(found[2]))
    raise InputError(f"{sentence[:60]!r} was not understood; write sentences such as {STATEMENT_FORM}")


def dependencies(statements: tuple[Statement, ...]) -> nx.DiGraph:
    """An edge from every source to what is computed from it; nodes in the order of their first mention."""
    graph = nx.DiGraph()
    for statement in statements:
        graph.add_node(statement.name)
        if statement.source is not None:
            graph.add_edge(statement.source, statement.name, change=statement.change)
    return graph


@dataclass(frozen=True)
class Solution:
    """What follows from the statements: values, and how many operations each lies from a constant."""

    values: Mapping[str, int]
    depths: Mapping[str, int]


def solve(statements: tuple[Statement, ...]) -> Solution:
    """Values of every variable that the statements define; undefined and cyclic ones are left out."""
    by_name = {statement.name: statement for statement in statements}
    values: dict[str, int] = {}
    depths: dict[str, int] = {}
    for _ in statements:  # each round reaches one operation further
        for name, statement in by_name.items():
            if name in values:
                continue
            if statement.source is None:
                values[name], depths[name] = statement.change, 0
            elif statement.source in values:
                values[name] = values[statement.source] + statement.change
                depths[name] = depths[statement.source] + 1
    return Solution(values, depths)
