"""The README's figures are those of the results files."""

import json
from pathlib import Path
from typing import Any

from sleepviz.studies.readme_tables import PLACE, agreement_table, evaluation_table, filled, measured, tuned_table

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def test_every_named_table_is_made_from_its_results_file() -> None:
    named = {(task, kind) for _, task, kind, _ in PLACE.findall(README)}
    assert {("rule110", "accuracy"), ("depo", "accuracy"), ("gsm", "accuracy"), ("gsm", "public")} <= named
    assert filled(README, measured) == README


def test_a_table_that_differs_from_its_results_is_made_anew() -> None:
    """Another number in a file changes its tables and nothing else of the text."""
    changed = [{**entry, "accuracy": 0.123} for entry in measured("gsm")]
    text = filled(README, lambda task: changed if task == "gsm" else measured(task))
    assert "0.12 (" in text and PLACE.sub(r"\1", text) == PLACE.sub(r"\1", README)


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


def shipped_digest(checkpoint: str) -> str:
    meta = json.loads((ROOT / "assets/checkpoints" / checkpoint / "meta.json").read_text())
    return str(meta["digest"])


def test_what_was_measured_is_what_is_shipped() -> None:
    """A model that is trained anew, or renamed, takes its figures with it."""
    rows = [row for task in ("rule110", "depo", "gsm") for row in measured(task)]
    rows += result("hybrids_agreement")["rows"]
    assert [row["checkpoint"] for row in rows if row["digest"] != shipped_digest(row["checkpoint"])] == []


def test_the_table_of_sambas_shape_is_what_eval_printed_of_the_shipped_checkpoint() -> None:
    printed = result("rule110_samba")
    assert printed["digest"] == shipped_digest("rule110-samba") and printed["n"] >= 512
    assert evaluation_table(printed) in (ROOT / "README.md").read_text()
