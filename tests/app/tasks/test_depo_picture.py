"""The graph's picture finds each edge among the tokens, in both forms of a window."""

from __future__ import annotations

import json

import pytest

from app.tasks.depo.picture import DepoPicture
from sleepviz.config.run import RunSpec
from sleepviz.runs.record import trace
from sleepviz.tasks.depo.task import Depo
from tests.builders import untrained_checkpoint

EDGES = [["c", "d"], ["a", "b"], ["e", "f"], ["d", "e"], ["b", "c"], ["f", "a"]]


@pytest.mark.parametrize("compact", [False, True])
def test_an_edge_lights_up_when_its_second_name_is_read(compact: bool) -> None:
    task = Depo(nodes_max=8, window_edges=4, hops_max=3, compact=compact)
    given = json.dumps({"edges": EDGES, "start": "a", "hops": 2})
    seen = trace(RunSpec("depo", given, n_passes=1), untrained_checkpoint(task))
    picture = DepoPicture(seen)
    tokens = [event.token for event in seen.events if type(event).__name__ == "TokenRead"]
    scene = picture.scene()
    names = [node["name"] for node in scene["nodes"]]
    found = [[picture.token(tokens[edge["token"] + back]) for back in (-1, 0)] for edge in scene["edges"]]
    assert found == EDGES
    assert [[names[edge["from"]], names[edge["to"]]] for edge in scene["edges"]] == EDGES
    assert [edge["window"] for edge in scene["edges"]] == [0, 0, 0, 0, 1, 1]  # four edges fill a window
    own = [(part["start"], part["stop"]) for part in scene["parts"] if part["own"]]
    length = task.edge_tokens * 4
    assert own == [(0, length), (task.window, task.window + length)]
