"""The page Cost: units, the sentences of a bill, and a page that keeps its link and refuses what cannot be."""

from __future__ import annotations

import pytest

from app.cost.page import pays, saved
from app.parts.units import in_bytes, in_operations
from sleepviz.studies.counted.bill import Bill
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
    assert saved(good).startswith("Clearing saves 85.0 %") and "question 3 on" in pays(good)
    bad = Bill(kv_without=100, kv_with=100, fast_bytes=50, sleep_flops=90, answer_flops=10, reread_flops=10)
    assert "saves nothing" in saved(bad) and "never pays" in pays(bad)


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
