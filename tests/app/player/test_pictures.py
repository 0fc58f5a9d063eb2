"""The pictures of graphs and sums against runs made up by hand; see `made_graph` and `made_sum`."""

from __future__ import annotations

import json
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

from app.player.narration import narrate
from app.player.payload import Contender, player_payload
from app.player.pictures import picture_of
from app.tasks.depo.picture import node_places
from app.tasks.gsm.picture import forest_places
from sleepviz.config.events import (
    Answer,
    AnswerScored,
    CacheEvicted,
    Event,
    SleepPassDone,
    SleepStarted,
    TokenRead,
    Trace,
)
from sleepviz.tasks.gsm.text import dependencies, read_statements
from sleepviz.text.example import text_spec
from tests.app.made import made_graph, made_sum


def played(trace: Trace) -> dict:
    cards = (Contender("this", "note", trace), Contender("other", "note", None, "It was not run."))
    return player_payload(trace, contenders=cards)


def made_page(answer: str, question: str = "Where does Ben live?") -> Trace:
    """Two windows of a page in the style of the text model, woken after one pass each; " Oslo" is said to all."""
    texts = ["It", " rained", " all", " night", ".", " Ben", " lives", " in", " Os", "lo", "."]
    spec = text_spec("text:made", "".join(texts), question, 6, n_passes=1)
    sure = np.array([[0.75]], dtype=np.float32)
    woken = Answer((question,), (" Os",), ("",), (False,), (0,), sure)
    events: list[Event] = []
    for window, (start, stop) in enumerate([(0, 6), (6, 11)]):
        events += [TokenRead(i, texts[i], window, (i - start + 1,)) for i in range(start, stop)]
        events.append(SleepStarted("window full", window, start, stop, (stop - start,), 100, 1))
        events.append(SleepPassDone(window, 0, (), 0.5, (), woken, 0.001, 0))
        events.append(CacheEvicted(window, stop - start, 100, (0,), 64))
    events.append(AnswerScored(replace(woken, answers=(answer,)), 0.001, 0))
    return Trace(spec.to_json(), {"name": "text:made", "digest": "0"}, tuple(events))


def last_answer(trace: Trace, answer: str) -> Trace:
    """The same run with another scored answer."""
    scored = trace.events[-1]
    assert isinstance(scored, AnswerScored)
    other = replace(scored.answer, answers=(answer,), correct=(answer == scored.answer.truths[0],))
    return replace(trace, events=(*trace.events[:-1], replace(scored, answer=other)))


@pytest.mark.parametrize("trace", [made_graph(), made_sum(), made_page(" Oslo")], ids=["graph", "sum", "page"])
def test_a_payload_is_plain_json(trace: Trace) -> None:
    payload = played(trace)
    assert json.loads(json.dumps(payload)) == payload
    assert len(payload["frames"]) == len(trace.events)


def test_an_edge_is_read_with_its_second_token_in_its_window() -> None:
    # Ten tokens a window: a b, b c, roll call; c a, padding, roll call. A semicolon ends an edge.
    assert played(made_graph())["picture"]["edges"] == [
        {"from": 0, "to": 1, "token": 1, "window": 0},
        {"from": 1, "to": 2, "token": 4, "window": 0},
        {"from": 2, "to": 0, "token": 11, "window": 1},
    ]


def test_the_path_and_the_parts_of_a_graph_run() -> None:
    picture = played(made_graph())["picture"]
    assert picture["kind"] == "hops" and picture["path"] == [0, 1, 2] and picture["order"] == [0, 1, 2]
    assert [node["name"] for node in picture["nodes"]] == ["a", "b", "c"]
    assert [(part["start"], part["stop"], part["name"]) for part in picture["parts"]] == [
        (0, 6, "edges"),
        (6, 10, "roll call"),
        (10, 16, "edges"),
        (16, 20, "roll call"),
    ]
    assert "a to b to c" in picture["label"]


def test_tokens_carry_the_visitors_names() -> None:
    tokens = played(made_graph())["tokens"]
    assert tokens[:10] == ["a", "b", ";", "b", "c", ";", "a", "a:", "+0", "b"] and tokens[13] == "·"
    assert picture_of(made_graph()).token("n4") == "n4"  # the name of no node
    assert played(made_sum())["tokens"][3:9] == ["b", "a", "+1", "a", "7", "="]


def test_the_grid_says_right_wrong_and_unknown() -> None:
    first, second = played(made_graph())["woken"]
    assert first["grid"] == "rrruuu" and second["grid"] == "rrrrrw"
    assert first["correct"] and first["answer"] == 2 and first["unit"] == "c, right · 3 of 6 questions right"
    assert not second["correct"] and second["answer"] == 1 and second["unit"] == "b, wrong · 5 of 6 questions right"
    assert first["confidence"] == 0.5


