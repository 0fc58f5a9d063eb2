"""Sampling GSM: problems with a chain from a constant, and distractors.

One problem in eight is kept from training, told by its statements and not by their order, so that no problem of one
split is ever drawn in the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sleepviz.tasks.base import Split, Tokens
from sleepviz.tasks.gsm.tokens import GsmTokens

CONSTANT_SHARE = 0.2  # of the distractors
UNDEFINED_SHARE = 0.3


@dataclass(frozen=True)
class Drawn:
    """Sampled statements; every array is [B, variables], by place, and `parts` has the tokens [B, variables, 3]."""

    names: Tokens  # the variable at each place
    depth: Tokens
    value: Tokens  # tokens; unknown where undefined
    parts: Tokens

    def replace(self, wrong: NDArray[np.bool_], others: Drawn) -> None:
        """Put others in the place of the instances that are `wrong` [B]."""
        for mine, theirs in zip(vars(self).values(), vars(others).values(), strict=True):
            mine[wrong] = theirs


def draw(sizes: GsmTokens, rng: np.random.Generator, n_statements: Tokens, chain: Tokens, split: Split) -> Drawn:
    """Problems of the split with so many statements [B], the first `chain` [B] + 1 places a chain from a constant."""
    drawn = _statements(sizes, rng, n_statements, chain)
    while (wrong := _is_held_out(drawn.parts) != (split == "held_out")).any():
        drawn.replace(wrong, _statements(sizes, rng, n_statements[wrong], chain[wrong]))
    return drawn


def _statements(sizes: GsmTokens, rng: np.random.Generator, n_statements: Tokens, chain: Tokens) -> Drawn:
    """Statements place by place: each variable's source is a place before it, a constant, or undefined.

    The first `chain` + 1 places are a chain from a constant; the places from `n_statements` on stay undefined.
    """
    size, slots = len(n_statements), sizes.variables_max
    source = np.full((size, slots), -1)  # a place; -1 a constant
    change = np.zeros((size, slots), dtype=np.int64)
    depth = np.zeros((size, slots), dtype=np.int64)
    value = np.full((size, slots), sizes.unknown, dtype=np.int64)
    instance = np.arange(size)
    for place in range(slots):
        kind = rng.random(size)
        earlier = rng.integers(0, place, size) if place else np.full(size, -1)
        undefined = (n_statements < slots) & (kind > 1 - UNDEFINED_SHARE)
        from_ = np.where(undefined, rng.integers(np.minimum(n_statements, slots - 1), slots), earlier)
        constant = (kind < CONSTANT_SHARE) | (place == 0)
        constant |= ~undefined & (depth[instance, earlier] >= sizes.operations_max)
        from_ = np.where(place <= chain, place - 1, np.where(constant, -1, from_))
        base = np.where(from_ >= 0, value[instance, from_], sizes.unknown)
        known = base != sizes.unknown
        step = _change(sizes, rng, np.where(known, base - sizes.zero_value, (sizes.low + sizes.high) // 2))
        number = rng.integers(sizes.low, sizes.high + 1, size)
        defined = place < n_statements
        source[:, place] = from_
        change[:, place] = np.where(from_ >= 0, step, 0)
        depth[:, place] = np.where(from_ >= 0, depth[instance, from_] + 1, 0)
        own = np.where(from_ < 0, sizes.zero_value + number, np.where(known, base + step, sizes.unknown))
        value[:, place] = np.where(defined, own, sizes.unknown)
    names = rng.permuted(np.broadcast_to(np.arange(slots), (size, slots)), axis=1)
    return Drawn(names, depth, value, _parts(sizes, names, source, change, value, n_statements))


def _change(sizes: GsmTokens, rng: np.random.Generator, base: Tokens) -> Tokens:
    """A change [B] that keeps base + change in range; half of them at most 1, as in the public data."""
    most = np.where(rng.random(len(base)) < 0.5, 1, sizes.change_max)
    return rng.integers(np.maximum(-most, sizes.low - base), np.minimum(most, sizes.high - base) + 1)


def _parts(
    sizes: GsmTokens, names: Tokens, source: Tokens, change: Tokens, value: Tokens, n_statements: Tokens
) -> Tokens:
    """Statements as tokens [B, variables, 3]; a constant's value stands where the source would; padding last."""
    from_ = np.where(source < 0, value, np.take_along_axis(names, np.maximum(source, 0), axis=1))
    parts = np.stack([names, from_, sizes.zero_change + change], axis=-1)
    parts[np.arange(sizes.variables_max) >= n_statements[:, None]] = sizes.pad
    return parts


def _is_held_out(parts: Tokens) -> NDArray[np.bool_]:
    """Whether problems [B, statements, 3] are kept from training: one in eight, whatever the statements' order."""
    code = (parts[..., 0] * 521 + parts[..., 1]) * 131 + parts[..., 2]
    with np.errstate(over="ignore"):  # products wrap on purpose: a statement's hash, and their sum's
        hashed = (code.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        hashed ^= hashed >> np.uint64(29)
        total = (hashed * np.uint64(0xBF58476D1CE4E5B9)).sum(-1, dtype=np.uint64) * np.uint64(0x94D049BB133111EB)
    return np.asarray(total >> np.uint64(61) == 0)
