"""Look inside one run: every pass with all that was written, and what S gives back after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sleepviz.config.base import require
from sleepviz.config.model import LocalRule
from sleepviz.config.run import RunSpec
from sleepviz.core.delta_rule import corrections
from sleepviz.core.memory import Memory
from sleepviz.core.model import HybridLM, Writing
from sleepviz.core.sleep import Pass, evict, sleep_passes
from sleepviz.inside.reading import layers_of, lens, questions_of, readings
from sleepviz.inside.seen import PASSES_MAX, LayerSeen, PassSeen, Writes
from sleepviz.runs.checkpoint import Checkpoint
from sleepviz.runs.record import another_context, ask, checkpoint_of, policy_of
from sleepviz.runs.schedule import Schedule, Sleeper


@torch.inference_mode()
def observe(spec: RunSpec, checkpoint: Checkpoint | None = None) -> Iterator[PassSeen]:
    """Yield every pass of every window. The S of another run, of the same model on another instance, is read beside.

    Raises InputError, ConfigError or CheckpointError before the first pass.
    """
    checkpoint = checkpoint or checkpoint_of(spec)
    require(spec.spending.kind == "fixed", "Inside shows runs with N passes for every window.")
    require(1 <= spec.n_passes <= PASSES_MAX, f"Inside shows from 1 to {PASSES_MAX} passes.")
    policy, task, model = policy_of(spec, checkpoint), checkpoint.task, checkpoint.model
    instance = task.parse(spec.input, checkpoint.info.limits)
    problem = task.encode(instance)
    sleeper = Sleeper(model, task, policy, Schedule(spec.trigger))
    context, start, index = torch.tensor([problem.context]), 0, 0
    strange = another_context(task, len(problem.context), spec.seed)
    memory = other = Memory.empty(model.config, batch=1)
    made = questions_of(model, torch.from_numpy(problem.queries.copy()))
    while start < len(problem.context):
        (window,) = sleeper.windows(context, start, memory)
        tokens, theirs = (torch.tensor([each[window.start : window.stop]]) for each in (problem.context, strange))
        texts = tuple(task.token_text(token) for token in problem.context[window.start : window.stop])
        n_askable = sum(stop <= window.stop for stop in problem.query_stops)
        questions = torch.from_numpy(problem.queries[:n_askable].copy())
        asked = [(q[:n_askable], gate[:n_askable]) for q, gate in made]
        at_start, before, h_before = memory, memory, model.embed(tokens)
        embedding = h_before
        pairs = zip(
            sleep_passes(model, tokens, memory, policy, observe=True),
            sleep_passes(model, theirs, other, policy),
            strict=True,
        )
        for done, done_there in pairs:
            woken = evict(done.memory, policy, model.config.window)
            started_from = at_start if policy.recurrence == "reset_state" else before
            answer = task.answer(instance, ask(model, problem, woken, n_askable))
            own, others = (
                readings(task, instance, lens(model, each.memory.fast_weights, questions, asked))
                for each in (done, done_there)
            )
            yield PassSeen(
                window_index=index,
                pass_index=done.pass_index,
                tokens=texts,
                layers=_layers(model, started_from, done),
                attention=tuple(weights[0].numpy().astype(np.float16) for weights in done.observations.attention),
                attention_layers=tuple(i for i in range(len(model.blocks)) if i not in layers_of(model)),
                h_before=_array(h_before[0]),
                h=_array(done.h[0]),
                woken=answer,
                own=own,
                other=others,
            )
            before, h_before, other = (
                done.memory,
                _next_start(model, policy.recurrence, done, embedding),
                done_there.memory,
            )
        position = at_start.position + tokens.shape[1]
        memory, other = (
            evict(replace(each, position=position), policy, model.config.window) for each in (before, other)
        )
        start, index = window.stop, index + 1


def _next_start(model: HybridLM, recurrence: str, done: Pass, embedding: Tensor) -> Tensor:
    """The stream that the next pass starts from."""
    return embedding if recurrence == "replay" else model.recalled(done.h, embedding)


def _layers(model: HybridLM, before: Memory, done: Pass) -> tuple[LayerSeen, ...]:
    together = zip(
        layers_of(model), before.fast_weights, done.memory.fast_weights, done.observations.writings, strict=True
    )
    return tuple(layer_seen(layer, old, new, writing, model.config.local_rule) for layer, old, new, writing in together)


def layer_seen(layer: int, old: Tensor, new: Tensor, writing: Writing | None, rule: LocalRule = "delta") -> LayerSeen:
    """One layer in one pass: S [1, H, K, V] before it and after it, and what its tokens wrote in between."""
    return LayerSeen(
        layer=layer,
        before=_array(old[0]),
        state=_array(new[0]),
        singular=_array(torch.linalg.svdvals(new[0].double())),
        writes=None if writing is None else _writes(old, writing, rule),
    )


def _writes(old: Tensor, writing: Writing, rule: LocalRule) -> Writes:
    k, v, log_decay, beta = (each.double() for each in (writing.k, writing.v, writing.log_decay, writing.beta))
    written = corrections(old.double(), k=k, v=v, log_decay=log_decay, beta=beta, rule=rule)
    return Writes(
        decay=_array(writing.log_decay.exp()[0]),
        strength=_array(writing.beta[0]),
        keys=_array(writing.k[0]),
        corrections=_array(written[0]),
    )


def _array(tensor: Tensor) -> Any:
    return tensor.float().numpy().copy()
