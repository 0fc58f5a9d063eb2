"""The layers of a SleepCache: those of the library, with what a sleeping model needs of them beside.

KV that can be evicted without losing count of positions, and fast weights that are assigned, never changed in place;
`cache` says why.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers.cache_utils import (
    DummyLayer,
    DynamicLayer,
    DynamicSlidingWindowLayer,
    LinearAttentionAndFullAttentionLayer,
    LinearAttentionLayer,
)

from sleepviz.config.base import ConfigError


class AllWritten(Exception):  # noqa: N818 - no error: the work is done
    """Raised to leave a call of the decoder: nothing that it has still to compute outlives it."""


class EvictingLayer(DynamicLayer):
    """Keys and values [B, H, T, head_dim] of one attention layer, and how many tokens it has seen in all."""

    is_croppable = False  # what was evicted cannot come back
    is_initialized: bool
    keys: Tensor
    values: Tensor

    def __init__(self, **_: Any) -> None:
        super().__init__()
        self.seen_tokens = 0

    @property
    def held_tokens(self) -> int:
        """Tokens whose keys are still here."""
        return self.keys.shape[-2] if self.is_initialized and self.keys.numel() else 0

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Append keys and values; return all that are held."""
        self.seen_tokens += key_states.shape[-2]
        keys, values = super().update(key_states, value_states, *args, **kwargs)
        return keys, values

    def get_seq_length(self) -> int:
        """The absolute position of the next token: the library derives position ids from it."""
        return self.seen_tokens

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """(keys that attention will see, absolute position of the first of them)."""
        return self.held_tokens + query_length, self.seen_tokens - self.held_tokens

    def hold_kv(self, keys: Tensor, values: Tensor, seen_tokens: int) -> None:
        """Take these keys and values [B, H, T, head_dim] for all that is held."""
        self.lazy_initialization(keys, values)
        self.keys, self.values, self.seen_tokens = keys, values, seen_tokens

    def evict(self, keep: int) -> None:
        """Drop all but the newest `keep` tokens. The copy lets the rest be freed."""
        if self.is_initialized:
            first = max(self.held_tokens - keep, 0)
            self.keys, self.values = self.keys[..., first:, :].clone(), self.values[..., first:, :].clone()

    def rewind(self, before: EvictingLayer) -> None:
        """Take the keys and values of an earlier fork of this layer."""
        self.is_initialized, self.seen_tokens = before.is_initialized, before.seen_tokens
        self.keys, self.values = before.keys, before.values

    def batch_repeat_interleave(self, repeats: int) -> None:
        """[B, ...] -> [B * repeats, ...], instance-major; tokens that were left unread have no keys."""
        if self.is_initialized:
            super().batch_repeat_interleave(repeats)

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep these instances of the batch only."""
        if self.is_initialized:
            super().batch_select_indices(indices)

    def reset(self) -> None:
        """Forget everything, the position too."""
        self.seen_tokens = 0
        super().reset()


class EvictingSlidingLayer(EvictingLayer):
    """The same for a layer that attends to the newest `sliding_window` tokens only, each query strictly."""

    is_sliding = True

    def __init__(self, sliding_window: int, **_: Any) -> None:
        super().__init__()
        self.sliding_window = sliding_window

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Append keys and values; return all that this call's queries may see, keep what the next may."""
        keys, values = super().update(key_states, value_states, *args, **kwargs)
        first = max(keys.shape[-2] - self.sliding_window + 1, 0)
        self.keys, self.values = keys[..., first:, :], values[..., first:, :]
        return keys, values


