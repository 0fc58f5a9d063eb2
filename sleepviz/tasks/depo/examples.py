"""The graphs that the page offers as presets and that are recorded.

None was chosen for how it is answered: graphs and orders are shuffled by a seed, or were written down before
any model had answered them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

SEED = 2605  # the first digits of the paper's number
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def seeded_cycle(n_nodes: int, hops: int, seed: int = SEED) -> dict[str, Any]:
    """A Depo input: one directed cycle over `n_nodes` names whose edges are told in shuffled order."""
    rng = np.random.default_rng(seed)
    names = list(LETTERS) if n_nodes <= len(LETTERS) else [f"n{index + 1}" for index in range(n_nodes)]
    order = [names[index] for index in rng.permutation(n_nodes)]
    edges = [[source, to] for source, to in zip(order, [*order[1:], order[0]], strict=True)]
    return {"edges": [edges[index] for index in rng.permutation(n_nodes)], "start": order[0], "hops": hops}


def passes_for(hops: int) -> int:
    """Passes that `hops` hops need: one hop is in the edges; of more, each pass writes what the one before found."""
    return hops + 1 if hops > 1 else 1


# Six friends pass a parcel on.
SMALL_GRAPH: dict[str, Any] = {
    "edges": [["Ben", "Eve"], ["Ana", "Dan"], ["Eve", "Ana"], ["Fay", "Cleo"], ["Dan", "Fay"], ["Cleo", "Ben"]],
    "start": "Ana",
    "hops": 4,
}

EXAMPLES: tuple[dict[str, Any], ...] = (SMALL_GRAPH, seeded_cycle(6, 1))


def home(limits: Mapping[str, Any], earned: int) -> tuple[dict[str, Any], int]:
    """What the page shows first, and N: the largest graph and the most hops that the model has earned."""
    return seeded_cycle(limits["nodes_max"], earned), passes_for(earned)
