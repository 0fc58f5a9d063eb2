"""Who sleeps and who is refused is found by experiment; each refusal says why."""

from __future__ import annotations

import math

import pytest
import torch
from transformers import AutoModelForCausalLM

from sleepviz.config.base import ConfigError
from sleepviz.config.model import SleepPolicy
from sleepviz.hybrids.models.capability import capability_of
from sleepviz.hybrids.models.families import REFUSED, SLEEPER_NAMES, tiny
from sleepviz.hybrids.sleep import sleep_hybrid
from sleepviz.studies.hybrids.equivalence import random_tokens
from tests.hybrids.models import shared

REASONS = {
    "Jamba": "ignores the fast weights in its cache",
    "Zamba": "ignores the fast weights in its cache",
    "Mamba": "no attention",
    "Falcon-Mamba": "no attention",
    "RecurrentGemma": "holds no fast weights",
    "Mamba-2": "no attention",
    "xLSTM": "no list of decoder layers",
    "MiniMax": "MiniMax uses cache of its own",
    "Zaya": "nothing older outlives eviction",
    "Qwen4-Exp": "DynamicIndexedLayer, which cannot be evicted here",
    "LFM2": "holds no fast weights",
    "Llama": "add_fast_weights",
    "Qwen3": "add_fast_weights",
}


@pytest.mark.parametrize("family", SLEEPER_NAMES)
def test_a_model_that_honours_its_state_can_sleep(family: str) -> None:
    capability = capability_of(shared(family))

    assert capability.can_sleep and capability.reason == ""
    assert capability.carried > 0.1 and capability.read > 0.1 and capability.split_error < 1e-4


@pytest.mark.parametrize("family", REFUSED)
def test_a_model_that_cannot_sleep_is_refused_with_the_reason(family: str) -> None:
    model = shared(family)
    with pytest.raises(ConfigError) as refusal:
        sleep_hybrid(model, random_tokens(8), SleepPolicy(), window=4)

    message = str(refusal.value)
    assert message.startswith(f"{type(model).__name__} cannot sleep: ") and REASONS[family] in message
    assert message.endswith(".") and "\n" not in message


def test_every_refused_family_has_its_reason_here() -> None:
    assert set(REASONS) == set(REFUSED)


@pytest.mark.parametrize("name", ["GPT2LMHeadModel", "RwkvForCausalLM"])
def test_a_model_of_quite_another_shape_is_refused_too(name: str) -> None:
    import transformers

    config = {
        "GPT2LMHeadModel": lambda: transformers.GPT2Config(vocab_size=97, n_embd=16, n_layer=1, n_head=2),
        "RwkvForCausalLM": lambda: transformers.RwkvConfig(vocab_size=97, hidden_size=16, num_hidden_layers=2),
    }[name]()

    capability = capability_of(getattr(transformers, name)(config))

    assert not capability.can_sleep and capability.reason.startswith(f"{name} cannot sleep: ")


def test_the_experiment_leaves_the_model_as_it_was() -> None:
    model = tiny("Qwen3.5").train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    capability_of(model)

    assert model.training and all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_model_that_forgets_nearly_all_within_a_call_carries_its_state_all_the_same(dtype: torch.dtype) -> None:
    """As strong a decay as the library draws: a token leaves 1e-9 of S, too little to be seen next to what is new."""
    model = tiny("Qwen3.5")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("A_log"):
                parameter.fill_(math.log(16.0))
            elif name.endswith("dt_bias"):
                parameter.fill_(1.0)

    capability = capability_of(model.to(dtype))

    assert capability.can_sleep and 0.0 < capability.carried < 1e-6


def test_half_precision_is_judged_alike() -> None:
    assert capability_of(tiny("Qwen3.5").bfloat16()).can_sleep
    assert capability_of(tiny("Bamba").bfloat16()).can_sleep
    assert not capability_of(tiny("Jamba").bfloat16()).can_sleep


@pytest.mark.parametrize("family", ["Qwen3.5", "Jamba"])
def test_a_model_loaded_from_disk_is_judged_alike(family: str, tmp_path: object) -> None:
    shared(family).save_pretrained(tmp_path)

    model = AutoModelForCausalLM.from_pretrained(tmp_path)

    assert capability_of(model).can_sleep is (family in SLEEPER_NAMES)


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"Qwen3\.5"):
        tiny("GPT-9")
