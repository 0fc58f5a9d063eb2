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
class Writes:
    """What the tokens of a pass wrote: token t the outer product of `keys[:, t]` and `corrections[:, t]`."""

    decay: Array  # [H, T] share of S that each token keeps, from 0 to 1
    strength: Array  # [H, T] beta of each token
    keys: Array  # [H, T, K]
    corrections: Array  # [H, T, V] beta (v - what S gave for the key): see `delta_rule.corrections`


@dataclass(frozen=True, eq=False)
class LayerSeen:
    """One fast-weight layer in one pass."""

    layer: int  # its place among all blocks, from 0
    before: Array  # [H, K, V] S before the pass
    state: Array  # [H, K, V] S after it
    singular: Array  # [H, min(K, V)] singular values of `state`, the largest first
    writes: Writes | None  # None: the layer does not let one see them


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
class Looked:
    """One pass over one window: what every model lets one see of it."""

    window_index: int
    pass_index: int  # from 0
    tokens: tuple[str, ...]
    layers: tuple[LayerSeen, ...]
    attention: tuple[Array, ...]  # [heads, T, keys] of each attention layer that lets one see it
    attention_layers: tuple[int, ...]  # their places among all blocks
    h_before: Array  # [T, D] the stream that the pass started from
    h: Array  # [T, D] the stream after it


@dataclass(frozen=True, eq=False)
class PassSeen(Looked):
    """The same of a task's model, and what the memory gives back after the pass."""

    woken: Answer  # what the model would answer if woken now
    own: tuple[Reading, ...]  # of this run's S
    other: tuple[Reading, ...]  # the same questions, of the S of another run


@dataclass(frozen=True, eq=False)
class WordsRead:
    """What S gives back for every token of a question: the likeliest words, the best first."""

    layer: int | None  # the layer whose S was read; None: all of them together
    words: tuple[tuple[str, ...], ...]  # [T] of the question, each the nearest words
    scores: Array  # [T, words] their probabilities


@dataclass(frozen=True, eq=False)
class TextSeen(Looked):
    """The same of a model of the transformers library that reads a text."""

    question: tuple[str, ...]  # its tokens
    own: tuple[WordsRead, ...]  # of this run's S; (): the layers do not let one ask
    other: tuple[WordsRead, ...]  # of the S of the same text, each window read backwards
    layers_in_all: int  # fast-weight layers of the model, which may be more than are shown
