"""Everything that the app says of Depo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.parts.units import count
from app.tasks import evidence
from app.tasks.base import Evidence, Words
from app.tasks.roll_call import ROLL_CALL

# The controls.
EASY, HARD, SMALL = "Easy", "Hard", "Six friends"
PRESET_HELP = "Hops: {hops}. Passes of sleep: {passes}."
RANDOM_CYCLE, OWN_GRAPH = "Random cycle", "Your own graph"
START, HOPS = "Start", "Hops k"
EDGES = "Edges, in the order in which they are read"
START_HELP = "The node from which the edges are followed."
HOPS_HELP = "How many edges are followed. The question comes after every edge is forgotten."
EDGES_HELP = (
    "Edges such as a->b, b->c, with commas or new lines between them. Use {least} to {most} nodes. Exactly one edge "
    "leaves each node, and exactly one enters each node."
)
CYCLE_HELP = "Or click the nodes in the order of a cycle; its edges are then told in shuffled order."
SEVERAL_CYCLES = (
    "This graph falls into {cycles} cycles. The model was trained on one cycle only, so it may well answer wrong."
)


def question(given: Mapping[str, Any]) -> str:
    """What an input asks, in one line."""
    return f"{count(given['hops'], 'hop')} from {given['start']} on a graph of {count(len(given['edges']), 'edge')}"


def asks(given: Mapping[str, Any]) -> str:
    """The question that an input asks."""
    hops = count(given["hops"], "hop")
    return f"Follow the arrows {hops} from {given['start']}: where do you end up?"


WORDS = Words(
    title="Follow the arrows of a graph: where do you end up?",
    asks=asks,
    explanation=(
        "The model reads the arrows of a graph **in shuffled order** and sleeps each time its window is "
        "full. Then the KV cache is cleared, and the arrows are gone. Then the question comes: **where "
        "do you end up k hops from this node?** The model answers in a single forward pass. It did not know the "
        "question while it slept, so it had to follow the hops from every start."
    ),
    notice=(
        "In the grid, each pass can make more hops right, for all starts at once. Arrows"
        " fade when their window is cleared. The answers come from S alone."
    ),
    symbol="k",
    right="questions answered right",
    window="one window holds some edges, then the roll call: every name with room for the node that it leads to",
    woken="Filled is right, a cross is wrong, a dot is “unknown”",
    presets="We chose the example questions before looking at any answers.",
    glossary={
        "hops": "Hops k: how many edges are followed from the start. The question comes after everything is evicted.",
        "depo": "Depo: multi-hop retrieval on a directed cycle whose edges come in shuffled order (Allen-Zhu, "
        "“Physics of Language Models”).",
        "roll_call": "Roll call: the names of all nodes, at the end of every window. The model works there: pass by "
        "pass it finds where each node leads. The paper's windows have no such part.",
    },
    lab="Depo: k hops on a graph",
    sizes=" ({nodes_max} nodes, up to {hops_max} hops)",
    question=question,
    departures=(ROLL_CALL,),
    evidence=(
        *evidence.FIRST,
        *evidence.FLOPS,
        *evidence.SEED,
        Evidence("seeds", "", "three training seeds in small"),
        Evidence("baseline_small", "deeper", "a deeper model without passes"),
        Evidence("baseline_small", "per_n", "a model for each N, the paper's protocol"),
        Evidence("baseline_small", "hebbian", "the Hebbian rule for the delta rule"),
        *evidence.CONTROLS,
        Evidence("eviction", "", "hard against sliding eviction"),
        *evidence.ATTENTION,
        *evidence.HALTING,
        *evidence.PROBE,
        Evidence("depth", "", "the best N of fewer and more layers"),
        *evidence.COST,
    ),
)
