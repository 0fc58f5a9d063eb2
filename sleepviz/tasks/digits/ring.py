"""Jumps on a ring: every image shows a digit, and the digit says how many images to jump ahead."""

from __future__ import annotations

import numpy as np

from sleepviz.tasks.base import Tokens
from sleepviz.tasks.walks import walk


def walks(digits: Tokens, jumps: int) -> Tokens:
    """Where 0, 1, ... `jumps` jumps lead from every image of a ring: digits [..., n] -> images [..., n, jumps + 1]."""
    n = digits.shape[-1]
    after = (np.arange(n) + digits) % n
    return walk(after, np.broadcast_to(np.arange(n), digits.shape), jumps)


def left_behind(path: Tokens) -> Tokens:
    """How many different images lie before each place of a walk, [..., steps]: that many jumps are really needed.

    An image that shows 0 leads to itself, and other jumps lead back to where the walk has been.
    """
    steps = path.shape[-1]
    is_new = np.stack([(path[..., :step] != path[..., step : step + 1]).all(-1) for step in range(steps)], axis=-1)
    return is_new.cumsum(-1) - 1
