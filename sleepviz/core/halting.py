"""When to stop: sleep until the fast weights are still, instance by instance.

The paper leaves the choice of N open (arXiv:2605.26099 §6). Here an instance stops after the first pass
that changes all its fast weights together by less than a threshold, relative to their norm.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from sleepviz.config.model import SleepPolicy
from sleepviz.core.memory import Memory
from sleepviz.core.model import HybridLM
from sleepviz.core.sleep import evict, sleep_passes


def total_drift(before: Memory, after: Memory) -> Tensor:
    """|S_n - S_(n-1)| / |S_n| of each instance over all layers and heads together, [B]; 0 where S_n is 0."""
    pairs = list(zip(before.fast_weights, after.fast_weights, strict=True))
    change = torch.stack([(new - old).square().sum(dim=(1, 2, 3)) for old, new in pairs]).sum(dim=0)
    norm = torch.stack([new.square().sum(dim=(1, 2, 3)) for _, new in pairs]).sum(dim=0)
    return (change / norm.clamp_min(1e-24)).sqrt() * (norm > 0)


def sleep_until_still(
    model: HybridLM,
    tokens: Tensor,
    memory: Memory,
    policy: SleepPolicy,
    threshold: float,
    allowed: Tensor | None = None,
) -> tuple[Memory, Tensor]:
    """Consolidate one window [B, T] with at most `policy.n_passes` passes -> (memory, passes taken [B]).

    Each instance keeps the fast weights of the pass at which it stopped, which is that of `allowed` [B] at the latest
    where this is given. Hard eviction only: what is kept of a window must not depend on the pass.
    """
    position = memory.position + tokens.shape[1]
    taken = torch.zeros(len(tokens), dtype=torch.int64)
    allowed = torch.full((len(tokens),), policy.n_passes) if allowed is None else allowed
    policy = replace(policy, n_passes=min(policy.n_passes, int(allowed.max())))
    running = allowed > 0
    before = kept = memory
    for done in sleep_passes(model, tokens, memory, policy):
        choose = running.view(-1, 1, 1, 1)
        pairs = zip(done.memory.fast_weights, kept.fast_weights, strict=True)
        kept = done.memory.with_fast_weights(tuple(torch.where(choose, new, old) for new, old in pairs))
        taken += running
        running = running & (total_drift(before, done.memory) >= threshold) & (taken < allowed)
        before = done.memory
        if not running.any():
            break
    return evict(replace(kept, position=position), policy, model.config.window), taken
