"""The published figures, in the README and in docs/results.md, are those of the results files."""

import json
from pathlib import Path
from typing import Any

import pytest

from sleepviz.studies.readme_tables import (
    DOCUMENTS,
    PLACE,
    agreement_table,
    evaluation_table,
    filled,
    found_headline_table,
    headline_table,
    length_table,
    measured,
    tuned_table,
)
from sleepviz.studies.visit_tables import load_table, memory_table

ROOT = Path(__file__).resolve().parents[2]
RESULTS = (ROOT / "docs/results.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_named_table_is_made_from_its_results_file(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert filled(text, measured) == text


def test_the_headline_and_each_tasks_accuracy_are_published() -> None:
    named = {document.name: {found[1:3] for found in PLACE.findall(document.read_text())} for document in DOCUMENTS}
    assert ("rule110,depo,gsm", "headline") in named["README.md"]
    accuracies = {("rule110", "accuracy"), ("depo", "accuracy"), ("gsm", "accuracy"), ("gsm", "public")}
    assert accuracies <= named["results.md"]


def test_a_table_that_differs_from_its_results_is_made_anew() -> None:
    """Another number in a file changes its tables and nothing else of the text."""
    changed = [{**entry, "accuracy": 0.123} for entry in measured("gsm")]
    text = filled(RESULTS, lambda task: changed if task == "gsm" else measured(task))
    assert "0.12 (" in text and PLACE.sub(r"\1", text) == PLACE.sub(r"\1", RESULTS)


def test_the_headline_takes_the_hardest_question_and_the_best_model_with_one_pass() -> None:
    """Written by hand: easier questions, other N and weaker models must not show."""

    def entry(experiment: str, variant: str, passes: int, difficulty: int, accuracy: float) -> dict[str, Any]:
        of = {"experiment": experiment, "variant": variant, "passes": passes, "difficulty": difficulty}
        return {**of, "accuracy": accuracy, "ci95": [accuracy - 0.01, accuracy + 0.01]}

    def entries(hardest: int, enough: int) -> list[dict[str, Any]]:
        return [
            *(entry("accuracy", "any_n", n, hardest, share) for n, share in ((1, 0.1), (4, 0.2), (enough, 0.3))),
            *(entry("baseline", name, 1, hardest, share) for name, share in (("n1_a", 0.5), ("n1_b", 0.6))),
            entry("baseline", "oracle", 1, hardest, 0.7),
            entry("accuracy", "any_n", enough, 1, 0.9),
            entry("baseline", "n1_a", 1, 1, 0.9),
            entry("control", "zero_state", enough, hardest, 0.8),
        ]

    made = {"rule110": entries(12, 12), "depo": entries(8, 10), "gsm": entries(8, 10)}
    cells = "0.10 (0.09–0.11) | N = {}: 0.30 (0.29–0.31) | 0.60 (0.59–0.61) | 0.70 (0.69–0.71) |"
    assert headline_table(tuple(made), made.__getitem__).splitlines()[2:] == [
        "| `rule110` | t = 12 | " + cells.format(12),
        "| `depo` | k = 8 | " + cells.format(10),
        "| `gsm` | ops = 8 | " + cells.format(10),
    ]


def test_the_headline_of_found_models_takes_them_from_their_place_in_the_file() -> None:
    """Written by hand: one stands beside a taught model, the other is its task's own; the taught one must not show."""

    def entry(experiment: str, variant: str, passes: int, difficulty: int, accuracy: float) -> dict[str, Any]:
        of = {"experiment": experiment, "variant": variant, "passes": passes, "difficulty": difficulty}
        return {**of, "accuracy": accuracy, "ci95": [accuracy, accuracy]}

    beside = [
        *(entry("accuracy", "any_n", n, 4, 0.99) for n in (1, 4)),  # taught
        *(entry("found", "found", n, hops, share) for n, hops, share in ((1, 4, 0.1), (4, 4, 0.8), (4, 1, 1.0))),
        *(entry("found", name, 1, 4, share) for name, share in (("found_n1", 0.2), ("found_n1_flops", 0.3))),
        entry("baseline", "n1_same_tokens", 1, 4, 0.9),
        *(entry("found_control", "none", 4, hops, 0.7) for hops in (1, 4)),
        entry("control", "none", 10, 8, 0.7),
    ]
    own = [
        *(entry("accuracy", "any_n", n, hops, share) for n, hops, share in ((1, 3, 0.4), (3, 3, 0.9), (3, 6, 0.1))),
        entry("baseline", "n1_same_tokens", 1, 3, 0.5),
        entry("control", "replay", 3, 3, 0.1),
    ]
    made = {"depo": beside, "text": own}
    assert found_headline_table(tuple(made), made.__getitem__).splitlines()[2:] == [
        "| `depo` | k = 4 | 0.10 (0.10–0.10) | N = 4: 0.80 (0.80–0.80) | 0.30 (0.30–0.30) |",
        "| `text` | hops = 3 | 0.40 (0.40–0.40) | N = 3: 0.90 (0.90–0.90) | 0.50 (0.50–0.50) |",
    ]


def test_lengths_stand_in_the_order_of_the_study() -> None:
    made = [
        {"experiment": "length", "variant": f"asked_after_{n}", "difficulty": hops, "accuracy": share, "ci95": [0, 1]}
        for hops, n, share in ((1, 2, 0.9), (1, 16, 0.8), (4, 2, 0.7), (4, 16, 0.6))
    ]
    assert length_table("text", made).splitlines() == [
        "| hops | 2 pages | 16 pages |",
        "|---|---|---|",
        "| 1 | 0.90 (0.00–1.00) | 0.80 (0.00–1.00) |",
        "| 4 | 0.70 (0.00–1.00) | 0.60 (0.00–1.00) |",
    ]


def result(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / f"assets/results/{name}.json").read_text())
    return found


