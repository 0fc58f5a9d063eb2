"""What sleep costs, counted: by hand, against real caches, torch's counter, transformers' models and stated sizes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from sleepviz.config.base import ConfigError
from sleepviz.config.model import SleepPolicy
from sleepviz.core.sleep import sleep
from sleepviz.runs.checkpoint import load
from sleepviz.runs.flops import pass_flops, sleep_flops, wake_flops
from sleepviz.studies.bench import kv_bytes
from sleepviz.studies.counted.bill import Bill, OwnModel, Plan, bill, break_even
from sleepviz.studies.counted.pairs import causal_pairs
from sleepviz.studies.counted.shapes import LLAMA, PUBLISHED, Shape, delta_layer, mamba_layer
from tests.builders import empty, random_model, random_tokens, small_config

SMALL = Shape(
    name="small",
    source="made up",
    published=0,
    hidden=32,
    full_layers=1,
    heads=4,
    kv_heads=2,
    head_dim=8,
    mlp=48,
    vocabulary=97,
    tied=False,
    fast_layers=3,
    fast=delta_layer(32, key_heads=2, heads=4, key_dim=6, value_dim=10),
    gated_query=True,
)


def qwen(shape: Shape, key_heads: int, heads: int, key_dim: int, value_dim: int, device: str = "meta") -> Any:
    """transformers' own model of a shape; on "meta" without memory for its weights."""
    config = transformers.Qwen3_5TextConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.mlp,
        num_hidden_layers=shape.full_layers + shape.fast_layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        linear_num_key_heads=key_heads,
        linear_num_value_heads=heads,
        linear_key_head_dim=key_dim,
        linear_value_head_dim=value_dim,
        tie_word_embeddings=shape.tied,
    )
    with torch.device(device):
        return transformers.Qwen3_5ForCausalLM(config)


def test_the_largest_shape_has_the_weights_of_transformers_own_model() -> None:
    shape = PUBLISHED[0]
    model = qwen(shape, 16, 32, 128, 128)
    assert model.config.layer_types.count("full_attention") == shape.full_layers
    matrices = sum(p.numel() for name, p in model.named_parameters() if p.ndim == 2)
    assert matrices == shape.parameters
    everything = sum(p.numel() for p in model.parameters())
    assert shape.parameters == pytest.approx(everything, rel=1e-3)  # norms and convolutions are left out


def test_llama_has_the_weights_of_transformers_own_model() -> None:
    config = transformers.LlamaConfig(
        vocab_size=128_256, hidden_size=4096, intermediate_size=14_336, num_hidden_layers=32, num_attention_heads=32,
        num_key_value_heads=8,
    )  # fmt: skip
    with torch.device("meta"):
        model = transformers.LlamaForCausalLM(config)
    assert sum(p.numel() for p in model.parameters() if p.ndim == 2) == LLAMA.parameters
    assert LLAMA.kv_bytes(1) == 131_072


@pytest.mark.parametrize("shape", PUBLISHED, ids=lambda shape: shape.name)
def test_a_shape_has_a_source_and_as_many_weights_as_its_makers_state(shape: Shape) -> None:
    assert shape.source and shape.published
    assert shape.parameters / 1e9 == pytest.approx(shape.published, rel=0.05)


def test_operations_are_those_of_torch_s_counter() -> None:
    model, tokens = qwen(SMALL, 2, 4, 6, 10, "cpu").eval(), torch.zeros(1, 11, dtype=torch.long)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(input_ids=tokens, use_cache=False)
    products, attention = 0, 0
    for operation, flops in counter.get_flop_counts()["Global"].items():
        products += flops if "addmm" in str(operation) or str(operation) == "aten.mm" else 0
        attention += flops if "attention" in str(operation) else 0
    rule = 6 * 11 * SMALL.fast_layers * SMALL.fast.state  # the chunked form is counted otherwise
    counted = SMALL.answer_flops(11, 0)
    square = 4 * 11 * 11 * 4 * 8  # torch counts every pair, also those that the mask hides
    assert attention in (0, square)  # 0: where it is made of plain products
    seen = int(torch.ones(11, 11).tril().sum())
    assert counted - rule - square * seen // 121 == products  # the bill: of the square, what the causal mask lets see


@given(st.integers(0, 9), st.integers(0, 9), st.none() | st.integers(1, 12))
def test_pairs_are_those_that_a_mask_lets_see(n_tokens: int, n_cached: int, sliding: int | None) -> None:
    """By brute force: token i sees token j where j is not later and, with a window of W, not W or more before."""
    places = range(n_cached, n_cached + n_tokens)
    seen = [(i, j) for i in places for j in range(i + 1) if sliding is None or i - j < sliding]
    assert causal_pairs(n_tokens, n_cached, sliding) == len(seen)


