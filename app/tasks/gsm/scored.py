"""What a measured share of GSM counts, and how often guessing would be right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.tasks.base import Scored
from app.tasks.gsm.words import WORDS


def scored(experiment: str, sizes: Mapping[str, Any]) -> Scored:
    """Each answer is one value of those that the model knows; a public problem's answer is a set of variables."""
    if experiment == "public_problems":
        return Scored("problems with every variable right", None)
    has_values = "low" in sizes and "high" in sizes
    return Scored(WORDS.right, 1 / (sizes["high"] - sizes["low"] + 1) if has_values else None)
