"""The README's figures are those of the results files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sleepviz.tables import accuracy_table, control_table, halting_table, probe_table, public_table

ROOT = Path(__file__).resolve().parents[1]
DIFFICULTIES = {"rule110": (1, 2, 3, 4, 6, 8, 10, 12), "gsm": tuple(range(9))}


def entries(task: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((ROOT / f"assets/results/{task}.json").read_text())["entries"]
    return found


@pytest.mark.parametrize("task", DIFFICULTIES)
def test_the_accuracy_table_is_made_from_the_results_file(task: str) -> None:
    assert accuracy_table(task, entries(task), DIFFICULTIES[task]) in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("table", [control_table, halting_table, probe_table])
def test_the_other_tables_of_rule_110_are_made_from_its_results_file(table: Callable[[Any], str]) -> None:
    made = table(entries("rule110"))
    assert len(made.splitlines()) > 4 and made in (ROOT / "README.md").read_text()


def test_the_public_problems_table_is_made_from_the_results_file() -> None:
    assert public_table(entries("gsm")) in (ROOT / "README.md").read_text()
