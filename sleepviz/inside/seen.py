"""What is seen of one pass, as frozen records of numpy arrays: one head or all of them can be drawn from these.

Dimensions: H heads, T tokens of the window, K key dim, V value dim, Q questions, P parts of an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sleepviz.config.events import Answer, Array

PASSES_MAX = 24
"""The most passes that can be looked into: all of what each one wrote is kept."""
PROBE_SLICES, PROBE_SLICE = 20, 64
"""Other instances sleep for a probe so many at a time: a slice is a step, between which others' runs come in."""


def probe_steps(n_passes: int) -> int:
    """Steps of a probe: each slice sleeps on the earlier windows, then pass by pass; each pass is read."""
    return PROBE_SLICES * (1 + n_passes) + n_passes


@dataclass(frozen=True, eq=False)
class LayerSeen:
    """One fast-weight layer in one pass. Token t wrote the outer product of `keys[:, t]` and `corrections[:, t]`."""

    layer: int  # its place among all blocks, from 0
    before: Array  # [H, K, V] S before the pass
    state: Array  # [H, K, V] S after it
    singular: Array  # [H, min(K, V)] singular values of `state`, the largest first
    decay: Array  # [H, T] share of S that each token keeps, from 0 to 1
    write_strength: Array  # [H, T] beta of each token
    keys: Array  # [H, T, K]
    corrections: Array  # [H, T, V] beta (v - what S gave for the key): see `delta_rule.corrections`


@dataclass(frozen=True, eq=False)
class Reading:
    """What S gives back for every question, read by one reader.

    `words[q][p]` are the likeliest words for part p of question q, the best first; `scores` their probabilities.
    """

    layer: int | None  # the layer whose S was read; None: all of them together
    answer: Answer
    words: tuple[tuple[tuple[str, ...], ...], ...]
    scores: Array  # [Q, P, words]


@dataclass(frozen=True, eq=False)
class ProbeSeen:
    """What a linear probe, fitted on other instances, reads from S after one pass over the last window."""

    pass_index: int
    own: Answer  # of this run's S, to every question; of one without a level it means nothing
    other: Answer  # the same of the S of another instance
    levels: tuple[int | None, ...]  # of each question; None: the probe reads nothing of it
    right: Mapping[int, float]  # level -> share of the answers' parts that are read right, of held-out instances
    right_other: Mapping[int, float]  # the same where the S of another instance is read
    n_fitted: int
    n_tested: int


@dataclass(frozen=True, eq=False)
class PassSeen:
    """One pass over one window, and what the memory gives back after it."""

    window_index: int
    pass_index: int  # from 0
    tokens: tuple[str, ...]
    layers: tuple[LayerSeen, ...]
    attention: tuple[Array, ...]  # [heads, T, keys] of each attention layer
    attention_layers: tuple[int, ...]  # their places among all blocks
    h_before: Array  # [T, D] the stream that the pass started from
    h: Array  # [T, D] the stream after it
    woken: Answer  # what the model would answer if woken now
    own: tuple[Reading, ...]  # of this run's S
    other: tuple[Reading, ...]  # the same questions, of the S of another run
