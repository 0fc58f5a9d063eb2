"""The rings that the page offers, of images kept from training. A seed chose them before any model had answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sleepviz.tasks.digits.images import digits, numbers
from sleepviz.tasks.digits.ring import left_behind, walks
from sleepviz.tasks.recipes import two_a_pass

SEED = 2026


def drawn(images: int, jumps: int, seed: int = SEED) -> dict[str, Any]:
    """A ring of images that no model was trained on, and a start from which `jumps` jumps come back to no image."""
    rng = np.random.default_rng(seed)
    while True:
        shown = rng.choice(numbers("held_out"), images, replace=False)
        (starts,) = np.nonzero(left_behind(walks(digits()[shown], jumps))[:, -1] == jumps)
        if starts.size:
            return {"digits": shown.tolist(), "start": int(starts[0]) + 1, "jumps": jumps}


SEVEN = "011110000010000010001110000100001000001000001000"
"""A seven drawn by hand, with a bar."""


def with_own(images: int, jumps: int) -> dict[str, Any]:
    """A ring with one digit that is drawn by hand."""
    given = drawn(images, jumps, SEED + 1)
    return {**given, "digits": [{"pixels": SEVEN, "digit": 7}, *given["digits"][1:]], "start": 1}


EXAMPLES: tuple[dict[str, Any], ...] = (drawn(8, 0), with_own(8, 2))


def passes_for(jumps: int) -> int:
    """Passes that training gives to so many jumps: two jumps a pass, and one pass to read the digits."""
    return two_a_pass(jumps)


def home(limits: Mapping[str, Any], earned: int) -> tuple[dict[str, Any], int]:
    """What the page shows first, and N: the most jumps that the model has earned."""
    return drawn(limits["images"], earned), passes_for(earned)
