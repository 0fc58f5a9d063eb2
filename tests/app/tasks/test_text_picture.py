"""The Story picture: the prose reads as the document, and what is underlined tells the answer."""

from __future__ import annotations

import json
import re

from app.tasks.text.picture import TextPicture
from sleepviz.config.model import ModelConfig
from sleepviz.config.run import RunSpec
from sleepviz.runs.checkpoint import Checkpoint, CheckpointInfo
from sleepviz.runs.record import trace
from sleepviz.tasks.text.examples import drawn
from sleepviz.tasks.text.task import Text
from tests.builders import meta_of, random_model


def text_checkpoint(task: Text) -> Checkpoint:
    """A model that can read `task` and was never trained."""
    config = ModelConfig(task.vocab_size, task.window, d_model=16, n_heads=2, fast_heads=2, key_dim=4, value_dim=4)
    meta = meta_of(config, task="text", task_sizes=task.to_json(), digest="0" * 64)
    limits = {**task.limits(), "passes_trained": 2, "passes_max": 8}
    info = CheckpointInfo("small", "text", True, meta["digest"], limits, {}, {**meta, "limits": limits})
    return Checkpoint(info, task, random_model(config).float())


def test_the_prose_is_the_document_and_what_is_underlined_is_the_chain() -> None:
    given = drawn(11, 3, seed=5)
    scene = TextPicture(trace(RunSpec("text", json.dumps(given)), text_checkpoint(Text(index=True)))).scene()
    lines = "".join(scene["texts"]).split("\n")
    told, feet = lines[:-1:2], lines[1:-1:2]
    assert " ".join(line.strip() for line in told) == given["document"]
    names = [foot.removeprefix("names:").split() for foot in feet]
    assert all(foot == names[0] for foot in names) and len(names) > 1 and len(set(names[0])) == 11
    assert lines[-1].removeprefix("The index:").split() == names[0]

    underlined = "".join(scene["texts"][place] for place in scene["needed"])
    found = dict(re.findall(r"of (\w+) is (\w+)\.", underlined))
    start = re.search(r"of (\w+)\?", given["question"])
    assert start is not None
    name = start[1]
    for _ in range(3):
        name = found.pop(name)
    assert found == {} and scene["walk"][3] == name
