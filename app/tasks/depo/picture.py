"""Depo: the graph with the path of k hops, and the grid of what every node would answer for every number of hops."""

from __future__ import annotations

import json
import re
from typing import Any

import networkx as nx

from app.parts.units import count
from app.shell.messages import joined
from app.tasks.answers import (
    RIGHT,
    UNKNOWN,
    WRONG,
    context_tokens,
    first_wrong,
    one_answer_card,
    standing,
    woken_passes,
)
from app.tasks.base import Table
from app.tasks.roll_call import told_spans, window_parts
from app.tasks.starts import right_by_steps, starts_table
from sleepviz.config.events import Answer, Trace
from sleepviz.tasks.depo.task import DepoInstance

EDGE_END = ";"
NAME_TOKEN = re.compile(r"n([1-9][0-9]*)(:?)")  # with a colon: a name that is called


class DepoPicture:
    """A graph and a grid. The person's question is a woken answer's first entry; the grid follows, start by start."""

    kind = "hops"

    def __init__(self, trace: Trace) -> None:
        values = json.loads(trace.spec["input"])
        edges = tuple((str(source), str(destination)) for source, destination in values["edges"])
        self._trace = trace
        self._instance = DepoInstance(edges, values["start"], int(values["hops"]))
        hops = self._instance.hops
        self._asked = f"{count(hops, 'hop')} from {self._instance.start}"
        self._names = self._instance.names
        self._index = {name: index for index, name in enumerate(self._names)}

    @property
    def difficulty(self) -> int | None:
        """The number of hops that is asked for."""
        return self._instance.hops

    @property
    def chance(self) -> float | None:
        """One in the number of nodes: each is as likely as any other."""
        return 1 / len(self._names)

    def scene(self) -> dict[str, Any]:
        """Nodes on circles, edges with the tokens that tell them, and the path asked for."""
        places = node_places(self._instance.graph, self._instance.start)
        path = self._instance.walk(self._instance.start, self._instance.hops)
        label = (
            f"A graph of {len(self._names)} nodes; the path of {count(self._instance.hops, 'hop')} from {path[0]} is "
            f"{' to '.join(path)}. Beside it a grid: for every start and every number of hops, whether the answer, "
            "given after this pass, would be right. The table below the player has the same in numbers."
        )
        return {
            "kind": self.kind,
            "label": label,
            "nodes": [{"name": name, "x": places[name][0], "y": places[name][1]} for name in self._names],
            "edges": self._edges(),
            "path": [self._index[name] for name in path],
            "order": [self._index[name] for name in self._grid_order()],
            "hops_max": self._hops_max(),
            "parts": window_parts(self._edge_spans(), len(context_tokens(self._trace)), "edges"),
        }

    def token(self, token: str) -> str:
        """The model's names n1, n2, ... as the visitor's; the names of no node stay as they are."""
        found = NAME_TOKEN.fullmatch(token)
        place = int(found[1]) - 1 if found else len(self._names)
        return f"{self._names[place]}{found[2]}" if found and place < len(self._names) else token

    def woken(self, woken: Answer) -> dict[str, Any] | None:
        """The answer to the question, and r(ight), w(rong) or u(nknown) for every start and hop."""
        if not woken.asked:
            return None
        grid = "".join(_standings(woken)[1:])
        return {
            "correct": woken.correct[0],
            "answer": self._index.get(woken.answers[0], -1),
            "confidence": round(float(woken.confidence[0].min()), 3),
            "grid": grid,
            "unit": f"{_said(woken)} · {grid.count('r')} of {count(len(grid), 'question')} right",
        }

    def woken_text(self, woken: Answer) -> str:
        """The question's answer, how many questions are right, and for which hops every start is right."""
        if not woken.asked:
            return "Nothing can be asked yet."
        how = standing(woken.answers[0], woken.truths[0])
        answer = "“unknown”" if how == UNKNOWN else woken.answers[0]
        verdict = "" if how == UNKNOWN else f", which is {how}"
        n_right, n = sum(woken.correct[1:]), len(woken.correct) - 1
        solved = [hop for hop, n in enumerate(self._right_by_hop(woken), start=1) if n == len(self._names)]
        return (
            f"If it woke now, it would say {answer} for {self._asked}{verdict}. Over all starts and hops, "
            f"{n_right} of {n} answers are right. {_solved(solved)}"
        )

    def update_text(self, woken: Answer) -> str:
        """How many questions S alone answers."""
        if not woken.asked:
            return ""
        return f"{sum(woken.correct[1:])} of {count(len(woken.correct) - 1, 'question')} right"

    def answer_text(self, answer: Answer) -> str:
        """The node that was answered, and whether it is right."""
        how = "right" if answer.correct[0] else f"wrong: it is {answer.truths[0]}"
        return f"{answer.answers[0]} for {self._asked}, {how}"

    def wrong_text(self, answer: Answer) -> str:
        """The node that it should have been."""
        return first_wrong(answer)

    def card(self, answer: Answer) -> dict[str, Any]:
        """The answered node, whether it is right, and how sure the model was."""
        return one_answer_card(answer, (self._asked,))

    def seen(self) -> str:
        """One in eight was kept from training, but which ones depends on the names' tokens."""
        return (
            "A graph like this may have been seen in training; accuracies are measured on graphs that training never "
            "used."
        )

    def table(self) -> Table | None:
        """Starts answered right, pass by pass and hop by hop."""
        heads = [count(hop, "hop") for hop in range(1, self._hops_max() + 1)]
        return starts_table(self._trace, len(self._names), heads, _said)

    def _grid_order(self) -> tuple[str, ...]:
        """The starts as one walks from the asked one, then those of other cycles."""
        walk = self._instance.walk(self._instance.start, len(self._names))
        return tuple(dict.fromkeys((*walk, *self._names)))

    def _hops_max(self) -> int:
        """Columns of the grid; without a pass nothing was asked, and the question's hops are all that is known."""
        passes = woken_passes(self._trace)
        return len(self._right_by_hop(passes[0].woken)) if passes else self._instance.hops

    def _right_by_hop(self, woken: Answer) -> list[int]:
        """For 1, 2, ... hops: how many starts are right."""
        return right_by_steps(woken, len(self._names))

    def _edges(self) -> list[dict[str, int]]:
        """Each edge with the place of its second token, after which it is read, and the window that it is read in."""
        tokens = context_tokens(self._trace)
        if any(token.token == EDGE_END for token in tokens):
            places = [place - 1 for place, token in enumerate(tokens) if token.token == EDGE_END]
        else:  # a compact window: an edge is two names, and only the roll call has names with a colon
            places = [place for place, token in enumerate(tokens) if NAME_TOKEN.fullmatch(token.token + ":")][1::2]
        return [
            {"from": self._index[source], "to": self._index[to], "token": place, "window": tokens[place].window_index}
            for (source, to), place in zip(self._instance.edges, places, strict=False)  # not all, if one was cut
        ]

    def _edge_spans(self) -> list[tuple[int, int]]:
        """Where the edges stand among the tokens, [first, last) for each window of the task."""
        tokens = [token.token for token in context_tokens(self._trace)]
        # A roll call begins with the first name, n1, called; the full form says that name twice: n1 n1: +0.
        twice = EDGE_END in tokens
        heads = [place - twice for place, token in enumerate(tokens) if token == "n1:"]
        return told_spans(heads, len(tokens))


