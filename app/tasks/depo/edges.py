"""Edges as a person writes them, and back: the one parser of a pasted graph."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

from sleepviz.config.outside import single_spaced, sound
from sleepviz.tasks.base import InputError
from sleepviz.tasks.depo.task import NAME_MAX_CHARACTERS

FORM = "a->b, b->c"
EDGES_MAX = 1000
_BETWEEN = re.compile("[,;\n，；、،؛]")
_BLOCKS = ((0x2190, 0x2200), (0x2794, 0x27C0), (0x27F0, 0x2980), (0x2B00, 0x2C00), (0x1F800, 0x1F900))  # of arrows
_ARROWS = {chr(code): unicodedata.name(chr(code), "") for start, stop in _BLOCKS for code in range(start, stop)}
_RIGHT = "".join(char for char, called in _ARROWS.items() if re.search("RIGHT.*ARROW|ARROW.*RIGHT", called))
_OTHER = re.compile("LEFT|STROKE")  # both ways, or crossed out
_HEADS = "".join(char for char in _RIGHT if not _OTHER.search(_ARROWS[char]))
_LINES = "=~\u2010-\u2015\u2212\u2500-\u254b-"  # what the line of an arrow is drawn with
_ARROW = re.compile(f"(?:[{_LINES}][{_LINES}.·]*)?[>{_HEADS}]+\ufe0f?")
_PARTS = f"[{_LINES}<>|.·:*+{''.join(char for char, called in _ARROWS.items() if 'ARROW' in called)}]"
_PART_LEFT = re.compile(f"^{_PARTS}|{_PARTS}$")


def read_edges(text: str) -> list[list[str]]:
    """Read "a->b, b->c" (or lines, or a chain a->b->c) as pairs of names, in order. Raises InputError."""
    edges: list[list[str]] = []
    read = single_spaced(sound(text, "The text"))
    for piece in filter(None, (part.strip() for part in _BETWEEN.split(read))):
        names = [name.strip() for name in _ARROW.split(piece)]
        if len(names) < 2:
            raise InputError(f"{piece[:40]!r} has no arrow; write edges such as {FORM}.")
        for name in names:
            _check_name(name, piece)
        edges += [[source, to] for source, to in pairwise(names)]
        if len(edges) > EDGES_MAX:
            raise InputError(f"These are more than {EDGES_MAX} edges.")
    if not edges:
        raise InputError(f"There is no edge yet; write edges such as {FORM}.")
    return edges


def edges_text(edges: Sequence[Sequence[str]]) -> str:
    """Write edges as `read_edges` reads them."""
    return ", ".join(f"{source}->{to}" for source, to in edges)


def names_of(edges: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Every name, in the order in which it is first told."""
    return tuple(dict.fromkeys(name for edge in edges for name in edge))


def _check_name(name: str, piece: str) -> None:
    if not name:
        raise InputError(f"A name is missing beside an arrow in {piece[:40]!r}.")
    if len(name) > NAME_MAX_CHARACTERS:
        raise InputError(f"The name {name[:20]!r} is longer than {NAME_MAX_CHARACTERS} characters.")
    if _PART_LEFT.search(name):
        raise InputError(f"The arrow in {piece[:40]!r} is not known; write edges such as {FORM}.")
    if not name.isprintable():
        raise InputError(f"The name {name!r} holds a character that cannot be shown.")
