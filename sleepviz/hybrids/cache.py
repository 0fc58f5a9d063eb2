"""SleepCache: the cache of a sleeping transformers model. KV that is evicted, fast weights that are kept.

The library's own layers fall short in two places, and only these are replaced:
 1. `DynamicLayer` reads the position off the number of keys that it holds, so that eviction would
    restart positions at 0. `EvictingLayer` counts the tokens it has seen.
 2. `LinearAttentionLayer` copies each new state into one static buffer, which breaks backward through
    two calls. `AssigningLayer` assigns. Fused single-token kernels still write into the tensor that
    they are given, so `SleepCache` hands out a copy. No tensor of a cache is ever changed in place:
    forks may share them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Self

from torch import Tensor
from transformers import DynamicCache, PretrainedConfig

from sleepviz.config.base import require
from sleepviz.hybrids.layers import (
    AllWritten,
    AssigningLayer,
    EvictingLayer,
    replaced,
)


class SleepCache(DynamicCache):
    """One cache layer for each decoder layer, of the kinds above; `generate` takes it as `cache`."""

    layers: list[Any]

    def __init__(self, config: PretrainedConfig) -> None:
        """Empty. Raises ConfigError where the model keeps something that cannot be evicted here."""
        super().__init__(config=config.get_text_config(decoder=True))
        self.ends_with: int | None = None
        require(bool(self.layers), "this model does not say which layers it has, so its cache cannot be built.")
        self.layers = [replaced(layer) for layer in self.layers]

    @property
    def attention_layers(self) -> tuple[EvictingLayer, ...]:
        """Those with keys and values, in layer order."""
        return tuple(layer for layer in self.layers if isinstance(layer, EvictingLayer))

    @property
    def fast_layers(self) -> tuple[AssigningLayer, ...]:
        """Those with fast weights, in layer order."""
        return tuple(layer for layer in self.layers if isinstance(layer, AssigningLayer))

    @property
    def position(self) -> int:
        """Absolute position of the next token; eviction does not change it."""
        return max((layer.seen_tokens for layer in self.attention_layers), default=0)

    @property
    def kv_tokens(self) -> tuple[int, ...]:
        """Tokens held by each attention layer, in layer order."""
        return tuple(layer.held_tokens for layer in self.attention_layers)

    @property
    def fast_weights(self) -> tuple[Tensor, ...]:
        """S of each layer that has been written, in layer order."""
        return tuple(s for layer in self.fast_layers for s in layer.recurrent_states.values() if s is not None)

    @property
    def kv_bytes(self) -> int:
        """Bytes of all keys and values, counted as memory is: with what a view keeps alive."""
        held = [layer for layer in self.attention_layers if layer.is_initialized]
        return _storage_bytes(tensor for layer in held for tensor in (layer.keys, layer.values))

    @property
    def fast_bytes(self) -> int:
        """Bytes of all fast weights."""
        return _storage_bytes(iter(self.fast_weights))

    @property
    def conv_bytes(self) -> int:
        """Bytes of the short convolutions' contexts."""
        return _storage_bytes(c for layer in self.fast_layers for c in layer.conv_states.values() if c is not None)

    @property
    def total_bytes(self) -> int:
        """Everything that goes on after a sleep."""
        return self.kv_bytes + self.fast_bytes + self.conv_bytes

    def fork(self) -> Self:
        """An independent cache with the same contents. No tensor is copied, as none is changed in place."""
        other = copy.copy(self)
        other.layers = [copy.copy(layer) for layer in self.layers]
        for layer in other.fast_layers:
            for name, value in vars(layer).items():
                if isinstance(value, dict):
                    setattr(layer, name, dict(value))
        return other

    @property
    def last_fast_index(self) -> int:
        """The decoder layer that writes its fast weights last."""
        return max(index for index, layer in enumerate(self.layers) if isinstance(layer, AssigningLayer))

    def update_recurrent_state(self, recurrent_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any) -> Tensor:
        """Keep a new S. Raises AllWritten after that of the layer `ends_with`."""
        kept: Tensor = super().update_recurrent_state(recurrent_states, layer_idx, *args, **kwargs)
        if layer_idx == self.ends_with:
            raise AllWritten
        return kept

    def repeated(self, times: int) -> Self:
        """Fork each instance `times` times, [B, ...] -> [B * times, ...], instance-major."""
        other = self.fork()
        other.batch_repeat_interleave(times)
        return other

    def with_fast_weights(self, states: tuple[Tensor, ...]) -> Self:
        """A fork with each S replaced, in the order of `fast_weights`."""
        other, remaining = self.fork(), iter(states)
        for layer in other.fast_layers:
            layer.recurrent_states = {
                i: None if s is None else next(remaining) for i, s in layer.recurrent_states.items()
            }
        return other

    def evict(self, keep: int) -> None:
        """Drop all keys and values but the newest `keep` tokens'."""
        for layer in self.attention_layers:
            layer.evict(keep)
        for layer in self.fast_layers:
            layer.free_slices()

    def move_to(self, position: int) -> None:
        """The next token is at this absolute position, whatever was read or left unread before it."""
        for layer in self.attention_layers:
            layer.seen_tokens = position

    def get_conv_state(self, layer_idx: int, state_idx: int = 0) -> Tensor | None:
        """A copy that a fused kernel may write to; it is what this cache holds from now on."""
        if (state := super().get_conv_state(layer_idx, state_idx)) is None:
            return None
        fresh: Tensor = state.clone()
        self.layers[layer_idx].conv_states[state_idx] = fresh
        return fresh

    def get_recurrent_state(self, layer_idx: int, state_idx: int = 0) -> Tensor | None:
        """A copy that a fused kernel may write to; it is what this cache holds from now on."""
        if (state := super().get_recurrent_state(layer_idx, state_idx)) is None:
            return None
        fresh: Tensor = state.clone()
        self.layers[layer_idx].recurrent_states[state_idx] = fresh
        return fresh


def _storage_bytes(tensors: Iterator[Tensor]) -> int:
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
    return sum(storages.values())
