"""What can be measured of one pass: pure functions of tensors and configs."""

from __future__ import annotations

import torch
from torch import Tensor

from sleepviz.config.events import LayerMeasures
from sleepviz.config.model import ModelConfig
from sleepviz.core.memory import FastWeights, Memory
from sleepviz.core.model import Observations


def relative_drift(before: Tensor, after: Tensor) -> Tensor:
    """|after - before| / |after| over the last two axes; 0 where `after` is 0."""
    norm = after.norm(dim=(-2, -1))
    return (after - before).norm(dim=(-2, -1)) / norm.clamp_min(1e-12) * (norm > 0)


def cosine(before: Tensor, after: Tensor) -> Tensor:
    """Cosine of the two, each flattened over its last two axes; 0 where either is 0."""
    norms = before.norm(dim=(-2, -1)) * after.norm(dim=(-2, -1))
    return (before * after).sum(dim=(-2, -1)) / norms.clamp_min(1e-12)


def effective_rank(state: Tensor) -> Tensor:
    """exp(entropy) of the normalised singular values (Roy and Vetterli, 2007): 0 for S = 0, at most min(K, V)."""
    singular = torch.linalg.svdvals(state.double())
    total = singular.sum(dim=-1, keepdim=True)
    share = singular / total.clamp_min(1e-300)
    entropy = torch.special.entr(share).sum(dim=-1)
    return entropy.exp() * (total[..., 0] > 0)


def layer_measures(before: Memory, after: Memory, seen: Observations) -> tuple[LayerMeasures, ...]:
    """Compare the fast weights of the first instance of a batch before and after one pass."""
    fast = [i for i, layer in enumerate(after.layers) if isinstance(layer, FastWeights)]
    measures = []
    for layer, old, new, writing in zip(fast, before.fast_weights, after.fast_weights, seen.writings, strict=True):
        old, new = old[0], new[0]  # [H, K, V]
        measures.append(
            LayerMeasures(
                layer=layer,
                drift=relative_drift(old, new).numpy(),
                cosine=cosine(old, new).numpy(),
                norm=new.norm(dim=(-2, -1)).numpy(),
                effective_rank=effective_rank(new).numpy(),
                mean_decay=writing.log_decay[0].exp().mean(dim=-1).numpy(),
                mean_beta=writing.beta[0].mean(dim=-1).numpy(),
                state=new.float().numpy().copy(),
            )
        )
    return tuple(measures)


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
