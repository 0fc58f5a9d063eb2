"""Accuracies in per cent, rounded so that no printed number contradicts a statement about a threshold."""

from __future__ import annotations

import math

from sleepviz.tasks import FAMILIES

NEARLY_ALWAYS = 0.95
SOLVED = {NEARLY_ALWAYS, *(family.study.solved for family in FAMILIES.values())}
"""From such a share on, a difficulty counts as solved; which one, the task says."""


def percent(share: float, digits: int = 1) -> str:
    """Write 0.946 as "94.6", without the sign.

    A share below a threshold never rounds up to it: with no digits, 0.946 is "94.6" and not "95".
    """

    def says_more(text: str) -> bool:
        return any(share < least and float(text) >= 100 * least for least in SOLVED)

    text, closer = f"{100 * share:.{digits}f}", f"{100 * share:.1f}"
    if not says_more(text):
        return text
    return closer if not says_more(closer) else f"{math.floor(1000 * share) / 10:.1f}"


def one_in(chance: float) -> str:
    """Write 1/65536 as "1 in 65,536"."""
    return f"1 in {round(1 / chance):,}"
