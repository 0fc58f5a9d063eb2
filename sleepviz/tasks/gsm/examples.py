"""The problems that the page offers as presets and that are recorded.

None was chosen for how it is answered: each was written down, or taken as the first of its kind from a public
file, before any model had answered it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SUM_EASY: dict[str, Any] = {"text": "assign a = 4. assign b = a + 1. assign c = 9. assign d = c - 1.", "question": "b"}

# A chain of eight operations, five distractors, of which one hangs on a variable that nothing defines.
_DEEP_TEXT = (
    "assign p = k + 1. assign m = c + 1. assign g = r + 1. assign t = 6. assign k = t + 1. assign w = g - 1. "
    "assign r = x. assign c = p + 1. assign s = m + 1. assign h = k - 1. assign x = m - 1. assign y = h + 1. "
    "assign q = z + 1."
)
DEEP_CHAIN = "tkpcmxrgw"  # from the constant to eight operations


def deep_sum(operations_max: int) -> dict[str, Any]:
    """A GSM input in two windows whose question is as deep as the limit allows, eight operations at most."""
    return {"text": _DEEP_TEXT, "question": DEEP_CHAIN[min(operations_max, len(DEEP_CHAIN) - 1)]}


STORY: dict[str, Any] = {
    "text": "Ben has 1 more apple than Ana. Eve has 1 fewer apple than Cleo. Ana has 5 apples. Dan has 9 apples. "
    "Cleo has 1 more apple than Ben. Fay has as many apples as Dan. How many apples does Eve have?"
}

# The first problem with 8 operations in tests/data/gsm_infinite_symbolic.jsonl: output of the public GSM-Infinite
# symbolic generator (Infini-AI-Lab, arXiv:2502.05252). Its own question: which variables equal the value?
REAL: dict[str, Any] = {
    "text": "assign V846073 = V914381. assign V935704 = V912104 - 1. assign V122026 = V912104. assign V708621 = "
    "V846073 - 1. assign V593168 = V358465 - 1. assign V358465 = 5. assign V388317 = V425341 + 1. assign "
    "V914381 = V425341 + 1. assign V898488 = V593168. assign V195700 = V912104 - 1. assign V912104 = "
    "V593168 + 1. assign V333097 = V912104 - 1. assign V425341 = V487005.",
    "equals": 4,
}

EXAMPLES: tuple[dict[str, Any], ...] = (SUM_EASY, STORY, REAL)


def home(limits: Mapping[str, Any], earned: int) -> tuple[dict[str, Any], int]:
    """What the page shows first, and N: an operation takes a pass, and so do the constant and the question."""
    return deep_sum(earned), earned + 2
