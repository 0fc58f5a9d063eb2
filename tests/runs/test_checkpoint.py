"""Checkpoints: read back to the bit, written in one step, and every damage is one sentence."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save as serialise

from sleepviz.core.model import HybridLM
from sleepviz.runs.checkpoint import (
    CheckpointError,
    find,
    list_checkpoints,
    load,
    read_info,
    save,
    untrained,
    write_atomically,
)
from tests.builders import empty, meta_of, random_model, random_tokens, rule110_config
from tests.test_architecture import run_python

ROOT = Path(__file__).resolve().parents[2]


def saved(folder: Path, name: str = "small", seed: int = 0, **meta: Any) -> HybridLM:
    """Write a checkpoint into `folder`; return the model that it holds."""
    model = random_model(rule110_config(conv_kernel=4, window_positions=True), seed, torch.float32)
    save(folder / name, model.state_dict(), meta_of(model.config, **meta))
    return model


def change_meta(folder: Path, change: Callable[[dict[str, Any]], Any], name: str = "small") -> None:
    """Rewrite meta.json as `change` returns it, or changes it in place."""
    path = folder / name / "meta.json"
    meta = json.loads(path.read_text())
    changed = change(meta)
    path.write_text(json.dumps(meta if changed is None else changed))


def refusal(folder: Path, name: str = "small") -> str:
    """The message with which loading is refused."""
    with pytest.raises(CheckpointError) as refused:
        load(name, folder=folder)
    message = str(refused.value)
    assert message.endswith(".") and "\n" not in message and len(message) < 400, message
    return message


def test_weights_and_answers_survive_to_the_bit(tmp_path: Path) -> None:
    model = saved(tmp_path)
    read = load("small", task="rule110", folder=tmp_path)
    for name, tensor in model.state_dict().items():
        assert torch.equal(read.model.state_dict()[name], tensor), name
    tokens = random_tokens(model.config, 2, 4)
    assert torch.equal(read.model(tokens, empty(read.model, 2))[0], model(tokens, empty(model, 2))[0])
    assert read.model.config == model.config
    assert read.info.digest == hashlib.sha256((tmp_path / "small" / "model.safetensors").read_bytes()).hexdigest()
    assert not any(parameter.requires_grad for parameter in read.model.parameters())


def test_the_default_is_found_and_names_are_listed_in_order(tmp_path: Path) -> None:
    saved(tmp_path, "b", default=False)
    saved(tmp_path, "c", seed=1, default=True)
    saved(tmp_path, "a", default=False)
    assert [info.name for info in list_checkpoints(tmp_path)] == ["a", "b", "c"]
    assert find("", task="rule110", folder=tmp_path).name == "c"
    assert load(task="rule110", folder=tmp_path).info.name == "c"
    with pytest.raises(CheckpointError, match="No default checkpoint"):
        find("", task="depo", folder=tmp_path)
    with pytest.raises(CheckpointError, match="trained on rule110, not on depo"):
        find("a", task="depo", folder=tmp_path)


def test_an_empty_or_missing_folder_lists_nothing(tmp_path: Path) -> None:
    assert list_checkpoints(tmp_path) == () and list_checkpoints(tmp_path / "nowhere") == ()
    with pytest.raises(CheckpointError, match="No default checkpoint"):
        load(task="rule110", folder=tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "../small",
        "..",
        ".",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "small\n",
        "small ",
        "Small",
        "-small",
        "x" * 65,
        "é",
        "a\x00b",
    ],
)
def test_a_name_can_never_leave_the_folder(tmp_path: Path, name: str) -> None:
    saved(tmp_path)
    (tmp_path / "inside").mkdir()
    assert "small letters, digits and hyphens" in refusal(tmp_path / "inside", name)


@pytest.mark.parametrize("part", ["model.safetensors", "meta.json"])
@pytest.mark.parametrize("length", [0, 1, 7, 100, -1])
def test_a_truncated_file_is_refused(tmp_path: Path, part: str, length: int) -> None:
    saved(tmp_path)
    path = tmp_path / "small" / part
    data = path.read_bytes()
    path.write_bytes(data[:length] if length >= 0 else data[: -len(b"}\n")])
    assert ("digest" if part == "model.safetensors" else "damaged") in refusal(tmp_path)
    listed = list_checkpoints(tmp_path)
    assert len(listed) == (part == "model.safetensors")  # a damaged description is left out of the list


def test_one_changed_byte_of_the_weights_is_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    path = tmp_path / "small" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(bytes(data))
    assert "do not match their digest" in refusal(tmp_path)


def test_missing_files_are_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / "small" / "model.safetensors").unlink()
    assert "missing" in refusal(tmp_path)
    (tmp_path / "small" / "model.safetensors").mkdir()
    refusal(tmp_path)
    assert "no checkpoint named" in refusal(tmp_path, "other")
    (tmp_path / "half").mkdir()  # weights are written first: a crash before meta.json leaves no checkpoint
    assert "no checkpoint named" in refusal(tmp_path, "half")
    assert [info.name for info in list_checkpoints(tmp_path)] == ["small"]


def rewrite_weights(folder: Path, weights: dict[str, torch.Tensor] | bytes) -> None:
    """Put other weights in place, with a digest that fits them."""
    data = weights if isinstance(weights, bytes) else serialise(weights)
    (folder / "small" / "model.safetensors").write_bytes(data)
    change_meta(folder, lambda meta: meta.update(digest=hashlib.sha256(data).hexdigest()))


def test_weights_of_another_shape_or_format_are_refused_though_the_digest_fits(tmp_path: Path) -> None:
    weights = dict(saved(tmp_path).state_dict())
    for wrong in (
        {name: tensor for name, tensor in weights.items() if name != "norm.weight"},
        {**weights, "extra": torch.zeros(1)},
        {**weights, "norm.weight": torch.zeros(3)},
        {},
        b"not safetensors at all, though long enough to have a header",
    ):
        rewrite_weights(tmp_path, wrong)
        assert "do not fit its configuration" in refusal(tmp_path)
    rewrite_weights(tmp_path, weights)
    load("small", folder=tmp_path)


def model_with(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda meta: meta["model"].update(changes)


def meta_with(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda meta: meta.update(changes)


@pytest.mark.parametrize(
    "change",
    [
        lambda meta: [],
        lambda meta: "meta",
        lambda meta: 5,
        *(lambda meta, key=key: {k: v for k, v in meta.items() if k != key} for key in meta_of(rule110_config())
          if key != "default"),
        lambda meta: {k: v for k, v in meta.items() if k != "digest"},
        meta_with(task="chess"),
        meta_with(task=["rule110"]),
        meta_with(task_sizes=[]),
        meta_with(task_sizes=None),
        meta_with(task_sizes={"rows": 3}),
        meta_with(task_sizes={"row_cells": "8", "rows_max": 3, "steps_max": 4}),
        meta_with(task_sizes={"row_cells": 8.5, "rows_max": 3, "steps_max": 4}),
        meta_with(task_sizes={"row_cells": 10**9, "rows_max": 3, "steps_max": 4}),
        meta_with(task_sizes={"row_cells": 16, "rows_max": 3, "steps_max": 4}),  # its window is not the model's
        meta_with(task_sizes={"row_cells": 8, "rows_max": 4, "steps_max": 4}),  # nor is its vocabulary
        meta_with(model=[]),
        meta_with(model="small"),
        model_with(d_model="8"),
        model_with(d_model=8.0),
        model_with(d_model=10**12),
        model_with(layer_types="linear_attention"),
        model_with(layer_types=["telepathy"]),
        model_with(rope_theta="wide"),
        model_with(norm_eps=None),
        model_with(colour="red"),
        meta_with(sleep_attention="sideways"),
        meta_with(sleep_attention=["causal"]),
        meta_with(limits=[]),
        meta_with(limits={}),
        meta_with(limits={**meta_of(rule110_config())["limits"], "passes_max": "64"}),
        meta_with(limits={**meta_of(rule110_config())["limits"], "rows_max": None}),
        meta_with(metrics=None),
        meta_with(digest=None),
    ],
)  # fmt: skip
def test_a_description_that_makes_no_sense_is_refused(tmp_path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Missing, of the wrong type, unknown or contradictory: never a KeyError later, in a visitor's run."""
    saved(tmp_path)
    load("small", folder=tmp_path)
    change_meta(tmp_path, change)
    refusal(tmp_path)
    with pytest.raises(CheckpointError):
        read_info(tmp_path / "small") and load("small", folder=tmp_path)