def test_a_graph_run_in_words() -> None:
    said = narrate(made_graph())
    assert said[0] == "Token 1, “a”, is read. The KV cache holds 1 token."
    assert said[11].endswith(
        "If it woke now, it would say c for 2 hops from a, which is right. Over all starts and hops, 3 of 6 answers "
        "are right. No number of hops is right for every start."
    )
    assert said[24].endswith("5 of 6 answers are right. Every start is right for 1 hop.")
    assert "b for 2 hops from a, wrong: it is c." in said[-1]


def test_a_graph_run_in_numbers() -> None:
    table = picture_of(made_graph()).table()
    assert table is not None
    assert table.columns == ("window · pass", "1 hop", "2 hops", "your question")
    assert table.rows == (("1 · 1", "2", "1", "c, right"), ("2 · 1", "3", "2", "b, wrong"))


def test_the_card_of_a_graph_run() -> None:
    (row,) = (card := played(made_graph())["contenders"][0])["rows"]
    assert row == {"asked": "2 hops from a", "answer": "b", "truth": "c", "right": False, "confidence": [0.5]}
    assert card["verdict"] == "Wrong" and not card["right"] and card["least_of"] == "probability"
    right = played(last_answer(made_graph(), "c"))["contenders"][0]
    assert right["verdict"] == "Right" and right["right"]
    # Of the six questions three are easier, so they do not say how often such a question is answered right.
    assert card["whole"] == "5 of 6 questions right" and card["luck"] == ""
    unknown = played(last_answer(made_graph(), "?"))["contenders"][0]
    assert unknown["rows"][0]["answer"] == "unknown" and not unknown["right"]


def test_one_cycle_stands_on_one_circle_clockwise_from_the_start() -> None:
    places = node_places(nx.DiGraph([("a", "b"), ("b", "c"), ("c", "d"), ("d", "a")]), "b")
    assert places == {"b": (0.5, 0.0), "c": (1.0, 0.5), "d": (0.5, 1.0), "a": (0.0, 0.5)}


def test_several_cycles_stand_side_by_side_within_the_picture() -> None:
    graph = nx.DiGraph([("a", "b"), ("b", "a"), ("c", "d"), ("d", "c"), ("e", "e")])
    places = node_places(graph, "d")
    assert places["d"][0] < 1 / 3 and places["c"][0] < 1 / 3  # the asked one's circle is the first
    assert places["e"] == (pytest.approx(5 / 6, abs=1e-3), 0.5)
    assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in places.values())


def test_a_statement_is_read_with_its_last_token() -> None:
    picture = played(made_sum())["picture"]
    # b is variable 0, a 1, c 2, d 3; three tokens of the question's place come first.
    assert picture["edges"] == [
        {"from": 1, "to": 0, "change": "+1", "token": 5, "window": 0, "needed": True},
        {"from": -1, "to": 1, "change": "", "token": 8, "window": 0, "needed": True},
        {"from": 3, "to": 2, "change": "−2", "token": 11, "window": 0, "needed": False},
    ]
    assert [(part["start"], part["stop"], part["name"]) for part in picture["parts"]] == [
        (0, 12, "statements"),
        (12, 16, "roll call"),
    ]


def test_the_needed_chain_and_the_truths() -> None:
    nodes = {node["name"]: node for node in played(made_sum())["picture"]["nodes"]}
    assert [name for name, node in nodes.items() if node["needed"]] == ["b", "a"]
    assert [name for name, node in nodes.items() if node["asked"]] == ["b"]
    assert {name: node["truth"] for name, node in nodes.items()} == {"b": "8", "a": "7", "c": "?", "d": "?"}
    assert nodes["a"]["depth"] == 0 and nodes["b"]["depth"] == 1


def test_values_after_each_pass() -> None:
    first, second = played(made_sum())["woken"]
    assert first["values"] == ["?", "7", "?", "?"] and first["how"] == ["u", "r", "r", "r"]
    assert second["values"] == ["8", "7", "5", "?"] and second["how"] == ["r", "r", "w", "r"]
    assert first["unit"] == "b is unknown · 3 of 4 variables right" and not first["correct"]
    assert second["unit"] == "b is 8, right · 3 of 4 variables right" and second["correct"]


