"""The Story picture: the prose reads as the document, and what is underlined tells the answer."""

from __future__ import annotations

import json
import re

from app.tasks.text.picture import TextPicture
from sleepviz.config.run import RunSpec
from sleepviz.runs.record import trace
from sleepviz.tasks.text.examples import drawn
from sleepviz.tasks.text.task import Text
from tests.builders import untrained_checkpoint


def test_the_prose_is_the_document_and_what_is_underlined_is_the_chain() -> None:
    given = drawn(11, 3, seed=5)
    scene = TextPicture(trace(RunSpec("text", json.dumps(given)), untrained_checkpoint(Text(index=True)))).scene()
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
