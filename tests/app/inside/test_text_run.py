"""A run of "Your model" on the page Inside: its link, what is left out, and the words that S gives."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import streamlit as st

from app.inside import text_asked
from app.inside.payload import payload
from app.inside.ways import ways_of
from app.shell.jobs import RunKey
from app.your_model import models, page, stage
from sleepviz.config.run import RunSpec
from sleepviz.inside.seen import WordsRead
from sleepviz.text import example
from tests.app.inside.test_inside import HERE, made_look


def ours(**changes: object) -> RunSpec:
    window, _, _ = models.text_facts(example.MODEL)
    spec = example.text_spec(f"text:{example.MODEL}", example.PAGE, example.QUESTION, window)
    return replace(spec, **changes)  # type: ignore[arg-type]


def with_input(spec: RunSpec, **changes: object) -> RunSpec:
    return replace(spec, input=json.dumps(json.loads(spec.input) | changes, ensure_ascii=False))


@pytest.mark.parametrize(
    "spec",
    [
        ours(),
        ours(n_passes=8, eviction="sliding"),
        with_input(ours(), document="Ana lives in Rome.", question="Where does Ana live?"),
        example.text_spec("random:Bamba", "Ein Löwe schläft.", "Wer?", 16, n_passes=2),
    ],
)
def test_the_link_of_a_run_asks_for_that_run(spec: RunSpec) -> None:
    key, problems = page.linked_run({"task": "words", **stage.link_of(spec)})
    assert not problems and key is not None and key.spec == spec
    assert key.digest == (models.text_facts(example.MODEL)[2] if spec.checkpoint.startswith("text:") else "random")


def test_a_bare_link_asks_for_the_home_run_and_a_wrong_one_is_refused() -> None:
    key, _ = page.linked_run({})
    assert key is not None and key.spec == ours()
    for wrong in ({"model": "local:/etc"}, {"N": "5"}, {"doc": "x"}):
        nothing, problems = page.linked_run({"task": "words", **wrong})
        assert nothing is None and len(problems) == 1


def test_the_session_holds_the_run_that_has_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """A visitor's own model is no part of an address; a link to another model overrules what the session holds."""
    own, linked = RunKey(ours(checkpoint="local:mine"), "d"), RunKey(ours(), "e")
    for held, given, expected in (
        (own, {"task": "words"}, own),
        (own, stage.link_of(ours()), None),
        (linked, stage.link_of(ours()), linked),
        (linked, stage.link_of(ours(n_passes=2)), None),
        (None, {"task": "words"}, None),
    ):
        monkeypatch.setattr(st, "session_state", {stage.INSIDE_RUN: held} if held else {})
        assert stage.run_inside(given) == expected


def test_what_a_layer_hides_is_left_out_and_the_rest_is_drawn() -> None:
    look = [
        replace(each, layers=tuple(replace(layer, writes=None) for layer in each.layers), attention=())
        for each in made_look()
    ]
    (ways,) = ways_of([look])
    given = payload(look, HERE, ways, token=str, name="this")
    assert given["decay"] == [] and given["corrections"] == "" and given["attended"] == 0
    first = given["said"][0]
    assert first["tokens"] == first["attention"] == ""
    assert first["state"] == "The size |S| is 5.00. The largest entry, −4.00, is at key 2, value 2."


def test_the_table_has_the_words_of_the_token_that_is_asked() -> None:
    words = ((" a", "b"), ("<c>", "\n"))
    scores = np.array([[0.5, 0.25], [0.75, 0.125]], dtype=np.float32)
    table = text_asked.table("T", [WordsRead(None, words, scores)], 1)
    assert "&lt;c&gt; 75 %" in table and "(no letter) 12 %" in table and "50 %" not in table
