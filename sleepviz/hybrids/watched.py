"""One run of a transformers model as a stream of events: what the page "Your model" shows.

The same events as sleepviz.runs.record's, for a text and a question about it. "If woken now" is exact,
whatever the eviction and the convolution: after pass n it is asked of a sleep of n passes, so N passes cost
N (N + 1) / 2.
How much is forgotten and how strongly is written is not visible in somebody else's layers; those two
measures are not a number (nan).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from sleepviz.config.base import require
from sleepviz.config.events import Answer, AnswerScored, CacheEvicted, Event, LayerMeasures, SleepPassDone, SleepStarted
from sleepviz.config.events import TokenRead as Read
from sleepviz.config.model import SleepPolicy
from sleepviz.config.run import RunSpec
from sleepviz.hybrids.cache import SleepCache
from sleepviz.hybrids.modeling import SleepForCausalLM
from sleepviz.hybrids.models.boundary import from_outside, is_finite
from sleepviz.hybrids.models.capability import decoder_layers
from sleepviz.hybrids.models.tokens import InOrder, Tokenizer, end_tokens, read_on, read_text
from sleepviz.hybrids.sleep import predict, sleep_windows
from sleepviz.hybrids.slept import SleptWindow
from sleepviz.hybrids.tuning.reading import cut, policy_for
from sleepviz.runs.measures import cosine, effective_rank, relative_drift

TOKENS_MAX = 2048  # of a document
ANSWER_TOKENS = 16
SHOWN_LAYERS, SHOWN_HEADS, SHOWN_SIDE = 6, 4, 32  # of S: a large model's would not fit a page


@dataclass(frozen=True)
class Question:
    """A context, and how its questions are asked of a memory."""

    context: Tensor  # [1, T]
    token_text: Callable[[int], str]  # how a token is written; asked in the context's order
    woken: Callable[[SleepCache, int], Answer]  # (memory, context tokens read) -> what it would answer now
    final: Callable[[SleepCache], Answer]


def of_text(model: PreTrainedModel, tokenizer: Tokenizer, document: str, question: str) -> Question:
    """A document to be slept on and a question after it. Raises ConfigError.

    "If woken now" asks for the first token of the answer alone, with its probability.
    """
    context = read_text(tokenizer, document)
    asked = read_on(tokenizer, question)
    n_tokens = len(context.tokens)
    require(2 <= n_tokens <= TOKENS_MAX, f"the document must have from 2 to {TOKENS_MAX} tokens: {n_tokens}.")
    require(1 <= len(asked) <= TOKENS_MAX, f"the question must have from 1 to {TOKENS_MAX} tokens.")
    vocab_size = model.config.get_text_config(decoder=True).vocab_size
    require(max(*context.tokens, *asked) < vocab_size, "the tokenizer has tokens that the model does not know.")
    ends = end_tokens(model, tokenizer)

    def answer(cache: SleepCache, most: int) -> Answer:
        new, said, sure = torch.tensor([asked], device=model.device), list[int](), list[float]()
        for _ in range(most):
            logits, cache = predict(model, new, cache)
            require(is_finite(logits[0, -1]), "the model's answer holds numbers that are not finite.")
            likeliest = logits[0, -1].float().softmax(dim=-1).max(dim=-1)
            said.append(int(likeliest.indices))
            sure.append(float(likeliest.values))
            if said[-1] in ends:
                break
            new = likeliest.indices[None, None]
        words = tokenizer.decode(said[:-1] if said[-1] in ends else said)
        least = np.array([[min(sure)]], dtype=np.float32)
        return Answer((question,), (words,), ("",), (False,), (0,), least)

    return Question(
        context=torch.tensor([context.tokens]),
        token_text=InOrder(context),
        woken=lambda cache, _: answer(cache, 1),
        final=lambda cache: answer(cache, ANSWER_TOKENS),
    )


def window_of(model: PreTrainedModel, asked: int) -> int:
    """L: what was asked for, or the one window for which a model of ours was built."""
    return model.window if isinstance(model, SleepForCausalLM) else asked


def watch_text(model: PreTrainedModel, tokenizer: Tokenizer, spec: RunSpec) -> Iterator[Event]:
    """Every event of a run that sleepviz.text.example.text_spec describes. Raises ConfigError."""
    asked = json.loads(spec.input)
    window = window_of(model, int(asked["window"]))
    require(window >= 3, "the window must be at least 3 tokens.")
    with from_outside("the model cannot read this text"):
        question = of_text(model, tokenizer, asked["document"], asked["question"])
        policy, span = SleepPolicy(spec.n_passes, spec.eviction), asked.get("span")
        yield from watch(model, question, policy, window=window, span=tuple(span) if span else None)


@torch.inference_mode()  # entered anew for each event: whoever reads them is not in that mode in between
def watch(
    model: PreTrainedModel,
    question: Question,
    policy: SleepPolicy,
    *,
    window: int,
    span: tuple[int, int] | None = None,
) -> Iterator[Event]:
    """Read, sleep, evict, answer: every event of one run; `span` as in `sleep_windows`. Raises ConfigError."""
    policy = policy_for(model, policy.n_passes, policy.eviction)
    cache, done = SleepCache(model.config), 0
    for index, tokens in enumerate(cut(question.context, window)):
        n_tokens = tokens.shape[1]
        held = cache.kv_tokens
        for place, token in enumerate(tokens[0].tolist()):
            yield Read(done + place, question.token_text(token), index, tuple(n + place + 1 for n in held))
        # What reading them awake would hold: one pass, nothing evicted.
        full = _sleep(model, tokens, replace(policy, n_passes=1, eviction="none"), cache, window, span)
        full_bytes = _kv_bytes(full.cache)
        stop = done + n_tokens
        # A window that gave up its last token (see `cut`) is no end of the context.
        reason = "context over" if n_tokens < window and stop == question.context.shape[1] else "window full"
        yield SleepStarted(reason, index, done, stop, full.kv_tokens_full, full_bytes, policy.n_passes)
        slept = None
        before, h_before = cache.fast_weights, _entering(model, tokens, cache, window, span)
        for n_passes in range(1, policy.n_passes + 1):
            started = time.perf_counter()
            slept = _sleep(model, tokens, replace(policy, n_passes=n_passes), cache, window, span)
            sleep_s = (time.perf_counter() - started) / n_passes
            last = slept.passes[-1]
            yield SleepPassDone(
                window_index=index,
                pass_index=n_passes - 1,
                layers=_measures(slept.cache, before, last.fast_weights),
                h_drift=float(relative_drift(h_before, last.h)[0]),
                attention=(),
                woken=question.woken(slept.cache, stop),
                sleep_s=sleep_s,
                flops=0,
            )
            before, h_before = last.fast_weights, last.h
        slept = slept or _sleep(model, tokens, policy, cache, window, span)  # N = 0
        cache, done = slept.cache, stop
        dropped = max(full.kv_tokens_full, default=0) - max(cache.kv_tokens, default=0)
        fast_bytes = sum(state.numel() * state.element_size() for state in cache.fast_weights)
        yield CacheEvicted(index, dropped, full_bytes - _kv_bytes(cache), cache.kv_tokens, fast_bytes)
    started = time.perf_counter()
    answer = question.final(cache)
    yield AnswerScored(answer, time.perf_counter() - started, 0)


def _sleep(
    model: PreTrainedModel,
    tokens: Tensor,
    policy: SleepPolicy,
    cache: SleepCache,
    window: int,
    span: tuple[int, int] | None,
) -> SleptWindow:
    here = tokens.to(model.device)
    (slept,) = sleep_windows(model, here, policy, window=window, cache=cache, span=span, observe=True)
    return slept


def _kv_bytes(cache: SleepCache) -> int:
    """Bytes of the keys and values themselves; cache.kv_bytes counts what a view keeps alive as well."""
    held = [layer for layer in cache.attention_layers if layer.held_tokens]
    return sum(t.numel() * t.element_size() for layer in held for t in (layer.keys, layer.values))


def _entering(
    model: PreTrainedModel, tokens: Tensor, cache: SleepCache, window: int, span: tuple[int, int] | None
) -> Tensor:
    """h [1, T, D] as it enters the first looped layer: what the first pass starts from."""
    if isinstance(model, SleepForCausalLM):
        return model.lm.embed(tokens)
    seen: list[Tensor] = []

    def keep(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seen.append(args[0] if args else kwargs["hidden_states"])

    with decoder_layers(model)[span[0] if span else 0].register_forward_pre_hook(keep, with_kwargs=True):
        _sleep(model, tokens, SleepPolicy(1), cache, window, span)
    return seen[0]


def _measures(cache: SleepCache, before: tuple[Tensor, ...], after: tuple[Tensor, ...]) -> tuple[LayerMeasures, ...]:
    """Each shown layer's S before and after one pass; all of it in the norms, some of it in the picture."""
    places = [index for index, layer in enumerate(cache.layers) if layer in cache.fast_layers]
    chosen = np.unique(np.linspace(0, len(after) - 1, min(SHOWN_LAYERS, len(after))).round().astype(int)).tolist()
    found = []
    for index in chosen:
        new = after[index][0].float().cpu()[:SHOWN_HEADS]  # [H, K, V]
        old = before[index][0].float().cpu()[:SHOWN_HEADS] if before else torch.zeros_like(new)
        unseen = np.full(len(new), np.nan, dtype=np.float32)
        found.append(
            LayerMeasures(
                layer=places[index] if len(places) == len(after) else index,
                drift=relative_drift(old, new).numpy(),
                cosine=cosine(old, new).numpy(),
                norm=new.norm(dim=(-2, -1)).numpy(),
                effective_rank=effective_rank(new).numpy(),
                mean_decay=unseen,
                mean_beta=unseen,
                state=new[:, :SHOWN_SIDE, :SHOWN_SIDE].numpy().copy(),
            )
        )
    return tuple(found)