def test_a_sum_in_words_and_in_numbers() -> None:
    said = narrate(made_sum())
    assert said[17].endswith("If it woke now, it would say that b is “unknown”. Of all 4 variables, 3 are right.")
    assert "8 for b, right." in said[-1]
    table = picture_of(made_sum()).table()
    assert table is not None and table.columns == ("window · pass", "b", "a", "c", "d")
    assert table.rows == (
        ("1 · 1", "? ×", "7", "?", "?"),
        ("1 · 2", "8", "7", "5 ×", "?"),
        ("truth", "8", "7", "?", "?"),
    )


def test_which_variables_equal_a_value() -> None:
    """The benchmark's own question asks every variable; the answer is the set of those with the value."""
    made = made_sum()
    given = {"text": json.loads(made.spec["input"])["text"], "equals": 7}

    def all_asked(event: SleepPassDone) -> SleepPassDone:
        own, answer = slice(1, None), event.woken
        twice = {name: getattr(answer, name)[own] * 2 for name in ("asked", "answers", "truths", "correct", "reached")}
        return replace(event, woken=replace(answer, **twice, confidence=answer.confidence[[1, 2, 3, 4] * 2]))

    events = [all_asked(event) if isinstance(event, SleepPassDone) else event for event in made.events]
    last = next(event for event in reversed(events) if isinstance(event, SleepPassDone)).woken
    scored = made.events[-1]
    assert isinstance(scored, AnswerScored)
    own = {name: getattr(last, name)[:4] for name in ("asked", "answers", "truths", "correct", "reached")}
    events[-1] = replace(scored, answer=replace(last, **own, confidence=last.confidence[:4]))
    trace = replace(made, spec={**made.spec, "input": json.dumps(given)}, events=tuple(events))
    payload = played(trace)
    assert payload["woken"][1]["unit"] == "equal to 7: a, right · 3 of 4 variables right"
    card = payload["contenders"][0]
    assert card["rows"][0]["answer"] == "a" and card["rows"][0]["truth"] == "a" and card["right"]
    assert card["verdict"] == "Right; 1 of 4 variables have a wrong value"
    assert "the variables named as equal to 7 are a (right)" in payload["frames"][-1]["say"]
    assert payload["picture"]["equals"] == "7" and not any(node["needed"] for node in payload["picture"]["nodes"])


def test_a_forest_has_no_crossings_and_every_source_stands_before() -> None:
    text = "assign b = a. assign c = a. assign d = b. assign e = b. assign f = g. assign g = f. assign a = 1."
    statements, _ = read_statements(text)
    graph = dependencies(statements)
    places = forest_places(graph, tuple(graph))
    assert set(places) == set("abcdefg")
    assert places["a"] == (0, 1.25)  # b, at 0.5 between d and e, and c, at 2
    assert [places[name] for name in "bcde"] == [(1, 0.5), (1, 2.0), (2, 0.0), (2, 1.0)]
    assert {places["f"][0], places["g"][0]} == {0, 1}  # a circle is cut open


def test_a_page_is_held_against_what_it_says() -> None:
    shown = played(made_page(" Oslo"))
    texts = shown["picture"]["texts"]
    assert [texts[i] for i in shown["picture"]["needed"]] == [" Ben", " lives", " in", " Os", "lo", "."]
    card, _ = shown["contenders"]
    assert card["right"] is True and card["verdict"] == "Right, as the page says"
    assert card["rows"][0]["truth"] == "Oslo" and card["rows"][0]["answer"] == "Oslo"
    assert "the answer is “Oslo”, and the page says “Oslo”." in narrate(made_page(" Oslo"))[-1]

    wrong = played(made_page(" Rome"))["contenders"][0]
    assert wrong["right"] is False and wrong["verdict"] == "Wrong" and not wrong["rows"][0]["right"]
    longer = played(made_page(" Oslo. It rained"))["contenders"][0]
    assert longer["right"] is None and longer["verdict"] == "Starts right, then rambles"
    assert played(made_page(" Oslos"))["contenders"][0]["right"] is False


def test_what_a_page_does_not_say_is_neither_right_nor_wrong() -> None:
    shown = played(made_page(" Oslo", question="Where is the lamp?"))
    assert shown["picture"]["needed"] == [] and shown["contenders"][0]["right"] is None
    assert shown["contenders"][0]["rows"][0]["truth"] == "no reference answer"
    assert narrate(made_page(" Oslo", question="Who?"))[-1].startswith(
        "Awake, one ordinary pass answers: the answer is “Oslo”. "
    )


def test_tokens_that_are_no_pieces_of_the_text_are_not_underlined() -> None:
    run = made_page(" Oslo")
    first = run.events[0]
    assert isinstance(first, TokenRead)
    damaged = replace(run, events=(replace(first, token="\ufffd"), *run.events[1:]))
    assert played(damaged)["picture"]["needed"] == []
