"""How a model that is tuned reads: windows to sleep over, and questions to answer afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from sleepviz.config.base import ConfigError
from sleepviz.config.model import Eviction, SleepPolicy
from sleepviz.hybrids.cache import SleepCache
from sleepviz.hybrids.modeling import SleepForCausalLM
from sleepviz.hybrids.sleep import predict, sleep_windows
from sleepviz.hybrids.tuning.config import TuneConfig
from sleepviz.hybrids.tuning.examples import Examples
from sleepviz.tasks.base import NOT_ASKED


def cut(context: Tensor, window: int) -> tuple[Tensor, ...]:
    """[B, T] -> windows of `window` tokens, the last with the rest; never one of a single token.

    The library's one-token kernel of Mamba-2 writes in place, so no gradient goes through it: where one
    token is left, the window before it gives up its last.
    """
    n_tokens = context.shape[1]
    sizes = [min(window, n_tokens - start) for start in range(0, n_tokens, window)]
    if len(sizes) > 1 and sizes[-1] == 1:
        sizes[-2:] = [window - 1, 2]
    return torch.split(context, sizes, dim=1)


def asleep(model: PreTrainedModel, context: Tensor, policy: SleepPolicy, config: TuneConfig) -> SleepCache:
    """Sleep over a context [B, T]. With gradients, each window's passes are run again on the way back."""
    return streams_asleep(model, context, policy, config)[0]


def streams_asleep(
    model: PreTrainedModel, context: Tensor, policy: SleepPolicy, config: TuneConfig
) -> tuple[SleepCache, list[Tensor]]:
    """The same, and with `pass_loss` h after each pass over the whole context, [B, T, D] each."""
    cache: SleepCache | None = None
    by_window: list[list[Tensor]] = []
    windows = cut(context, config.window)
    for index, tokens in enumerate(windows):
        read = partial(_read, model, tokens, policy, config, cache)
        # The way back comes to the last window first, so nothing is saved by running that one again.
        again = torch.is_grad_enabled() and index < len(windows) - 1
        cache, streams = checkpoint(read, use_reentrant=False) if again else read()
        by_window.append(streams)
    assert cache is not None
    return cache, [torch.cat(parts, dim=1) for parts in zip(*by_window, strict=True)]


def _read(
    model: PreTrainedModel, tokens: Tensor, policy: SleepPolicy, config: TuneConfig, cache: SleepCache | None
) -> tuple[SleepCache, list[Tensor]]:
    (done,) = sleep_windows(
        model,
        tokens,
        policy,
        window=config.window,
        cache=cache,
        convolution=config.convolution,
        span=config.span,
        chunk_size=config.chunk_size,
        observe=bool(config.pass_loss),
        to_the_end=False,
    )
    return done.cache, [one.h for one in done.passes]


def answered(
    model: PreTrainedModel, examples: Examples, cache: SleepCache, config: TuneConfig
) -> Iterator[tuple[Tensor, Tensor]]:
    """Ask after a sleep -> (logits [B, K, vocab_size], targets [B, K]) for each query that asks something."""
    for query, target in zip(examples.queries.unbind(dim=1), examples.targets.unbind(dim=1), strict=True):
        if bool((target != NOT_ASKED).any()):
            logits, _ = predict(model, query.to(model.device), cache, chunk_size=config.chunk_size)
            yield logits, target.to(model.device)


def read_out(model: PreTrainedModel, h: Tensor) -> Tensor:
    """h [B, T, D] as a pass puts it out -> logits [B, T, vocab_size], as after the last layer of an ordinary call."""
    if isinstance(model, SleepForCausalLM):
        return model.lm.logits(h)
    norm, head = getattr(model.get_decoder(), "norm", None), model.get_output_embeddings()
    if norm is None or head is None:
        raise ConfigError("pass_loss needs a model whose last norm is called norm.")
    logits: Tensor = head(norm(h))
    return logits


def policy_for(model: PreTrainedModel, n_passes: int, eviction: Eviction) -> SleepPolicy:
    """How this model sleeps: our own keep the attention with which they were trained."""
    if isinstance(model, SleepForCausalLM):
        return replace(model.policy, n_passes=n_passes, eviction=eviction)
    return SleepPolicy(n_passes, eviction)
