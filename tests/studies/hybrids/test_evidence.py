"""The command behind the table of tuned models: every recipe from the same start, and resumable."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sleepviz.hybrids.tuning.examples import TaskExamples
from sleepviz.hybrids.tuning.tune import Tuning
from sleepviz.studies.hybrids import evidence

FAMILY = pytest.mark.parametrize("family", ["llama", "qwen3"])


@FAMILY
def test_every_recipe_starts_from_the_same_model_whose_outputs_did_not_change(family: str) -> None:
    one, other = evidence.start_of(family), evidence.start_of(family)
    assert one.logits_difference == 0.0
    for (name, ours), theirs in zip(one.model.named_parameters(), other.model.parameters(), strict=True):
        assert torch.equal(ours, theirs), name
    assert [p for name, p in one.model.named_parameters() if "memory.in_proj_qkv" in name and p.any()]


def test_every_recipe_reads_as_many_tokens_and_only_its_own_passes() -> None:
    """The recipes differ in N, in what is asked and in the losses, and in nothing else."""
    (any_n, *fixed) = evidence.RECIPES.values()
    same = {"n_passes": 1, "levels_per_pass": 0, "pass_loss": 0.0}
    assert {replace(config, **same) for config in evidence.RECIPES.values()} == {replace(any_n, **same)}
    assert any_n.levels_per_pass == 1 and all(c.n_passes == 1 and not c.levels_per_pass for c in fixed)
    for config in fixed:
        tuning = Tuning(evidence.start_of("llama").model, TaskExamples(evidence.TASK, (1, 2, 3)), config)
        drawn = [tuning._drawn(np.random.default_rng(step)) for step in range(20)]
        hops = torch.cat([lesson.queries[:, 0, 2::3] for _, (lesson,) in drawn]) - (evidence.TASK.nodes_max + 4)
        assert {n for n, _ in drawn} == {1} and set(hops.flatten().tolist()) == {1, 2, 3}


def test_the_command_makes_what_is_missing_and_finds_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / "results.json"
    short = {name: replace(config, steps=2, batch=2) for name, config in evidence.RECIPES.items()}
    monkeypatch.setattr(evidence, "RECIPES", {name: short[name] for name in ("any_n", "n1_answers")})
    monkeypatch.setattr(evidence, "EXAM_SIZE", 4)
    monkeypatch.setattr(evidence, "RESULTS", results)
    monkeypatch.setattr("sys.argv", ["evidence", "--family", "llama", "--runs", str(tmp_path / "runs")])

    assert evidence.main() == 0
    first = json.loads(results.read_text())
    kept = (tmp_path / "runs" / "llama-any_n" / "model.safetensors").stat().st_mtime_ns
    assert evidence.main() == 0
    assert json.loads(results.read_text()) == first
    assert (tmp_path / "runs" / "llama-any_n" / "model.safetensors").stat().st_mtime_ns == kept

    entries: list[dict[str, Any]] = first["entries"]
    assert [entry["recipe"] for entry in entries] == ["any_n", "n1_answers"]
    assert entries[0]["digest"] != entries[1]["digest"] and str(tmp_path) not in results.read_text()
    for entry, passes in zip(entries, (evidence.ASKED_PASSES, (0, 1)), strict=True):
        after = entry["after"]
        assert after["passes"] == list(passes) and after["n"] == [4] * 3 and after["difficulty"] == [1, 2, 3]
        assert entry["context_tokens"] == 2 * 2 * evidence.TASK.window


def test_control_c_leaves_what_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(family: str, recipe: str, folder: Path) -> dict[str, Any]:
        if recipe == "n1_stream":
            raise KeyboardInterrupt
        return {"model": family, "recipe": recipe}

    monkeypatch.setattr(evidence, "tuned", interrupted)
    monkeypatch.setattr(evidence, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr("sys.argv", ["evidence", "--family", "qwen3"])
    assert evidence.main() == 130 and "goes on" in capsys.readouterr().err
    kept = json.loads((tmp_path / "results.json").read_text())["entries"]
    assert kept == [{"model": "qwen3", "recipe": "any_n"}]
