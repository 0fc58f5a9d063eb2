"""The cache's own layers: positions that outlive eviction, memory that is freed, forks that are independent."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedConfig

from sleepviz.config.base import ConfigError
from sleepviz.hybrids.cache import SleepCache
from sleepviz.hybrids.layers import AssigningLayer, EvictingLayer, EvictingSlidingLayer
from sleepviz.hybrids.models.families import tiny
from sleepviz.hybrids.sleep import predict
from sleepviz.studies.hybrids.equivalence import random_tokens
from tests.hybrids.models import shared


def filled(family: str = "Falcon-H1", batch: int = 2) -> SleepCache:
    """A cache after ten tokens."""
    model = shared(family)
    with torch.no_grad():
        return predict(model, random_tokens(10, batch), SleepCache(model.config))[1]


def contents(cache: SleepCache) -> list[Tensor]:
    """Every tensor it holds."""
    held = [tensor for layer in cache.attention_layers for tensor in (layer.keys, layer.values)]
    for layer in cache.fast_layers:
        held += [s for states in (layer.conv_states, layer.recurrent_states) for s in states.values() if s is not None]
    return held


def test_an_attention_layer_counts_what_it_has_seen_not_what_it_holds() -> None:
    layer, new = EvictingLayer(), torch.randn(1, 2, 5, 4)
    layer.update(new, new)
    layer.evict(2)
    keys, _ = layer.update(new[:, :, :3], new[:, :, :3])

    assert (layer.get_seq_length(), layer.held_tokens, layer.get_mask_sizes(4)) == (8, 5, (9, 3))
    assert torch.equal(keys, torch.cat([new[:, :, 3:], new[:, :, :3]], dim=2))
    layer.evict(0)
    assert (layer.get_seq_length(), layer.held_tokens, layer.get_mask_sizes(4)) == (8, 0, (4, 8))


def test_a_sliding_layer_keeps_what_the_next_token_may_see() -> None:
    layer, new = EvictingSlidingLayer(sliding_window=4), torch.randn(1, 2, 6, 4)
    keys, _ = layer.update(new, new)

    assert keys.shape[2] == 6 and layer.held_tokens == 3 and layer.get_mask_sizes(2) == (5, 3)


@pytest.mark.parametrize("chunk", [1, 3, 7])
def test_a_model_with_sliding_layers_reads_in_chunks_as_at_once(chunk: int) -> None:
    changes = {"use_sliding_window": True, "sliding_window": 5, "max_window_layers": 2}
    model, tokens = tiny("Qwen3", **changes), random_tokens(15)
    cache = SleepCache(model.config)
    assert [type(layer) for layer in cache.layers] == [EvictingLayer] * 2 + [EvictingSlidingLayer] * 2
    logits = []
    with torch.no_grad():
        for part in tokens.split(chunk, dim=1):
            some, cache = predict(model, part, cache)
            logits.append(some)
        whole = model(tokens, use_cache=False).logits

    assert (torch.cat(logits, dim=1) - whole).abs().max() < 5e-5
    assert cache.kv_tokens == (15, 15, 4, 4)


def test_updates_assign_and_never_write_in_place() -> None:
    layer = AssigningLayer()
    first, state = torch.randn(1, 3, 6), torch.randn(1, 2, 4, 4)
    layer.update_conv_state(first, conv_kernel_size=4)
    layer.update_recurrent_state(state)
    kept = layer.conv_states[0]
    assert kept is not None and torch.equal(kept, first[..., -4:])
    before = kept.clone()

    full = layer.update_conv_state(torch.ones(1, 3, 2))
    layer.update_recurrent_state(state + 1)

    assert full.shape == (1, 3, 6) and torch.equal(kept, before) and layer.recurrent_states[0] is not state


def test_a_first_chunk_shorter_than_the_convolution_is_padded_with_nothing_seen() -> None:
    layer = AssigningLayer()

    full = layer.update_conv_state(torch.ones(1, 3, 2), conv_kernel_size=4)

    assert full[0, 0].tolist() == [0, 0, 1, 1] and layer.has_previous_state[0]


def test_eviction_frees_memory_that_a_view_would_keep() -> None:
    cache = filled()
    before = cache.kv_bytes
    cache.evict(keep=3)

    assert cache.kv_tokens == (3, 3, 3, 3) and cache.position == 10 and cache.kv_bytes * 10 == before * 3
    exact = sum(tensor.numel() * tensor.element_size() for tensor in contents(cache))
    assert cache.total_bytes == exact


def test_a_fork_is_independent_and_copies_nothing() -> None:
    cache = filled()
    before = [tensor.clone() for tensor in contents(cache)]
    fork = cache.fork()
    assert all(one is other for one, other in zip(contents(cache), contents(fork), strict=True))

    fork.evict(0)
    fork.move_to(fork.position + 5)
    fork.get_recurrent_state(0).zero_()  # as a fused kernel would
    fork.get_conv_state(0).zero_()

    assert cache.position == 10 and fork.position == 15
    assert all(torch.equal(one, other) for one, other in zip(before, contents(cache), strict=True))
    assert not fork.fast_weights[0].any()


def test_batches_are_repeated_chosen_and_reordered() -> None:
    cache, expected = filled(), contents(filled())
    repeated = cache.repeated(2)
    assert all(torch.equal(a, b.repeat_interleave(2, dim=0)) for a, b in zip(contents(repeated), expected, strict=True))

    repeated.batch_select_indices(torch.tensor([2, 0]))
    assert all(torch.equal(a, b.flip(0)) for a, b in zip(contents(repeated), expected, strict=True))

    repeated.reorder_cache(torch.tensor([1, 0]))
    assert all(torch.equal(a, b) for a, b in zip(contents(repeated), expected, strict=True))


@pytest.mark.parametrize("family", ["Falcon-H1", "Qwen3.5"])
def test_a_reset_cache_is_as_good_as_new(family: str) -> None:
    model, cache = shared(family), filled(family)
    tokens = random_tokens(6, seed=3)
    cache.reset()
    with torch.no_grad():
        again, _ = predict(model, tokens, cache)
        fresh, _ = predict(model, tokens, SleepCache(model.config))

    assert torch.equal(again, fresh)


def test_replacing_s_keeps_the_rest() -> None:
    cache = filled()
    other = cache.with_fast_weights(tuple(torch.zeros_like(s) for s in cache.fast_weights))

    assert not any(s.any() for s in other.fast_weights) and all(s.any() for s in cache.fast_weights)
    assert other.kv_bytes == cache.kv_bytes and other.conv_bytes == cache.conv_bytes


def test_a_layer_that_cannot_be_evicted_is_refused() -> None:
    config = PreTrainedConfig(num_hidden_layers=1, layer_types=["indexed_attention"])
    with pytest.raises(ConfigError, match="DynamicIndexedLayer"):
        SleepCache(config)
