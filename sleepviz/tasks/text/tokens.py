"""Text as tokens of the byte-level tokenizer that ships with the text model. Every word of a fact is one token."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sleepviz.config.places import ASSETS

TOKENIZER = ASSETS / "models" / "text-micro" / "tokenizer.json"
VOCAB_SIZE = 915
SPACE, NEW_LINE = "Ġ", "Ċ"  # how a byte-level tokenizer writes them


@cache
def vocabulary() -> Mapping[str, int]:
    """Every token and its number."""
    return dict(json.loads(TOKENIZER.read_text(encoding="utf-8"))["model"]["vocab"])


@cache
def _spelled() -> tuple[str, ...]:
    by_number = sorted((number, token) for token, number in vocabulary().items())
    return tuple(token.replace(SPACE, " ").replace(NEW_LINE, "\n") for _, token in by_number)


@cache
def _tokenizer() -> Any:
    from tokenizers import Tokenizer  # only a document that a person wrote needs it

    return Tokenizer.from_file(str(TOKENIZER))


def word(text: str) -> int:
    """The one token of a word with the space before it. Raises KeyError."""
    return vocabulary()[SPACE + text]


def words(texts: Sequence[str]) -> tuple[int, ...]:
    """The same of several words."""
    return tuple(map(word, texts))


def encoded(text: str) -> tuple[int, ...]:
    """Tokens of any text in plain letters, the space before its first word included."""
    return tuple(_tokenizer().encode(" " + text).ids)


def spelled(token: int) -> str:
    """A token as it is written, the space before it included."""
    return _spelled()[token]
