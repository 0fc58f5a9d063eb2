"""The whole model against a naive second implementation, against itself unwindowed, and against transformers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import sleepviz.core.attention
from sleepviz.config.model import ModelConfig, SleepPolicy
from sleepviz.core.memory import FastWeights, Memory
from sleepviz.core.model import GatedDeltaNet, HybridLM, ShortConvolution, unit_length
from sleepviz.core.sleep import sleep
from sleepviz.core.weightless import weightless
from tests.builders import WINDOW, empty, random_model, random_tokens, small_config, tensors
from tests.naive_model import NaiveModel

FULL = ("full_attention", "linear_attention", "full_attention", "linear_attention")
SLIDING = ("sliding_attention", "linear_attention", "sliding_attention", "linear_attention")


def slept_and_woken(model: HybridLM, tokens: Tensor, policy: SleepPolicy, last: int) -> Tensor:
    """Logits of the `last` tokens in one awake pass, after sleep over each full window before them."""
    memory = empty(model, tokens.shape[0])
    for window in tokens[:, : tokens.shape[1] - last].split(model.config.window, dim=1):
        memory = sleep(model, window, memory, policy)
    return model(tokens[:, tokens.shape[1] - last :], memory)[0]


def naively(model: HybridLM, tokens: Tensor, policy: SleepPolicy, last: int) -> np.ndarray:
    """The same by the second implementation, one instance after another."""
    naive, window = NaiveModel(model.config.to_json(), model.state_dict()), model.config.window
    answers = []
    for row in tokens.tolist():
        memory, context = naive.empty(), row[: len(row) - last]
        for start in range(0, len(context), window):
            memory = naive.sleep(context[start : start + window], memory, policy.to_json())
        answers.append(naive.wake(row[len(row) - last :], memory))
    return np.array(answers)


def difference(model: HybridLM, policy: SleepPolicy, n_tokens: int = 3 * WINDOW + 3, last: int = 3) -> float:
    """Largest difference of logits, after a check that they are worth comparing."""
    tokens = random_tokens(model.config, 2, n_tokens, seed=4)
    logits = slept_and_woken(model, tokens, policy, last)
    assert logits.std() > 0.1, "the answers are all alike: the comparison would prove nothing"
    return float(np.abs(logits.numpy() - naively(model, tokens, policy, last)).max())


@pytest.mark.parametrize("n_passes", [1, 2, 3, 4])
@pytest.mark.parametrize("eviction", ["hard", "sliding"])
@pytest.mark.parametrize("sleep_attention", ["causal", "full"])
@pytest.mark.parametrize("conv_kernel", [0, 4])
def test_equals_the_naive_model(n_passes: int, eviction: Any, sleep_attention: Any, conv_kernel: int) -> None:
    model = random_model(small_config(conv_kernel=conv_kernel, fast_heads=3))
    found = difference(model, SleepPolicy(n_passes, eviction, sleep_attention))
    print(f"\nmodel - naive, N={n_passes} {eviction} {sleep_attention} conv {conv_kernel}: {found:.1e}")
    assert found <= 1e-9


@pytest.mark.parametrize(
    ("changes", "policy"),
    [
        ({"local_rule": "hebbian"}, SleepPolicy(3)),
        ({"beta_max": 2.0}, SleepPolicy(3)),
        ({"input_recall": True}, SleepPolicy(3)),
        ({"input_recall": True, "conv_kernel": 4}, SleepPolicy(3, "sliding")),
        ({"vocabulary_feedback": True}, SleepPolicy(1)),
        ({"vocabulary_feedback": True}, SleepPolicy(3)),
        ({"vocabulary_feedback": True, "window_positions": True, "fast_heads": 3}, SleepPolicy(3, "hard", "full")),
        ({"vocabulary_feedback": True, "tie_embeddings": True, "conv_kernel": 4}, SleepPolicy(2, "sliding")),
        ({"vocabulary_feedback": True}, SleepPolicy(3, "sliding", "full", "reset_state")),
        ({"vocabulary_feedback": True, "conv_kernel": 4}, SleepPolicy(3, recurrence="replay")),
        ({"fast_heads": 1}, SleepPolicy(2)),
        ({"fast_heads": 5, "conv_kernel": 4, "beta_max": 2.0}, SleepPolicy(3)),
        ({"fast_heads": 3, "local_rule": "hebbian"}, SleepPolicy(3, recurrence="replay")),
        ({"n_heads": 4, "fast_heads": 1}, SleepPolicy(2, "sliding")),
        ({"window_positions": True}, SleepPolicy(2)),
        ({"tie_embeddings": True}, SleepPolicy(2)),
        ({"layer_types": ("linear_attention", "full_attention", "linear_attention")}, SleepPolicy(2)),
        ({"layer_types": ("linear_attention",)}, SleepPolicy(3)),
        ({"layer_types": ("full_attention",)}, SleepPolicy(2, "sliding")),
        ({"conv_kernel": 4}, SleepPolicy(2, "none")),
        ({}, SleepPolicy(0)),
        ({"conv_kernel": 4}, SleepPolicy(0, "sliding")),
        ({"conv_kernel": 4}, SleepPolicy(3, recurrence="replay")),
        ({"local_rule": "hebbian"}, SleepPolicy(4, recurrence="replay")),
        ({"conv_kernel": 4}, SleepPolicy(3, recurrence="reset_state")),
        ({"input_recall": True}, SleepPolicy(3, "sliding", "full", "reset_state")),
        ({"window": 1}, SleepPolicy(2, "sliding")),
    ],
)
def test_every_option_equals_the_naive_model(changes: dict[str, Any], policy: SleepPolicy) -> None:
    model = random_model(small_config(**changes), seed=1)
    assert difference(model, policy, last=min(3, model.config.window)) <= 1e-9


@pytest.mark.parametrize("n_tokens", [3, WINDOW + 2, 2 * WINDOW + 4])
def test_windows_that_are_not_full_equal_the_naive_model(n_tokens: int) -> None:
    assert difference(random_model(small_config(conv_kernel=4)), SleepPolicy(2), n_tokens, last=1) <= 1e-9


@pytest.mark.parametrize("conv_kernel", [0, 4])
def test_one_pass_with_hard_eviction_is_one_forward_under_a_block_diagonal_mask(
    monkeypatch: pytest.MonkeyPatch, conv_kernel: int
) -> None:
    """N = 1 is the ordinary hybrid: attention cut at the windows, S running through."""
    model = random_model(small_config(conv_kernel=conv_kernel, layer_types=FULL))
    tokens = random_tokens(model.config, 2, 4 * WINDOW)
    expected = slept_and_woken(model, tokens, SleepPolicy(1), WINDOW)

    window = torch.arange(4 * WINDOW) // WINDOW
    block_diagonal = (window[:, None] == window[None, :]).tril()
    monkeypatch.setattr(sleepviz.core.attention, "attention_mask", lambda *_, **__: block_diagonal)
    whole_convolution = ShortConvolution.forward

    def cut_convolution(self: ShortConvolution, x: Tensor, left: Tensor) -> tuple[Tensor, Tensor]:
        """Hard eviction clears the convolution's context too: each window on its own."""
        parts = [whole_convolution(self, part, torch.zeros_like(left))[0] for part in x.split(WINDOW, dim=1)]
        return torch.cat(parts, dim=1), left

    monkeypatch.setattr(ShortConvolution, "forward", cut_convolution)
    logits, _ = model(tokens, empty(model, 2))
    torch.testing.assert_close(logits[:, -WINDOW:], expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("conv_kernel", [0, 4])
def test_one_pass_with_sliding_eviction_is_an_ordinary_sliding_window_model(conv_kernel: int) -> None:
    """The strict mask of "sliding_attention" and the L - 1 tokens kept by eviction are the same window."""
    model = random_model(small_config(conv_kernel=conv_kernel, layer_types=SLIDING))
    tokens = random_tokens(model.config, 2, 4 * WINDOW)
    expected = slept_and_woken(model, tokens, SleepPolicy(1, "sliding"), WINDOW)
    logits, _ = model(tokens, empty(model, 2))
    torch.testing.assert_close(logits[:, -WINDOW:], expected, rtol=0, atol=1e-11)
    hard = slept_and_woken(model, tokens, SleepPolicy(1, "hard"), WINDOW)
    assert (hard - expected).abs().max() > 1e-3  # the tokens kept do matter


@pytest.mark.parametrize("conv_kernel", [0, 4])
def test_one_pass_without_eviction_is_one_ordinary_forward(conv_kernel: int) -> None:
    model = random_model(small_config(conv_kernel=conv_kernel))
    tokens = random_tokens(model.config, 2, 3 * WINDOW + 2)
    expected = slept_and_woken(model, tokens, SleepPolicy(1, "none"), 2)
    torch.testing.assert_close(model(tokens, empty(model, 2))[0][:, -2:], expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("conv_kernel", [0, 4])
def test_token_by_token_equals_one_forward(conv_kernel: int) -> None:
    model = random_model(small_config(conv_kernel=conv_kernel))
    tokens = random_tokens(model.config, 2, 2 * WINDOW + 1)
    whole, whole_memory = model(tokens, empty(model, 2))
    memory, parts = empty(model, 2), []
    for token in tokens.split(1, dim=1):
        logits, memory = model(token, memory)
        parts.append(logits)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-11)
    assert memory.position == whole_memory.position == 2 * WINDOW + 1
    for one, other in zip(tensors(memory), tensors(whole_memory), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-11)


def test_a_later_token_never_changes_an_earlier_answer() -> None:
    model = random_model(small_config(conv_kernel=4))
    tokens = random_tokens(model.config, 1, 9)
    other = tokens.clone()
    other[0, 6] = (tokens[0, 6] + 1) % model.config.vocab_size
    before, after = model(tokens, empty(model))[0], model(other, empty(model))[0]
    assert torch.equal(before[:, :6], after[:, :6])
    assert (before[:, 6:] - after[:, 6:]).abs().amax(-1).min() > 1e-4


def test_gated_delta_net_equals_transformers_layer() -> None:
    """Qwen3.5's own layer with our weights put in: convolution, unit length, gates, rule, output norm and gate."""
    from transformers.models.qwen3_5.configuration_qwen3_5 import Qwen3_5TextConfig
    from transformers.models.qwen3_5.modeling_qwen3_5 import Qwen3_5GatedDeltaNet

    heads, key, value, width = 2, 8, 6, 16
    config = ModelConfig(
        vocab_size=3,
        window=20,
        d_model=width,
        n_heads=1,  # of attention, of which there is none
        fast_heads=heads,
        key_dim=key,
        value_dim=value,
        conv_kernel=4,
        layer_types=("linear_attention",),
    )
    ours = random_model(config, dtype=torch.float32).blocks[0].mixer
    assert isinstance(ours, GatedDeltaNet) and ours.conv is not None
    with torch.no_grad():
        ours.gates.bias[heads:] = 0  # theirs has no bias on the write strength
    theirs = Qwen3_5GatedDeltaNet(
        Qwen3_5TextConfig(
            hidden_size=width,
            num_hidden_layers=1,
            layer_types=["linear_attention"],
            linear_num_key_heads=heads,
            linear_num_value_heads=heads,
            linear_key_head_dim=key,
            linear_value_head_dim=value,
            linear_conv_kernel_dim=4,
            rms_norm_eps=config.norm_eps,
            hidden_act="silu",
        ),
        layer_idx=0,
    ).requires_grad_(False)
    decay, beta = ours.gates.weight.split(heads)
    weights = {
        "conv1d.weight": ours.conv.weight.T[:, None],
        "in_proj_qkv.weight": ours.qkv.weight,
        "in_proj_z.weight": ours.output_gate.weight,
        "in_proj_a.weight": decay,
        "in_proj_b.weight": beta,
        "dt_bias": ours.gates.bias[:heads],
        "A_log": torch.zeros(heads),
        "norm.weight": ours.norm.weight,
        "out_proj.weight": ours.out.weight,
    }
    theirs.load_state_dict(weights)
    x = torch.randn(2, 20, width, generator=torch.Generator().manual_seed(3))
    start = Memory.empty(config, 2).layers[0]
    assert isinstance(start, FastWeights)
    found, _, _ = ours(x, start)
    expected = theirs(x)
    largest = float((found - expected).abs().max())
    print(f"\nGatedDeltaNet - Qwen3_5GatedDeltaNet, float32: {largest:.1e} of {float(expected.abs().max()):.1e}")
    assert largest <= 2e-5 and expected.abs().max() > 1


def test_initial_weights_follow_the_generator_and_start_from_no_mixing() -> None:
    config = small_config()
    one, same, other = (HybridLM(config, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(one.embedding.weight, other.embedding.weight)
    tokens = random_tokens(config, 1, WINDOW)
    h, _, _ = one.run_blocks(one.embed(tokens), Memory.empty(config, 1))
    assert torch.equal(h, one.embed(tokens))  # every output projection is zero
    assert not one(tokens, Memory.empty(config, 1))[0].any()  # so the first loss is exactly log(vocab_size)


def test_heads_begin_as_memories_of_what_stood_where_look_back_says() -> None:
    """One layer at its start, tokens apart: asked again at its place, a head gives back the value bound to the key."""
    config = small_config(
        layer_types=("linear_attention",), d_model=32, fast_heads=2, key_dim=32, value_dim=8, conv_kernel=4,
        look_back=("010", "112"), vocab_size=6, window=6,
    )  # fmt: skip
    model = HybridLM(config, generator=torch.Generator().manual_seed(0)).double()
    gdn = model.blocks[0].mixer
    assert isinstance(gdn, GatedDeltaNet)
    heads, key = config.fast_heads, config.key_dim
    tokens = torch.tensor([[3, 1, 5, 0, 2, 4]])
    x = model.blocks[0].mixer_norm(model.embed(tokens))
    _, _, writing = gdn(x, empty(model).layers[0])
    _, k, v = gdn.qkv(x)[0].split([heads * key, heads * key, heads * config.value_dim], dim=-1)
    assert torch.equal(gdn.qkv.weight[: heads * key], gdn.qkv.weight[heads * key : 2 * heads * key])
    for head, (k_back, v_back) in enumerate([(1, 0), (1, 2)]):
        for place in range(2, 6):
            expected = F.silu(k[place - k_back, head * key : (head + 1) * key])
            assert torch.allclose(writing.k[0, head, place], unit_length(expected))
            first = head * config.value_dim
            expected = F.silu(v[place - v_back, first : first + config.value_dim])
            assert torch.allclose(writing.v[0, head, place], expected)


def test_heads_that_bind_earlier_tokens_begin_choosy() -> None:
    """Over many tokens such a head writes at few, and the others at about all; what they keep lasts longer."""
    config = small_config(
        layer_types=("linear_attention",), d_model=64, fast_heads=16, conv_kernel=4,
        look_back=("010", "112"), vocab_size=400, window=400,
    )  # fmt: skip
    model = HybridLM(config, generator=torch.Generator().manual_seed(0)).double()
    x = model.blocks[0].mixer_norm(model.embed(torch.arange(400)[None]))
    _, _, writing = model.blocks[0].mixer(x, empty(model).layers[0])
    writes = (writing.beta[0] > 0.5 * config.beta_max).double().mean(dim=-1)  # [H] share of the tokens
    assert (writes[1::2] < 0.35).all() and (writes[1::2] > 0.1).all()  # a normal of mean -3 and spread 4: 0.23
    assert (writes[0::2] > 0.35).all() and (writes[0::2] < 0.65).all()
    assert (writing.log_decay[0, 1::2].mean() > 0.3 * writing.log_decay[0, 0::2].mean()).all()


def test_a_weightless_model_has_every_shape_and_no_number_is_drawn_for_it() -> None:
    config = ModelConfig(vocab_size=11, window=8, input_recall=True)
    state = torch.get_rng_state()
    with weightless():
        empty = HybridLM(config)
    assert torch.equal(torch.get_rng_state(), state)
    assert {parameter.device.type for parameter in empty.parameters()} == {"meta"}
    full = HybridLM(config)
    assert {name: value.shape for name, value in empty.state_dict().items()} == {
        name: value.shape for name, value in full.state_dict().items()
    }
    assert full.embedding.weight.std() > 0.5  # drawn again outside
