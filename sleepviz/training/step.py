"""One training step: Algorithm 1 of arXiv:2605.26099 over one batch, its loss, and what it costs.

Departures from the paper, each a setting of `TrainConfig`: N is drawn anew for every batch, so that one model serves
every N, and there are three losses.
"answers": the answers after the last eviction and nothing else, as in the paper; difficulty grows in stages, N with
it, and each question has a difficulty of its own.
"final": the same, but the questions of one chunk share the hardest difficulty.
"next_step": after N passes, the answer of level min(difficulty, N), so that each pass is asked for one level. With
`pass_loss` what each pass puts out is scored too: read through the output projection, it should be the window of the
question one level further. What was learned from few passes then holds for many; without it each depth costs twice
the one before (docs/experiments.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sleepviz.config.model import ModelConfig, SleepPolicy
from sleepviz.config.training import TrainConfig
from sleepviz.core.memory import Memory
from sleepviz.core.model import HybridLM
from sleepviz.core.sleep import evict, sleep_passes
from sleepviz.runs.flops import pass_flops, sleep_flops
from sleepviz.tasks.base import NOT_ASKED, Batch, Task, Tokens, pass_supervised
from sleepviz.training.plan import Plan
from sleepviz.training.together import ALONE, Together


@dataclass(frozen=True)
class StepResult:
    """Loss to backpropagate, whether each answer that is scored is exact, operations of both directions."""

    loss: Tensor
    exact: Tensor
    flops: float


def training_step(
    model: HybridLM,
    task: Task,
    config: TrainConfig,
    plan: Plan,
    *,
    device: torch.device,
    together: Together = ALONE,
) -> StepResult:
    """Algorithm 1 over one batch: sleep through every window, then answer every query awake.

    Of several processes each takes its own part of the batch. Its loss is that part of the whole batch's loss: each
    mean is taken over all that the whole batch asks, so that the parts' losses, and their gradients, add up to it.
    """
    whole, batch = plan.batch, plan.batch.part(together.part(len(plan.batch.windows)))
    policy = SleepPolicy(plan.n_passes, config.eviction, config.sleep_attention)
    windows = torch.from_numpy(batch.windows).to(device)  # [B, W, L]
    queries = torch.from_numpy(np.ascontiguousarray(batch.queries)).to(device)  # [B, Q, T]

    def restarted(memory: Memory) -> Memory:
        # Hard eviction leaves no key, and rotary attention sees only distances: one compiled pass fits all windows.
        return replace(memory, position=0) if config.eviction == "hard" else memory

    true_answers = _true_answers(config, whole, plan.n_passes)  # [B of the whole batch, Q, T]
    n_asked = (true_answers != NOT_ASKED).sum(axis=(0, 2))  # [Q]
    targets = torch.from_numpy(true_answers[together.part(len(true_answers))]).to(device)  # [B, Q, T]
    scored = torch.from_numpy(plan.scored[together.part(len(plan.scored))]).to(device)
    losses: list[Tensor] = []
    memory = Memory.empty(model.config, len(windows), device=device)
    for index, window in enumerate(windows.unbind(dim=1)):
        policy = replace(policy, n_passes=plan.passes[index])
        for done in sleep_passes(model, window, restarted(memory), policy, grad_passes=config.grad_passes or None):
            memory = done.memory
            if config.pass_loss and done.h.requires_grad:
                supervised = pass_supervised(task, "pass_loss")
                further = supervised.targets_after_pass(whole, done.pass_index + 1)[:, index]  # [whole B, L]
                wanted = torch.from_numpy(further[together.part(len(further))]).flatten().to(device)
                mean = _mean_loss(model.logits(done.h).flatten(0, 1), wanted, int((further != NOT_ASKED).sum()))
                losses.append(config.pass_loss * mean)
        memory = evict(memory, policy, model.config.window)
    exact = []
    for query in range(queries.shape[1]):
        target = targets[:, query]  # [B, T]
        if not n_asked[query]:
            continue
        h, _, _ = model.run_blocks(model.embed(queries[:, query]), restarted(memory))
        asked = target != NOT_ASKED  # [B, T]
        logits = model.logits(h[asked])  # [n, vocab]: no other token is put out
        losses.append(_mean_loss(logits, target[asked], int(n_asked[query])))
        right = logits.argmax(dim=-1) == target[asked]  # [n]
        if batch.difficulty.ndim == 2:  # each question has one part, and they stand in order, chunk after chunk
            of_chunk = scored.chunk(queries.shape[1], dim=1)[query]
            exact.append(right.view(of_chunk.shape)[of_chunk])
        else:
            exact.append((~asked).masked_scatter(asked, right).all(dim=-1)[scored])
    flops = step_flops(model.config, config, plan)
    none = windows.new_zeros(0, dtype=torch.bool)
    return StepResult(torch.stack(losses).mean(), torch.cat(exact) if exact else none, flops)


def _mean_loss(logits: Tensor, targets: Tensor, n: int) -> Tensor:
    """The sum of the cross-entropies of [tokens, vocab] over `n`, the number of targets in the whole batch."""
    n_here = int((targets != NOT_ASKED).sum())
    mean = F.cross_entropy(logits, targets, ignore_index=NOT_ASKED, reduction="mean" if n_here else "sum")
    return mean if n_here in (0, n) else mean * (n_here / n)


def _true_answers(config: TrainConfig, batch: Batch, n_passes: int) -> Tokens:
    """What the queries should be answered after so many passes, [B, Q, T]."""
    if batch.difficulty.ndim == 2:  # the answer at each question's own difficulty stands at the highest level
        return batch.targets[:, :, -1]
    level = np.minimum(batch.difficulty, n_passes) if config.loss == "next_step" else batch.difficulty
    return batch.targets[np.arange(len(level)), :, level]


def step_flops(config: ModelConfig, train: TrainConfig, plan: Plan) -> float:
    """Operations of one step over the whole batch: forward, and backward at twice the forward."""
    size, n_windows, n_tokens = plan.batch.windows.shape
    n_queries, query_tokens = plan.batch.queries.shape[1:]
    kept = {"hard": 0, "sliding": config.window - 1, "none": n_windows * n_tokens}[train.eviction]
    cached = [min(kept, index * n_tokens) for index in range(n_windows + 1)]
    asleep = asleep_backward = 0.0
    for n_passes, before in zip(plan.passes, cached, strict=False):
        forward = sleep_flops(config, n_tokens=n_tokens, n_passes=n_passes, n_cached=before)
        n_grad = min(n_passes, train.grad_passes or n_passes)
        asleep, asleep_backward = asleep + forward, asleep_backward + 2 * forward * n_grad / max(n_passes, 1)
    awake = pass_flops(config, n_tokens=query_tokens, n_cached=cached[-1]) * n_queries
    n_asked = int((_true_answers(train, plan.batch, plan.n_passes) != NOT_ASKED).sum())
    head = 2 * config.d_model * config.vocab_size * n_asked
    stream = 6 * n_windows * n_grad * n_tokens * config.d_model * config.vocab_size if train.pass_loss else 0
    return float(size * (asleep + asleep_backward + 3 * awake + stream) + 3 * head)
