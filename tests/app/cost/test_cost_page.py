"""The page Cost: units, the sentences of a bill, and a page that keeps its link and refuses what cannot be."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from app.cost.ability import unequal
from app.cost.cost_text import UNEQUAL
from app.cost.page import pays, saved
from app.parts.units import in_bytes, in_operations
from app.shell.results import Results
from sleepviz.studies.counted.bill import Bill, Plan, bill
from sleepviz.studies.counted.shapes import PUBLISHED
from tests.app.made import result
from tests.app.page import clean, errors, opened


def test_amounts_are_written_in_steps_of_a_thousand() -> None:
    assert [in_operations(n) for n in (7, 2_500, 3e6, 1.5e15)] == [
        "7",
        "2.5 thousand",
        "3.0 million",
        "1.5 quadrillion",
    ]
    assert in_bytes(131_072_000_000) == "131 GB"


def test_a_bill_is_said_as_it_is_counted() -> None:
    good = Bill(kv_without=1000, kv_with=100, fast_bytes=50, sleep_flops=90, answer_flops=10, reread_flops=40)
    plan = Plan(context=10, window=4, n_passes=2, question=1)
    assert saved(good, plan) == (
        "Clearing saves 85.7 % of the memory: 150 bytes in place of 1.1 KB, cache and S together."  # 900 of 1050
    )
    assert "question 3 on" in pays(good)
    assert "never pays" in pays(replace(good, reread_flops=10))


def test_nothing_saved_is_told_with_its_cause() -> None:
    """Each cause by a model that has it; S is never the cause, for it is held with sleep and without."""
    short, long = Plan(100, 200, 1, 1), Plan(200, 100, 1, 1)
    qwen = PUBLISHED[0]
    assert "fits into one window" in saved(bill(qwen, short), short)
    assert "fits into one window" in saved(bill(qwen, Plan(100, 100, 1, 1)), Plan(100, 100, 1, 1))
    slides = replace(qwen, full_layers=0, sliding_layers=8, sliding_window=50)
    assert "sliding window" in saved(bill(slides, long), long)
    none = replace(qwen, full_layers=0)
    assert "keeps no cache" in saved(bill(none, long), long)
    assert saved(bill(qwen, long), long).startswith("Clearing saves ")


def test_the_bill_says_what_one_reading_cannot_answer() -> None:
    one = result(5, passes=1, experiment="cost")
    solved = result(500, passes=4, experiment="cost")
    told = unequal([Results("rule110", "by hand", (one, result(100, passes=2, experiment="cost"), solved))])
    assert told.endswith("Rule 110, 6 steps: one pass is right on 5 of 512 questions, 4 passes on 500 of 512.")
    assert unequal([Results("rule110", "by hand", (replace(solved, passes=1), solved))]) == UNEQUAL


def rows_of(page: AppTest) -> dict[str, list[str]]:
    """The bill's table: the cells of each row by its name."""
    table = next(each.proto.body for each in page.get("html") if "with sleep" in each.proto.body)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in table.split("<tr")[1:]]
    return {row[0]: row[1:] for row in cells}


def test_a_hybrid_holds_s_with_sleep_and_without_and_others_hold_none() -> None:
    hybrid = rows_of(opened("cost", model="qwen3.5-9b", L="131072", N="1", T="100000"))
    assert hybrid["fast weights S"] == ["25.2 MB", "25.2 MB"]
    assert hybrid["KV cache, at its fullest"] == ["3.3 GB", "3.3 GB"]
    assert rows_of(opened("cost", model="ouro-1.4b"))["fast weights S"] == ["none", "none"]


def test_a_link_sets_the_page_and_a_typed_shape_is_counted() -> None:
    page = opened("cost", model="ouro-1.4b", L="512", N="8", T="10000", q="10")
    assert not errors(page)
    tables = [each.proto.body for each in page.get("html")]
    assert any("Ouro 1.4B: 10,000 tokens in windows of 512, N = 8." in table for table in tables)
    typed = clean(page.selectbox(key="cost_model").set_value("typed").run())
    typed = clean(typed.number_input(key="cost_shape_full_layers").set_value(0).run())
    typed = clean(typed.number_input(key="cost_shape_fast_layers").set_value(0).run())
    assert errors(typed) == ["This shape cannot be counted: a model has from 1 to 512 layers."]


@pytest.mark.parametrize("query", [{"model": "gpt"}, {"L": "7"}, {"N": "0"}, {"T": "9" * 9}])
def test_a_bad_link_is_one_sentence(query: dict[str, str]) -> None:
    page = opened("cost", **query)
    assert len(errors(page)) == 1
