"""The graph's picture finds each edge among the tokens, in both forms of a window."""

from __future__ import annotations

import json

import pytest

from app.tasks.depo.picture import DepoPicture
from sleepviz.config.model import ModelConfig
from sleepviz.config.run import RunSpec
from sleepviz.runs.checkpoint import Checkpoint, CheckpointInfo
from sleepviz.runs.record import trace
from sleepviz.tasks.depo.task import Depo
from tests.builders import meta_of, random_model

EDGES = [["c", "d"], ["a", "b"], ["e", "f"], ["d", "e"], ["b", "c"], ["f", "a"]]


def depo_checkpoint(task: Depo) -> Checkpoint:
    """A model that can read `task` and was never trained."""
    config = ModelConfig(task.vocab_size, task.window, d_model=16, n_heads=2, fast_heads=2, key_dim=4, value_dim=4)
    meta = meta_of(config, task="depo", task_sizes=task.to_json(), digest="0" * 64)
    limits = {**task.limits(), "passes_trained": 2, "passes_max": 8}
    info = CheckpointInfo("small", "depo", True, meta["digest"], limits, {}, {**meta, "limits": limits})
    return Checkpoint(info, task, random_model(config).float())


@pytest.mark.parametrize("compact", [False, True])
def test_an_edge_lights_up_when_its_second_name_is_read(compact: bool) -> None:
    task = Depo(nodes_max=8, window_edges=4, hops_max=3, compact=compact)
    given = json.dumps({"edges": EDGES, "start": "a", "hops": 2})
    seen = trace(RunSpec("depo", given, n_passes=1), depo_checkpoint(task))
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
