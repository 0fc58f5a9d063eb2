"""Rotary positions, masks and the KV cache against complex numbers and brute force."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sleepviz.config.model import SleepAttention
from sleepviz.core.attention import Attention, attention_mask, rotary_tables, rotate
from sleepviz.core.memory import KVCache
from tests.builders import small_config

HEADS, HEAD_DIM, WIDTH = 2, 4, 8


def make(sliding: int | None = None, seed: int = 0) -> Attention:
    attention = Attention(small_config(), sliding=sliding).double().requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for parameter in attention.parameters():
        parameter.normal_(std=0.6, generator=generator)
    return attention


def no_cache(batch: int = 1) -> KVCache:
    nothing = torch.zeros(batch, HEADS, 0, HEAD_DIM, dtype=torch.float64)
    return KVCache(nothing, nothing)


def random_input(batch: int, n_tokens: int, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, n_tokens, WIDTH, generator=generator, dtype=torch.float64)


def brute_force(attention: Attention, x: Tensor, sees: Tensor, positions: list[int]) -> tuple[Tensor, Tensor]:
    """One query, one head at a time; rotary positions by complex multiplication."""
    batch, n_tokens, _ = x.shape
    qkv = (x @ attention.qkv.weight.T).reshape(batch, n_tokens, 3, HEADS, HEAD_DIM)
    half = HEAD_DIM // 2

    def turned(vector: Tensor, position: int) -> Tensor:
        angles = torch.tensor([position * 10_000.0 ** (-2 * i / HEAD_DIM) for i in range(half)], dtype=torch.float64)
        z = torch.complex(vector[:half], vector[half:]) * torch.polar(torch.ones_like(angles), angles)
        return torch.cat([z.real, z.imag])

    outputs, maps = torch.zeros_like(x), torch.zeros(batch, HEADS, n_tokens, n_tokens, dtype=torch.float64)
    for b in range(batch):
        for t in range(n_tokens):
            mixed = []
            for h in range(HEADS):
                query = turned(qkv[b, t, 0, h], positions[t])
                exponentials = {
                    i: math.exp(float(query @ turned(qkv[b, i, 1, h], positions[i])) / math.sqrt(HEAD_DIM))
                    for i in range(n_tokens)
                    if sees[t, i]
                }
                for i, e in exponentials.items():
                    maps[b, h, t, i] = e / sum(exponentials.values())
                mixed.append(sum(maps[b, h, t, i] * qkv[b, i, 2, h] for i in exponentials))
            outputs[b, t] = attention.out.weight @ torch.cat(mixed)  # type: ignore[arg-type]
    return outputs, maps


@given(position=st.integers(0, 100_000), head_dim=st.sampled_from([2, 4, 16]), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_rotation_is_a_complex_multiplication(position: int, head_dim: int, seed: int) -> None:
    x = torch.randn(head_dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    cos, sin = rotary_tables(torch.tensor([position]), head_dim, 10_000.0)
    turned = rotate(x[None, None, None], cos, sin)[0, 0, 0]
    half = head_dim // 2
    for i in range(half):
        angle = position * 10_000.0 ** (-2 * i / head_dim)
        z = complex(x[i], x[i + half]) * complex(math.cos(angle), math.sin(angle))
        assert abs(z - complex(turned[i], turned[i + half])) < 1e-9


@given(n_tokens=st.integers(1, 6), n_cached=st.integers(0, 8), sliding=st.sampled_from([None, 1, 2, 5]))
def test_masks_equal_their_definition(n_tokens: int, n_cached: int, sliding: int | None) -> None:
    for mode in ("causal", "full"):
        mask = attention_mask(n_tokens, n_cached, mode=mode, sliding=sliding)
        for t in range(n_tokens):
            place = n_cached + t
            expected = {
                key
                for key in range(n_cached + n_tokens)
                if (mode == "full" or key <= place) and (sliding is None or place - sliding < key < place + sliding)
            }
            assert {key for key in range(n_cached + n_tokens) if mask[t, key]} == expected


@pytest.mark.parametrize("mode", ["causal", "full"])
@pytest.mark.parametrize("sliding", [None, 3])
def test_output_and_observed_attention_equal_brute_force(mode: SleepAttention, sliding: int | None) -> None:
    attention, x = make(sliding), random_input(2, 7)
    o, cache, seen = attention(x, no_cache(2), position=40, mode=mode, observe=True)
    sees = torch.tensor(
        [[(mode == "full" or i <= t) and (sliding is None or abs(i - t) < sliding) for i in range(7)] for t in range(7)]
    )
    expected, maps = brute_force(attention, x, sees, list(range(40, 47)))
    torch.testing.assert_close(o, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(seen, maps, rtol=0, atol=1e-12)
    # What is shown is what was used: the maps, applied to the cached values, give the output back.
    mixed = (seen @ cache.values).transpose(1, 2).reshape(2, 7, WIDTH)
    torch.testing.assert_close(mixed @ attention.out.weight.T, o, rtol=0, atol=1e-12)
    unobserved, _, nothing = attention(x, no_cache(2), position=40, mode=mode, observe=False)
    assert torch.equal(unobserved, o) and nothing is None


@given(cuts=st.lists(st.integers(1, 4), min_size=1, max_size=5), sliding=st.sampled_from([None, 2, 4]))
@settings(max_examples=30, deadline=None)
def test_reading_in_chunks_with_a_cache_equals_reading_at_once(cuts: list[int], sliding: int | None) -> None:
    attention, x = make(sliding), random_input(1, sum(cuts))
    whole, whole_cache, _ = attention(x, no_cache(), position=3, mode="causal", observe=False)
    cache, position, parts = no_cache(), 3, []
    for cut in cuts:
        part = x[:, position - 3 : position - 3 + cut]
        o, cache, _ = attention(part, cache, position=position, mode="causal", observe=False)
        parts.append(o)
        position += cut
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-12)
    torch.testing.assert_close(cache.keys, whole_cache.keys, rtol=0, atol=1e-12)
    torch.testing.assert_close(cache.values, whole_cache.values, rtol=0, atol=1e-12)


def test_only_distance_between_positions_matters() -> None:
    """Hard eviction may therefore go on counting: an offset common to all tokens changes nothing."""
    attention, x = make(), random_input(1, 6)
    near, _, _ = attention(x, no_cache(), position=0, mode="causal", observe=False)
    far, _, _ = attention(x, no_cache(), position=100_000, mode="causal", observe=False)
    torch.testing.assert_close(near, far, rtol=0, atol=1e-9)
    reversed_order, _, _ = attention(x.flip(1), no_cache(), position=0, mode="full", observe=False)
    full, _, _ = attention(x, no_cache(), position=0, mode="full", observe=False)
    assert (reversed_order.flip(1) - full).abs().max() > 1e-3  # but the distance does matter


def test_the_cache_given_is_not_changed() -> None:
    attention = make()
    _, cache, _ = attention(random_input(1, 3), no_cache(), position=0, mode="causal", observe=False)
    keys, values = cache.keys.clone(), cache.values.clone()
    _, longer, _ = attention(random_input(1, 2, seed=5), cache, position=3, mode="causal", observe=False)
    assert cache.n_tokens == 3 and longer.n_tokens == 5
    assert torch.equal(cache.keys, keys) and torch.equal(cache.values, values)
    assert torch.equal(longer.keys[:, :, :3], keys) and torch.equal(longer.values[:, :, :3], values)
