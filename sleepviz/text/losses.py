"""What a text's tokens cost under each way of sleeping, and what may be said of it. No torch: pages draw this."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sleepviz.config.base import require

Z = 1.959964  # two-sided 95 % of a normal distribution
FULL_ATTENTION = "full attention"


@dataclass(frozen=True, eq=False)
class Losses:
    """-log p of each scored token [positions], in nats, under one setting; `n_passes` None is full attention."""

    n_passes: int | None
    nats: NDArray[np.float64]
    positions: tuple[int, ...]  # of the scored tokens in the text

    @property
    def name(self) -> str:
        """The setting in words."""
        return FULL_ATTENTION if self.n_passes is None else f"N = {self.n_passes}"


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval, over positions taken as independent."""

    value: float
    low: float
    high: float

    @property
    def sign(self) -> int:
        """1 or -1 where the interval lies on that side of 0, else 0."""
        return int(self.low > 0) - int(self.high < 0)


def mean_estimate(values: NDArray[np.float64]) -> Estimate:
    """The mean over positions with its normal interval. Raises ConfigError for fewer than two."""
    require(len(values) >= 2, "an interval needs at least two positions.")
    mean, half = float(values.mean()), Z * float(values.std(ddof=1)) / math.sqrt(len(values))
    return Estimate(mean, mean - half, mean + half)


def perplexity(losses: Losses) -> Estimate:
    """exp of the mean loss, its interval mapped the same way."""
    mean = mean_estimate(losses.nats)
    return Estimate(math.exp(mean.value), math.exp(mean.low), math.exp(mean.high))


def saved(losses: Losses, reference: Losses) -> Estimate:
    """Nats a token by which `losses` lie below `reference`, position by position; above 0 is better.

    The two score the same tokens, so that the interval is of their differences: much narrower than either's own.
    """
    require(losses.positions == reference.positions, "only losses of the same positions can be compared.")
    return mean_estimate(reference.nats - losses.nats)
