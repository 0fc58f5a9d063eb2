"""The README's figures are those of the results files."""

import json
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
def test_the_results_tables_are_made_from_the_results_files(task: str) -> None:
    readme = (ROOT / "README.md").read_text()
    assert accuracy_table(task, entries(task), DIFFICULTIES[task]) in readme
    assert control_table(entries(task)) in readme
    assert halting_table(entries(task)) in readme


def test_the_public_problems_table_is_made_from_the_results_file() -> None:
    assert public_table(entries("gsm")) in (ROOT / "README.md").read_text()


def test_the_probes_table_is_made_from_the_results_file() -> None:
    assert probe_table(entries("rule110")) in (ROOT / "README.md").read_text()
