"""The commands that measure speed, and agreement of our checkpoints, on as little as they take."""

from __future__ import annotations

import json
import sys

import pytest
import torch

from sleepviz.hybrids import agreement, throughput
from tests.hybrids.models import shared


def run(module: object, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Call a command's main as from the command line; one thread, as ever in the tests."""
    monkeypatch.setattr(sys, "argv", ["command", *arguments])
    threads = torch.get_num_threads()
    try:
        return module.main()  # type: ignore[attr-defined]
    finally:
        torch.set_num_threads(threads)


def test_throughput_is_measured_beside_the_stock_prefill(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--context", "16", "--window", "8", "--passes", "2", "--batch", "1"]
    assert run(throughput, monkeypatch, *arguments, "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert run(throughput, monkeypatch, *arguments) == 0

    assert min(row["sleep_tokens_per_s"], row["stock_tokens_per_s"], row["awake_tokens_per_s"], row["ratio"]) > 0
    assert row["stock_cache_bytes"] - row["sleep_cache_bytes"] == 2 * 2 * 2 * 16 * 8 * 4  # the keys and values
    assert "| 16 | 8 | 2 |" in capsys.readouterr().out


def test_the_stock_prefill_reads_the_whole_context() -> None:
    model = shared("Qwen3.5")
    cache = throughput.stock_prefill(model, torch.ones(1, 20, dtype=torch.long), 8)

    assert cache.get_seq_length() == 20


def test_the_default_checkpoints_answer_alike_through_the_library(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(agreement, monkeypatch, "--n", "4", "--json") == 0
    rows = json.loads(capsys.readouterr().out)

    assert rows and all(row["same_probabilities"] == row["same_generated"] == 4 for row in rows)
