"""What a measured share of Rule 110 counts, and how often guessing would be right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.tasks.base import Scored
from app.tasks.rule110.words import WORDS


def scored(experiment: str, sizes: Mapping[str, Any]) -> Scored:
    """A probe reads single cells; every other experiment asks for whole rows of 0 and 1."""
    if experiment == "probe":
        return Scored("cells read right", 1 / 2)
    return Scored(WORDS.right, 1 / 2 ** sizes["row_cells"] if "row_cells" in sizes else None)
