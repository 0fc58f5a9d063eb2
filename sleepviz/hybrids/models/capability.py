"""Can this model sleep? Found out by experiment, so that a model nobody thought of is judged too.

Sleep needs four things of a transformers model, checked in this order:
 1. a cache whose layers are known, some with keys to evict and some with a state;
 2. after a chunk of tokens, fast weights in that cache;
 3. a call with several tokens that goes on from them: S of a layer after it depends on S of that layer
    before it. Mamba-1 layers start such a call from zero, whatever the cache holds (transformers 5.24),
    and say nothing; Zaya's state is the newest token's values, read once and replaced;
 4. two calls that give what one call gives.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from itertools import product
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from sleepviz.config.base import ConfigError
from sleepviz.hybrids.cache import SleepCache
from sleepviz.hybrids.models.boundary import from_outside, is_finite
from sleepviz.hybrids.slept import SleepsByItself

PROBE_TOKENS = (10, 3)  # of the two calls: longer than a short convolution; and more than one, yet soon over
# Relative sizes of the test perturbation of S; the huge one is used when a fast decay erases the first.
STRENGTHS = (1.0, 1e30)
SPLIT_ERROR_MAX = 0.1  # of two calls against one, median, in standard deviations of the logits


@dataclass(frozen=True)
class Capability:
    """Whether a model can sleep, why not, and what the experiment measured."""

    can_sleep: bool
    reason: str  # one sentence; "" where it can
    carried: float = 0.0  # relative change of a layer's S after a call, for one as large as itself before it
    read: float = 0.0  # change of the call's logits for it, in standard deviations; 0 for fresh memory layers
    split_error: float = 0.0  # two calls against one


_KNOWN: WeakKeyDictionary[nn.Module, Capability] = WeakKeyDictionary()


def require_sleeper(model: PreTrainedModel) -> None:
    """Raise ConfigError with one sentence unless the model can sleep. A model is tried once."""
    if model not in _KNOWN:
        _KNOWN[model] = capability_of(model)
    if not _KNOWN[model].can_sleep:
        raise ConfigError(_KNOWN[model].reason)


def decoder_layers(model: PreTrainedModel) -> nn.ModuleList:
    """The decoder's layers, in order. Raises ConfigError."""
    layers = getattr(model.get_decoder(), "layers", None)
    if not isinstance(layers, nn.ModuleList) or not len(layers):
        raise ConfigError(
            f"{type(model).__name__} cannot sleep: it has no list of decoder layers that could be looped."
        )
    return layers


def capability_of(model: PreTrainedModel) -> Capability:
    """Try it: a few short calls, without gradients; the model stays as it is."""
    if isinstance(model, SleepsByItself):
        return Capability(True, "")
    name = type(model).__name__
    was_training = model.training
    model.eval()  # dropout would make any two calls differ
    try:
        with torch.inference_mode(), from_outside("a trial call with a cache failed"):
            return _experiment(model, _empty_cache(model))
    except ConfigError as error:
        reason = str(error)
        return Capability(False, reason if reason.startswith(name) else f"{name} cannot sleep: {reason}")
    finally:
        model.train(was_training)


def _empty_cache(model: PreTrainedModel) -> SleepCache:
    """A cache for the trial. Raises ConfigError where the model's kind alone says that it cannot sleep."""
    decoder_layers(model)
    cache = SleepCache(model.config)
    if not cache.fast_layers:
        raise ConfigError("it has attention only and no fast weights; add_fast_weights gives some to a Llama or Qwen3.")
    if not cache.attention_layers:
        raise ConfigError("it has no attention, so there is no KV cache to evict.")
    if "cache" not in inspect.signature(model.forward).parameters:
        raise ConfigError("its forward call takes no cache of the library's common kind.")
    return cache


def _experiment(model: PreTrainedModel, empty: SleepCache) -> Capability:
    device = next(model.parameters()).device
    vocab_size = model.config.get_text_config(decoder=True).vocab_size
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(vocab_size, (1, sum(PROBE_TOKENS)), generator=generator).to(device)
    first, second = torch.split(tokens, list(PROBE_TOKENS), dim=1)
    _, cache = _call(model, first, empty)
    if not cache.fast_weights:
        raise ConfigError("its cache holds no fast weights after a call, so nothing would outlive eviction.")
    logits, after = _call(model, second, cache)
    whole, _ = _call(model, tokens, empty)
    if not all(map(is_finite, (logits, whole, *cache.fast_weights, *after.fast_weights))):
        raise ConfigError("a short call of it gives numbers that are not finite.")
    scale = float(whole.float().std().clamp(min=1e-9))
    carried, moved = _carried_and_read(model, second, cache, (logits, after), generator)
    read = moved / scale
    if carried == 0.0 and read > 0.0:
        raise ConfigError("a call reads the state in its cache and replaces it, so nothing older outlives eviction.")
    if carried == 0.0:
        raise ConfigError(
            "a call with several tokens starts from an empty state and ignores the fast weights in its cache."
        )
    split = float((whole[:, first.shape[1] :] - logits).float().abs().median()) / scale
    if split > SPLIT_ERROR_MAX:
        raise ConfigError(f"reading a text in two calls gives other logits than in one (by {split:.2g} deviations).")
    return Capability(True, "", carried, read, split)


def _carried_and_read(
    model: PreTrainedModel,
    tokens: Tensor,
    cache: SleepCache,
    unchanged: tuple[Tensor, SleepCache],
    generator: torch.Generator,
) -> tuple[float, float]:
    """What a change of one layer's S does to that layer's S after a call, in its size, and to the call's logits.

    `unchanged` is what the call gives without one. One layer at a time: S of a later layer also changes with the
    stream that an earlier one puts out.
    """
    (logits, after), read = unchanged, 0.0
    for strength, index in product(STRENGTHS, range(len(cache.fast_weights))):
        state = cache.fast_weights[index]
        change = torch.randn(state.shape, generator=generator).to(state) * state.float().std().clamp(min=1e-3).to(state)
        most = torch.finfo(state.dtype).max
        changed = (state.double() + strength * change.double()).clamp(-most, most).to(state)
        others = tuple(changed if i == index else s for i, s in enumerate(cache.fast_weights))
        logits_other, after_other = _call(model, tokens, cache.with_fast_weights(others))
        if strength == 1.0:
            read = max(read, float(_finite_difference(logits_other, logits).abs().max()))
        carried = _relative(after_other.fast_weights[index], after.fast_weights[index]) / strength
        if carried > 0.0:
            return carried, read
    return 0.0, read


def _call(model: PreTrainedModel, tokens: Tensor, cache: SleepCache) -> tuple[Tensor, SleepCache]:
    after = cache.fork()
    positions = torch.arange(tokens.shape[1], device=tokens.device)[None] + cache.position
    output = model(input_ids=tokens, cache=after, position_ids=positions, use_cache=True)
    return output.logits, after


def _relative(one: Tensor, other: Tensor) -> float:
    """Their difference, relative to the size of `other`."""
    return float(_finite_difference(one, other).norm() / other.double().norm().clamp(min=1e-9))


def _finite_difference(one: Tensor, other: Tensor) -> Tensor:
    """one - other, and 0 where either is not finite: there the huge change of S has overflowed, which says nothing."""
    return (one.double() - other.double()).nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
