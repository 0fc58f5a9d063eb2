"""The commands that measure speed, and agreement of our checkpoints, on as little as they take."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

from sleepviz.config.model import SleepPolicy
from sleepviz.hybrids.modeling import SleepForCausalLM
from sleepviz.hybrids.models.capability import require_sleeper
from sleepviz.hybrids.sleep import sleep_hybrid
from sleepviz.runs.checkpoint import list_checkpoints
from sleepviz.studies.hybrids import agreement, throughput
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
    assert row["stock_peak_bytes"] > row["sleep_peak_bytes"] > 0
    assert "| 16 | 8 | 2 |" in capsys.readouterr().out


def test_the_peak_counts_what_is_held_at_once_and_not_what_was_freed() -> None:
    def work() -> None:
        for _ in range(3):
            one = torch.zeros(250, 1000)
            two = one + 1  # both are held here
            del one, two

    # A few bytes more: the scalar.
    assert throughput.peak_bytes(work, torch.device("cpu")) == pytest.approx(2 * 250 * 1000 * 4, abs=64)


@torch.no_grad()
def test_operations_are_those_of_the_matrix_products_that_were_run() -> None:
    assert throughput.matrix_flops(lambda: torch.ones(3, 4) @ torch.ones(4, 5)) == 2 * 3 * 4 * 5
    model, tokens = shared("Qwen3.5"), torch.ones(1, 64, dtype=torch.long)
    require_sleeper(model)  # its trial, once a model, is no part of a sleep
    one = throughput.matrix_flops(lambda: sleep_hybrid(model, tokens, SleepPolicy(1), window=64))
    three = throughput.matrix_flops(lambda: sleep_hybrid(model, tokens, SleepPolicy(3), window=64))
    whole = throughput.matrix_flops(lambda: throughput.stock_prefill(model, tokens, 64))
    # One layer of four, and a half of another, follow the last write.
    assert one == pytest.approx(0.7 * whole, abs=0.02 * whole)
    # The last pass alone ends early; a later pass gives the convolution the left context that the first has not.
    assert three == pytest.approx(one + 2 * whole, abs=0.01 * whole)


@pytest.mark.parametrize(("window", "chunk"), [(8, 8), (16, 16), (17, 9), (32, 16), (40, 14), (48, 16), (64, 16)])
def test_windows_are_cut_into_equal_chunks(window: int, chunk: int) -> None:
    assert throughput.chunk_of(window) == chunk


def test_the_stock_prefill_reads_the_whole_context() -> None:
    model = shared("Qwen3.5")
    cache = throughput.stock_prefill(model, torch.ones(1, 20, dtype=torch.long), 8)

    assert cache.get_seq_length() == 20


def test_the_default_checkpoints_answer_alike_through_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "agreement.json"
    monkeypatch.setattr(agreement, "RESULTS", results)
    assert run(agreement, monkeypatch, "--n", "4") == 0
    first = results.read_text()
    rows = json.loads(first)["rows"]
    assert {row["task"] for row in rows} == {info.task for info in list_checkpoints() if info.default}
    assert all(row["same_probabilities"] == row["same_generated"] == 4 for row in rows)
    assert {row["task"]: row["places"] for row in rows}["rule110"] == 16  # the cells of a row

    def asked_again(checkpoint: object, n: int) -> None:
        raise AssertionError("this checkpoint was asked before")

    monkeypatch.setattr(agreement, "agreement", asked_again)
    assert run(agreement, monkeypatch, "--n", "4") == 0
    assert results.read_text() == first and "rule110-deep | " in capsys.readouterr().out


def test_a_model_that_answers_otherwise_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A head with its rows turned by one says another token everywhere."""
    through = agreement._through_the_library

    def turned(name: str) -> SleepForCausalLM:
        model = through(name)
        assert model.lm.head is not None
        model.lm.head.weight.data = model.lm.head.weight.data.roll(1, dims=0)
        return model

    monkeypatch.setattr(agreement, "_through_the_library", turned)
    monkeypatch.setattr(agreement, "RESULTS", tmp_path / "agreement.json")
    assert run(agreement, monkeypatch, "--n", "4", "--task", "gsm") == 1
    (row,) = json.loads((tmp_path / "agreement.json").read_text())["rows"]
    assert (row["same_probabilities"], row["same_generated"]) == (0, 0) and row["correct"] > 0
