"""How a transformers model is tuned for sleep."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

from sleepviz.config.base import JsonRoundTrip, require
from sleepviz.config.model import PASSES_MAX, Eviction
from sleepviz.config.training import EARLIER_NAMES
from sleepviz.hybrids.sleep import Convolution

WINDOW_MIN = 3  # so that no window need have one token


@dataclass(frozen=True)
class TuneConfig(JsonRoundTrip):
    """How a model is tuned. With the model and the examples it fixes every batch. Rates: the paper's for pretrained."""

    window: int
    n_passes: int
    eviction: Eviction = "hard"
    hard_warmup_steps: int = 0  # with "sliding": the first so many steps evict everything
    levels_per_pass: int = 0  # 0: N is n_passes. Else N is drawn from 1 to n_passes, difficulty up to so many a pass
    pass_loss: float = 0.0  # weight of a loss on what each pass puts out
    steps: int = 1000
    batch: int = 16
    lr_muon: float = 1e-3
    lr_adamw: float = 5e-5
    warmup_steps: int = 20
    decay_share: float = 0.25  # of the steps, at the end: linear decay to 0
    clip_norm: float = 1.0
    seed: int = 0
    convolution: Convolution = "rewind"
    span: tuple[int, int] | None = None  # layers [first, last + 1) that are looped; None: all
    chunk_size: int | None = None  # of the library's delta rule
    only_memory: bool = False  # train the added memory alone: the base stays as it is

    def __post_init__(self) -> None:
        require(self.window >= WINDOW_MIN, f"window must be at least {WINDOW_MIN} tokens.")
        require(1 <= self.n_passes <= PASSES_MAX, f"passes must be a whole number from 1 to {PASSES_MAX}.")
        require(self.eviction in ("hard", "sliding"), "eviction must be hard or sliding.")
        require(0 <= self.hard_warmup_steps <= self.steps, "the warm-up must be from 0 to all of the steps.")
        sliding = self.eviction == "sliding" or not self.hard_warmup_steps
        require(sliding, "a hard-eviction warm-up is for sliding eviction.")
        require(0 <= self.levels_per_pass <= 64, "levels_per_pass must be from 0 (N is fixed) to 64.")
        require(0 <= self.pass_loss < math.inf, "pass_loss must be a number from 0.")
        require(1 <= self.steps <= 10_000_000, "steps must be from 1 to 10000000.")
        require(1 <= self.batch <= 65_536, "batch must be from 1 to 65536.")
        rates = all(0 < rate < math.inf for rate in (self.lr_muon, self.lr_adamw))
        require(rates, "learning rates must be numbers above 0.")
        require(0 <= self.decay_share <= 1, "decay_share must be from 0 to 1.")
        require(0 <= self.seed < 2**63, "seed must be a whole number from 0 to 2^63 - 1.")

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Inverse of `to_json`; earlier names are read too. Raises ConfigError."""
        return super().from_json({EARLIER_NAMES.get(name, name): value for name, value in values.items()})
