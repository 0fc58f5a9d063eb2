"""Three hundred seeded cases: all through the readers, one in fifteen through the real pages. See tests/fuzz."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st

from app.shell import runs
from tests.app.made import make_assets
from tests.fuzz.__main__ import fuzz

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
