"""Random states of a task's page: what its controls may hold, drawn with a seed."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from typing import Any, get_args

from app.shell.position import SPEEDS
from app.shell.state import Visit
from app.stage import advanced, stage_text
from sleepviz.config.model import Eviction, SleepAttention
from sleepviz.runs.checkpoint import list_checkpoints
from sleepviz.tasks.text.examples import drawn

NAMES = ("a", "b", "c1", "dor", "E", "é", "x_y")


class HeldVisit(Visit):
    """A visit whose values are in a dict, so that a form can be read without a page."""

    held: dict[str, Any]

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__("")
        object.__setattr__(self, "held", dict(values))

    def get(self, name: str, default: Any = None) -> Any:
        """A value."""
        return self.held.get(name, default)

    def set(self, values: Any) -> None:
        """Replace values."""
        self.held.update(values)


def rule110_input(draw: random.Random, limits: Mapping[str, Any]) -> dict[str, Any]:
    """Rows and steps."""
    n_cells, rows = limits["row_cells"], draw.randint(1, limits["rows_max"])
    return {
        "rows": [f"{draw.getrandbits(n_cells):0{n_cells}b}" for _ in range(rows)],
        "steps": draw.randint(0, limits["steps_max"]),
    }


def depo_input(draw: random.Random, limits: Mapping[str, Any]) -> dict[str, Any]:
    """One cycle over a few nodes, its edges shuffled."""
    names = draw.sample(NAMES, draw.randint(limits["nodes_min"], 6))
    edges = [list(edge) for edge in zip(names, [*names[1:], names[0]], strict=True)]
    draw.shuffle(edges)
    return {"edges": edges, "start": draw.choice(names), "hops": draw.randint(1, limits["hops_max"])}


def gsm_input(draw: random.Random, limits: Mapping[str, Any]) -> dict[str, Any]:
    """A chain of small sums in shuffled order, asked after it, before it or by value."""
    names = ["alpha", "b", "cc", "d2"][: draw.randint(2, 4)]
    told = [f"assign {names[0]} = {draw.randint(0, 9)}."]
    for source, name in itertools.pairwise(names):
        told.append(f"assign {name} = {source}{draw.choice((' + 1', ' - 1', ''))}.")
    draw.shuffle(told)
    text = draw.choice((" ", "\n")).join(told)
    return {"text": text} | draw.choice(
        (
            {"question": draw.choice(names)},
            {"question": draw.choice(names), "question_first": True},
            {"equals": draw.randint(*limits["values"])},
        )
    )


def text_input(draw: random.Random, limits: Mapping[str, Any]) -> dict[str, Any]:
    """A town that was not trained on, among other sentences, and a question about it."""
    n_people = draw.randint(4, limits["people_max"])
    hops = draw.randint(1, min(limits["hops_max"], n_people - 1))
    return drawn(n_people, hops, n_fillers=draw.randint(0, 18), seed=draw.getrandbits(32))


DRAWN = {"rule110": rule110_input, "depo": depo_input, "gsm": gsm_input, "text": text_input}
INPUTS = {task: made for task, made in DRAWN.items() if task in {info.task for info in list_checkpoints()}}
"""Of the tasks that ship a model."""


def settings(draw: random.Random, window: int, n_tokens: int) -> dict[str, Any]:
    """What stands under "Advanced": about half of it as in the paper."""
    values = dict(advanced.PAPER)
    if draw.random() < 0.5:
        values["trigger"] = draw.choice(("every", "manual", "statement", "surprise"))
    if draw.random() < 0.35:
        kinds = ("still", "even", "hardest") if values["trigger"] != "surprise" else ("still",)
        values["spending"] = draw.choice(kinds)
    if draw.random() < 0.6 and values["spending"] in ("fixed", "even"):  # else only what clears the whole cache
        values["eviction"] = draw.choice(get_args(Eviction))
    if draw.random() < 0.3:
        values["sleep_attention"] = draw.choice(get_args(SleepAttention))
    if draw.random() < 0.5:
        values["control"] = draw.choice(tuple(stage_text.CONTROLS))
    after = sorted(draw.sample(range(1, n_tokens + 1), draw.randint(1, min(3, n_tokens))))
    more = {"statements": draw.randint(1, 20), "ratio": draw.randint(11, 100) / 10}
    more |= {"still": draw.randint(1, 100) / 100, "budget": draw.randint(1, advanced.BUDGET_MOST)}
    return {**values, "every": draw.randint(1, window), "asked_after": ", ".join(map(str, after)), **more}


def place(draw: random.Random) -> dict[str, Any]:
    """Where the player starts."""
    return {"event": draw.choice((None, draw.randint(0, 400))), "speed": draw.choice((None, *SPEEDS))}
