"""Sleep of a transformers model, pass by pass, as far as its layers let one see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from sleepviz.config.model import SleepPolicy
from sleepviz.core.memory import Memory
from sleepviz.core.model import Writing
from sleepviz.core.sleep import evict, sleep_passes
from sleepviz.hybrids.cache import SleepCache
from sleepviz.hybrids.inside.gated import gated_layers, listening, writing_of
from sleepviz.hybrids.modeling import SleepForCausalLM
from sleepviz.hybrids.models.capability import decoder_layers, require_sleeper
from sleepviz.hybrids.sleep import sleep_windows
from sleepviz.hybrids.tuning.reading import cut


@dataclass(frozen=True)
class Step:
    """One pass over one window; one entry a fast-weight layer, each S [1, H, K, V]."""

    places: tuple[int, ...]  # of these layers among all
    before: tuple[Tensor, ...]
    after: tuple[Tensor, ...]
    writings: tuple[Writing | None, ...]
    attention: tuple[Tensor, ...]  # [1, heads, T, keys] of each attention layer that lets one see it
    attention_places: tuple[int, ...]
    h_before: Tensor  # [1, T, D]
    h: Tensor


def steps_of(
    model: PreTrainedModel, context: Tensor, policy: SleepPolicy, window: int, span: tuple[int, int] | None
) -> Iterator[tuple[Step, ...]]:
    """The passes over each window of the context [1, T]."""
    if isinstance(model, SleepForCausalLM):
        return _of_ours(model, context, policy)
    return _of_the_library(model, context, policy, window, span)


def _of_ours(model: SleepForCausalLM, context: Tensor, policy: SleepPolicy) -> Iterator[tuple[Step, ...]]:
    lm = model.lm
    kinds = lm.config.layer_types
    fast = tuple(i for i, kind in enumerate(kinds) if kind == "linear_attention")
    others = tuple(i for i, kind in enumerate(kinds) if kind != "linear_attention")
    memory = Memory.empty(lm.config, 1, dtype=lm.embedding.weight.dtype)
    for tokens in cut(context, model.window):
        steps, before, h = list[Step](), memory.fast_weights, lm.embed(tokens)
        started = memory
        for done in sleep_passes(lm, tokens, started, policy, observe=True):
            seen, after = done.observations, done.memory.fast_weights
            steps.append(Step(fast, before, after, seen.writings, seen.attention, others, h, done.h))
            memory, before, h = done.memory, after, done.h
        yield tuple(steps)
        memory = evict(replace(memory, position=started.position + tokens.shape[1]), policy, model.window)


def _of_the_library(
    model: PreTrainedModel, context: Tensor, policy: SleepPolicy, window: int, span: tuple[int, int] | None
) -> Iterator[tuple[Step, ...]]:
    require_sleeper(model)  # a first trial of the model calls its layers, and is no part of the run
    cache, modules = SleepCache(model.config), gated_layers(model)
    for tokens in cut(context.to(model.device), window):
        entered: list[Tensor] = []

        def keep(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any], into: list[Tensor] = entered) -> None:
            into.append(args[0] if args else kwargs["hidden_states"])

        first = decoder_layers(model)[span[0] if span else 0]
        with listening(modules) as heard, first.register_forward_pre_hook(keep, with_kwargs=True):
            (slept,) = sleep_windows(model, tokens, policy, window=window, cache=cache, span=span, observe=True)
        places = _places(slept.cache)
        before = cache.fast_weights or tuple(torch.zeros_like(state) for state in slept.passes[0].fast_weights)
        steps, h = list[Step](), entered[0]
        for n, done in enumerate(slept.passes):
            after = done.fast_weights
            writings = tuple(
                writing_of(modules[place], heard[place], n, cache.layers[place].conv_states[0], (old, new))
                if place in modules
                else None
                for place, old, new in zip(places, before, after, strict=True)
            )
            steps.append(Step(places, before, after, writings, (), (), h, done.h))
            before, h = after, done.h
        yield tuple(steps)
        cache = slept.cache


def _places(cache: SleepCache) -> tuple[int, ...]:
    """Which layer each S belongs to; a layer with several S comes as often."""
    return tuple(
        place
        for place, layer in enumerate(cache.layers)
        if layer in cache.fast_layers
        for state in layer.recurrent_states.values()
        if state is not None
    )
