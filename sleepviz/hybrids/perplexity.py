"""Perplexity of how a text goes on, once what came before it was evicted: does sleeping longer help?

At the end of every window but the last, the model has slept on all that it has read, and the cache is empty.
The first tokens of the next window are then read awake, in one pass, and each but the first is scored:
its probability given the tokens of this chunk before it and the memory. N = 0 drops every window unread;
full attention keeps everything and is the model's ordinary forward call. Every setting scores the same tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from sleepviz.config.base import require
from sleepviz.hybrids.cache import SleepCache
from sleepviz.hybrids.models.boundary import is_finite
from sleepviz.hybrids.sleep import predict, sleep_windows
from sleepviz.hybrids.tuning.reading import policy_for
from sleepviz.text.losses import Losses

PASSES = (0, 1, 2, 4)
SCORED_MIN = 8  # positions: below this an interval over them says nothing


def continuations(n_tokens: int, window: int, length: int) -> tuple[range, ...]:
    """Chunks [start, stop) that are read awake: the first `length` tokens after each window's end, if there are two."""
    starts = range(window, n_tokens, window)
    chunks = (range(start, min(start + length, n_tokens)) for start in starts)
    return tuple(chunk for chunk in chunks if len(chunk) >= 2)


@torch.inference_mode()
def losses_by_setting(
    model: PreTrainedModel,
    tokens: Tensor,
    *,
    window: int,
    length: int | None = None,
    passes: Sequence[int] = PASSES,
    span: tuple[int, int] | None = None,
) -> Iterator[Losses]:
    """Read the text tokens [1, T] under every N of `passes`, then with full attention; hard eviction.

    `length`: tokens of each chunk that is scored, at most the window. `span`: the layers that are looped, as in
    `sleep_windows`. Raises ConfigError for a text that is too short.
    """
    length = window if length is None else length
    require(2 <= length <= window, "what is scored must be from 2 tokens to one window.")
    chunks = continuations(tokens.shape[1], window, length)
    positions = tuple(place for chunk in chunks for place in chunk[1:])
    require(
        len(positions) >= SCORED_MIN,
        f"the text must go on for at least {SCORED_MIN + 1} tokens after its first window of {window}.",
    )
    tokens = tokens.to(model.device)
    for n_passes in passes:
        yield Losses(n_passes, _after_eviction(model, tokens, window, chunks, n_passes, span), positions)
    yield Losses(None, _with_everything(model, tokens, positions), positions)


def _after_eviction(
    model: PreTrainedModel,
    tokens: Tensor,
    window: int,
    chunks: Sequence[range],
    n_passes: int,
    span: tuple[int, int] | None,
) -> NDArray[np.float64]:
    policy = policy_for(model, n_passes, "hard")
    read = tokens[:, : chunks[-1].start]
    found = []
    windows = sleep_windows(model, read, policy, window=window, span=span, to_the_end=False)
    for chunk, slept in zip(chunks, windows, strict=True):
        heard = tokens[:, chunk.start : chunk.stop]
        logits, _ = predict(model, heard, slept.cache)
        found.append(nats_of(logits[0, :-1], heard[0, 1:]))
    return np.concatenate(found)


def _with_everything(model: PreTrainedModel, tokens: Tensor, positions: Sequence[int]) -> NDArray[np.float64]:
    logits, _ = predict(model, tokens, SleepCache(model.config))
    places = torch.tensor(positions, device=tokens.device)
    return nats_of(logits[0, places - 1], tokens[0, places])


def nats_of(logits: Tensor, wanted: Tensor) -> NDArray[np.float64]:
    """-log softmax of the wanted tokens: logits [T, vocab_size], wanted [T] -> [T]."""
    require(is_finite(logits), "the model's numbers for this text are not finite, so it has no perplexity.")
    chosen = logits.double().log_softmax(dim=-1).gather(-1, wanted[:, None])[:, 0]
    return -chosen.cpu().numpy()
