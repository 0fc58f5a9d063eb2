"""A state of a page, written into a link and read back, is the same state."""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from app.shell import position
from app.shell.state import read_link
from app.stage import advanced, controls
from app.tasks import PAGES
from sleepviz.config.run import RunSpec
from sleepviz.runs.checkpoint import CheckpointInfo, list_checkpoints
from sleepviz.tasks import build_task
from tests.app import states
from tests.app.states import HeldVisit

SHIPPED: dict[str, list[CheckpointInfo]] = {
    task: [info for info in list_checkpoints() if info.task == task and not info.name.endswith("-oracle")]
    for task in states.INPUTS
}
ROUND_TRIPS = 200


def drawn_state(task: str, draw: random.Random) -> tuple[HeldVisit, CheckpointInfo]:
    """Everything that the page's controls hold, and the checkpoint that they name."""
    form, info = PAGES[task].form, draw.choice(SHIPPED[task])
    limits, sized = controls.limits_of(task, info), build_task(task, info.meta["task_sizes"])
    asked = states.INPUTS[task](draw, limits)
    n_tokens = len(sized.encode(sized.parse(json.dumps(asked), info.limits)).context)
    values: dict[str, Any] = {
        **form.first_values(asked, limits),
        **states.settings(draw, limits["window"], n_tokens),
        **states.place(draw),
        "passes": draw.randint(0, limits["passes_max"]),
        "checkpoint": info.name,
    }
    assert form.input(HeldVisit(values)) == asked, "the form must hold the drawn question"
    return HeldVisit(values), info


def settings_of(visit: HeldVisit) -> advanced.Settings:
    """As `advanced.show` reads them from its menus."""
    return advanced.Settings.of(visit)


def run_of(task: str, visit: HeldVisit) -> RunSpec:
    """The run that the controls ask for."""
    asked = settings_of(visit)
    return RunSpec(
        task=task,
        input=json.dumps(PAGES[task].form.input(visit)),
        checkpoint=visit.get("checkpoint"),
        n_passes=visit.passes,
        eviction=asked.eviction,
        sleep_attention=asked.sleep_attention,
        trigger=asked.trigger(),
        spending=asked.spending(),
        control=asked.control,
    )


@seed(15)
@settings(max_examples=ROUND_TRIPS, deadline=None, database=None)
@given(task=st.sampled_from(sorted(states.INPUTS)), number=st.integers(0, 2**32))
def test_a_state_comes_back_from_its_link(task: str, number: int) -> None:
    visit, info = drawn_state(task, random.Random(number))
    form, limits = PAGES[task].form, controls.limits_of(task, info)
    link = controls.link_of(form, visit, settings_of(visit), info.name) | position.of(visit).link()

    address = urlencode({"task": task, **link})
    names = tuple(each.name for each in SHIPPED[task])
    values, problems = read_link(
        dict(parse_qsl(address, keep_blank_values=True)), task, controls.readers(form, limits, names)
    )

    first = {**form.first_values(None, limits), **advanced.first_values(limits["window"])}
    again = HeldVisit({**first, **values})
    assert problems == ()
    assert run_of(task, again) == run_of(task, visit)
    assert position.of(again) == position.of(visit)


@pytest.mark.parametrize("task", sorted(states.INPUTS))
def test_the_states_differ(task: str) -> None:
    """The property above says little of states that are all alike."""
    drawn = [run_of(task, drawn_state(task, random.Random(number))[0]) for number in range(40)]

    assert len({run.checkpoint for run in drawn}) > 2
    assert {run.trigger.kind for run in drawn} == {"window", "every", "manual", "statement", "surprise"}
    assert {run.spending.kind for run in drawn} == {"fixed", "still", "even", "hardest"}
    assert len({run.control for run in drawn}) > 4
    assert {run.eviction for run in drawn} == {"hard", "sliding", "none"}
