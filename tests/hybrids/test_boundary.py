"""A model from outside is whole and finite, or it is refused in one sentence: whatever a library raises about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from sleepviz.config.base import ConfigError
from sleepviz.hybrids.models.boundary import from_outside
from sleepviz.hybrids.models.capability import capability_of
from sleepviz.hybrids.models.families import tiny
from sleepviz.hybrids.models.loading import load_sleeper, load_tokenizer
from tests.hybrids.models import shared

Weights = dict[str, Tensor]
GATE = "model.layers.0.mlp.gate_proj.weight"


def saved(
    folder: Path, change: Callable[[Weights], Weights] | None = None, config: dict[str, Any] | None = None
) -> Path:
    """A tiny model's folder, with changed weights or configuration."""
    shared("Qwen3.5").save_pretrained(folder)
    if change is not None:
        save_file(change(load_file(folder / "model.safetensors")), folder / "model.safetensors", {"format": "pt"})
    if config is not None:
        values = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(values | config))
    return folder


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(ConfigError) as refused:
        call()
    message = str(refused.value)
    assert message.endswith(".") and message.isprintable() and len(message) < 500
    return message


def without(weights: Weights, part: str) -> Weights:
    return {name: tensor for name, tensor in weights.items() if part not in name}


def damaged(weights: Weights, value: float) -> Weights:
    weights[GATE].view(-1)[5] = value
    return weights


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda w: without(w, "layers.3."), "lack model.layers.3.input_layernorm.weight, "),
        (lambda w: without(w, "lm_head"), "lack lm_head.weight."),
        (lambda w: without(w, "embed"), "lack model.embed_tokens.weight."),
        (lambda w: without(w, "A_log"), "A_log"),
        (lambda w: {"other": torch.zeros(1)}, "and 50 more"),  # of 53
        (lambda w: w | {"model.layers.0.lora.weight": torch.zeros(3)}, "no place for model.layers.0.lora.weight."),
        (lambda w: w | {GATE: w[GATE][:-1].clone()}, f"other shapes of {GATE}."),
        (lambda w: w | {GATE: w[GATE].T.contiguous()}, f"other shapes of {GATE}."),
        (lambda w: damaged(w, float("nan")), f"{GATE} holds numbers that are not finite."),
        (lambda w: damaged(w, float("-inf")), f"{GATE} holds numbers that are not finite."),
    ],
)
def test_weights_that_are_not_whole_are_refused_by_name(
    change: Callable[[Weights], Weights], says: str, tmp_path: Path
) -> None:
    message = refusal(lambda: load_sleeper(saved(tmp_path / "small", change)))
    assert message.startswith("small could not be loaded: ") and says in message


def test_weights_too_large_for_the_wanted_precision_are_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "small", lambda w: damaged(w, 1e6))

    load_sleeper(folder)
    assert "not finite" in refusal(lambda: load_sleeper(folder, dtype=torch.float16))


def test_tied_weights_are_not_missing(tmp_path: Path) -> None:
    model = tiny("Qwen3.5", tie_word_embeddings=True)
    model.save_pretrained(tmp_path)
    assert "lm_head.weight" not in load_file(tmp_path / "model.safetensors")

    again = load_sleeper(tmp_path)

    assert torch.equal(again.get_output_embeddings().weight, model.get_input_embeddings().weight)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "optimum"),
        ({"quantization_config": {"quant_method": "awq", "bits": 4}}, "gptqmodel"),
        ({"quantization_config": {"quant_method": "torchao"}}, "torchao"),
        ({"quantization_config": {"quant_method": "none-such"}}, "quantisation"),
        ({"quantization_config": "yes"}, ""),
        ({"hidden_size": "32"}, "Field 'hidden_size' expected int, got str"),
        ({"hidden_size": -1}, "negative"),
        ({"layer_types": ["linear_attention"]}, "layer_types"),
        ({"dtype": "float7"}, "float7"),
        ({"num_attention_heads": 0}, "division"),
        ({"num_attention_heads": 3}, "other shapes"),
        ({"num_hidden_layers": 0}, "num_hidden_layers"),
        ({"hidden_act": "none-such"}, "no entry 'none-such'"),
        ({"rope_scaling": {"type": "none-such"}}, "no entry 'none-such'"),
        ({"pad_token_id": 99_999}, "Padding_idx"),
        ({"auto_map": 5}, ""),
        ({"model_type": 5}, "model type `5`"),
    ],
)
def test_configurations_that_a_library_refuses_are_one_sentence(
    config: dict[str, Any], says: str, tmp_path: Path
) -> None:
    message = refusal(lambda: load_sleeper(saved(tmp_path / "small", config=config)))
    assert message.startswith("small could not be loaded: ") and says in message


@pytest.mark.parametrize("text", ["", "{", "[]", '"text"', "null", "\ufeff{}", '{"model_type": ["qwen3_5"]}', "\0"])
def test_a_configuration_that_is_none_is_one_sentence(text: str, tmp_path: Path) -> None:
    (saved(tmp_path / "small") / "config.json").write_text(text)

    assert refusal(lambda: load_sleeper(tmp_path / "small")).startswith("small could not be loaded: ")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"model": {"type": "NoSuch"}}', '{"version": "1.0"}', "\ud83d"])
def test_a_tokenizer_that_is_none_is_one_sentence(text: str, tmp_path: Path) -> None:
    (saved(tmp_path / "small") / "tokenizer.json").write_text(text, errors="surrogatepass")

    assert "no tokenizer that can be read" in refusal(lambda: load_tokenizer(tmp_path / "small"))


def test_the_trial_refuses_a_model_whose_numbers_are_not_finite() -> None:
    """Weights that are finite, and a sum that is not: NaN compares as neither better nor worse than any bound."""
    model = tiny("Qwen3.5")
    with torch.no_grad():
        for parameter in model.get_decoder().layers[1].mlp.parameters():
            parameter.fill_(1e30)

    found = capability_of(model)

    assert not found.can_sleep and "not finite" in found.reason


def test_the_trial_takes_a_model_in_half_precision() -> None:
    """There the trial's huge change of S would be infinite, were it not bounded by what the type can hold."""
    found = capability_of(tiny("Qwen3.5").to(torch.float16))

    assert found.can_sleep and found.reason == ""
    assert 0 < found.carried < float("inf") and found.read > 0


class PanicException(BaseException):
    """As a Rust library raises it."""


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ValueError("first\nsecond"), "it: first."),
        (
            TypeError("Validation error for field 'x':\n    TypeError: wanted int\nmore"),
            "field 'x': TypeError: wanted int.",
        ),
        (KeyError("x"), "it: there is no entry 'x'."),
        (RecursionError(), "it: RecursionError."),
        (MemoryError(), "it: MemoryError."),
        (RuntimeError("\x1b[31mred\x1b[0m." + "x" * 900), "red"),
        (PanicException("index out of bounds"), "it: index out of bounds."),
    ],
)
def test_any_error_becomes_one_sentence(error: BaseException, says: str) -> None:
    def fail() -> None:
        with from_outside("it"):
            raise error

    assert says in refusal(fail)


@pytest.mark.parametrize("error", [ConfigError("ours."), KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_our_own_sentences_and_the_wish_to_stop_pass_unchanged(error: BaseException) -> None:
    with pytest.raises(type(error)) as raised, from_outside("it"):
        raise error
    assert raised.value is error
