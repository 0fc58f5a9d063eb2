"""The rows that the page offers and that are recorded, chosen before any model was trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Two rows, the first from the design's own example and the second its mirror image.
HOME: dict[str, Any] = {"rows": ["0100110101110010", "0100111010110010"], "steps": 6}
HOME_PASSES = 8  # a step a pass, and two more
SEED_ROW = "0100110101110010011000101101"  # no special row: cut to the model's length

EXAMPLES: tuple[dict[str, Any], ...] = (
    {"rows": [SEED_ROW[:16]], "steps": 1},
    {"rows": [SEED_ROW[:16], SEED_ROW[::-1][:16]], "steps": 12},
)


def home(limits: Mapping[str, Any], earned: int) -> tuple[dict[str, Any], int]:
    """What the page shows first, and N."""
    return HOME, HOME_PASSES
