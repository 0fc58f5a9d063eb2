"""What sleep costs, counted: bytes of memory and operations over a long context, with sleep and without.

With sleep, a context is read window by window, N passes each; the cache never holds more than one window, and a
question is answered in one pass from S. Without, everything stays in the cache. Where the cache is not kept between
two questions, the second one has to read everything again: sleep pays from some number of questions on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sleepviz.config.base import require
from sleepviz.config.model import ModelConfig
from sleepviz.runs.flops import pass_flops, recall_flops
from sleepviz.studies.counted.pairs import causal_pairs

CONTEXT_MAX = 1_000_000  # tokens
BYTES = 4  # of a number in this project's models: float32


class Counted(Protocol):
    """A model of which bytes and operations can be counted."""

    def kv_bytes(self, n_tokens: int) -> int:
        """Bytes of the keys and values of so many tokens, over all layers."""

    @property
    def fast_bytes(self) -> int:
        """Bytes of the fast weights, asleep or not and however long the context is; 0 where there are none."""

    def reading_flops(self, n_tokens: int) -> int:
        """Operations of one pass awake over tokens with nothing before them."""

    def sleep_flops(self, n_tokens: int, n_passes: int) -> int:
        """Operations of N passes asleep over a window of so many tokens."""

    def answer_flops(self, n_tokens: int, n_cached: int) -> int:
        """Operations of one pass over a question, output projection included, with so many tokens in the cache."""


@dataclass(frozen=True)
class OwnModel:
    """A model of this project, by its configuration, and whether it looks both ways while asleep."""

    config: ModelConfig
    is_both_ways: bool = False

    def kv_bytes(self, n_tokens: int) -> int:
        """Keys and values of d_model numbers each, in every attention layer."""
        return 2 * self._attention_layers * self.config.d_model * BYTES * n_tokens

    @property
    def _attention_layers(self) -> int:
        return sum(kind != "linear_attention" for kind in self.config.layer_types)

    @property
    def fast_bytes(self) -> int:
        """S of every head of every fast-weight layer."""
        layers = len(self.config.layer_types) - self._attention_layers
        return layers * self.config.fast_heads * self.config.key_dim * self.config.value_dim * BYTES

    def reading_flops(self, n_tokens: int) -> int:
        """Awake, a token looks back only."""
        return self._pass_flops(n_tokens, causal_pairs(n_tokens))

    def sleep_flops(self, n_tokens: int, n_passes: int) -> int:
        """Asleep, a token may look at the whole window. Between two passes h is prepared for the later one."""
        pairs = n_tokens**2 if self.is_both_ways else causal_pairs(n_tokens)
        between = recall_flops(self.config, n_tokens=n_tokens)
        return n_passes * self._pass_flops(n_tokens, pairs) + (n_passes - 1) * between

    def answer_flops(self, n_tokens: int, n_cached: int) -> int:
        """One pass awake, and the output projection at every token."""
        projection = 2 * n_tokens * self.config.d_model * self.config.vocab_size
        return self._pass_flops(n_tokens, causal_pairs(n_tokens, n_cached)) + projection

    def _pass_flops(self, n_tokens: int, pairs: int) -> int:
        """As `runs.flops` counts a window, window by window, but with attention over these pairs alone.

        That counts attention over the whole square of a window, and the fast weights by a rule whose work grows with
        the square of its chunk: no kernel would take a long text in one chunk.
        """
        window = self.config.window
        full, rest = divmod(n_tokens, window)
        by_windows = full * pass_flops(self.config, n_tokens=window) + pass_flops(self.config, n_tokens=rest)
        squares = full * window**2 + rest**2
        return by_windows + 4 * self.config.d_model * self._attention_layers * (pairs - squares)


@dataclass(frozen=True)
class Plan:
    """How a context is read: T tokens in windows of L, N passes over each; a question has `question` tokens."""

    context: int
    window: int
    n_passes: int
    question: int

    def __post_init__(self) -> None:
        require(1 <= self.context <= CONTEXT_MAX, f"the context must have from 1 to {CONTEXT_MAX} tokens.")
        require(1 <= self.window <= CONTEXT_MAX, f"a window must have from 1 to {CONTEXT_MAX} tokens.")
        require(1 <= self.n_passes <= 64, "passes must be a whole number from 1 to 64.")
        require(1 <= self.question <= CONTEXT_MAX, f"a question must have from 1 to {CONTEXT_MAX} tokens.")


@dataclass(frozen=True)
class Bill:
    """What one plan costs one model."""

    kv_without: int  # bytes of a cache that is never cleared
    kv_with: int  # bytes of the fullest cache with sleep
    fast_bytes: int
    sleep_flops: int  # once, for the whole context
    answer_flops: int  # each question, after sleep
    reread_flops: int  # each question, where everything is read again first

    @property
    def saved(self) -> float:
        """Share of the memory that clearing saves. The fast weights are held with sleep and without."""
        held = self.kv_without + self.fast_bytes
        return (self.kv_without - self.kv_with) / held if held else 0.0

    @property
    def pays_from(self) -> float | None:
        """Questions from which on sleep costs less; None: never."""
        return break_even(self.sleep_flops, self.answer_flops, self.reread_flops)


def bill(model: Counted, plan: Plan) -> Bill:
    """Count one plan."""
    full, rest = divmod(plan.context, plan.window)
    sleep = full * model.sleep_flops(plan.window, plan.n_passes) if full else 0
    sleep += model.sleep_flops(rest, plan.n_passes) if rest else 0
    return Bill(
        kv_without=model.kv_bytes(plan.context),
        kv_with=model.kv_bytes(min(plan.window, plan.context)),
        fast_bytes=model.fast_bytes,
        sleep_flops=sleep,
        answer_flops=model.answer_flops(plan.question, 0),
        reread_flops=model.reading_flops(plan.context) + model.answer_flops(plan.question, plan.context),
    )


def break_even(once: float, each: float, each_without: float) -> float | None:
    """How often `each` must be paid in place of `each_without` before `once` has paid off; None if it never does."""
    return once / (each_without - each) if each_without > each else None
