"""Frozen, validated settings: what a model is, and how it sleeps.

Glossary, used in every module (the paper's words, one each):
    window L     tokens read before the model must sleep
    pass         one trip through the blocks
    sleep        N passes over one window, then eviction of the window's KV cache
    S            fast weights of one Gated DeltaNet layer, [B, H, K, V]
    slow weights the parameters; sleep never changes them
    memory       KV cache + fast weights of one run
Dimensions: B batch, T tokens, H heads, K key dim, V value dim, D model dim.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

LayerType = Literal["full_attention", "sliding_attention", "linear_attention"]
LocalRule = Literal["delta", "hebbian"]
Eviction = Literal["hard", "sliding", "none"]
SleepAttention = Literal["causal", "full"]
Recurrence = Literal["carry", "replay", "reset_state"]

PASSES_MAX = 64
"""The most passes that a run may ask for: a bound on time, not on the mechanism."""


class ConfigError(ValueError):
    """A setting is out of range; the message is one sentence that says what is allowed."""


def require(condition: bool, message: str) -> None:
    """Raise `ConfigError(message)` unless `condition` holds."""
    if not condition:
        raise ConfigError(message)


def _require_choice(name: str, value: str, literal: Any) -> None:
    allowed = get_args(literal)
    require(value in allowed, f"{name} must be one of {', '.join(allowed)}, not {value!r}.")


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value read from JSON, its lists made tuples, is of an annotated type."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return isinstance(value, str) and value in arguments
    if origin is tuple:
        kinds = arguments[:1] * len(value) if isinstance(value, tuple) and arguments[-1] is ... else arguments
        return isinstance(value, tuple) and len(value) == len(kinds) and all(map(_fits, value, kinds))
    if arguments:  # a union
        return any(_fits(value, argument) for argument in arguments)
    if kind is float:
        return type(value) in (int, float) and math.isfinite(value)
    return type(value) is kind


class JsonRoundTrip:
    """`to_json` and `from_json` for flat frozen dataclasses whose only containers are tuples."""

    def to_json(self) -> dict[str, Any]:
        """Return a dict that `json.dumps` takes and `from_json` reads back to an equal object."""
        return dataclasses.asdict(self)  # type: ignore[call-overload]

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Build from `to_json`'s dict. Raises ConfigError on unknown names or values out of range."""
        require(isinstance(values, dict), f"{cls.__name__} must be a JSON object.")
        known = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(values) - known)
        require(not unknown, f"{cls.__name__} has no setting named {', '.join(unknown)}.")
        tuples = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
        kinds = get_type_hints(cls)
        for key, value in tuples.items():
            require(_fits(value, kinds[key]), f"{cls.__name__}'s {key} cannot be {str(value)[:80]!r}.")
        try:
            return cls(**tuples)
        except TypeError as error:
            raise ConfigError(f"{cls.__name__} could not be built: {error}.") from error


@dataclass(frozen=True)
class ModelConfig(JsonRoundTrip):
    """Architecture of a `HybridLM`; everything that fixes the shapes of its slow weights."""

    vocab_size: int
    window: int  # L, the tokens of one window; also the longest prediction chunk
    layer_types: tuple[LayerType, ...] = ("full_attention", "linear_attention")
    d_model: int = 64
    n_heads: int = 4  # of attention
    fast_heads: int = 4  # of fast weights
    key_dim: int = 16  # K of each fast-weight head
    value_dim: int = 16  # V of each fast-weight head
    mlp_ratio: int = 4
    conv_kernel: int = 0  # taps of the short convolution on q, k, v: 0 (none) or 4
    # How many tokens back the q, k and v of successive fast-weight heads look at the start, with a short convolution;
    # () starts every head alike, with this token and a little noise.
    look_back: tuple[str, ...] = ("010", "010", "020", "120")
    local_rule: LocalRule = "delta"
    beta_max: float = 1.0  # 2 allows negative eigenvalues of the state transition
    vocabulary_feedback: bool = False  # deviation: h is carried as the expected embedding of its own output
    input_recall: bool = False  # deviation: h is re-mixed with the embedding before each later pass
    window_positions: bool = False  # deviation: a learned vector for each place in the window
    tie_embeddings: bool = False
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-6

    def __post_init__(self) -> None:
        require(1 <= self.vocab_size <= 1_000_000, "vocab_size must be from 1 to 1000000.")
        require(1 <= self.window <= 65_536, "window must be from 1 to 65536 tokens.")
        require(1 <= len(self.layer_types) <= 128, "a model has from 1 to 128 layers.")
        for layer_type in self.layer_types:
            _require_choice("layer type", layer_type, LayerType)
        require(1 <= self.d_model <= 65_536, "d_model must be from 1 to 65536.")
        require(self.n_heads >= 1 and self.d_model % self.n_heads == 0, "n_heads must divide d_model.")
        require(1 <= self.fast_heads <= 4096, "fast_heads must be from 1 to 4096.")
        require(self.head_dim % 2 == 0, "d_model / n_heads must be even, for rotary positions.")
        in_range = 1 <= self.key_dim <= 4096 and 1 <= self.value_dim <= 4096
        require(in_range, "key_dim and value_dim must be from 1 to 4096.")
        require(1 <= self.mlp_ratio <= 64, "mlp_ratio must be from 1 to 64.")
        require(self.conv_kernel in (0, 4), "conv_kernel must be 0 (none) or 4.")
        digits = all(len(each) == 3 and set(each) <= set("0123") for each in self.look_back)
        require(digits, "look_back is three digits from 0 to 3 for each head: of q, k and v.")
        _require_choice("local_rule", self.local_rule, LocalRule)
        require(not (self.vocabulary_feedback and self.input_recall), "vocabulary_feedback excludes input_recall.")
        require(self.beta_max in (1.0, 2.0), "beta_max must be 1 or 2.")
        require(self.rope_theta > 0 and self.norm_eps > 0, "rope_theta and norm_eps must be above 0.")

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.d_model // self.n_heads


