"""The documents that the page offers. The first was drawn by a seed fixed before any model had answered it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sleepviz.config.words import FILLERS
from sleepviz.tasks.text.story import question_text, sampled_town

SEED = 2026


def drawn(n_people: int, hops: int, n_fillers: int = 18, seed: int = SEED) -> dict[str, Any]:
    """A town that no model was trained on, told in shuffled order among other sentences, and a question."""
    rng = np.random.default_rng(seed)
    town = sampled_town(rng, n_people, "held_out")
    fillers = [FILLERS[index] for index in rng.permutation(len(FILLERS))[:n_fillers]]
    told = [*(fact.text for fact in town.facts), *fillers]
    relations, _ = town.chain(town.people[0], hops)
    document = " ".join(told[index] for index in rng.permutation(len(told)))
    return {"document": document, "question": question_text(relations, town.people[0])}


KEY: dict[str, Any] = {
    "document": "The key belongs to Ana. It rained all night. The doctor of Ana is Ben. The lawyer of Ben is Clara. "
    "A dog barked in the street. The cook of Clara is Leo. The teacher of Leo is Ana.",
    "question": "Who is the lawyer of the doctor of the owner of the key?",
}

EXAMPLES: tuple[dict[str, Any], ...] = (KEY, drawn(8, 1, 4))


def home(limits: Mapping[str, Any], earned: int) -> tuple[dict[str, Any], int]:
    """What the page shows first, and N: a document of four pages, and the most hops that the model has earned."""
    return drawn(limits["people_max"], earned), 4
