"""A clock that goes when the test says so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Clock:
    """Seconds, as `time.monotonic` counts them."""

    at: float = 100.0

    def __call__(self) -> float:
        return self.at
