"""Is what S gives back what the model answers? Read from S after N passes, beside the answer, for many instances.

A reader asks S alone (`inside.reading`), with no help from the answering pass: layer by layer, or all layers together.
A probe, fitted on other instances, reads S in its own way. Each is asked the same of the S of another instance.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sleepviz.core.memory import Memory
from sleepviz.core.model import HybridLM
from sleepviz.inside.reading import lens
from sleepviz.studies.reading.probe import Ridge
from sleepviz.tasks.base import NOT_ASKED, Batch, Tokens


@torch.inference_mode()
def answered(model: HybridLM, batch: Batch, memory: Memory) -> tuple[Tokens, NDArray[np.bool_]]:
    """What the model answers to the first question in one ordinary pass, [B], and whether that is right, [B]."""
    logits, _ = model(torch.from_numpy(batch.queries[:, 0].copy()), memory)
    target = _target(batch)
    place = (target != NOT_ASKED).argmax(axis=-1)
    rows = np.arange(len(place))
    answer = logits.argmax(dim=-1).numpy()[rows, place]
    return answer, answer == target[rows, place]


@torch.inference_mode()
def read_by_lens(model: HybridLM, batch: Batch, memory: Memory, layer: int | None) -> Tokens:
    """The likeliest word of what one layer's S, or that of all layers, gives for the first question, [B]."""
    found = lens(model, memory.fast_weights, torch.from_numpy(batch.queries[:, 0].copy()))[layer]
    place = (_target(batch) != NOT_ASKED).argmax(axis=-1)
    return np.asarray(found.argmax(dim=-1).numpy()[np.arange(len(place)), place])


def fit_probe(states: Tensor, answers: Tokens) -> Ridge:
    """A linear probe from states [n, features] to the answers of every part, [n, parts], tokens from 0."""
    onehot = torch.nn.functional.one_hot(torch.from_numpy(answers)).double()  # [n, parts, tokens]
    return Ridge.fit(states, onehot.flatten(1))


def read_by_probe(probe: Ridge, states: Tensor, parts: int, asked: Tokens) -> Tokens:
    """What the probe reads from states [n, features] for the part that each instance is asked, [n]."""
    scores = probe(states).view(len(states), parts, -1)
    return np.asarray(scores.argmax(dim=-1).numpy()[np.arange(len(asked)), asked])


def _target(batch: Batch) -> Tokens:
    """The answer to the first question, [B, T]; NOT_ASKED elsewhere."""
    return batch.targets[np.arange(len(batch.difficulty)), 0, batch.difficulty]
