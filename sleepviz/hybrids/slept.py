"""What one sleep of a transformers model lets one see, and what a model needs to do it by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor

from sleepviz.config.model import SleepPolicy
from sleepviz.hybrids.cache import SleepCache


@dataclass(frozen=True)
class SleptPass:
    """One pass over one window: h [B, T, D] as it left the span, and S of every layer after it."""

    pass_index: int
    h: Tensor
    fast_weights: tuple[Tensor, ...]


@dataclass(frozen=True)
class SleptWindow:
    """One window [start, stop) that was read, consolidated and evicted."""

    start: int
    stop: int
    kv_tokens_full: tuple[int, ...]  # held by each attention layer just before eviction
    kv_bytes_full: int
    passes: tuple[SleptPass, ...]  # kept only where asked for
    cache: SleepCache  # as it is after eviction


@runtime_checkable
class SleepsByItself(Protocol):
    """A model with a sleep of its own: HybridLM under the library's manners (modeling.py)."""

    @property
    def window(self) -> int:
        """L, tokens in one window."""

    def sleep_windows(
        self, input_ids: Tensor, policy: SleepPolicy, *, cache: SleepCache | None = None, observe: bool = False
    ) -> Iterator[SleptWindow]:
        """Sleep over the context [B, T], one window at a time."""
