"""The images of digits, and how a model reads them: black and white, eight patches of 2 x 3 pixels each.

A token says what one patch shows, and which patch of the image it is: 8 places x 64 patterns. Of the eight columns
the model reads the inner six, because the outer two are nearly always empty.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sleepviz.tasks.base import Split, Tokens

Bits = NDArray[np.bool_]
FILE = Path(__file__).with_name("digits.npz")  # made by source.py, which names where the images come from
ROWS, COLUMNS = 8, 6  # pixels that the model reads
PATCH_ROWS, PATCH_COLUMNS = 2, 3
PATCHES = (ROWS // PATCH_ROWS) * (COLUMNS // PATCH_COLUMNS)
PATTERNS = 2 ** (PATCH_ROWS * PATCH_COLUMNS)
PATCH_TOKENS = PATCHES * PATTERNS
INK = 7  # the least grey that is read as black
INK_IN_TRAINING = (5, 9)  # the same in training, drawn anew for each image: thicker and thinner strokes
NOISE = 0.02  # share of the pixels that training turns over
_WEIGHTS = 2 ** np.arange(PATCH_ROWS * PATCH_COLUMNS)
_HALVES = "·▀▄█"  # two pixels, one above the other


@cache
def greys() -> NDArray[np.uint8]:
    """Every image, [1797, 8, 8], grey levels from 0 (white) to 16."""
    with np.load(FILE, allow_pickle=False) as file:
        return np.asarray(file["greys"])


@cache
def digits() -> Tokens:
    """The digit that each image shows, [1797]."""
    with np.load(FILE, allow_pickle=False) as file:
        return np.asarray(file["digits"], dtype=np.int64)


def is_held_out(index: Tokens) -> Bits:
    """Whether images are kept from training: one in six, by a hash of their number."""
    hashed = np.asarray(index, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return np.asarray((hashed >> np.uint64(40)) % np.uint64(6) == 0)


@cache
def numbers(split: Split) -> Tokens:
    """The numbers of the images of one split, in order."""
    every = np.arange(len(digits()))
    return every[is_held_out(every) == (split == "held_out")]


def inked(index: Tokens) -> Bits:
    """The pixels that a model reads of images [...], [..., 8, 6]: True is black."""
    return np.asarray(greys()[index][..., 1 : 1 + COLUMNS] >= INK)


def inked_in_training(index: Tokens, rng: np.random.Generator) -> Bits:
    """The same in training: another threshold for each image, and some pixels turned over."""
    least = rng.integers(INK_IN_TRAINING[0], INK_IN_TRAINING[1] + 1, index.shape)[..., None, None]
    bits = greys()[index][..., 1 : 1 + COLUMNS] >= least
    return np.asarray(bits ^ (rng.random(bits.shape) < NOISE))


def patches(bits: Bits) -> Tokens:
    """Tokens of images, [..., 8, 6] -> [..., 8]: patch after patch, row by row."""
    before = bits.shape[:-2]
    blocks = bits.reshape(*before, ROWS // PATCH_ROWS, PATCH_ROWS, COLUMNS // PATCH_COLUMNS, PATCH_COLUMNS)
    pixels = np.moveaxis(blocks, -3, -2).reshape(*before, PATCHES, -1)
    return np.asarray(pixels @ _WEIGHTS + np.arange(PATCHES) * PATTERNS)


def pixels_of(patch: int) -> Bits:
    """The pixels of one patch token, [2, 3]."""
    return np.asarray((patch % PATTERNS) // _WEIGHTS % 2 == 1).reshape(PATCH_ROWS, PATCH_COLUMNS)


def patch_text(patch: int) -> str:
    """A patch as three characters, each of them two pixels, one above the other."""
    return "".join(_HALVES[int(above) + 2 * int(below)] for above, below in pixels_of(patch).T)