def test_a_model_that_looks_both_ways_computes_the_whole_window_asleep_and_half_of_it_awake() -> None:
    config = small_config(layer_types=("full_attention", "linear_attention") * 2)
    t, d, both, back = config.window, config.d_model, OwnModel(config, is_both_ways=True), OwnModel(config)
    hidden = 2 * 4 * d * (t * t - t * (t + 1) // 2)  # two layers; the pairs above the diagonal
    assert both.sleep_flops(t, 3) == sleep_flops(config, n_tokens=t, n_passes=3)
    assert back.sleep_flops(t, 3) == both.sleep_flops(t, 3) - 3 * hidden
    assert both.reading_flops(t) == back.reading_flops(t) == pass_flops(config, n_tokens=t) - hidden
    answer = wake_flops(config, n_tokens=2, n_cached=5) - 2 * 4 * d * 1  # of 2 x 7 pairs, the first sees not the second
    assert both.answer_flops(2, 5) == answer


def test_a_long_text_is_read_by_the_fast_weights_window_by_window() -> None:
    """Without attention, three windows and a rest cost what they cost alone."""
    config = small_config(layer_types=("linear_attention",) * 2)
    alone = 3 * pass_flops(config, n_tokens=config.window) + pass_flops(config, n_tokens=1)
    assert OwnModel(config).reading_flops(3 * config.window + 1) == alone


def test_with_one_pass_sleep_costs_less_than_reading_everything_at_once() -> None:
    plan = Plan(context=100_000, window=2048, n_passes=1, question=30)
    for shape in PUBLISHED:
        found = bill(shape, plan)
        assert found.sleep_flops <= shape.reading_flops(plan.context)
        assert bill(shape, replace(plan, n_passes=4)).sleep_flops == 4 * found.sleep_flops


@torch.inference_mode()
def test_our_own_models_are_counted_as_their_caches_are_and_as_torch_counts() -> None:
    config = small_config(layer_types=("full_attention", "linear_attention") * 2)
    model, own = random_model(config, dtype=torch.float32), OwnModel(config)
    memory = empty(model)
    _, full, _ = model.run_blocks(model.embed(random_tokens(config, 1, 5)), memory)
    assert own.kv_bytes(5) == full.kv_bytes and own.fast_bytes == full.fast_bytes
    slept = sleep(model, random_tokens(config, 1, 5), memory, SleepPolicy(3))
    assert slept.kv_bytes == 0 and slept.fast_bytes == own.fast_bytes


def test_the_fullest_cache_is_the_one_that_bench_measures() -> None:
    checkpoint = load(task="rule110")
    measured, own = kv_bytes(checkpoint), OwnModel(checkpoint.model.config)
    for context, kv, fast in zip(measured["context_tokens"], measured["kv_bytes"], measured["fast_bytes"], strict=True):
        counted = bill(own, Plan(context, checkpoint.task.window, 1, 1))
        assert (counted.kv_with, counted.fast_bytes) == (kv, fast)


def test_a_bill_by_hand() -> None:
    """One attention layer with nothing but its projections to count: d = 2, one head, an MLP of width 1, two words."""
    shape = Shape("tiny", "made up", 0, 2, 1, 1, 1, 2, 1, 2, True)
    weights = 4 * 4 + 3 * 2  # q, k, v, out of 2 x 2 each; three MLP matrices of 2 x 1
    found = bill(shape, Plan(context=10, window=4, n_passes=3, question=1))
    four, two = 2 * 4 * weights + 4 * 10 * 2, 2 * 2 * weights + 4 * 3 * 2  # 10 and 3 pairs, of 4 x 4 and 2 x 2
    assert found.kv_without == 10 * 2 * 2 * 2 and found.kv_with == 4 * 2 * 2 * 2
    assert found.sleep_flops == 3 * (2 * four + two)  # windows of 4, 4 and 2 tokens
    assert found.answer_flops == 2 * weights + 4 * 2 + 2 * 2 * 2
    assert found.reread_flops == 2 * 10 * weights + 4 * 55 * 2 + 2 * weights + 4 * 11 * 2 + 2 * 2 * 2
    assert found.saved == pytest.approx(0.6) and found.fast_bytes == 0


def test_loops_and_sliding_windows_change_what_is_held() -> None:
    plain = Shape("a", "made up", 0, 8, 4, 2, 2, 4, 8, 10, True)
    looped = Shape("b", "made up", 0, 8, 4, 2, 2, 4, 8, 10, True, loops=3)
    sliding = Shape("c", "made up", 0, 8, 0, 2, 2, 4, 8, 10, True, sliding_layers=4, sliding_window=6)
    assert looped.kv_bytes(7) == 3 * plain.kv_bytes(7)
    assert looped.reading_flops(7) == 3 * plain.reading_flops(7)
    assert sliding.kv_bytes(100) == sliding.kv_bytes(6) == plain.kv_bytes(6)
    assert mamba_layer(4, expand=2, state=3, rank=1).state == 24


def test_break_even_by_hand() -> None:
    assert break_even(100, 5, 25) == 5
    assert break_even(100, 25, 25) is None and break_even(100, 30, 25) is None
    assert Bill(100, 40, 10, 100, 5, 25).pays_from == 5
    assert Bill(90, 35, 10, 0, 0, 0).saved == 0.55  # 45 of 100 bytes stay, S among them; it is held either way


@pytest.mark.parametrize("numbers", [(0, 1, 1, 1), (10**7, 1, 1, 1), (1, 0, 1, 1), (1, 1, 65, 1), (1, 1, 1, 0)])
def test_a_plan_that_cannot_be_is_refused(numbers: tuple[int, int, int, int]) -> None:
    with pytest.raises(ConfigError, match="must"):
        Plan(*numbers)