def node_places(graph: nx.DiGraph, first: str) -> dict[str, tuple[float, float]]:
    """Every cycle on a circle of its own, in its order; the circles side by side, within 0..1 both ways.

    `first` stands at the top of the first circle.
    """
    cycles = sorted(nx.strongly_connected_components(graph), key=lambda nodes: (first not in nodes, sorted(nodes)))
    places: dict[str, tuple[float, float]] = {}
    width = 1 / max(len(cycles), 1)
    for column, nodes in enumerate(cycles):
        start = first if first in nodes else min(nodes, key=list(graph).index)
        order = list(nx.dfs_preorder_nodes(graph, start))
        radius = 0.5 * width * (1 if len(order) > 1 else 0)
        for name, (x, y) in nx.circular_layout(order).items():
            # A quarter turn, so that the first node stands at the top and the cycle runs clockwise.
            places[name] = (
                round(width * (column + 0.5) + radius * float(y), 4),
                round(0.5 - (0.5 * width if len(cycles) > 1 else 0.5) * float(x) * (len(order) > 1), 4),
            )
    return places


def _solved(hops: list[int]) -> str:
    """For which numbers of hops every start is right: (1, 2, 3) becomes "1 to 3 hops"."""
    if not hops:
        return "No number of hops is right for every start."
    last = count(hops[-1], "hop")
    is_range = len(hops) > 2 and hops == list(range(hops[0], hops[-1] + 1))
    said = f"{hops[0]} to {last}" if is_range else joined([*map(str, hops[:-1]), last])
    return f"Every start is right for {said}."


def _standings(woken: Answer) -> list[str]:
    letters = {RIGHT: "r", WRONG: "w", UNKNOWN: "u"}
    return [letters[standing(said, truth)] for said, truth in zip(woken.answers, woken.truths, strict=True)]


def _said(woken: Answer) -> str:
    """The answer to the person's question and what is to be thought of it."""
    how = standing(woken.answers[0], woken.truths[0])
    return "“unknown”" if how == UNKNOWN else f"{woken.answers[0]}, {how}"
