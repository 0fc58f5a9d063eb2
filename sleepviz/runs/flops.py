"""Floating-point operations of a model of this project, counted from its shape. Needs no torch."""

from __future__ import annotations

from sleepviz.config.model import ModelConfig


def pass_flops(config: ModelConfig, *, n_tokens: int, n_cached: int = 0) -> int:
    """Floating-point operations of the matrix products of one pass over one instance.

    A product of [m, k] and [k, n] counts 2 m k n, as torch's FlopCounterMode does; the triangular
    solve of the delta rule, which that counter leaves out, counts T^2 V a head.
    """
    t, d, heads = n_tokens, config.d_model, config.fast_heads
    key, value = config.key_dim, config.value_dim
    mlp = 4 * t * d * config.mlp_ratio * d
    attention = 2 * t * d * 4 * d + 4 * t * (n_cached + t) * d
    projections = 2 * t * d * heads * (2 * key + 2 * value + 2) + 2 * t * heads * value * d
    linear = projections + _rule_flops(config, n_tokens=t)
    return sum(mlp + (linear if kind == "linear_attention" else attention) for kind in config.layer_types)


def _rule_flops(config: ModelConfig, *, n_tokens: int) -> int:
    """Operations of the local rule of one fast-weight layer over one window, all heads."""
    t, key, value = n_tokens, config.key_dim, config.value_dim
    # q S, (q k^T), its product with U, and the new S; "delta" adds k k^T, k S and the solve.
    rule = 2 * t * key * value + 2 * t * t * key + 2 * t * t * value + 2 * t * key * value
    if config.local_rule == "delta":
        rule += 2 * t * t * key + 2 * t * key * value + t * t * value
    return config.fast_heads * rule


def rewrite_flops(config: ModelConfig, *, n_tokens: int) -> int:
    """Operations of a later pass of recurrence "replay": the local rule alone, on the first pass's k and v."""
    return config.layer_types.count("linear_attention") * _rule_flops(config, n_tokens=n_tokens)


def recall_flops(config: ModelConfig, *, n_tokens: int) -> int:
    """Operations of preparing h for a later pass: the mixing of `input_recall`, or the output and back."""
    if config.vocabulary_feedback:
        return 4 * n_tokens * config.d_model * config.vocab_size
    return 4 * n_tokens * config.d_model**2 if config.input_recall else 0


def sleep_flops(config: ModelConfig, *, n_tokens: int, n_passes: int, n_cached: int = 0) -> int:
    """Operations of N passes over one window of one instance."""
    if n_passes == 0:
        return 0
    passes = n_passes * pass_flops(config, n_tokens=n_tokens, n_cached=n_cached)
    return passes + (n_passes - 1) * recall_flops(config, n_tokens=n_tokens)


def wake_flops(config: ModelConfig, *, n_tokens: int, n_cached: int = 0) -> int:
    """Operations of one prediction chunk of one instance: one pass and the output projection."""
    return pass_flops(config, n_tokens=n_tokens, n_cached=n_cached) + 2 * n_tokens * config.d_model * config.vocab_size
