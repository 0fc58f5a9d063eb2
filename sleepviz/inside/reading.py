"""Ask the memory: what S gives back for a question, read from S itself and not from the answering pass.

A question's tokens make a query q and an output gate in every fast-weight layer, on their own: no S and no cache
helps them on the way. S then gives S^T q. The layer's own norm, gate and output projection turn that into the
stream, and the model's final norm and unembedding turn the stream into words: a logit lens (nostalgebraist, 2020)
on what one layer's S puts in, and on nothing else. Nothing is written and nothing decays while S is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from sleepviz.core.memory import FastWeights, Memory
from sleepviz.core.model import Block, GatedDeltaNet, HybridLM, unit_length
from sleepviz.inside.seen import Reading
from sleepviz.tasks.base import NOT_ASKED, Task

WORDS = 5  # nearest words that are kept


def layers_of(model: HybridLM) -> tuple[int, ...]:
    """The places of the fast-weight layers among all blocks."""
    return tuple(i for i, kind in enumerate(model.config.layer_types) if kind == "linear_attention")


def questions_of(model: HybridLM, questions: Tensor) -> tuple[tuple[Tensor, Tensor], ...]:
    """The query [Q, H, T, K] and the gate [Q, T, H V] that questions [Q, T] make in each fast-weight layer, alone."""
    h, memory = model.embed(questions), Memory.empty(model.config, len(questions), dtype=model.embedding.weight.dtype)
    made = []
    for module, before in zip(model.blocks, memory.layers, strict=True):
        block: Block = module  # type: ignore[assignment]
        x = block.mixer_norm(h)
        if isinstance(before, FastWeights):
            made.append(_query_and_gate(block.mixer, x, before))
            o, _, _ = block.mixer(x, before)
        else:
            o, _, _ = block.mixer(x, before, position=0, mode="causal", observe=False)
        h = block.feed_forward(h + o)
    return tuple(made)


def _query_and_gate(mixer: Any, x: Tensor, before: FastWeights) -> tuple[Tensor, Tensor]:
    assert isinstance(mixer, GatedDeltaNet)
    config, qkv = mixer.config, mixer.qkv(x)
    if mixer.conv is not None and before.conv is not None:
        qkv, _ = mixer.conv(qkv, before.conv)
    width = config.fast_heads * config.key_dim
    q = qkv[..., :width].view(*x.shape[:2], config.fast_heads, config.key_dim).transpose(1, 2)
    return unit_length(q) * config.key_dim**-0.5, F.silu(mixer.output_gate(x))


def lens(
    model: HybridLM, states: Sequence[Tensor], questions: Tensor, made: Sequence[tuple[Tensor, Tensor]] | None = None
) -> dict[int | None, Tensor]:
    """Logits [Q, T, vocab_size] for each layer's S, and under None for all layers together.

    states [Q or 1, H, K, V] of each fast-weight layer; `made` is `questions_of`, where it is known already.
    """
    made = questions_of(model, questions) if made is None else made
    given: list[Tensor] = []
    found: dict[int | None, Tensor] = {}
    for layer, state, (q, gate) in zip(layers_of(model), states, made, strict=True):
        mixer: Any = model.blocks[layer].mixer
        o = mixer.norm(q @ state)  # [Q, H, T, V]
        given.append(mixer.out(o.transpose(1, 2).flatten(2) * gate))  # [Q, T, D]
        found[layer] = model.logits(given[-1])
    found[None] = model.logits(torch.stack(given).sum(dim=0))
    return found


def answer_parts(task: Task) -> NDArray[np.int64]:
    """The places of a question's tokens at which an answer is read, [P]."""
    hardest = np.array([task.difficulty_max])
    batch = task.batch(
        np.random.default_rng(0), size=1, n_windows=task.windows_max, difficulty=hardest, split="held_out"
    )
    return np.flatnonzero((batch.targets[0, 0] != NOT_ASKED).any(axis=0))


def readings(task: Task, instance: Any, found: dict[int | None, Tensor]) -> tuple[Reading, ...]:
    """What the task reads from each reader's logits, with the nearest words."""
    parts = answer_parts(task)
    return tuple(_reading(task, instance, layer, logits, parts) for layer, logits in found.items())


def _reading(task: Task, instance: Any, layer: int | None, logits: Tensor, parts: NDArray[np.int64]) -> Reading:
    probabilities = logits.softmax(dim=-1).float().numpy()  # [Q, T, vocabulary]
    at = probabilities[:, parts]  # [Q, P, vocabulary]
    best = np.argsort(-at, axis=-1, kind="stable")[..., :WORDS]
    ranked = [_words(task, instance, probabilities.shape, parts, best[..., rank]) for rank in range(best.shape[-1])]
    words = tuple(
        tuple(tuple(each[q][p] for each in ranked) for p in range(len(parts))) for q in range(len(probabilities))
    )
    return Reading(layer, task.answer(instance, probabilities), words, np.take_along_axis(at, best, axis=-1))


def _words(
    task: Task, instance: Any, shape: tuple[int, ...], parts: NDArray[np.int64], tokens: NDArray[np.int64]
) -> list[list[str]]:
    """Tokens [Q, P] as the task words an answer, or as the token's own text where it is no answer."""
    certain = np.zeros(shape, dtype=np.float32)
    certain[np.arange(shape[0])[:, None], parts[None], tokens] = 1.0
    answer = task.answer(instance, certain)
    words = []
    for text, sure, row in zip(answer.answers, answer.confidence, tokens, strict=True):
        each = list(text) if len(parts) > 1 else [text]
        words.append(
            [word if share > 0 else task.token_text(int(t)) for word, share, t in zip(each, sure, row, strict=True)]
        )
    return words
