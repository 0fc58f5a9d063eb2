"""Sleep for a transformers hybrid: arXiv:2605.26099 Algorithm 1 over somebody else's blocks.

For each window of the context: one call of the model's decoder in which its layers run N times
(looping.py), then eviction. What crosses from pass to pass is the stream h and S; the KV cache is
rebuilt in every pass on top of what was kept before the window. Positions are absolute and go on.

With N = 1 this is the model's ordinary forward call under a block mask. The short convolution before
the fast weights has no counterpart in the paper, so what it sees is an option, `convolution`:
    "rewind"  every pass starts with the tokens before the window as its left context, as the first does
    "carry"   a later pass sees the end of the pass before it
    "zero"    every pass sees nothing on its left, and eviction clears it: S alone crosses a boundary
The first two are the same model at N = 1; "zero" is what our own HybridLM does under hard eviction.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from transformers import GenerationConfig, PreTrainedModel
from transformers.utils import ModelOutput

from sleepviz.config.base import require
from sleepviz.config.model import SleepPolicy
from sleepviz.hybrids.cache import SleepCache
from sleepviz.hybrids.layers import AllWritten, AssigningLayer, EvictingLayer
from sleepviz.hybrids.looping import looped
from sleepviz.hybrids.models.boundary import from_outside
from sleepviz.hybrids.models.capability import decoder_layers, require_sleeper
from sleepviz.hybrids.slept import SleepsByItself, SleptPass, SleptWindow

Convolution = Literal["rewind", "zero", "carry"]


def sleep_hybrid(
    model: PreTrainedModel,
    input_ids: Tensor,
    policy: SleepPolicy,
    *,
    window: int,
    cache: SleepCache | None = None,
    convolution: Convolution = "rewind",
    span: tuple[int, int] | None = None,
    chunk_size: int | None = None,
) -> SleepCache:
    """Read the context input_ids [B, T] asleep, window by window -> a compact cache, for `predict` and `generate`.

    `cache` goes on from an earlier sleep, which stays as it is. `span` = (first, last + 1) loops the
    layers in between only (the paper loops the middle 14 of Jet-Nemotron's 28); the others run once.
    `chunk_size` is handed to the library's gated delta rule, which otherwise pads each window to 64.
    Gradients flow unless they are switched off around it, but not through a chunk of one single token in
    a Mamba-2 family: the library's kernel for one token writes in place, and backward says so.
    What follows the last write of S in a window's last pass is not computed where eviction is hard:
    neither its stream nor its keys would outlive the window.
    Raises ConfigError for a model that cannot sleep.
    """
    settings = {"window": window, "convolution": convolution, "span": span, "chunk_size": chunk_size}
    slept = _started(model, cache)
    for done in sleep_windows(model, input_ids, policy, cache=slept, to_the_end=False, **settings):  # type: ignore[arg-type]
        slept = done.cache
    return slept


def sleep_windows(
    model: PreTrainedModel,
    input_ids: Tensor,
    policy: SleepPolicy,
    *,
    window: int,
    cache: SleepCache | None = None,
    convolution: Convolution = "rewind",
    span: tuple[int, int] | None = None,
    chunk_size: int | None = None,
    observe: bool = False,
    to_the_end: bool = True,
) -> Iterator[SleptWindow]:
    """The same, one window at a time; with `observe` each window brings h and S after each of its passes.

    `to_the_end` False leaves out what `sleep_hybrid` leaves out; the KV that a window says it held then lacks it too.
    """
    _require_tokens(model, input_ids, "context")
    if isinstance(model, SleepsByItself):
        require(window == model.window, f"this model was built for a window of {model.window} tokens.")
        plain = (convolution, span, chunk_size) == ("rewind", None, None)
        require(plain, "this model sleeps in its own way: convolution, span and chunk_size are not for it.")
        yield from model.sleep_windows(input_ids, policy, cache=cache, observe=observe)
        return
    layers = decoder_layers(model)
    first, stop = span or (0, len(layers))
    _require_settings(model, policy, window, convolution, chunk_size)
    require(0 <= first < stop <= len(layers), f"span must lie within the model's {len(layers)} layers.")
    now = _started(model, cache)
    for tokens in torch.split(input_ids, window, dim=1):
        start, before, passes = now.position, now, list[SleptPass]()
        now = before.fork()
        if policy.n_passes > 0:
            whole = to_the_end or observe or policy.eviction != "hard"
            enter = partial(_enter, now, before, policy, convolution, range(first, stop), whole)
            after = partial(_observed, now, passes) if observe else _ignored
            enter(0)
            with (
                looped(list(layers)[first:stop], policy.n_passes, before_pass=enter, after_pass=after),
                suppress(AllWritten),
            ):
                _decode(model, tokens, now, chunk_size)
            now.ends_with = None
        now.move_to(start + tokens.shape[1])
        full_tokens, full_bytes = now.kv_tokens, now.kv_bytes
        if policy.eviction != "none":
            now.evict(keep=window - 1 if policy.eviction == "sliding" else 0)
        if convolution == "zero":
            for layer in now.fast_layers:
                layer.clear_convolution()
        yield SleptWindow(start, start + tokens.shape[1], full_tokens, full_bytes, tuple(passes), now.fork())


def predict(
    model: PreTrainedModel, input_ids: Tensor, cache: SleepCache, *, chunk_size: int | None = None
) -> tuple[Tensor, SleepCache]:
    """Awake: exactly one pass. input_ids [B, T] -> (logits [B, T, vocab_size], the cache after them).

    `cache` stays as it is, so that several questions may be asked of one sleep. `chunk_size` is for `sleep_hybrid`'s
    reason: the library's delta rule pads the question to 64 tokens too.
    """
    _require_tokens(model, input_ids, "question")
    after, extra = cache.fork(), {} if chunk_size is None else {"chunk_size": chunk_size}
    positions = _positions(input_ids, after)
    output = model(input_ids=input_ids, cache=after, position_ids=positions, use_cache=True, **extra)
    return output.logits, after


def generate(model: PreTrainedModel, input_ids: Tensor, cache: SleepCache, **settings: Any) -> Tensor | ModelOutput:
    """`model.generate` for the prompt input_ids [B, T] after a sleep -> the new tokens [B, n].

    The context itself is not passed on: it is gone. `cache` stays as it is. `settings` go to `generate`, a
    `generation_config` among them; what they leave open is the model's own. With `return_dict_in_generate` the
    result is the library's, whose sequences begin with the prompt. Raises ConfigError for settings that the library
    refuses, and for `use_cache` off: what was slept on lies in the cache.
    """
    _require_tokens(model, input_ids, "prompt")
    seen = cache.position + input_ids.shape[1]
    mask = torch.ones(input_ids.shape[0], seen, dtype=torch.long, device=input_ids.device)
    # The library repeats the prompt for beams and samples, but not a cache that it is given.
    times = max(_setting(model, settings, name) or 1 for name in ("num_beams", "num_return_sequences"))
    with from_outside("the model cannot generate so"):
        found = model.generate(input_ids, attention_mask=mask, cache=cache.repeated(times), **_with_cache(settings))
    return found if isinstance(found, ModelOutput) else found[:, input_ids.shape[1] :]


def _with_cache(settings: dict[str, Any]) -> dict[str, Any]:
    """The same settings, with the cache on even where the model's own configuration has it off."""
    given: GenerationConfig | None = settings.get("generation_config")
    off = settings.get("use_cache") is False or getattr(given, "use_cache", None) is False
    require(not off, "use_cache cannot be off: what was slept on lies in the cache.")
    if given is None:
        return {**settings, "use_cache": True}
    on = copy.deepcopy(given)
    on.use_cache = True
    return {**settings, "generation_config": on}


def _setting(model: PreTrainedModel, settings: dict[str, Any], name: str) -> Any:
    """What the library will go by: a keyword, else the given configuration's, else the model's own."""
    configs = (settings.get("generation_config"), model.generation_config)
    found = [settings.get(name), *(getattr(config, name, None) for config in configs)]
    return next((value for value in found if value is not None), None)


def _started(model: PreTrainedModel, cache: SleepCache | None) -> SleepCache:
    require_sleeper(model)
    return SleepCache(model.config) if cache is None else cache


def _positions(tokens: Tensor, cache: SleepCache) -> Tensor:
    """Absolute positions [B, T]: always passed on, as one family (Bamba) counts from 0 at every call."""
    start = cache.position
    return torch.arange(start, start + tokens.shape[1], device=tokens.device).expand(tokens.shape[0], -1)


def _decode(model: PreTrainedModel, tokens: Tensor, cache: SleepCache, chunk_size: int | None) -> None:
    """One call of the decoder, without the head: nothing is predicted asleep."""
    decoder: nn.Module = model.get_decoder()
    extra = {} if chunk_size is None else {"chunk_size": chunk_size}
    decoder(input_ids=tokens, cache=cache, position_ids=_positions(tokens, cache), use_cache=True, **extra)


def _enter(
    now: SleepCache,
    before: SleepCache,
    policy: SleepPolicy,
    convolution: Convolution,
    span: range,
    whole: bool,
    pass_index: int,
) -> None:
    """Before a pass: the looped layers' KV is as it was before the window; S goes on.

    Unless the window is read as a `whole`, the call ends with the last write of the layer that writes last.
    """
    last = now.last_fast_index
    if not whole and pass_index == (policy.n_passes - 1 if last in span else 0):
        now.ends_with = last
    if pass_index == 0:
        return
    for index in span:
        layer, earlier = now.layers[index], before.layers[index]
        if isinstance(layer, EvictingLayer):
            layer.rewind(earlier)
        if not isinstance(layer, AssigningLayer):
            continue
        if policy.recurrence == "reset_state":
            layer.rewind_state(earlier)
        if convolution == "rewind":
            layer.rewind_convolution(earlier)
        elif convolution == "zero":
            layer.clear_convolution()


def _observed(now: SleepCache, passes: list[SleptPass], pass_index: int, h: Tensor) -> None:
    passes.append(SleptPass(pass_index, h, now.fork().fast_weights))


def _ignored(pass_index: int, h: Tensor) -> None:
    """Nothing is kept of a pass that nobody looks at."""


def _require_tokens(model: PreTrainedModel, input_ids: Tensor, what: str) -> None:
    """Refuse what the library would end in a reshape or an index error on. Raises ConfigError."""
    require(input_ids.ndim == 2 and input_ids.dtype == torch.long, f"the {what} must be whole numbers, [B, T].")
    require(input_ids.numel() > 0, f"the {what} has no tokens.")
    known = model.config.get_text_config(decoder=True).vocab_size
    in_range = int(input_ids.min()) >= 0 and int(input_ids.max()) < known
    require(in_range, f"the {what} has tokens that the model does not know: it knows 0 to {known - 1}.")


def _require_settings(
    model: PreTrainedModel,
    policy: SleepPolicy,
    window: int,
    convolution: Convolution,
    chunk_size: int | None,
) -> None:
    require(window >= 1, "the window must be at least 1 token.")
    require(convolution in get_args(Convolution), f"convolution must be one of {', '.join(get_args(Convolution))}.")
    require(chunk_size is None or chunk_size >= 1, "chunk_size must be at least 1.")
    require(policy.sleep_attention == "causal", "a transformers model attends causally, asleep as awake.")
    require(policy.recurrence != "replay", "replay is a control of our own HybridLM only.")
    checkpointing = model.training and getattr(model, "is_activation_checkpointing", False)
    require(not checkpointing, "gradient checkpointing by layer drops the cache; checkpoint whole windows.")
