"""Digits: images are read patch by patch and forgotten; after sleep, which digit stands where some jumps lead?

The second question of arXiv:2605.26099 that its authors leave open: does sleep serve another modality? Eight images of
handwritten digits stand on a ring, four a window. Each digit says how many images to jump ahead. The question comes
after the last eviction: start at image i and jump k times; which digit stands there? k = 0 asks what image i shows.

A window is [8 patches, place]*4 [place called]*8: every image is followed by its place on the ring. The last part, the
roll call, is where there is room to work: no image is complete before its last patch, and no jump before its end is
read. A prediction chunk is [place called, jumps]..., and the answer is read at `jumps`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sleepviz.config.base import JsonRoundTrip, require
from sleepviz.config.events import Answer
from sleepviz.tasks.base import (
    NOT_ASKED,
    Batch,
    InputError,
    Problem,
    Split,
    Tokens,
    ends_in_windows,
    hops_reached,
    is_whole,
    read_json,
)
from sleepviz.tasks.digits.images import (
    COLUMNS,
    PATCH_TOKENS,
    PATCHES,
    ROWS,
    digits,
    inked,
    inked_in_training,
    numbers,
    patch_text,
    patches,
)
from sleepviz.tasks.digits.ring import left_behind, walks

N_DIGITS = 10
WANDERING = 0.25  # share of training's questions that start anywhere, so that some walks come back to an image
FORM = '{"digits": [3, 14, 15, 92, 65, 35, 89, 79], "start": 1, "jumps": 2}'


@dataclass(frozen=True)
class DigitsInstance:
    """Images in the order of the ring, what they show, and a question. The place `start` counts from 0."""

    pixels: tuple[str, ...]  # ROWS x COLUMNS characters each, row by row; "1" is black
    digits: tuple[int, ...]
    numbers: tuple[int | None, ...]  # of the data set's images; None: drawn by hand
    start: int
    jumps: int

    def path(self, start: int, jumps: int) -> tuple[int, ...]:
        """The places from `start`, 0 to `jumps` jumps on."""
        return tuple(walks(np.array(self.digits), jumps)[start].tolist())


@dataclass(frozen=True)
class Digits(JsonRoundTrip):
    """Digits in one size: a ring of `windows` x `images_a_window` images, questions of 0 to `jumps_max` jumps."""

    windows: int = 2
    images_a_window: int = 4
    jumps_max: int = 4
    questions: int = 16  # in the prediction chunk of a training instance

    name = "digits"
    difficulty_min = 0
    difficulty_in_windows = False  # one sleep serves the questions of every difficulty

    def __post_init__(self) -> None:
        require(1 <= self.windows <= 8, "windows must be from 1 to 8.")
        require(1 <= self.images_a_window <= 16, "images_a_window must be from 1 to 16.")
        require(2 <= self.ring <= 64, "a ring has from 2 to 64 images.")
        require(1 <= self.jumps_max < self.ring, "jumps_max must be from 1, and below the number of images.")
        require(1 <= 2 * self.questions <= self.window, "questions must be from 1, and fit in a window.")

    @property
    def ring(self) -> int:
        """Images of one instance."""
        return self.windows * self.images_a_window

    @property
    def windows_min(self) -> int:
        """A ring is always read whole."""
        return self.windows

    @property
    def windows_max(self) -> int:
        """The same."""
        return self.windows

    @property
    def window(self) -> int:
        """L: images with their places, and the roll call."""
        return self.images_a_window * (PATCHES + 1) + self.ring

    @property
    def difficulty_max(self) -> int:
        """The most jumps that may be asked for."""
        return self.jumps_max

    @property
    def n_questions(self) -> int:
        """Questions of one training instance."""
        return self.questions

    @property
    def vocab_size(self) -> int:
        """Patches, digits, places, places called, and numbers of jumps."""
        return self.jump + self.jumps_max + 1

    @property
    def digit(self) -> int:
        """The token of the digit 0; the other digits follow."""
        return PATCH_TOKENS

    @property
    def place(self) -> int:
        """The token of the first place of the ring."""
        return self.digit + N_DIGITS

    @property
    def called(self) -> int:
        """The token of the first place, where it is called or asked."""
        return self.place + self.ring

    @property
    def jump(self) -> int:
        """The token of no jump."""
        return self.called + self.ring

    def limits(self) -> dict[str, Any]:
        """Sizes that a person's input must keep to."""
        return {"images": self.ring, "jumps_max": self.jumps_max}

    def token_text(self, token: int) -> str:
        """A patch as half blocks, a place as #1, a place called as #1:, jumps as +2."""
        if token < self.digit:
            return patch_text(token)
        if token < self.place:
            return str(token - self.digit)
        if token < self.called:
            return f"#{token - self.place + 1}"
        return f"#{token - self.called + 1}:" if token < self.jump else f"+{token - self.jump}"

    def statement_stops(self, context: Sequence[int]) -> tuple[int, ...]:
        """Each image with its place is a statement, and so is the roll call as a whole."""
        images = range(PATCHES + 1, self.images_a_window * (PATCHES + 1) + 1, PATCHES + 1)
        return ends_in_windows(len(context), self.window, images)

    def batch(self, rng: np.random.Generator, *, size: int, n_windows: int, difficulty: Tokens, split: Split) -> Batch:
        """Sample images of one split for whole rings, and questions of the given numbers of jumps.

        Training asks `questions` questions of a ring, [size, questions] where each has a difficulty of its own;
        measured is one. Questions start where the walk comes back to no image, so that each jump is needed; in
        training some start anywhere. A walk that does come back counts as difficult as the images it leaves behind.
        """
        require(n_windows == self.windows, f"a ring fills {self.windows} windows.")
        training = split == "train"
        shown = rng.choice(numbers(split), (size, self.ring))
        while not training and (lost := ~self._needed(shown).any(-1)).any():
            shown[lost] = rng.choice(numbers(split), (int(lost.sum()), self.ring))
        bits = inked_in_training(shown, rng) if training else inked(shown)
        n_asked = self.questions if training else 1
        jumps = np.broadcast_to(difficulty.reshape(size, -1), (size, n_asked))
        path = walks(digits()[shown], self.jumps_max)  # [B, ring, jumps + 1]
        behind = left_behind(path)
        starts = self._starts(rng, behind, jumps, wandering=WANDERING if training else 0.0)
        rows = np.arange(size)[:, None]
        answers = digits()[shown][rows, path[rows, starts, jumps]] + self.digit  # [B, asked]
        queries = self._queries(starts, jumps)
        targets = np.full((size, 1, self.jumps_max + 1, queries.shape[1]), NOT_ASKED)
        targets[:, 0, :, 1::2] = answers[:, None]
        asked = behind[rows, starts, jumps] if difficulty.ndim == 2 else difficulty
        return Batch(self._windows(bits), queries[:, None], targets, asked)

    def _needed(self, shown: Tokens) -> NDArray[np.bool_]:
        """From which images of each ring the longest walk comes back to none, [B, ring] -> [B, ring]."""
        return np.asarray(left_behind(walks(digits()[shown], self.jumps_max))[..., -1] == self.jumps_max)

    def _starts(self, rng: np.random.Generator, behind: Tokens, jumps: Tokens, *, wandering: float) -> Tokens:
        """A start for each question, [B, asked]: where its walk leaves as many images behind as it jumps, if any."""
        size, n_asked = jumps.shape
        needed = np.moveaxis(behind, -1, 1)[np.arange(size)[:, None], jumps] == jumps[..., None]  # [B, asked, ring]
        anywhere = rng.random((size, n_asked, 1)) < wandering
        lots = rng.random((size, n_asked, self.ring)) + (needed | anywhere)
        return np.asarray(lots.argmax(-1))

    def _windows(self, bits: NDArray[np.bool_]) -> Tokens:
        """Images [B, ring, 8, 6] as windows, [B, W, L]."""
        size = len(bits)
        places = np.broadcast_to(np.arange(self.ring)[:, None] + self.place, (size, self.ring, 1))
        told = np.concatenate([patches(bits), places], axis=-1).reshape(size, self.windows, -1)
        roll_call = np.broadcast_to(np.arange(self.ring) + self.called, (size, self.windows, self.ring))
        return np.concatenate([told, roll_call], axis=-1)

    def rest(self, windows: Tokens) -> Tokens:
        """A window without an image or a place, after windows [B, W, L], with the same roll call, [B, 1, L]."""
        window = windows[:, -1:].copy()
        window[..., : self.images_a_window * (PATCHES + 1)] = 0  # the token of an empty patch
        return window

    def _queries(self, starts: Tokens, jumps: Tokens) -> Tokens:
        """Starts and jumps [B, asked] as one chunk, [B, 2 asked]."""
        return np.stack([starts + self.called, jumps + self.jump], axis=-1).reshape(len(starts), -1)

    def parse(self, text: str, limits: Mapping[str, Any]) -> DigitsInstance:
        """Read {"digits": [3, {"pixels": "0110...", "digit": 7}, ...], "start": 1, "jumps": 2}. Raises InputError."""
        values = read_json(text, ("digits", "start", "jumps"), FORM)
        given, start, jumps = values["digits"], values["start"], values["jumps"]
        if not isinstance(given, list) or len(given) != self.ring:
            raise InputError(f"Give exactly {self.ring} digits; write {FORM}.")
        read = [_image(each) for each in given]
        if not is_whole(start, 1, self.ring):
            raise InputError(f"The start must be a whole number from 1 to {self.ring}.")
        jumps_max = min(limits["jumps_max"], self.jumps_max)
        if not is_whole(jumps, 0, jumps_max):
            raise InputError(f"Jumps must be a whole number from 0 to {jumps_max}.")
        pixels, shown, which = zip(*read, strict=True)
        return DigitsInstance(pixels, shown, which, start - 1, jumps)

    def encode(self, instance: DigitsInstance) -> Problem:
        """The person's question first; then, for the picture, every start and every number of jumps, from none."""
        bits = np.array([[pixel == "1" for pixel in image] for image in instance.pixels])
        windows = self._windows(bits.reshape(1, self.ring, ROWS, COLUMNS))[0]
        starts, jumps = np.array([(instance.start, instance.jumps), *self._grid()]).T
        queries = self._queries(starts[:, None], jumps[:, None])
        return Problem(tuple(windows.reshape(-1).tolist()), queries, (0,) * len(queries), n_asked=1)

    def _grid(self) -> list[tuple[int, int]]:
        return [(start, jumps) for start in range(self.ring) for jumps in range(self.jumps_max + 1)]

    def answer(self, instance: DigitsInstance, probabilities: NDArray[np.float32]) -> Answer:
        """Read digits from probabilities [Q, T, vocab_size] of the first Q questions."""
        asked = [(instance.start, instance.jumps), *self._grid()][: len(probabilities)]
        shares = probabilities[:, -1, self.digit : self.digit + N_DIGITS]  # [Q, digits]
        answers = list(map(str, shares.argmax(-1)))
        walked = [[str(instance.digits[at]) for at in instance.path(start, self.jumps_max)] for start, _ in asked]
        truths = [walk[jumps] for walk, (_, jumps) in zip(walked, asked, strict=True)]
        reached = [hops_reached(walk, said, k) for walk, said, (_, k) in zip(walked, answers, asked, strict=True)]
        return Answer(
            asked=tuple(f"{jumps} jumps from #{start + 1}" for start, jumps in asked),
            answers=tuple(answers),
            truths=tuple(truths),
            correct=tuple(said == truth for said, truth in zip(answers, truths, strict=True)),
            reached=tuple(reached),
            confidence=shares.max(-1, keepdims=True).astype(np.float32),
        )


def _image(given: Any) -> tuple[str, int, int | None]:
    """(pixels, the digit, its number) of an image of the data set, or of one drawn by hand. Raises InputError."""
    if isinstance(given, dict) and set(given) == {"pixels", "digit"}:
        pixels, digit = given["pixels"], given["digit"]
        if not isinstance(pixels, str) or len(pixels) != ROWS * COLUMNS or set(pixels) - set("01"):
            raise InputError(f"The pixels of a drawn digit are {ROWS * COLUMNS} characters, each 0 or 1.")
        if not is_whole(digit, 0, N_DIGITS - 1):
            raise InputError("Say which digit is drawn: a whole number from 0 to 9.")
        return pixels, digit, None
    most = len(digits()) - 1
    if not is_whole(given, 0, most):
        raise InputError(
            f"A digit is the number of an image from 0 to {most}, or is drawn: "
            f'{{"pixels": {ROWS * COLUMNS} characters 0 or 1, "digit": 7}}.'
        )
    return pixels_text(given), int(digits()[given]), given


def pixels_text(number: int) -> str:
    """An image of the data set as the model reads it, row by row; "1" is black."""
    return "".join("01"[int(pixel)] for pixel in inked(np.array(number)).flat)