def test_the_tables_of_tuned_library_models_are_made_from_their_results_file() -> None:
    tuned = result("hybrids_tuned")["entries"]
    for model in {entry["model"] for entry in tuned}:
        assert tuned_table(tuned, model) in RESULTS
    assert all(entry["logits_difference"] == 0.0 and min(entry["after"]["n"]) >= 512 for entry in tuned)


def test_the_agreement_table_is_made_from_its_results_file() -> None:
    assert agreement_table(result("hybrids_agreement")["rows"]) in RESULTS


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
    assert evaluation_table(printed) in RESULTS


def test_the_table_of_the_servers_memory_and_what_it_says_where_nothing_was_measured() -> None:
    waits = {"kind": "live", "clicks": 2, "p50_s": 0.5, "p95_s": 1.0, "most_s": 2.0}
    measured_here = {
        "kind": "memory",
        "from_round": 11,
        "growth": {"mb_per_round": 0.125, "ci95": [-0.25, 0.5]},
        "growth_beside_kept_runs": {"mb_per_round": -0.5, "ci95": [-1.0, 0.0]},
        "bounds": {"kept_runs": 256, "kept_runs_bytes": 64_000_000},
        "caches": [
            {"round": 19, "kept_runs": 1, "kept_runs_bytes": 1},
            {"round": 20, "kept_runs": 250, "kept_runs_bytes": 13_140_000},
        ],
    }
    assert memory_table([waits, measured_here]).splitlines()[2:] == [
        "| growth, from round 11 on | 0.12 MB a round (-0.25 to 0.50) |  |",
        "| the same without the kept runs' arrays | -0.50 MB a round (-1.00 to 0.00) |  |",
        "| runs kept for everybody | 250 | 256 |",
        "| their arrays | 13.1 MB | 64.0 MB |",
    ]
    absent = ["| growth of the server's memory | not measured |  |"]
    assert memory_table([waits]).splitlines()[2:] == absent
    too_short = memory_table([waits, {**measured_here, "growth": None, "growth_beside_kept_runs": None}])
    assert too_short.splitlines()[2:5] == [
        "| growth, from round 11 on | not measured |  |",
        "| the same without the kept runs' arrays | not measured |  |",
        "| runs kept for everybody | 250 | 256 |",
    ]
    assert load_table([waits, measured_here]) == load_table([waits])