@dataclass(frozen=True)
class SleepPolicy(JsonRoundTrip):
    """How a model sleeps: arXiv:2605.26099 Algorithm 1, and each named departure from it."""

    n_passes: int = 1  # N; 0 is a control: the window is evicted unread
    eviction: Eviction = "hard"
    sleep_attention: SleepAttention = "causal"  # "full": within the window, both ways, while asleep
    recurrence: Recurrence = "carry"  # "replay" and "reset_state" are controls, see sleep.py

    def __post_init__(self) -> None:
        require(
            type(self.n_passes) is int and 0 <= self.n_passes <= PASSES_MAX,
            f"passes must be a whole number from 0 to {PASSES_MAX}.",
        )
        _require_choice("eviction", self.eviction, Eviction)
        _require_choice("sleep_attention", self.sleep_attention, SleepAttention)
        _require_choice("recurrence", self.recurrence, Recurrence)


Control = Literal["none", "zero_state", "shuffled_state", "replay", "reset_state", "untrained", "oracle"]
INPUT_MAX_CHARACTERS = 20_000


@dataclass(frozen=True)
class Trigger(JsonRoundTrip):
    """Why a sleep begins: the window is full (the paper), every M tokens, or asked for after some tokens.

    Whatever the trigger, a full window always sleeps: nothing is ever read past it.
    """

    kind: Literal["window", "every", "manual"] = "window"
    every: int = 0  # M, with kind "every"
    asked_after: tuple[int, ...] = ()  # token counts after which sleep was asked for, with kind "manual"

    def __post_init__(self) -> None:
        require(self.kind in ("window", "every", "manual"), "trigger must be window, every:M or manual.")
        require((self.kind == "every") == (self.every > 0), "trigger every:M needs M of at least 1 token.")

    @classmethod
    def parse(cls, text: str) -> Trigger:
        """Read the command line's `window`, `every:M`, `manual` or `manual:A,B`. Raises ConfigError."""
        kind, _, rest = text.partition(":")
        numbers = [part for part in rest.split(",") if part]
        refusal = f"trigger {text[:40]!r}: {_TRIGGER_FORM}"
        require(all(part.isascii() and part.isdigit() and len(part) <= 9 for part in numbers), refusal)
        require(kind in ("every", "manual") or not rest, refusal)
        require(kind != "every" or len(numbers) == 1, refusal)
        if kind == "every":
            return cls("every", every=int(numbers[0]))
        return cls(kind, asked_after=tuple(int(part) for part in numbers))  # type: ignore[arg-type]


_TRIGGER_FORM = "write window, every:M with M from 1, or manual:A,B with the tokens after which to sleep."


@dataclass(frozen=True)
class RunSpec(JsonRoundTrip):
    """Everything that changes the result of a run; hashable, so that it is the key of every cache."""

    task: str
    input: str  # the task's input as JSON text, for example '{"rows": ["0110..."], "steps": 4}'
    checkpoint: str = ""  # "" is the task's default
    n_passes: int = 4
    eviction: Eviction = "hard"
    sleep_attention: SleepAttention | Literal[""] = ""  # "" is the way in which the checkpoint was trained
    trigger: Trigger = Trigger()
    control: Control = "none"
    seed: int = 0  # of the untrained weights and of the instance that S is taken from, for those controls

    def __post_init__(self) -> None:
        require(len(self.input) <= INPUT_MAX_CHARACTERS, f"the input is longer than {INPUT_MAX_CHARACTERS} characters.")
        _require_choice("eviction", self.eviction, Eviction)
        _require_choice("control", self.control, Control)
        require(self.sleep_attention in ("", "causal", "full"), "sleep attention must be causal or full.")
        require(0 <= self.seed < 2**63, "seed must be a whole number from 0 to 2^63 - 1.")
        SleepPolicy(n_passes=self.n_passes)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> RunSpec:
        """Inverse of `to_json`, the nested trigger included. Raises ConfigError."""
        trigger = values.get("trigger")
        if isinstance(trigger, dict):
            values = {**values, "trigger": Trigger.from_json(trigger)}
        return super().from_json(values)


