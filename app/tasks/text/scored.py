"""What a measured share of Text counts, and how often guessing would be right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.tasks.base import Scored
from app.tasks.text.words import WORDS


def scored(experiment: str, sizes: Mapping[str, Any]) -> Scored:
    """One of the people in the document: to be measured, a document has as many as fit."""
    return Scored(WORDS.right, 1 / sizes["people_max"] if "people_max" in sizes else None)
