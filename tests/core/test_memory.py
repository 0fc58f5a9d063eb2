"""Memory: eviction keeps the right tokens, forks are copies, byte counts are those of the tensors."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sleepviz.core.memory import KVCache, Memory
from tests.builders import (
    conv_contexts,
    empty,
    random_model,
    random_tokens,
    same_memory,
    small_config,
    tensors,
)


def read_memory(n_tokens: int, *, batch: int = 2, conv_kernel: int = 4) -> Memory:
    """The memory of a random model after some tokens: nothing in it is zero."""
    model = random_model(small_config(conv_kernel=conv_kernel))
    _, memory = model(random_tokens(model.config, batch, n_tokens), empty(model, batch))
    return memory


@given(n_tokens=st.integers(1, 9), keep=st.integers(0, 12))
@settings(max_examples=25, deadline=None)
def test_eviction_keeps_the_newest_tokens_and_every_fast_weight(n_tokens: int, keep: int) -> None:
    memory = read_memory(n_tokens)
    evicted = memory.evicted(keep)
    for before, after in zip(memory.layers, evicted.layers, strict=True):
        if isinstance(before, KVCache):
            assert isinstance(after, KVCache)
            kept = min(keep, n_tokens)
            assert torch.equal(after.keys, before.keys[:, :, n_tokens - kept :])
            assert torch.equal(after.values, before.values[:, :, n_tokens - kept :])
    assert all(torch.equal(a, b) for a, b in zip(memory.fast_weights, evicted.fast_weights, strict=True))
    assert evicted.position == memory.position == n_tokens


def test_full_eviction_clears_the_convolution_and_a_partial_one_does_not() -> None:
    memory = read_memory(6)
    assert all(context.abs().min() > 0 for context in conv_contexts(memory))
    assert all(not context.any() for context in conv_contexts(memory.evicted(0)))
    for before, after in zip(conv_contexts(memory), conv_contexts(memory.evicted(2)), strict=True):
        assert torch.equal(before, after)


def test_evicted_keys_are_freed() -> None:
    """A view would hold the whole window's storage alive."""
    for layer in read_memory(9).evicted(2).layers:
        if isinstance(layer, KVCache):
            assert layer.keys.untyped_storage().nbytes() == layer.keys.numel() * layer.keys.element_size()


@pytest.mark.parametrize("conv_kernel", [0, 4])
def test_a_fork_repeats_each_instance_in_place(conv_kernel: int) -> None:
    memory = read_memory(4, batch=2, conv_kernel=conv_kernel)
    forked = memory.repeated(3)
    assert forked.position == memory.position
    for before, after in zip(tensors(memory), tensors(forked), strict=True):
        assert after.shape[0] == 6
        for instance in range(2):
            for copy in range(3):
                assert torch.equal(after[3 * instance + copy], before[instance])


@pytest.mark.parametrize("conv_kernel", [0, 4])
def test_memories_are_joined_instance_by_instance(conv_kernel: int) -> None:
    parts = [read_memory(4, batch=batch, conv_kernel=conv_kernel) for batch in (1, 3, 2)]
    joined = Memory.joined(parts)
    assert joined.position == 4
    for together, *apart in zip(tensors(joined), *map(tensors, parts), strict=True):
        assert together.shape[0] == 6
        alone = [instance for tensor in apart for instance in tensor]
        assert all(torch.equal(a, b) for a, b in zip(together, alone, strict=True))
    for all_of_them, some in zip(tensors(joined), tensors(joined.chosen(torch.tensor([4, 0]))), strict=True):
        assert some.shape[0] == 2 and torch.equal(some[0], all_of_them[4]) and torch.equal(some[1], all_of_them[0])


def test_replacing_fast_weights_touches_nothing_else() -> None:
    memory = read_memory(4)
    states = tuple(torch.full_like(state, i + 1.0) for i, state in enumerate(memory.fast_weights))
    replaced = memory.with_fast_weights(states)
    assert all(torch.equal(a, b) for a, b in zip(replaced.fast_weights, states, strict=True))
    assert same_memory(replaced.with_fast_weights(memory.fast_weights), memory)


def test_byte_counts_are_those_of_a_hand_count() -> None:
    """Two attention layers of 4 heads-by-dim 2 x 4, float64; two layers of S, 2 heads of 3 x 5; 6 tokens, B = 2."""
    memory = read_memory(6)
    assert memory.kv_tokens == (6, 6)
    assert memory.kv_bytes == 2 * (2 * 2) * 6 * (2 * 4) * 8
    assert memory.fast_bytes == 2 * 2 * 2 * (3 * 5) * 8
    assert memory.evicted(0).kv_bytes == 0 and memory.evicted(0).fast_bytes == memory.fast_bytes


def test_an_empty_memory_is_zero_and_shares_nothing_that_can_be_written() -> None:
    """S = 0 at the start, and reading never writes into the zeros that layers share."""
    config = small_config(conv_kernel=4)
    model, start = random_model(config), Memory.empty(config, 2, dtype=torch.float64)
    model(random_tokens(config, 2, 5), start)
    assert start.position == 0 and start.kv_bytes == 0 and not any(tensor.any() for tensor in tensors(start))