@pytest.mark.parametrize("text", ["[" * 200_000, '{"task": NaN', "\ufeff{}", '"\\ud800"', "null", "9" * 5000])
def test_a_hostile_description_is_refused(tmp_path: Path, text: str) -> None:
    saved(tmp_path)
    (tmp_path / "small" / "meta.json").write_text(text)
    refusal(tmp_path)
    assert list_checkpoints(tmp_path) == ()
    (tmp_path / "small" / "meta.json").write_bytes(b"\xff\xfe\x00")
    refusal(tmp_path)


@pytest.mark.parametrize("crash_in", ["fsync", "replace", "chmod"])
def test_a_crash_while_writing_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crash_in: str
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def crash(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, crash_in, crash)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new and longer")
    monkeypatch.undo()
    assert path.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["file"]
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new" and [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_crash_between_weights_and_description_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """New weights beside the old meta.json: the digest tells."""
    saved(tmp_path)
    real = os.replace

    def crash(source: Any, target: Any) -> None:
        if Path(target).name == "meta.json":
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        saved(tmp_path, seed=1)
    monkeypatch.undo()
    assert "do not match their digest" in refusal(tmp_path)


def test_untrained_control_keeps_the_shape_and_forgets_the_weights(tmp_path: Path) -> None:
    model = saved(tmp_path)
    checkpoint = load("small", folder=tmp_path)
    one, same, other = (untrained(checkpoint, seed).model for seed in (1, 1, 2))
    assert one.config == model.config
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, same.state_dict()[name])
        if tensor.ndim == 2 and "conv" not in name:
            assert tensor.any() and not torch.equal(tensor, other.state_dict()[name]), name
            assert not torch.equal(tensor, model.state_dict()[name]), name
    # The checkpoint itself is untouched.
    assert all(torch.equal(a, b) for a, b in zip(checkpoint.model.parameters(), model.parameters(), strict=True))


def test_listing_imports_no_torch(tmp_path: Path) -> None:
    """The first page shows before torch is loaded. Loading needs torch: the same check then fails."""
    saved(tmp_path)
    code = (
        "import sys; from pathlib import Path; from sleepviz.runs.checkpoint import list_checkpoints, load;"
        "folder = Path(sys.argv[1]); print([info.name for info in list_checkpoints(folder)], 'torch' in sys.modules);"
        "load('small', folder=folder); print('torch' in sys.modules, 'transformers' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    )
    assert run.stdout.splitlines() == ["['small'] False", "True False"]


def test_a_run_does_not_wait_for_torchs_compiler() -> None:
    code = (
        "import sys, sleepviz\nsleepviz.run('rule110', {'rows': ['0110' * 4], 'steps': 1}, n_passes=2)\n"
        "print(sorted({'torch', 'torch._dynamo', 'sympy'} & set(sys.modules)))"
    )
    assert run_python(code) == "['torch']"
