"""Plain text to learn from: windows of it are slept on and evicted, and the loss is on how the text goes on.

No questions are needed: whatever the fast weights keep of the windows makes the next tokens less surprising. Files
are split whole: one in HELD_OUT_SHARE is never trained on. A single file keeps its last part back instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sleepviz.config.base import ConfigError, require
from sleepviz.config.outside import InputError, decoded, path_of, sound
from sleepviz.hybrids.models.tokens import read_on
from sleepviz.hybrids.tuning.examples import HELD_OUT_SHARE, Examples
from sleepviz.training.evaluate import EVALUATION_STREAM

WINDOWS_MAX = 3  # windows that are slept on before the text goes on, drawn from 1 to so many
FILE_MAX_BYTES = 20_000_000
FILES_MAX = 10_000


@dataclass(frozen=True)
class PlainTextCourse:
    """Texts as tokens [T] each, and the window in which they are read."""

    train: tuple[Tensor, ...]
    held_out: tuple[Tensor, ...]
    window: int
    vocab_size: int

    def draw(self, rng: np.random.Generator, size: int) -> list[Examples]:
        """Places drawn uniformly over all texts that are trained on."""
        return [self._drawn(self.train, rng) for _ in range(size)]

    def passages(self, n: int, seed: int) -> Iterator[Examples]:
        """`n` places in the held-out texts, the same for the same seed."""
        rng = np.random.default_rng((EVALUATION_STREAM, seed))
        yield from (self._drawn(self.held_out, rng) for _ in range(n))

    def _drawn(self, texts: Sequence[Tensor], rng: np.random.Generator) -> Examples:
        """1 to WINDOWS_MAX whole windows, and as much of the next one as there is."""
        lengths = np.array([len(text) for text in texts], dtype=np.float64)
        text = texts[int(rng.choice(len(texts), p=lengths / lengths.sum()))]
        fitting = (len(text) - _least_after(self.window)) // self.window
        context = int(rng.integers(1, min(WINDOWS_MAX, fitting) + 1)) * self.window
        start = int(rng.integers(0, len(text) - context - _least_after(self.window) + 1))
        after = text[start + context : start + context + self.window]
        return Examples(text[None, start : start + context], after[None, None, :-1], after[None, None, 1:])


def _least_after(window: int) -> int:
    """Tokens of the continuation: the first is given, and the library's one-token kernels have no gradient."""
    return min(window, 3)


def plain_text_course(files: Sequence[str], tokenizer: Any, window: int) -> PlainTextCourse:
    """Read text files. Raises ConfigError for one that cannot be read, and where all are too short."""
    require(tokenizer is not None, "the model's folder has no tokenizer, and texts need one.")
    require(1 <= len(files) <= FILES_MAX, f"give from 1 to {FILES_MAX} text files.")
    texts = {text: None for name in files if (text := _text_of(path_of(name))).strip()}
    # By the text itself: the same file is on the same side in every run.
    ordered = sorted(texts, key=lambda text: hashlib.sha256(text.encode()).digest())
    least = window + _least_after(window)
    tokens = [torch.tensor(found) for text in ordered if len(found := read_on(tokenizer, text)) >= least]
    if len(tokens) == 1:
        cut = len(tokens[0]) - max(least, len(tokens[0]) // HELD_OUT_SHARE)
        require(cut >= least, f"the text must have at least {2 * least} tokens, for a window of {window}.")
        return PlainTextCourse((tokens[0][:cut],), (tokens[0][cut:],), window, len(tokenizer))
    require(bool(tokens), f"no text has the {least} tokens that a window of {window} and what follows need.")
    n_held_out = max(1, len(tokens) // HELD_OUT_SHARE)
    return PlainTextCourse(tuple(tokens[n_held_out:]), tuple(tokens[:n_held_out]), window, len(tokenizer))


def _text_of(path: Path) -> str:
    what = f"the file {path.name[:80]!r}"
    try:
        require(path.stat().st_size <= FILE_MAX_BYTES, f"{what} is larger than {FILE_MAX_BYTES // 1_000_000} MB.")
        return sound(decoded(path.read_bytes(), f"The file {path.name[:80]!r}"), f"The file {path.name[:80]!r}")
    except OSError as error:
        raise ConfigError(f"{what} cannot be read.") from error
    except InputError as error:
        raise ConfigError(str(error)) from error
