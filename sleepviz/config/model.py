"""What a model is, and how it sleeps.

Glossary, used in every module (the paper's words, one each):
    window L     tokens read before the model must sleep
    pass         one trip through the blocks
    sleep        N passes over one window, then eviction of the window's KV cache
    S            fast weights of one Gated DeltaNet layer, [B, H, K, V]
    slow weights the parameters; sleep never changes them
    memory       KV cache + fast weights of one run
Dimensions: B batch, T tokens, H heads, K key dim, V value dim, D model dim.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sleepviz.config.base import JsonRoundTrip, require, require_choice

LayerType = Literal["full_attention", "sliding_attention", "linear_attention"]
LocalRule = Literal["delta", "hebbian"]
Eviction = Literal["hard", "sliding", "none"]
SleepAttention = Literal["causal", "full"]
Recurrence = Literal["carry", "replay", "reset_state"]

PASSES_MAX = 64
"""The most passes that a run may ask for: a bound on time, not on the mechanism."""


@dataclass(frozen=True)
class ModelConfig(JsonRoundTrip):
    """Architecture of a `HybridLM`; everything that fixes the shapes of its slow weights."""

    vocab_size: int
    window: int  # L, the tokens of one window; also the longest prediction chunk
    layer_types: tuple[LayerType, ...] = ("full_attention", "linear_attention")
    d_model: int = 64
    n_heads: int = 4  # of attention
    fast_heads: int = 4  # of fast weights
    key_dim: int = 16  # K of each fast-weight head
    value_dim: int = 16  # V of each fast-weight head
    mlp_ratio: int = 4
    conv_kernel: int = 0  # taps of the short convolution on q, k, v: 0 (none) or 4
    # How many tokens back the q, k and v of successive fast-weight heads look at the start, with a short convolution;
    # () starts every head alike, with this token and a little noise.
    look_back: tuple[str, ...] = ("010", "010", "020", "120")
    local_rule: LocalRule = "delta"
    beta_max: float = 1.0  # 2 allows negative eigenvalues of the state transition
    vocabulary_feedback: bool = False  # deviation: h is carried as the expected embedding of its own output
    input_recall: bool = False  # deviation: h is re-mixed with the embedding before each later pass
    window_positions: bool = False  # deviation: a learned vector for each place in the window
    tie_embeddings: bool = False
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-6

    def __post_init__(self) -> None:
        require(1 <= self.vocab_size <= 1_000_000, "vocab_size must be from 1 to 1000000.")
        require(1 <= self.window <= 65_536, "window must be from 1 to 65536 tokens.")
        require(1 <= len(self.layer_types) <= 128, "a model has from 1 to 128 layers.")
        for layer_type in self.layer_types:
            require_choice("layer type", layer_type, LayerType)
        require(1 <= self.d_model <= 65_536, "d_model must be from 1 to 65536.")
        require(self.n_heads >= 1 and self.d_model % self.n_heads == 0, "n_heads must divide d_model.")
        require(1 <= self.fast_heads <= 4096, "fast_heads must be from 1 to 4096.")
        require(self.head_dim % 2 == 0, "d_model / n_heads must be even, for rotary positions.")
        in_range = 1 <= self.key_dim <= 4096 and 1 <= self.value_dim <= 4096
        require(in_range, "key_dim and value_dim must be from 1 to 4096.")
        require(1 <= self.mlp_ratio <= 64, "mlp_ratio must be from 1 to 64.")
        require(self.conv_kernel in (0, 4), "conv_kernel must be 0 (none) or 4.")
        digits = all(len(each) == 3 and set(each) <= set("0123") for each in self.look_back)
        require(digits, "look_back is three digits from 0 to 3 for each head: of q, k and v.")
        require_choice("local_rule", self.local_rule, LocalRule)
        require(not (self.vocabulary_feedback and self.input_recall), "vocabulary_feedback excludes input_recall.")
        require(self.beta_max in (1.0, 2.0), "beta_max must be 1 or 2.")
        require(self.rope_theta > 0 and self.norm_eps > 0, "rope_theta and norm_eps must be above 0.")

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.d_model // self.n_heads


@dataclass(frozen=True)
class SleepPolicy(JsonRoundTrip):
    """How a model sleeps: arXiv:2605.26099 Algorithm 1, and each named departure from it."""

    n_passes: int = 1  # N; 0 is a control: the window is evicted unread
    eviction: Eviction = "hard"
    sleep_attention: SleepAttention = "causal"  # "full": within the window, both ways, while asleep
    recurrence: Recurrence = "carry"  # "replay" and "reset_state" are controls, see core/sleep.py

    def __post_init__(self) -> None:
        require(
            type(self.n_passes) is int and 0 <= self.n_passes <= PASSES_MAX,
            f"passes must be a whole number from 0 to {PASSES_MAX}.",
        )
        require_choice("eviction", self.eviction, Eviction)
        require_choice("sleep_attention", self.sleep_attention, SleepAttention)
        require_choice("recurrence", self.recurrence, Recurrence)
