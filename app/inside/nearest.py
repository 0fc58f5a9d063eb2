"""The words nearest to what S gives back, as a table: each word once, however many tokens are written like it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.inside import inside_text as text
from app.parts.html_table import html_table


@dataclass(frozen=True)
class Line:
    """One line of the table: its name, and the nearest tokens as they are written, the likeliest first."""

    name: str
    words: Sequence[str]
    scores: Sequence[float]  # the probability of each


def nearest_table(caption: str, head: str, lines: Sequence[Line], *, alike: str) -> str:
    """A line for each reader or pass. `alike` is added to the caption where some tokens are written alike."""
    cells = [once(line.words, line.scores) for line in lines]
    is_alike = any(len(set(line.words)) < len(line.words) for line in lines)
    most = max(map(len, cells), default=0)
    heads = [head, *(text.RANK.format(n=n + 1) for n in range(most))]
    rows = [[line.name, *row, *[""] * (most - len(row))] for line, row in zip(lines, cells, strict=True)]
    return html_table(f"{caption} {alike}" if is_alike else caption, heads, rows)


def once(words: Sequence[str], scores: Sequence[float]) -> list[str]:
    """Each word once with its probability: "1 89 % (2 %, 1 %)" where two less likely tokens are written "1" as well."""
    shares: dict[str, list[str]] = {}
    for word, score in zip(words, scores, strict=True):
        shares.setdefault(word, []).append(f"{100 * score:.0f} %")
    return [
        f"{word} {first}" + (f" ({', '.join(others)})" if others else "") for word, (first, *others) in shares.items()
    ]
