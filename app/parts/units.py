"""Amounts in words: bytes and operations in steps of a thousand, and how many there are of a thing."""

from __future__ import annotations

BYTES = ("bytes", "KB", "MB", "GB", "TB", "PB")
OPERATIONS = ("", "thousand", "million", "billion", "trillion", "quadrillion", "quintillion")


def in_bytes(amount: float) -> str:
    """Write 131072000000 as "131 GB"."""
    return _written(amount, BYTES)


def in_operations(amount: float) -> str:
    """Write 2500000 as "2.5 million"."""
    return _written(amount, OPERATIONS)


def count(number: int, singular: str, plural: str = "") -> str:
    """“1 token”, “18 tokens”, “3 passes”."""
    return f"{number:,} {singular if number == 1 else plural or singular + ('es' if singular.endswith('s') else 's')}"


def _written(amount: float, units: tuple[str, ...]) -> str:
    unit = 0
    while amount >= 1000 and unit < len(units) - 1:
        amount, unit = amount / 1000, unit + 1
    number = f"{amount:.0f}" if unit == 0 or amount >= 100 else f"{amount:.1f}"
    return f"{number} {units[unit]}".rstrip()
