"""A ring of digits as short text, for links and the form: 17,7x3f0841...: an image's number, or a drawn seven."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sleepviz.tasks.base import InputError
from sleepviz.tasks.digits.images import COLUMNS, ROWS
from sleepviz.tasks.digits.images import digits as shown_digits
from sleepviz.tasks.digits.task import pixels_text

Given = int | dict[str, Any]  # an image as the task's input has it
_PIXELS = ROWS * COLUMNS
_DRAWN = re.compile(rf"([0-9])x([0-9a-f]{{{_PIXELS // 4}}})")
_NUMBER = re.compile("[0-9]{1,4}")
FORM = "Write each digit as the number of an image, or as a drawn one: 7x and 12 letters or digits from 0 to f."


def ring_text(ring: Sequence[Given]) -> str:
    """Write a ring as `read_ring` reads it."""
    return ",".join(
        str(each) if isinstance(each, int) else f"{each['digit']}x{int(each['pixels'], 2):0{_PIXELS // 4}x}"
        for each in ring
    )


def read_ring(text: str) -> list[Given]:
    """Read a ring. Raises InputError; whether the numbers are those of images is for the task to say."""
    ring: list[Given] = []
    for each in text.split(","):
        drawn = _DRAWN.fullmatch(each)
        if drawn is not None:
            ring.append({"pixels": f"{int(drawn[2], 16):0{_PIXELS}b}", "digit": int(drawn[1])})
        elif _NUMBER.fullmatch(each):
            ring.append(int(each))
        else:
            raise InputError(FORM)
    return ring


def looks(ring: Sequence[Given]) -> list[dict[str, Any]]:
    """What a component draws of each digit: its pixels, row by row, and which digit it is."""
    return [
        {"pixels": pixels_text(each), "digit": int(shown_digits()[each])}
        if isinstance(each, int)
        else {"pixels": each["pixels"], "digit": each["digit"]}
        for each in ring
    ]