@dataclass(frozen=True)
class Stage(JsonRoundTrip):
    """One step of a curriculum: how many passes are taken, windows are read, and how hard the questions are."""

    passes: int  # the most passes drawn; its frontier
    difficulty: int  # the hardest question, with loss "final"
    windows: tuple[int, int]  # fewest and most windows in an instance
    single_window_share: float = 0.0  # share of batches with one window only, which are cheaper
    advance_at: float = 0.9  # running accuracy at the frontier that ends the stage
    frontier_share: float = 0.5  # of a batch with loss "final" is of the hardest difficulty; the rest is mixed

    def __post_init__(self) -> None:
        require(1 <= self.passes <= PASSES_MAX, f"a stage's passes must be from 1 to {PASSES_MAX}.")
        require(0 < self.advance_at <= 1, "advance_at must be above 0 and at most 1.")
        require(self.difficulty >= 0, "a stage's difficulty must be at least 0.")
        require(1 <= self.windows[0] <= self.windows[1], "a stage has at least 1 window.")
        shares = (self.single_window_share, self.frontier_share)
        require(all(0 <= share <= 1 for share in shares), "a stage's shares must be from 0 to 1.")


@dataclass(frozen=True)
class TrainConfig(JsonRoundTrip):
    """How a model is trained; with ModelConfig, the task's sizes and a seed, it fixes every batch."""

    stages: tuple[Stage, ...]
    steps: int  # optimiser steps, unless `match` names another training to equal
    batch: int = 64
    loss: Literal["next_step", "final", "answers"] = "next_step"  # see train.py
    steps_per_pass: int = 1  # r: levels of difficulty that one pass is asked for, unless the loss is "next_step"
    n_passes: int = 0  # 0: any N, drawn with the stage; else fixed, one model per N as in the paper
    grad_passes: int = 0  # backpropagate through the last so many passes of each sleep; 0: all
    ahead_share: float = 0.0  # of batches begin some levels on: their earlier passes are taken for granted
    # Such a batch shows a window up to so often, a pass each, and takes the passes in between for granted.
    sightings: int = 1
    stream_loss: float = 0.0  # weight of a loss on the sleeping stream's own output, see train.py
    sleep_attention: SleepAttention = "causal"
    eviction: Eviction = "hard"  # "none": the oracle that keeps every key and value
    lr_muon: float = 0.01
    lr_adamw: float = 2e-3
    warmup_steps: int = 100
    decay_share: float = 0.25  # of the budget, at the end: linear decay to 0, difficulties mixed uniformly
    clip_norm: float = 1.0
    init: str = ""  # checkpoint of the same task and shapes whose weights are the start
    match: tuple[str, ...] = ()  # checkpoints whose trainings, added up, this one equals ...
    match_on: Literal["", "tokens", "flops"] = ""  # ... in context tokens read, or in operations

    def __post_init__(self) -> None:
        require(len(self.stages) >= 1, "training needs at least one stage.")
        require(1 <= self.steps <= 10_000_000, "steps must be from 1 to 10000000.")
        require(self.batch >= 1, "batch must be at least 1.")
        require(0 <= self.ahead_share <= 1, "ahead_share must be from 0 to 1.")
        require(not self.ahead_share or self.stream_loss > 0, "ahead_share needs a stream_loss.")
        require(self.sightings >= 1, "sightings must be at least 1.")
        require(self.stream_loss >= 0, "stream_loss must be at least 0.")
        require(self.steps_per_pass >= 1, "steps_per_pass must be at least 1.")
        require(0 <= self.n_passes <= PASSES_MAX, f"n_passes must be from 0 (any N) to {PASSES_MAX}.")
        require(0 <= self.decay_share <= 1, "decay_share must be from 0 to 1.")
        require(bool(self.match) == bool(self.match_on), "match and match_on go together.")
        _require_choice("loss", self.loss, Literal["next_step", "final", "answers"])
        require(self.loss != "next_step" or not self.n_passes, "loss next_step needs any N: n_passes must be 0.")
        alone = not (self.stream_loss or self.ahead_share)
        require(self.loss != "answers" or alone, "loss answers excludes stream_loss and ahead_share.")
        _require_choice("sleep_attention", self.sleep_attention, SleepAttention)
        _require_choice("eviction", self.eviction, Eviction)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> TrainConfig:
        """Inverse of `to_json`, the nested stages included. Raises ConfigError."""
        stages = tuple(Stage.from_json(stage) for stage in values.get("stages", ()))
        return super().from_json({**values, "stages": stages})
