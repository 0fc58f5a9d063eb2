"""Surprise: how much of what is read S did not expect. A departure: the paper sleeps when the window is full.

An ordinary waking pass reads ahead. At token t the delta rule corrects S by beta_t k_t (v_t - a_t S_{t-1}^T k_t)^T: it
compares what it finds under the key with what it should find. The size of this correction, over all heads and layers
together, is the token's surprise. The pass is for reading only; the memory that it makes is dropped.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sleepviz.core.delta_rule import corrections
from sleepviz.core.memory import Memory
from sleepviz.core.model import HybridLM

SETTLED = 4
"""Tokens that must have been read since the last sleep before one can surprise: a level needs something to be."""


def surprises(model: HybridLM, tokens: Tensor, memory: Memory) -> Tensor:
    """The Frobenius norm of what each token of [B, T] writes, [B, T]; keys have unit length."""
    _, _, seen = model.run_blocks(model.embed(tokens), memory)
    squares = [
        corrections(
            state,
            k=writing.k,
            v=writing.v,
            log_decay=writing.log_decay,
            beta=writing.beta,
            rule=model.config.local_rule,
        )
        .square()
        .sum(dim=(1, 3))
        for state, writing in zip(memory.fast_weights, seen.writings, strict=True)
    ]
    return torch.stack(squares).sum(dim=0).sqrt()


def over_usual(sizes: Tensor) -> Tensor:
    """Each surprise [B, T] over the running level, the mean of those before it; 0 before the level has settled."""
    before = torch.arange(sizes.shape[1], dtype=sizes.dtype).clamp_min(1)
    level = (sizes.cumsum(dim=1) - sizes) / before
    settled = torch.arange(sizes.shape[1]) >= SETTLED
    return sizes / level.clamp_min(1e-12) * settled
