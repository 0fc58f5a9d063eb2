"""The README's figures are those of the results files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sleepviz.tables import (
    accuracy_table,
    agreement_table,
    control_table,
    evaluation_table,
    halting_table,
    probe_table,
    public_table,
    tuned_table,
)

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


def result(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / f"assets/results/{name}.json").read_text())
    return found


def test_the_tables_of_tuned_library_models_are_made_from_their_results_file() -> None:
    tuned = result("hybrids_tuned")["entries"]
    for model in {entry["model"] for entry in tuned}:
        assert tuned_table(tuned, model) in (ROOT / "README.md").read_text()
    assert all(entry["logits_difference"] == 0.0 and min(entry["after"]["n"]) >= 512 for entry in tuned)


def test_the_agreement_table_is_made_from_its_results_file() -> None:
    assert agreement_table(result("hybrids_agreement")["rows"]) in (ROOT / "README.md").read_text()


def test_the_table_of_sambas_shape_is_what_eval_printed_of_the_shipped_checkpoint() -> None:
    printed = result("rule110_samba")
    meta = json.loads((ROOT / "assets/checkpoints/rule110-samba/meta.json").read_text())
    assert printed["digest"] == meta["digest"] and printed["n"] >= 512
    assert evaluation_table(printed) in (ROOT / "README.md").read_text()
