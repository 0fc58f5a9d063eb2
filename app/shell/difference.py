"""Whether two measured shares differ: the one place where shares are compared. Pure: numbers in, numbers out.

Intervals that overlap do not show that two shares are alike. What decides is the 95 % interval of the difference, built
from the two Wilson intervals (Newcombe's hybrid score interval, 1998, method 10).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


class Measured(Protocol):
    """A share with its 95 % Wilson interval."""

    @property
    def accuracy(self) -> float:
        """The share, from 0 to 1."""

    @property
    def low(self) -> float:
        """The lower end of its interval."""

    @property
    def high(self) -> float:
        """The upper end of its interval."""


@dataclass(frozen=True)
class Share:
    """A measured share by itself."""

    accuracy: float
    low: float
    high: float


def difference(one: Measured, other: Measured) -> tuple[float, float]:
    """The 95 % interval of the one share less the other."""
    found = one.accuracy - other.accuracy
    below = math.hypot(one.accuracy - one.low, other.high - other.accuracy)
    above = math.hypot(one.high - one.accuracy, other.accuracy - other.low)
    return found - below, found + above


def is_above(one: Measured, other: Measured, chance: float = 0.0) -> bool:
    """Whether the one share is measurably larger, and more than guessing might give."""
    return difference(one, other)[0] > 0 and one.accuracy > 2 * chance
