"""Fast weights put into an attention-only model: silent at first, then trainable, and it can sleep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from sleepviz.config.base import ConfigError
from sleepviz.config.model import SleepPolicy
from sleepviz.hybrids.fast_weights import LOOK_BACK, add_fast_weights
from sleepviz.hybrids.models.capability import capability_of
from sleepviz.hybrids.models.families import tiny
from sleepviz.hybrids.sleep import generate, predict, sleep_hybrid
from sleepviz.studies.hybrids.equivalence import random_tokens
from tests.hybrids.models import shared

TOKENS = random_tokens(20)
families = pytest.mark.parametrize("family", ["Llama", "Qwen3"])


@families
def test_outputs_are_unchanged_to_the_bit(family: str) -> None:
    base = shared(family)
    model = add_fast_weights(base, (1, 3))
    with torch.no_grad():
        assert torch.equal(model(TOKENS).logits, base(TOKENS).logits)
        for use_cache in (True, False):
            settings: dict[str, Any] = {"max_new_tokens": 5, "do_sample": False, "use_cache": use_cache}
            assert torch.equal(model.generate(TOKENS, **settings), base.generate(TOKENS, **settings))


@families
@pytest.mark.parametrize("tied", [False, True])
def test_a_tied_head_stays_tied(family: str, tied: bool) -> None:
    base = tiny(family, tie_word_embeddings=tied)
    model = add_fast_weights(base, (0,))

    assert (model.lm_head.weight is model.model.embed_tokens.weight) is tied
    assert torch.equal(model(TOKENS).logits, base(TOKENS).logits)


@families
def test_the_base_model_is_left_as_it_was(family: str) -> None:
    base = tiny(family)
    model = add_fast_weights(base, (1,))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()

    assert base.model.embed_tokens.weight.any() and not capability_of(base).can_sleep


@families
def test_saved_and_loaded_it_is_the_same_model(family: str, tmp_path: Path) -> None:
    model = shared(f"{family} + fast weights")
    model.save_pretrained(tmp_path)

    again = AutoModelForCausalLM.from_pretrained(tmp_path)

    assert type(again) is type(model) and again.config.memory_layers == [1, 3]
    assert again.config.layer_types == ["full_attention", "hybrid"] * 2
    with torch.no_grad():
        assert torch.equal(again(TOKENS).logits, model(TOKENS).logits)


@families
def test_weights_of_the_base_folder_load_into_a_silent_memory(family: str, tmp_path: Path) -> None:
    base = shared(family)
    config = add_fast_weights(base, (2,)).config
    base.save_pretrained(tmp_path)

    model = AutoModelForCausalLM.from_pretrained(tmp_path, config=config)

    with torch.no_grad():
        assert torch.equal(model(TOKENS).logits, base(TOKENS).logits)
    memory = model.model.layers[2].memory
    steps = torch.nn.functional.softplus(memory.dt_bias)
    assert not memory.A_log.any() and 1e-3 <= float(steps.min().detach()) <= float(steps.max().detach()) <= 0.1


@families
def test_a_fresh_memory_can_sleep_and_changes_nothing_yet(family: str) -> None:
    model = add_fast_weights(shared(family), (1, 3))
    capability = capability_of(model)
    with torch.no_grad():
        logits = [
            predict(model, TOKENS[:, 16:], sleep_hybrid(model, TOKENS[:, :16], SleepPolicy(n), window=8))[0]
            for n in (1, 4)
        ]

    assert capability.can_sleep and capability.carried > 0.1 and capability.read == 0.0
    assert torch.equal(*logits)  # S is not read yet: the base model with a local window


@families
def test_one_pass_without_eviction_is_the_ordinary_forward_call(family: str) -> None:
    model = shared(f"{family} + fast weights")
    with torch.no_grad():
        cache = sleep_hybrid(model, TOKENS[:, :16], SleepPolicy(1, "none"), window=6, chunk_size=6)
        logits, _ = predict(model, TOKENS[:, 16:], cache)

        assert (logits - model(TOKENS).logits[:, 16:]).abs().max() < 5e-5


@families
def test_a_few_steps_of_training_wake_it_up(family: str) -> None:
    model = add_fast_weights(tiny(family), (1, 3), seed=1).train()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(".memory" in name)
    memory = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(memory, lr=1e-2)
    context, question = TOKENS[:, :8], TOKENS[:, :6]  # tell what was evicted
    losses = []
    for _ in range(8):
        cache = sleep_hybrid(model, context, SleepPolicy(2), window=4)
        logits, _ = predict(model, question, cache)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), context[:, :6].flatten())
        optimizer.zero_grad()
        loss.backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in memory)
        optimizer.step()
        losses.append(float(loss.detach()))

    assert losses[-1] < losses[0] - 0.1
    answers = generate(model.eval(), question, cache, max_new_tokens=2, do_sample=False)
    assert answers.shape == (2, 2)


@pytest.mark.parametrize(
    ("family", "settings", "says"),
    [
        ("Qwen3.5", {"layers": (0,)}, "llama and qwen3"),
        ("Llama", {"layers": ()}, "at least one layer"),
        ("Llama", {"layers": (4,)}, "from 0 to 3"),
        ("Llama", {"layers": (-1,)}, "from 0 to 3"),
        ("Qwen3", {"layers": (0,), "heads": -1}, "at least 1"),
        ("Qwen3", {"layers": (0,), "conv_kernel": 0}, "conv_kernel"),
    ],
)
def test_what_does_not_fit_is_refused(family: str, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        add_fast_weights(shared(family), **settings)


@families
def test_an_associative_start_changes_no_output_and_looks_back(family: str) -> None:
    """Each head's q, k and v are those of as many tokens before as LOOK_BACK says; q and k are the same matrix."""
    base = shared(family)
    model = add_fast_weights(base, (1, 3), heads=6, key_dim=4, value_dim=8, associative=True)
    assert torch.equal(model(TOKENS).logits, base(TOKENS).logits)

    memory: Any = model.model.layers[3].memory
    x = torch.randn(1, 7, base.config.hidden_size, generator=torch.Generator().manual_seed(4))
    mixed = memory.in_proj_qkv(x).transpose(1, 2)
    seen = memory.conv1d(mixed)[..., :7].transpose(1, 2)  # [1, T, channels], before the activation
    widths = [4 * 6, 4 * 6, 8 * 6]
    for kind, (before, after) in enumerate(
        zip(mixed.transpose(1, 2).split(widths, -1), seen.split(widths, -1), strict=True)
    ):
        for head, (was, now) in enumerate(zip(before.chunk(6, -1), after.chunk(6, -1), strict=True)):
            back = LOOK_BACK[head % len(LOOK_BACK)][kind]
            assert torch.allclose(now[:, back:], was[:, : 7 - back], atol=1e-6)
    assert torch.equal(memory.in_proj_qkv.weight[:24], memory.in_proj_qkv.weight[24:48])
    # Write strengths and what is kept after each token, by head: those that bind two earlier tokens tell tokens apart.
    strength = memory.in_proj_b(x).sigmoid()[0]  # [T, heads]
    kept = torch.exp(-memory.A_log.exp() * torch.nn.functional.softplus(memory.in_proj_a(x)[0] + memory.dt_bias))
    binds = [bool(LOOK_BACK[head % len(LOOK_BACK)][2]) for head in range(6)]
    for head, choosy in enumerate(binds):
        assert (strength[:, head].std() > 0.2) == choosy and (kept[:, head].min() > 0.999) == choosy
    with pytest.raises(ConfigError, match="conv_kernel of at least 3"):
        add_fast_weights(base, (1,), conv_kernel=2, associative=True)
