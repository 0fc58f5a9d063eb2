"""N = 1 is the stock forward call under a block mask, for every family."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sleepviz.hybrids.models.families import SLEEPER_NAMES
from sleepviz.studies.hybrids import equivalence
from sleepviz.studies.hybrids.equivalence import Equivalence, block_mask
from tests.hybrids.models import shared

families = pytest.mark.parametrize("family", SLEEPER_NAMES)


def test_the_oracles_mask_is_the_one_drawn_by_hand() -> None:
    hard = ["1.....", "11....", "..1...", "..11..", "....1.", "....11"]  # two windows of 2, then two tokens
    sliding = ["1.....", "11....", ".11...", ".111..", "...11.", "...111"]  # each window sees the token before it

    for eviction, rows in (("hard", hard), ("sliding", sliding)):
        mask = block_mask(4, 6, 2, eviction)  # type: ignore[arg-type]

        assert ["".join("1" if seen else "." for seen in row) for row in mask.tolist()] == rows


@families
def test_one_pass_equals_one_masked_forward_call(family: str) -> None:
    model = shared(family)

    assert equivalence.logits_error(model, "hard") <= equivalence.ERROR_MAX
    assert equivalence.logits_error(model, "sliding") <= equivalence.ERROR_MAX
    assert equivalence.lost_state(model) > 0.1  # so an adapter that lost S would not pass


@families
def test_generate_gives_the_oracles_tokens(family: str) -> None:
    assert equivalence.generates_identically(shared(family))


@families
def test_the_gradient_is_the_masked_forward_calls(family: str) -> None:
    assert equivalence.gradient_error(shared(family)) <= equivalence.GRADIENT_ERROR_MAX


@families
def test_the_cache_is_bounded(family: str) -> None:
    for eviction in ("hard", "sliding"):
        held = equivalence.cache_bytes(shared(family), eviction, lengths=(64, 640))  # type: ignore[arg-type]

        assert held[0] == held[1]


@pytest.mark.parametrize(("family", "eviction"), [("Qwen3.5", "sliding"), ("Bamba", "hard")])
def test_the_cache_is_bounded_at_8192_tokens(family: str, eviction: str) -> None:
    held = equivalence.cache_bytes(shared(family), eviction)  # type: ignore[arg-type]

    assert len(held) == 3 and len(set(held)) == 1


def test_the_command_prints_the_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    row = Equivalence("Qwen3.5", 1e-6, 2e-6, True, 3.0, 1e-6, (64, 64, 64), (128, 128, 128))
    monkeypatch.setattr(equivalence, "measure", lambda family: row)
    threads = torch.get_num_threads()
    try:
        monkeypatch.setattr(sys, "argv", ["equivalence", "--family", "Qwen3.5", "--json"])
        assert equivalence.main() == 0
        told = json.loads(capsys.readouterr().out)
        assert told["families"][0]["cache_bytes"] == [64, 64, 64] and 0 < told["delta_rule_float64"] < 1e-12

        monkeypatch.setattr(sys, "argv", ["equivalence", "--family", "Qwen3.5"])
        assert equivalence.main() == 0
        assert "| Qwen3.5 | 1.0e-06 | 2.0e-06 | 3 | identical | 1.0e-06 | 64 / 64 / 64 |" in capsys.readouterr().out
    finally:
        torch.set_num_threads(threads)


def test_the_published_tables_are_made_from_the_results_files() -> None:
    root = Path(__file__).resolve().parents[3]
    results = (root / "docs/results.md").read_text()
    measured = json.loads((root / "assets/results/hybrids_equivalence.json").read_text())
    rows = [Equivalence(**values) for values in measured["families"]]

    assert equivalence.table(rows) in results and f"in float64: {measured['delta_rule_float64']:.1e}." in results
    assert [row.family for row in rows] == list(SLEEPER_NAMES)
    for row, values in zip(rows, measured["families"], strict=True):
        held = {name: tuple(values[name]) for name in ("cache_bytes", "sliding_bytes")}
        assert replace(row, **held).holds
    speeds = json.loads((root / "assets/results/hybrids_throughput.json").read_text())
    for passes in (1, 4):
        ratios = " | ".join(f"{row['ratio']:.1f}" for row in speeds if row["passes"] == passes)
        assert f"| ratio, N = {passes} | {ratios} |" in results
    alone = json.loads((root / "assets/results/hybrids_throughput_long.json").read_text())
    for context in {row["context"] for row in alone}:
        ratios = " | ".join(f"{row['ratio']:.1f}" for row in alone if row["context"] == context)
        assert f"| {context} tokens | {ratios} |" in results


@pytest.mark.parametrize(
    "change",
    [
        {"hard_error": 1e-3},
        {"generate_identical": False},
        {"lost_state": 1e-4},
        {"gradient_error": 0.1},
        {"cache_bytes": (64, 64, 65)},
    ],
)
def test_a_row_that_fails_is_seen(change: dict[str, object]) -> None:
    fields = {"family": "", "hard_error": 0.0, "sliding_error": 0.0, "generate_identical": True, "lost_state": 1.0}
    fields |= {"gradient_error": 0.0, "cache_bytes": (1, 1, 1), "sliding_bytes": (2, 2, 2)}

    assert Equivalence(**fields).holds  # type: ignore[arg-type]
    assert not Equivalence(**{**fields, **change}).holds  # type: ignore[arg-type]
