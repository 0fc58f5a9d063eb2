"""The Arithmetic page as a script: first paint, own text, ways of asking, refusals and links."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sleepviz.tasks.gsm.examples import REAL, STORY, deep_sum
from tests.app.made import SUM_DEFAULT, SUM_PASSES
from tests.app.page import ROOT, clean, errors, live, opened, payload, unfolded

SHORT = "assign a = 4. assign b = a + 1."


def values(page: dict) -> dict[str, str]:
    return {node["name"]: node["truth"] for node in page["picture"]["nodes"]}


def test_first_paint_is_the_recorded_sum(assets: Path) -> None:
    page = opened("gsm")
    shown = payload(page)
    assert shown["badge"].startswith(f"recorded · {SUM_DEFAULT}") and shown["picture"]["kind"] == "values"
    assert page.text_area(key="gsm_text").value == deep_sum(8)["text"]
    assert page.selectbox(key="gsm_question").value == "w"
    assert page.select_slider(key="gsm_passes").value == SUM_PASSES
    assert len(shown["picture"]["edges"]) == 13  # each statement has its place among the tokens
    assert len([node for node in shown["picture"]["nodes"] if node["needed"]]) == 9  # eight operations
    assert not errors(page) and not page.query_params


def test_run_live_repeats_the_recorded_answer_and_names_what_is_missing(assets: Path) -> None:
    page = opened("gsm")
    recorded = payload(page)
    page.button(key="run").click()
    shown = payload(live(clean(page.run())))
    assert [w["values"] for w in shown["woken"]] == [w["values"] for w in recorded["woken"]]
    assert [bool(card["rows"]) for card in shown["contenders"]] == [True, True, False]
    assert "is missing here" in shown["contenders"][2]["missing"]


def test_own_text_runs_and_writes_the_link(assets: Path) -> None:
    page = opened("gsm")
    page.text_area(key="gsm_text").set_value(SHORT)
    live(clean(page.run()))
    shown = payload(page)
    assert values(shown) == {"a": "4", "b": "5"}
    assert page.selectbox(key="gsm_question").value == "b"  # w is gone: the variable that is named last
    link = {name: page.query_params[name] for name in page.query_params}
    assert link == {
        "task": "gsm",
        "text": SHORT,
        "question": "b",
        "ask": "after",
        "N": str(SUM_PASSES),
        "checkpoint": SUM_DEFAULT,
    }


@pytest.mark.parametrize("ask", ["after", "first", "equals"])
def test_each_way_of_asking_runs(assets: Path, ask: str) -> None:
    page = live(opened("gsm", text=SHORT, question="b", ask=ask, equals="4", N="2"))
    shown = payload(page)
    assert not errors(page)
    assert (shown["tokens"][0] == "answer") == (ask == "first")
    assert shown["picture"]["equals"] == ("4" if ask == "equals" else None)
    asked = shown["contenders"][0]["rows"][0]
    assert (asked["asked"], asked["truth"]) == (("equal 4", "a") if ask == "equals" else ("b", "5"))


def test_a_story_asks_its_own_question(assets: Path) -> None:
    page = opened("gsm")
    page.button(key="preset_story").click()
    live(clean(page.run()))
    assert page.text_area(key="gsm_text").value == STORY["text"]
    assert page.selectbox(key="gsm_question").value == "Eve" and page.selectbox(key="gsm_question").disabled
    # Ana 5, Ben 5 + 1, Cleo 6 + 1, Eve 7 - 1; Dan 9 and Fay the same are not needed.
    assert values(payload(page)) == {"Ben": "6", "Ana": "5", "Eve": "6", "Cleo": "7", "Dan": "9", "Fay": "9"}
    assert payload(page)["contenders"][0]["rows"][0]["truth"] == "6"


def test_the_real_problem_is_the_file_s_first_with_eight_operations(assets: Path) -> None:
    lines = (ROOT / "tests" / "data" / "gsm_infinite_symbolic.jsonl").read_text().splitlines()
    first = next(problem for problem in map(json.loads, lines) if problem["op"] == 8)
    assert {"text": first["context"], "equals": first["question_value"]} == REAL
    page = opened("gsm")
    page.button(key="preset_real").click()
    shown = payload(live(clean(page.run())))
    named = {node["name"] for node in shown["picture"]["nodes"] if node["truth"] == str(first["question_value"])}
    assert named == set(first["answer_list"])
    assert "GSM-Infinite" in page.button(key="preset_real").help


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "0 statements"),
        ("a is 4", "was not understood"),
        ("assign a = 4. assign a = 5.", "more than once"),
        ("assign a = 4. assign b = a + 9.", "changes by 9"),
        ("assign a = 40.", "values from -2 to 12"),
        ("assign b = c + 1.", "undefined"),
        ("assign b = c + 1. assign c = b - 1.", "defined through itself"),
        (" ".join(f"assign v{i} = {i % 9}." for i in range(15)), "15 statements"),
        ("<img src=x>", "was not understood"),
    ],
    ids=["empty", "prose", "twice", "change", "value", "undefined", "circle", "long", "html"],
)
def test_each_bad_text_is_one_sentence_and_nothing_runs(assets: Path, text: str, says: str) -> None:
    page = opened("gsm")
    page.text_area(key="gsm_text").set_value(text)
    clean(page.run())
    (sentence,) = errors(page)
    assert says in sentence.replace("\\", "") and len(sentence) < 400 and "\n" not in sentence
    assert "<img" not in sentence.replace("\\<", "")
    assert payload(page)["badge"].startswith("recorded")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"equals": "13"}, "equals must be a whole number from -2 to 12"),
        ({"equals": "-3"}, "equals must be"),
        ({"ask": "never"}, "there are: after, first, equals"),
        ({"text": "x" * 5000}, "at most 4000 characters"),
        ({"task": "depo"}, "this page shows gsm"),
    ],
)
def test_each_bad_link_is_one_sentence(assets: Path, query: dict[str, str], says: str) -> None:
    page = opened("gsm", **query)
    (sentence,) = errors(page)
    assert says in sentence
    page.button(key="preset_easy").click()
    assert not errors(clean(page.run()))


def test_a_negative_value_in_a_link(assets: Path) -> None:
    page = opened("gsm", text="assign a = -2.", ask="equals", equals="-2")
    assert not errors(page) and page.number_input(key="gsm_equals").value == -2


def test_departures_and_the_table_are_on_the_page(assets: Path) -> None:
    page = unfolded(opened("gsm"), "departures", "numbers")
    said = " ".join(each.value for each in (*page.markdown, *page.caption))
    for name in ("vocabulary feedback", "skipped passes", "short convolution", "roll call", "small sums"):
        assert name in said
    table = next(each.value for each in page.markdown if each.value.startswith("| window"))
    assert table.count("\n") + 1 == 2 + 2 * SUM_PASSES + 1 and "truth" in table


@pytest.mark.parametrize(("limit", "question"), [(0, "t"), (7, "g"), (8, "w"), (20, "w")])
def test_the_deep_preset_is_as_deep_as_the_limit(limit: int, question: str) -> None:
    from sleepviz.tasks.gsm.task import Gsm

    given = deep_sum(limit)
    solution = Gsm().parse(json.dumps(given), Gsm().limits()).solution
    assert given["question"] == question and solution.depths[question] == min(limit, 8)
