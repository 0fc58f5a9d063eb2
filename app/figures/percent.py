"""Accuracies in per cent, rounded so that no printed number contradicts a statement about the threshold."""

from __future__ import annotations

import math

NEARLY_ALWAYS = 0.95
"""From this share on, a difficulty counts as solved."""


def percent(share: float, digits: int = 1) -> str:
    """Write 0.946 as "94.6", without the sign.

    A share below `NEARLY_ALWAYS` never rounds up to it: with no digits, 0.946 is "94.6" and not "95".
    """
    text = f"{100 * share:.{digits}f}"
    if share >= NEARLY_ALWAYS or float(text) < 100 * NEARLY_ALWAYS:
        return text
    closer = f"{100 * share:.1f}"
    return closer if float(closer) < 100 * NEARLY_ALWAYS else f"{math.floor(1000 * share) / 10:.1f}"


def one_in(chance: float) -> str:
    """Write 1/65536 as "1 in 65,536"."""
    return f"1 in {round(1 / chance):,}"
