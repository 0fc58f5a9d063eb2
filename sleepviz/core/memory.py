"""Memory: everything one run remembers, passed in and returned, never changed in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sleepviz.config.model import ModelConfig


@dataclass(frozen=True)
class KVCache:
    """Keys and values of one attention layer, [B, H, T, head_dim] each; keys already rotated."""

    keys: Tensor
    values: Tensor

    @property
    def n_tokens(self) -> int:
        """How many tokens the cache holds."""
        return self.keys.shape[2]

    def appended(self, keys: Tensor, values: Tensor) -> KVCache:
        """Return a cache that also holds the new keys and values."""
        if self.n_tokens == 0:
            return KVCache(keys, values)
        return KVCache(torch.cat([self.keys, keys], dim=2), torch.cat([self.values, values], dim=2))

    def newest(self, n_tokens: int) -> KVCache:
        """Return a cache of the newest `n_tokens` only. The copy lets the rest be freed."""
        first = max(self.n_tokens - n_tokens, 0)
        return KVCache(self.keys[:, :, first:].clone(), self.values[:, :, first:].clone())


@dataclass(frozen=True)
class FastWeights:
    """State of one Gated DeltaNet layer: S [B, H, K, V], and the short convolution's left context.

    `conv` is [B, conv_kernel - 1, channels], or None without a convolution. It is cleared with the
    KV cache under hard eviction: otherwise three tokens would cross the boundary beside S.
    """

    state: Tensor
    conv: Tensor | None


@dataclass(frozen=True)
class Memory:
    """KV caches and fast weights, one entry a layer in layer order, and how many tokens were read."""

    layers: tuple[KVCache | FastWeights, ...]
    position: int = 0  # absolute position of the next token; never reset inside a run

    @classmethod
    def empty(
        cls, config: ModelConfig, batch: int, *, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
    ) -> Memory:
        """S = 0 and nothing cached: the start of every sequence."""
        kv = torch.zeros(batch, config.n_heads, 0, config.head_dim, dtype=dtype, device=device)
        channels = config.fast_heads * (2 * config.key_dim + config.value_dim)
        fast = FastWeights(
            torch.zeros(batch, config.fast_heads, config.key_dim, config.value_dim, dtype=dtype, device=device),
            torch.zeros(batch, config.conv_kernel - 1, channels, dtype=dtype, device=device)
            if config.conv_kernel
            else None,
        )
        return cls(tuple(fast if kind == "linear_attention" else KVCache(kv, kv) for kind in config.layer_types))

    @classmethod
    def joined(cls, parts: Sequence[Memory]) -> Memory:
        """One memory of all instances of several that have read and kept equally many tokens, in order."""
        layers = zip(*(part.layers for part in parts), strict=True)
        return cls(tuple(_join_layer(each) for each in layers), parts[0].position)

    @property
    def kv_tokens(self) -> tuple[int, ...]:
        """Tokens held by each attention layer, in layer order."""
        return tuple(layer.n_tokens for layer in self.layers if isinstance(layer, KVCache))

    @property
    def fast_weights(self) -> tuple[Tensor, ...]:
        """S of each Gated DeltaNet layer, in layer order."""
        return tuple(layer.state for layer in self.layers if isinstance(layer, FastWeights))

    @property
    def kv_bytes(self) -> int:
        """Bytes of all cached keys and values."""
        caches = [layer for layer in self.layers if isinstance(layer, KVCache)]
        return sum(tensor.numel() * tensor.element_size() for c in caches for tensor in (c.keys, c.values))

    @property
    def fast_bytes(self) -> int:
        """Bytes of all fast weights."""
        return sum(state.numel() * state.element_size() for state in self.fast_weights)

    def with_fast_weights(self, states: tuple[Tensor, ...]) -> Memory:
        """Return this memory with each S replaced; KV caches and convolution context stay."""
        remaining = iter(states)
        return replace(
            self,
            layers=tuple(
                replace(layer, state=next(remaining)) if isinstance(layer, FastWeights) else layer
                for layer in self.layers
            ),
        )

    def evicted(self, keep: int) -> Memory:
        """Return this memory after eviction of all but the newest `keep` tokens' keys and values."""
        return replace(self, layers=tuple(_evict_layer(layer, keep) for layer in self.layers))

    def chosen(self, instances: Tensor) -> Memory:
        """The memory of some instances, by their places."""
        return replace(self, layers=tuple(_choose_layer(layer, instances) for layer in self.layers))

    def repeated(self, times: int) -> Memory:
        """Fork: each instance `times` times, [B, ...] -> [B * times, ...], instance-major."""
        return replace(self, layers=tuple(_repeat_layer(layer, times) for layer in self.layers))


def _evict_layer(layer: KVCache | FastWeights, keep: int) -> KVCache | FastWeights:
    if isinstance(layer, KVCache):
        return layer.newest(keep)
    if layer.conv is None or keep > 0:
        return layer
    return replace(layer, conv=torch.zeros_like(layer.conv))


def _join_layer(parts: tuple[KVCache | FastWeights, ...]) -> KVCache | FastWeights:
    caches = [part for part in parts if isinstance(part, KVCache)]
    if caches:
        return KVCache(torch.cat([part.keys for part in caches]), torch.cat([part.values for part in caches]))
    fast = [part for part in parts if isinstance(part, FastWeights)]
    convs = [part.conv for part in fast if part.conv is not None]
    return FastWeights(torch.cat([part.state for part in fast]), torch.cat(convs) if convs else None)


def _choose_layer(layer: KVCache | FastWeights, instances: Tensor) -> KVCache | FastWeights:
    if isinstance(layer, KVCache):
        return KVCache(layer.keys[instances], layer.values[instances])
    return FastWeights(layer.state[instances], None if layer.conv is None else layer.conv[instances])


def _repeat_layer(layer: KVCache | FastWeights, times: int) -> KVCache | FastWeights:
    if isinstance(layer, KVCache):
        return KVCache(layer.keys.repeat_interleave(times, 0), layer.values.repeat_interleave(times, 0))
    conv = None if layer.conv is None else layer.conv.repeat_interleave(times, 0)
    return FastWeights(layer.state.repeat_interleave(times, 0), conv)
