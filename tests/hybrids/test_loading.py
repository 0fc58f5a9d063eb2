"""Models load by folder, from safetensors only, and say at once whether they can sleep."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import Qwen3_5Config, Qwen3_5ForCausalLM, Qwen3_5ForConditionalGeneration

from sleepviz.config.base import ConfigError
from sleepviz.config.model import SleepPolicy
from sleepviz.hybrids.modeling import SleepConfig, SleepForCausalLM
from sleepviz.hybrids.models.families import COMMON, DELTA
from sleepviz.hybrids.models.loading import load_sleeper
from sleepviz.hybrids.sleep import sleep_hybrid
from sleepviz.studies.hybrids.equivalence import random_tokens
from tests.builders import small_config
from tests.hybrids.models import shared


@pytest.mark.parametrize("family", ["Qwen3.5", "Granite-MoE-hybrid", "Zamba2", "Llama + fast weights"])
def test_a_saved_model_sleeps_as_it_did_before(family: str, tmp_path: Path) -> None:
    model = shared(family)
    model.save_pretrained(tmp_path)

    again = load_sleeper(tmp_path)

    with torch.no_grad():
        one, other = (sleep_hybrid(m, random_tokens(12), SleepPolicy(2), window=5) for m in (model, again))
    assert not again.training
    weights = again.state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())
    # Not to the bit: the rounding of the library's grouped product depends on where in memory its weights lie.
    for a, b in zip(one.fast_weights, other.fast_weights, strict=True):
        assert float((a - b).abs().max()) < 1e-5 * max(1.0, float(a.abs().max()))


def test_a_checkpoint_with_eyes_loads_as_the_text_model_in_it(tmp_path: Path) -> None:
    """Qwen3.5's on the hub are vision-language models."""
    text = {**COMMON, **DELTA, "tie_word_embeddings": True}
    eyes = {"depth": 1, "hidden_size": 16, "num_heads": 2, "intermediate_size": 16, "out_hidden_size": 32}
    config = Qwen3_5Config(text_config=text, vision_config=eyes, tie_word_embeddings=True)
    whole = Qwen3_5ForConditionalGeneration(config)
    whole.save_pretrained(tmp_path)

    model = load_sleeper(tmp_path)

    assert isinstance(model, Qwen3_5ForCausalLM)
    for name, weight in whole.model.language_model.state_dict().items():
        assert torch.equal(weight, model.get_decoder().state_dict()[name])


def test_our_own_model_loads_too(tmp_path: Path) -> None:
    SleepForCausalLM(SleepConfig(architecture=small_config().to_json())).save_pretrained(tmp_path)

    assert isinstance(load_sleeper(str(tmp_path)), SleepForCausalLM)


def test_a_model_that_cannot_sleep_is_refused_at_load_time(tmp_path: Path) -> None:
    shared("Jamba").save_pretrained(tmp_path)

    with pytest.raises(ConfigError, match="ignores the fast weights"):
        load_sleeper(tmp_path)


def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    model = shared("Qwen3.5")
    model.config.save_pretrained(tmp_path)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")

    with pytest.raises(ConfigError, match="could not be loaded"):
        load_sleeper(tmp_path)


def damaged_weights(folder: Path) -> None:
    """Half of the weights' file."""
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])


def unknown_family(folder: Path) -> None:
    """A configuration of no known model."""
    (folder / "config.json").write_text(json.dumps({"model_type": "no_such_model"}))


def other_shapes(folder: Path) -> None:
    """A configuration that the weights do not fit."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 40}))


def remote_code(folder: Path) -> None:
    """A repository that brings its own code."""
    automatic = {"AutoConfig": "code.Config", "AutoModelForCausalLM": "code.Model"}
    (folder / "config.json").write_text(json.dumps({"model_type": "strange", "auto_map": automatic}))
    (folder / "code.py").write_text("raise SystemExit('this code was run')")


def nothing(folder: Path) -> None:
    """An empty folder."""
    for path in folder.iterdir():
        path.unlink()


@pytest.mark.parametrize("damage", [damaged_weights, unknown_family, other_shapes, remote_code, nothing])
def test_what_cannot_be_loaded_is_said_in_one_sentence(damage: object, tmp_path: Path) -> None:
    shared("Qwen3.5").save_pretrained(tmp_path)
    damage(tmp_path)  # type: ignore[operator]

    with pytest.raises(ConfigError) as refusal:
        load_sleeper(tmp_path)

    message = str(refusal.value)
    assert message.startswith(f"{tmp_path.name} could not be loaded: ") and "\n" not in message
    assert len(message) < 400
