"""The verdict on a model, by experiment: it can sleep, it can sleep with memory added, or it cannot, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from transformers import PreTrainedModel

from sleepviz.config.base import ConfigError
from sleepviz.hybrids.cache import SleepCache
from sleepviz.hybrids.fast_weights import FAMILIES, add_fast_weights
from sleepviz.hybrids.layers import AssigningLayer, EvictingLayer
from sleepviz.hybrids.models.boundary import from_outside
from sleepviz.hybrids.models.capability import PROBE_TOKENS, capability_of

Kind = Literal["sleeps", "with memory", "cannot"]


@dataclass(frozen=True)
class Verdict:
    """What was found. Layers count from 0; `fast` and `attention` may share one."""

    kind: Kind
    reason: str  # one sentence where it cannot sleep as it is; else ""
    model: str  # its class
    parameters: int
    n_layers: int
    fast: tuple[int, ...] = ()  # layers with fast weights
    attention: tuple[int, ...] = ()  # layers with a KV cache
    split_error: float = 0.0  # two calls against one, in deviations of the logits
    memory_layers: tuple[int, ...] = ()  # where memory is to be added, or was
    silent: bool = False  # with memory added, the logits were the same to the bit


def judge(model: PreTrainedModel) -> Verdict:
    """Try it: as it is, and where that fails, with memory added to a copy that shares its weights."""
    found = capability_of(model)
    layers = _layers(model)
    if found.can_sleep:
        added = tuple(getattr(model.config, "memory_layers", None) or ())
        return _verdict(model, "sleeps", "", layers, found.split_error, added)
    if model.config.model_type not in FAMILIES:
        return _verdict(model, "cannot", found.reason, layers)
    chosen = suggested_layers(int(model.config.num_hidden_layers))
    try:
        extended = add_fast_weights(model, chosen, share=True)
    except ConfigError as error:
        return _verdict(model, "cannot", str(error), layers)
    also = capability_of(extended)
    if not also.can_sleep:
        return _verdict(model, "cannot", also.reason, layers)
    return _verdict(model, "with memory", found.reason, layers, also.split_error, chosen, _agree(model, extended))


def suggested_layers(n_layers: int) -> tuple[int, ...]:
    """Two layers, a third and two thirds of the way up; one where there is only one."""
    return tuple(sorted({n_layers // 3, 2 * n_layers // 3}))


@torch.inference_mode()
def _agree(model: PreTrainedModel, extended: PreTrainedModel) -> bool:
    """Whether both give the same logits, to the bit, for a few tokens."""
    known = model.config.get_text_config(decoder=True).vocab_size
    tokens = torch.randint(known, (1, sum(PROBE_TOKENS)), generator=torch.Generator().manual_seed(0))
    tokens = tokens.to(model.device)
    with from_outside("a trial call failed"):
        return torch.equal(model(tokens).logits, extended(tokens).logits)


def _layers(model: PreTrainedModel) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """(number of layers, those with fast weights, those with a KV cache); none where its cache is not known."""
    try:
        with from_outside("its cache cannot be built"):
            held = SleepCache(model.config).layers
    except ConfigError:
        return int(getattr(model.config.get_text_config(decoder=True), "num_hidden_layers", 0)), (), ()
    fast = tuple(i for i, layer in enumerate(held) if isinstance(layer, AssigningLayer))
    return len(held), fast, tuple(i for i, layer in enumerate(held) if isinstance(layer, EvictingLayer))


def _verdict(
    model: PreTrainedModel,
    kind: Kind,
    reason: str,
    layers: tuple[int, tuple[int, ...], tuple[int, ...]],
    split_error: float = 0.0,
    memory_layers: tuple[int, ...] = (),
    silent: bool = False,
) -> Verdict:
    numbers = sum(parameter.numel() for parameter in model.parameters())
    n_layers, fast, attention = layers
    name = type(model).__name__
    return Verdict(kind, reason, name, numbers, n_layers, fast, attention, split_error, memory_layers, silent)
