"""What can be measured of one pass: pure functions of tensors and configs."""

from __future__ import annotations

import torch
from torch import Tensor

from sleepviz.config.events import LayerMeasures
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
