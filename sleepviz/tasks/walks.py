"""Walks: where a map of places leads, step by step. Depo's graphs and the jumps of Digits are walked alike."""

from __future__ import annotations

import numpy as np

from sleepviz.tasks.base import Tokens


def walk(successor: Tokens, starts: Tokens, hops: int) -> Tokens:
    """Follow successor [..., places] from starts [..., M], 0 to `hops` times -> [..., M, hops + 1]."""
    path = [starts]
    for _ in range(hops):
        path.append(np.take_along_axis(successor, path[-1], axis=-1))
    return np.stack(path, axis=-1)
