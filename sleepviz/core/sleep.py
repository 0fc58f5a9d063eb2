"""Sleep: arXiv:2605.26099 Algorithm 1, alone.

For each context window: h = Embed(window); repeat N times: h, S = Blocks(h, S); evict.
 1. S is not reset between passes or windows: the same tokens are written N times, cumulatively.
 2. h is carried from pass to pass, so k, v, decay and write strength differ in every pass.
 3. The KV cache is rebuilt in every pass and evicted after the last; h is dropped. Only S goes on.
 4. The slow weights never move.
N = 1 is the ordinary hybrid.

Controls (not the paper's mechanism): recurrence "replay" writes the k, v of the first pass N times;
"reset_state" carries h but restores S before each pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sleepviz.config.model import SleepPolicy
from sleepviz.core.delta_rule import gated_delta_window
from sleepviz.core.memory import Memory
from sleepviz.core.model import HybridLM, Observations


@dataclass(frozen=True)
class Pass:
    """The outcome of one pass over a window: h [B, T, D] before the final norm, and the memory after it."""

    pass_index: int
    h: Tensor
    memory: Memory
    observations: Observations


def sleep_passes(
    model: HybridLM,
    tokens: Tensor,
    memory: Memory,
    policy: SleepPolicy,
    *,
    observe: bool = False,
    grad_passes: int | None = None,
) -> Iterator[Pass]:
    """Yield the N passes over one window of tokens [B, T], starting from `memory`. Evicts nothing.

    `grad_passes` = k gives only the last k passes a gradient, in training only.
    """
    before = memory
    embedding = h = model.embed(tokens)
    done: Pass | None = None
    first_with_grad = policy.n_passes - (grad_passes or policy.n_passes)
    for pass_index in range(policy.n_passes):
        with torch.set_grad_enabled(torch.is_grad_enabled() and pass_index >= first_with_grad):
            if done is not None and policy.recurrence == "replay":
                done = Pass(pass_index, done.h, _rewritten(model, done), done.observations)
            else:
                if done is not None:
                    h = model.recalled(done.h, embedding)
                    if policy.recurrence == "carry":
                        memory = before.with_fast_weights(done.memory.fast_weights)  # its own KV is rebuilt
                done = Pass(pass_index, *model.run_blocks(h, memory, mode=policy.sleep_attention, observe=observe))
        yield done


def evict(memory: Memory, policy: SleepPolicy, window: int) -> Memory:
    """Clear the KV cache: all of it ("hard"), all but the newest L - 1 tokens ("sliding"), or none of it."""
    if policy.eviction == "none":
        return memory
    return memory.evicted(keep=window - 1 if policy.eviction == "sliding" else 0)


def sleep(model: HybridLM, tokens: Tensor, memory: Memory, policy: SleepPolicy) -> Memory:
    """Consolidate one window [B, T] into the fast weights and evict it. N = 0 forgets it unread."""
    position = memory.position + tokens.shape[1]
    for done in sleep_passes(model, tokens, memory, policy):
        memory = done.memory
    return evict(replace(memory, position=position), policy, model.config.window)


def _rewritten(model: HybridLM, done: Pass) -> Memory:
    """S after writing the same keys and values once more: what sleep is often mistaken for."""
    states = tuple(
        gated_delta_window(
            state,
            q=writing.k,
            k=writing.k,
            v=writing.v,
            log_decay=writing.log_decay,
            beta=writing.beta,
            rule=model.config.local_rule,
        )[0]
        for state, writing in zip(done.memory.fast_weights, done.observations.writings, strict=True)
    )
    return done.memory.with_fast_weights(states)
