"""Three hundred seeded cases: all through the readers, one in fifteen through the real pages. See tests/fuzz."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st

from app.shell import runs
from sleepviz.tasks.gsm.text import read_statements, solve
from tests.app.made import make_assets
from tests.fuzz.__main__ import fuzz
from tests.fuzz.truth import hops_from, person_named, rule110_after, value_of

FOUND = (  # by ten thousand cases of seed 1: the text is taken, and the oracle of the tests could not read it
    "assign b = alpha. assign alpha =  7. assign d2 = cc - 1. assign cc = b + 1.",
    "assign alp\ufeffha = 6. assign b = alpha - 1.",
    "assign alpha\u200b= 6.\nassign b =\u2003alpha + 1.",
)
CASES, SEED, PAGES = 300, 19, 1 / 15


def test_no_link_or_input_breaks_a_page_or_is_answered_wrongly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "ASSETS", make_assets(tmp_path / "assets"))
    st.cache_data.clear()

    counts, failures = fuzz(CASES, SEED, pages=PAGES)

    st.cache_data.clear()
    assert failures == []
    assert sum(n for name, n in counts.items() if name.startswith("reader")) == CASES
    assert sum(n for name, n in counts.items() if name.startswith("page")) >= 10
    assert sum(n for name, n in counts.items() if name.endswith("run")) >= CASES // 10  # not all are refused
    assert sum(n for name, n in counts.items() if name.endswith("refused")) >= CASES // 3


@pytest.mark.parametrize("text", FOUND)
def test_spaces_of_any_kind_change_no_answer(text: str) -> None:
    statements, _ = read_statements(text)
    values = solve(statements).values
    assert values
    assert {name: value_of(text, name) for name in values} == dict(values)


def test_the_oracles_by_hand() -> None:
    assert rule110_after("0110", 1) == "1110" and rule110_after("0110", 2) == "1011"
    assert hops_from([["b", "c"], ["a", "b"], ["c", "a"]], "a", 4) == "b"
    assert value_of("assign b = a + 1. assign a = 7.", "b") == 8
    town = "The key belongs to Ana. It rained. The doctor of Ana is Ben. The cook of Ben is Leo."
    assert person_named(town, "Who is the cook of the doctor of the owner of the key?") == "Leo"
