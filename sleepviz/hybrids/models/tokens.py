"""Text as a model's tokenizer reads it, and which piece of the text each token stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from transformers import PreTrainedModel

from sleepviz.config.outside import require_sound
from sleepviz.hybrids.models.boundary import from_outside

UNFINISHED = "\ufffd"  # what a decoder puts in place of the first bytes of a character


class Tokenizer(Protocol):
    """What is needed of a tokenizer."""

    eos_token_id: int | None

    def encode(self, text: str, *, add_special_tokens: bool = True, split_special_tokens: bool = False) -> list[int]:
        """Text -> tokens."""

    def decode(self, token_ids: list[int]) -> str:
        """Tokens -> text."""


class Bytes:
    """One token a byte: for models without a tokenizer of their own."""

    eos_token_id: int | None = None

    def encode(self, text: str, *, add_special_tokens: bool = True, split_special_tokens: bool = False) -> list[int]:
        """UTF-8."""
        return list(text.encode())

    def decode(self, token_ids: list[int]) -> str:
        """What is not UTF-8 is a box."""
        return bytes(token % 256 for token in token_ids).decode(errors="replace")


@dataclass(frozen=True)
class ReadText:
    """A text's tokens, and the piece of the text for each of them: joined, the pieces are the text.

    A token that the tokenizer adds, such as one that begins every text, has an empty piece. Of the tokens that spell
    one character together, the last has the character.
    """

    tokens: tuple[int, ...]
    pieces: tuple[str, ...]


def read_text(tokenizer: Tokenizer, text: str) -> ReadText:
    """A whole text, with the tokens that its tokenizer adds. Raises InputError and ConfigError.

    A control token that the text quotes is read as its letters.
    """
    require_sound(text, "The text")
    with from_outside("the tokenizer cannot read this text"):
        if getattr(tokenizer, "is_fast", False):
            return _by_offsets(tokenizer, text)
        tokens = tokenizer.encode(text, split_special_tokens=True)
        return ReadText(tuple(tokens), _by_decoding(tokenizer, tokens, text))


def read_on(tokenizer: Tokenizer, text: str) -> list[int]:
    """The tokens of a text that goes on from another: nothing is added. Raises InputError and ConfigError."""
    require_sound(text, "The text")
    with from_outside("the tokenizer cannot read this text"):
        return tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)


def end_tokens(model: PreTrainedModel, tokenizer: Tokenizer) -> frozenset[int]:
    """Every token that ends an answer: those of the generation config, of the model's and of its tokenizer."""
    given = (model.generation_config, model.config.get_text_config(decoder=True), tokenizer)
    found = [getattr(each, "eos_token_id", None) for each in given]
    listed = [ends if isinstance(ends, list | tuple) else [ends] for ends in found]
    return frozenset(int(token) for ends in listed for token in ends if token is not None)


class InOrder:
    """How the tokens of a text are written, when they are asked for one by one in the text's order.

    A token alone does not say so: a byte may end one character here and another there.
    """

    def __init__(self, read: ReadText) -> None:
        self._read = read
        self._next = 0

    def __call__(self, token: int) -> str:
        """The piece of the next such token, going round. Raises ValueError for a token that the text has not."""
        tokens = self._read.tokens
        place = tokens.index(token, self._next) if token in tokens[self._next :] else tokens.index(token)
        self._next = place + 1
        return self._read.pieces[place]


def _by_offsets(tokenizer: Any, text: str) -> ReadText:
    """Cut the text where one token's characters end and the next one's begin."""
    read = tokenizer(text, return_offsets_mapping=True, split_special_tokens=True)
    tokens, offsets = list(read["input_ids"]), list(read["offset_mapping"])
    places = [place for place, (start, stop) in enumerate(offsets) if stop > start]  # the others are added
    cuts, done = [0] * len(tokens), 0
    for place, following in pairwise(places):
        # Where the next token has some of the same characters, they are the next one's.
        done = max(done, min(offsets[place][1], offsets[following][0]))
        cuts[place] = done
    if tokens:
        cuts[places[-1] if places else -1] = len(text)
    return ReadText(tuple(tokens), _pieces(text, cuts))


def _by_decoding(tokenizer: Tokenizer, tokens: Sequence[int], text: str) -> tuple[str, ...]:
    """Cut the text where what has been decoded so far ends, for a tokenizer that keeps no account of characters."""
    cuts, done = [], 0
    for n_tokens in range(1, len(tokens) + 1):
        so_far = tokenizer.decode(list(tokens[:n_tokens]))
        done = max(done, len(so_far.rstrip(UNFINISHED)) if text.startswith(so_far.rstrip(UNFINISHED)) else done)
        cuts.append(done)
    return _pieces(text, [*cuts[:-1], len(text)] if cuts else [])


def _pieces(text: str, cuts: Sequence[int]) -> tuple[str, ...]:
    """The text between one token's end and the one before it; 0 is the end of a token without a piece."""
    pieces, done = [], 0
    for cut in cuts:
        pieces.append(text[done : max(done, cut)])
        done = max(done, cut)
    return tuple(pieces)
