"""What a measured share of Depo counts, and how often guessing would be right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.tasks.base import Scored
from app.tasks.depo.words import WORDS

READ = "answers that S names"
RIGHT = {"probe": "names whose node is read right", "memory": READ, "memory_found": READ}


def scored(experiment: str, sizes: Mapping[str, Any]) -> Scored:
    """Each answer is one node of a cycle through all of them; a probe reads where every name leads."""
    right = RIGHT.get(experiment, WORDS.right)
    return Scored(right, 1 / sizes["nodes_max"] if "nodes_max" in sizes else None)
