"""A text and a question about it as a RunSpec, and the page that "Your model" opens with. Needs no torch."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from sleepviz.config.model import Eviction
from sleepviz.config.run import RunSpec

TASK = "words"
PAGE = (
    "It rained all night. The brother of Ana is Ben. Ana is a nurse. They keep the key in the drawer. Now the key "
    "belongs to Clara. The weather was mild. The home of Ben is Lisbon. Nobody said a word. Clara lives in Oslo.\n"
    "You find the lamp in the attic. The train was late again. Hugo became a painter. Clara is a lawyer. The brother "
    "of Clara is called Hugo. A bell rang at noon. The lamp belongs to Hugo. Hugo lives in Vienna. The sister of Ben "
    "is Iris. The bread was still warm. Iris became a pilot. The soup was too hot. Ana lives in Geneva.\n"
    "They keep the map in the library. They talked about the weather. The map belongs to Iris. The sister of Hugo is "
    "called Clara. The home of Iris is Prague. The river was high this year. Ben is a sailor. You find the violin in "
    "the cellar. A cat slept by the door. The violin belongs to Ana. The evening was calm. The brother of Iris is "
    "Ben.\n"
    "Everyone was tired by then. Ana is a nurse. The wind had turned. The key belongs to Clara. Hugo lives in "
    "Vienna. A boat went by. The brother of Ana is called Ben. The home of Clara is Oslo. Ben became a sailor."
)
QUESTION = "Where does Ben live?"
N_PASSES = 4
MODEL = "text-micro"
RECORDINGS = ("words-home", "words-home-n1", "words-home-n0", "words-home-full")  # in the order of `side_by_side`


def text_spec(
    source: str,
    document: str,
    question: str,
    window: int,
    *,
    n_passes: int = N_PASSES,
    eviction: Eviction = "hard",
    trust_remote_code: bool = False,
    span: tuple[int, int] | None = None,
    memory_layers: tuple[int, ...] = (),
) -> RunSpec:
    """One run of the model `source`: the document is slept on in windows of so many tokens, then it is asked.

    `span` = (first, last + 1) loops these layers only, and silent memory is added before `memory_layers`.
    """
    asked: dict[str, Any] = {
        "document": document,
        "question": question,
        "window": window,
        "trust_remote_code": trust_remote_code,
    }
    asked |= {"span": list(span)} if span else {}
    asked |= {"memory_layers": list(memory_layers)} if memory_layers else {}
    return RunSpec(TASK, json.dumps(asked, ensure_ascii=False), source, n_passes, eviction)


def side_by_side(spec: RunSpec) -> tuple[RunSpec, ...]:
    """The run, the same with one pass, with each window dropped unread, and with nothing evicted; each once."""
    one_pass = replace(spec, n_passes=1)
    return tuple(dict.fromkeys((spec, one_pass, replace(spec, n_passes=0), replace(one_pass, eviction="none"))))
