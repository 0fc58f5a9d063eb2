"""What a measured share of Digits counts, and how often guessing would be right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.tasks.base import Scored
from app.tasks.digits.words import WORDS
from sleepviz.tasks.digits.task import N_DIGITS


def scored(experiment: str, sizes: Mapping[str, Any]) -> Scored:
    """Each answer is one of ten digits."""
    return Scored(WORDS.right, 1 / N_DIGITS if sizes else None)
