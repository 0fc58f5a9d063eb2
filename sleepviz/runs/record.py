"""One run as it happens: RunSpec -> iterator of events. The one place that joins task, model and sleep."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sleepviz.config.base import ConfigError
from sleepviz.config.events import (
    AnswerScored,
    CacheEvicted,
    Event,
    SleepPassDone,
    SleepStarted,
    TokenRead,
    Trace,
    event_to_json,
)
from sleepviz.config.model import ModelConfig, SleepPolicy
from sleepviz.config.run import RunSpec
from sleepviz.core.halting import total_drift
from sleepviz.core.memory import Memory
from sleepviz.core.model import HybridLM
from sleepviz.core.sleep import evict, sleep, sleep_passes
from sleepviz.runs.checkpoint import Checkpoint, load, untrained
from sleepviz.runs.flops import pass_flops, recall_flops, rewrite_flops, wake_flops
from sleepviz.runs.measures import layer_measures, relative_drift
from sleepviz.runs.schedule import Schedule, Sleeper
from sleepviz.runs.windows import Window
from sleepviz.tasks.base import InputError, Problem, Task, Tokens, printed

CONTEXT_MAX_TOKENS = 8192
TIMED_ANSWERS = 3  # the fastest counts: an answer takes milliseconds, and others share the machine


def policy_of(spec: RunSpec, checkpoint: Checkpoint) -> SleepPolicy:
    """How this run sleeps. Raises ConfigError where the checkpoint cannot do what is asked."""
    passes_max = checkpoint.info.limits["passes_max"]
    if spec.n_passes > passes_max:
        raise ConfigError(f"passes must be a whole number from 0 to {passes_max}.")
    return SleepPolicy(
        n_passes=spec.n_passes,
        eviction="none" if spec.control == "oracle" else spec.eviction,
        sleep_attention=spec.sleep_attention or checkpoint.info.sleep_attention,
        recurrence=spec.control if spec.control in ("replay", "reset_state") else "carry",
    )


def checkpoint_of(spec: RunSpec) -> Checkpoint:
    """The slow weights that a run uses. Raises CheckpointError."""
    if spec.control == "oracle":
        return load(f"{spec.task}-oracle")
    checkpoint = load(spec.checkpoint, task=spec.task)
    return untrained(checkpoint, spec.seed) if spec.control == "untrained" else checkpoint


@torch.inference_mode()  # entered anew for each event: whoever reads the events is not in that mode in between
def record(spec: RunSpec, checkpoint: Checkpoint | None = None) -> Iterator[Event]:
    """Yield what happens, in order. Raises InputError, ConfigError or CheckpointError before the first event."""
    checkpoint = checkpoint or checkpoint_of(spec)
    policy, task, model = policy_of(spec, checkpoint), checkpoint.task, checkpoint.model
    instance = task.parse(spec.input, checkpoint.info.limits)
    problem = task.encode(instance)
    if len(problem.context) > CONTEXT_MAX_TOKENS:
        raise InputError(f"The input is longer than {CONTEXT_MAX_TOKENS} tokens.")
    sleeper = Sleeper(model, task, policy, Schedule(spec.trigger, spec.spending))
    context, n_windows = torch.tensor([problem.context]), sleeper.n_windows(problem.context)
    memory, index, start, spent = Memory.empty(model.config, batch=1), 0, 0, 0
    while start < len(problem.context):
        (window,), held = sleeper.windows(context, start, memory), memory
        for position in range(window.start, window.stop):
            kv_tokens = tuple(n + position - window.start + 1 for n in held.kv_tokens)
            yield TokenRead(position, task.token_text(problem.context[position]), index, kv_tokens)
        allowed = spec.spending.allowed(spec.n_passes, index=index, n_windows=n_windows, spent=spent)
        most = replace(policy, n_passes=allowed)
        memory, taken = yield from _sleep_through(
            checkpoint, most, spec.spending.threshold, problem, instance, index, window, memory
        )
        index, start, spent = index + 1, window.stop, spent + taken
    memory = _controlled(spec, checkpoint, policy, problem, memory)
    answer_s = math.inf
    for _ in range(TIMED_ANSWERS):
        started = time.perf_counter()
        probabilities = ask(model, problem, memory, problem.n_asked)
        answer_s = min(answer_s, time.perf_counter() - started)
    cached = memory.kv_tokens[0] if memory.kv_tokens else 0
    flops = wake_flops(model.config, n_tokens=problem.queries.shape[1], n_cached=cached)
    yield AnswerScored(task.answer(instance, probabilities), answer_s, flops * problem.n_asked)


def _sleep_through(
    checkpoint: Checkpoint,
    policy: SleepPolicy,
    threshold: float,
    problem: Problem,
    instance: Any,
    index: int,
    window: Window,
    memory: Memory,
) -> Generator[Event, None, tuple[Memory, int]]:
    """Yield one sleep's events over `window`; return the memory after eviction and the passes that were taken.

    Sleep ends after the pass that changes S by less than `threshold`, and after N passes at the latest.
    """
    model, task = checkpoint.model, checkpoint.task
    n_tokens, n_cached = window.stop - window.start, max(memory.kv_tokens, default=0)
    full = _kv_size(model.config, n_cached + n_tokens)
    kv_full = tuple(n + n_tokens for n in memory.kv_tokens)
    yield SleepStarted(window.trigger, index, window.start, window.stop, kv_full, full, policy.n_passes)
    tokens = torch.tensor([problem.context[window.start : window.stop]])
    n_askable = sum(stop <= window.stop for stop in problem.query_stops)
    first_flops = later_flops = pass_flops(model.config, n_tokens=n_tokens, n_cached=n_cached)
    if policy.recurrence == "replay":
        later_flops = rewrite_flops(model.config, n_tokens=n_tokens)
    else:
        later_flops += recall_flops(model.config, n_tokens=n_tokens)
    before, h_before, taken = memory, model.embed(tokens), 0
    started = time.perf_counter()
    for done in sleep_passes(model, tokens, memory, policy, observe=True):
        sleep_s = time.perf_counter() - started
        woken = evict(done.memory, policy, model.config.window)
        yield SleepPassDone(
            window_index=index,
            pass_index=done.pass_index,
            layers=layer_measures(before, done.memory, done.observations),
            h_drift=float(relative_drift(h_before, done.h)[0]),
            attention=tuple(weights[0].numpy() for weights in done.observations.attention),
            woken=task.answer(instance, ask(model, problem, woken, n_askable)),
            sleep_s=sleep_s,
            flops=later_flops if done.pass_index else first_flops,
        )
        is_still = threshold > 0 and bool(total_drift(before, done.memory) < threshold)
        before, h_before, taken = done.memory, done.h, taken + 1
        if is_still:
            break
        started = time.perf_counter()
    slept = replace(before, position=memory.position + n_tokens)
    evicted = evict(slept, policy, model.config.window)
    dropped = n_cached + n_tokens - max(evicted.kv_tokens, default=0)
    freed = full - evicted.kv_bytes
    yield CacheEvicted(index, dropped, freed, evicted.kv_tokens, evicted.fast_bytes)
    return evicted, taken


def _kv_size(config: ModelConfig, n_tokens: int) -> int:
    """Bytes of the float32 keys and values of n_tokens tokens over all attention layers."""
    n_layers = sum(kind != "linear_attention" for kind in config.layer_types)
    return n_layers * n_tokens * 2 * config.d_model * 4


def ask(model: HybridLM, problem: Problem, memory: Memory, n_queries: int) -> NDArray[np.float32]:
    """Answer the first queries, each in one pass from a fork of `memory` -> [n_queries, T, vocab_size]."""
    if n_queries == 0:
        return np.zeros((0, problem.queries.shape[1], model.config.vocab_size), dtype=np.float32)
    logits, _ = model(torch.from_numpy(problem.queries[:n_queries].copy()), memory.repeated(n_queries))
    return logits.softmax(dim=-1).float().numpy()


def _controlled(
    spec: RunSpec,
    checkpoint: Checkpoint,
    policy: SleepPolicy,
    problem: Problem,
    memory: Memory,
) -> Memory:
    """The memory that the model wakes with: its own, or what a causal control puts in its place."""
    if spec.control == "zero_state":
        return memory.with_fast_weights(tuple(torch.zeros_like(state) for state in memory.fast_weights))
    if spec.control != "shuffled_state":
        return memory
    other = another_instance(checkpoint.task, len(problem.context), spec.seed)
    strange = Memory.empty(checkpoint.model.config, batch=1)
    for window in torch.from_numpy(other).unbind(dim=1):
        strange = sleep(checkpoint.model, window, strange, policy)
    return memory.with_fast_weights(strange.fast_weights)


def another_instance(task: Task, n_tokens: int, seed: int) -> Tokens:
    """The windows [1, W, L] of a held-out instance that is as long as a context of so many tokens."""
    return task.batch(
        np.random.default_rng(seed),
        size=1,
        n_windows=math.ceil(n_tokens / task.window),
        difficulty=np.array([task.difficulty_max]),
        split="held_out",
    ).windows


def another_context(task: Task, n_tokens: int, seed: int) -> tuple[int, ...]:
    """The same as exactly so many tokens, to be cut into windows."""
    return tuple(another_instance(task, n_tokens, seed).reshape(-1)[:n_tokens].tolist())


def trace(spec: RunSpec, checkpoint: Checkpoint | None = None) -> Trace:
    """Run to the end and keep everything."""
    checkpoint = checkpoint or checkpoint_of(spec)
    return Trace(spec.to_json(), checkpoint.info.to_json(), tuple(record(spec, checkpoint)))


def run_summary(spec: RunSpec, checkpoint: Checkpoint, *, events: bool) -> dict[str, Any]:
    """The `run` command's line: answer, truth and times of one run, with or without its events."""
    happened = tuple(record(spec, checkpoint))
    scored = happened[-1]
    assert isinstance(scored, AnswerScored)
    instance = checkpoint.task.parse(spec.input, checkpoint.info.limits)
    task, given = checkpoint.task, scored.answer
    answer, truth = (printed(task, instance, texts) for texts in (given.answers, given.truths))
    summary = {
        "task": spec.task,
        "checkpoint": checkpoint.info.name,
        "digest": checkpoint.info.digest,
        "passes": spec.n_passes,
        "eviction": spec.eviction,
        "answer": answer,
        "truth": truth,
        "correct": answer == truth,
        "wake_ms": 1000 * scored.answer_s,
        "sleep_ms": 1000 * sum(event.sleep_s for event in happened if isinstance(event, SleepPassDone)),
    }
    return {**summary, "events": [event_to_json(event) for event in happened]} if events else summary