class AssigningLayer(LinearAttentionLayer):
    """Fast weights S and the short convolution's context, each a new tensor at every update."""

    is_compileable = False  # no static address
    conv_states: dict[int, Tensor | None]
    recurrent_states: dict[int, Tensor | None]

    def __init__(self, number_of_states: int = 1, **_: Any) -> None:
        super().__init__(number_of_states=number_of_states)

    def update_conv_state(
        self, conv_states: Tensor, state_idx: int = 0, conv_kernel_size: int | None = None, **_: Any
    ) -> Tensor:
        """Inputs [B, C, T] -> the same after their left context; the newest `kernel` of them are kept."""
        before = self.conv_states[state_idx]
        if not self.has_previous_state[state_idx] or before is None:
            kernel = conv_kernel_size or conv_states.shape[-1]
            self.device, self.dtype = conv_states.device, conv_states.dtype
            self.conv_kernel_size[state_idx] = kernel
            self.is_conv_states_initialized[state_idx] = self.has_previous_state[state_idx] = True
            full = F.pad(conv_states, (max(kernel - conv_states.shape[-1], 0), 0))
        else:
            full = torch.cat([before, conv_states], dim=-1)
        self.conv_states[state_idx] = full[..., -self.conv_kernel_size[state_idx] :]
        return full

    def update_recurrent_state(self, recurrent_states: Tensor, state_idx: int = 0, **_: Any) -> Tensor:
        """Keep a new S."""
        self.is_recurrent_states_initialized[state_idx] = True
        self.recurrent_states[state_idx] = recurrent_states
        return recurrent_states

    def hold_state(self, state: Tensor, conv: Tensor | None) -> None:
        """Take this S and this left context [B, C, taps] (None: the model has no convolution)."""
        self.device, self.dtype = state.device, state.dtype
        self.has_previous_state[0] = self.is_recurrent_states_initialized[0] = True
        self.recurrent_states[0], self.conv_states[0] = state, conv
        self.is_conv_states_initialized[0] = conv is not None

    def rewind_convolution(self, before: AssigningLayer) -> None:
        """Take the left context of an earlier fork of this layer; zeros where that had none yet."""
        for index, now in self.conv_states.items():
            earlier = before.conv_states[index]
            if now is not None:
                # has_previous_state stays set even for zeros: while it is unset the library hides S as well.
                self.conv_states[index] = torch.zeros_like(now) if earlier is None else earlier

    def clear_convolution(self) -> None:
        """Zero the left context: the tokens read before are not seen by the next ones, but for S."""
        self.conv_states = {i: None if c is None else torch.zeros_like(c) for i, c in self.conv_states.items()}

    def rewind_state(self, before: AssigningLayer) -> None:
        """Take S of an earlier fork of this layer; zeros where that had none yet."""
        for index, now in self.recurrent_states.items():
            earlier = before.recurrent_states[index]
            if now is not None:
                self.recurrent_states[index] = torch.zeros_like(now) if earlier is None else earlier

    def free_slices(self) -> None:
        """Give each state its own storage: a slice would hold the whole window's inputs, or each chunk's S."""
        for states in (self.conv_states, self.recurrent_states):
            states.update({i: _alone(s) for i, s in states.items() if s is not None})

    def batch_repeat_interleave(self, repeats: int) -> None:
        """[B, ...] -> [B * repeats, ...], instance-major; the library's own layer has no such method."""
        for states in (self.conv_states, self.recurrent_states):
            states.update({i: s.repeat_interleave(repeats, dim=0) for i, s in states.items() if s is not None})

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep these instances of the batch only."""
        for states in (self.conv_states, self.recurrent_states):
            states.update({i: s[indices] for i, s in states.items() if s is not None})


class AssigningAndEvictingLayer(AssigningLayer, EvictingLayer, LinearAttentionAndFullAttentionLayer):
    """Both in one layer: attention beside fast weights (Falcon-H1, Zamba2, and our added memory layers)."""

    def __init__(self, number_of_states: int = 1, **_: Any) -> None:
        LinearAttentionAndFullAttentionLayer.__init__(self, number_of_states=number_of_states)
        self.seen_tokens = 0

    def batch_repeat_interleave(self, repeats: int) -> None:
        """[B, ...] -> [B * repeats, ...], instance-major."""
        AssigningLayer.batch_repeat_interleave(self, repeats)
        EvictingLayer.batch_repeat_interleave(self, repeats)

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep these instances of the batch only."""
        AssigningLayer.batch_select_indices(self, indices)
        EvictingLayer.batch_select_indices(self, indices)

    def reset(self) -> None:
        """Forget everything."""
        AssigningLayer.reset(self)
        EvictingLayer.reset(self)


REPLACEMENTS: dict[type, type] = {
    DynamicLayer: EvictingLayer,
    DynamicSlidingWindowLayer: EvictingSlidingLayer,
    LinearAttentionLayer: AssigningLayer,
    LinearAttentionAndFullAttentionLayer: AssigningAndEvictingLayer,
    DummyLayer: DummyLayer,
}


def replaced(layer: Any) -> Any:
    """The same kind of layer, for a SleepCache. Raises ConfigError where there is none."""
    kind = REPLACEMENTS.get(type(layer))
    if kind is None:
        raise ConfigError(f"its cache has a layer of kind {type(layer).__name__}, which cannot be evicted here.")
    names = ("number_of_states", "sliding_window")
    return kind(**{name: getattr(layer, name) for name in names if hasattr(layer, name)})


def _alone(tensor: Tensor) -> Tensor:
    """The same tensor with no more memory behind it than it needs."""
    needed = tensor.numel() * tensor.element_size()
    return tensor if tensor.untyped_storage().nbytes() == needed else tensor.clone()
