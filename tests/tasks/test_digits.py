"""Digits: patches worked out by hand, jumps counted image by image, and no image in both splits."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sleepviz.tasks.base import NOT_ASKED, InputError
from sleepviz.tasks.digits import images
from sleepviz.tasks.digits.examples import EXAMPLES, SEVEN, drawn, home
from sleepviz.tasks.digits.ring import left_behind, walks
from sleepviz.tasks.digits.task import Digits

TASK = Digits()
RINGS = st.lists(st.integers(0, 9), min_size=2, max_size=12)


def counted(shown: list[int], start: int, jumps: int) -> list[int]:
    """Where jumps lead, by an oracle that goes round the ring one image at a time."""
    at, path = start, [start]
    for _ in range(jumps):
        left = shown[at]
        while left:
            at, left = (0 if at == len(shown) - 1 else at + 1), left - 1
        path.append(at)
    return path


def read_back(tokens: np.ndarray) -> tuple[list[str], list[int]]:
    """(pixels of each image, its place) of windows [W, L], found by a reader that knows the layout from the docs."""
    pixels, places = [], []
    for window in tokens:
        for first in range(0, 36, 9):
            rows = [["?"] * 6 for _ in range(8)]
            for patch, token in enumerate(window[first : first + 8].tolist()):
                which, pattern = divmod(token, 64)
                assert which == patch
                for bit in range(6):
                    rows[2 * (patch // 2) + bit // 3][3 * (patch % 2) + bit % 3] = str(pattern >> bit & 1)
            pixels.append("".join(map("".join, rows)))
            places.append(int(TASK.token_text(int(window[first + 8])).removeprefix("#")))
    return pixels, places


def test_patches_of_an_image_worked_out_by_hand() -> None:
    """A vertical bar in the fourth column, and one pixel in the last row: three pixels of two rows make a pattern."""
    image = np.zeros((8, 6), dtype=bool)
    image[:, 3] = True
    image[7, 0] = True

    left, right = 0, 0b001001  # bits: upper left, upper middle, upper right, then the lower row
    lowest = 0b001000
    assert images.patches(image).tolist() == [
        left, 64 + right, 128 + left, 192 + right, 256 + left, 320 + right, 384 + lowest, 448 + right,
    ]  # fmt: skip
    assert images.patch_text(64 + right) == "█··" and images.patch_text(384 + lowest) == "▄··"


@given(st.integers(0, 2**48 - 1))
def test_patches_say_every_pixel(code: int) -> None:
    bits = np.array([code >> place & 1 for place in range(48)], dtype=bool).reshape(8, 6)
    patches = images.patches(bits)

    shown = np.block([[images.pixels_of(int(patches[2 * row + side])) for side in range(2)] for row in range(4)])
    assert np.array_equal(shown, bits)


def test_the_data_are_the_published_ones() -> None:
    """Counts from the description that scikit-learn ships with them, and the first image, a nought."""
    assert images.greys().shape == (1797, 8, 8) and images.greys().dtype == np.uint8
    assert np.bincount(images.digits()).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert images.greys().max() == 16
    assert images.greys()[0, 0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0] and images.digits()[:10].tolist() == [*range(10)]


def test_no_image_is_in_both_splits_and_each_holds_every_digit() -> None:
    kept, trained = images.numbers("held_out"), images.numbers("train")

    assert sorted([*kept, *trained]) == list(range(1797))
    assert 1797 / 7 < len(kept) < 1797 / 5
    assert min(Counter(images.digits()[kept].tolist()).values()) >= 20


def test_what_a_model_reads_still_shows_the_digit() -> None:
    """The nearest training image, by pixels read back from the tokens, shows the same digit for most of those kept."""
    kept, trained = images.numbers("held_out"), images.numbers("train")
    patterns = [images.patches(images.inked(numbers)) % 64 for numbers in (kept, trained)]
    bits, known = ((each[..., None] >> np.arange(6) & 1).reshape(len(each), -1) for each in patterns)

    whole, all_known = (images.greys()[numbers].reshape(len(numbers), -1).astype(int) for numbers in (kept, trained))

    shares = []
    for those, others in ((bits, known), (whole, all_known)):
        nearest = ((those[:, None] - others[None]) ** 2).sum(-1).argmin(1)
        shares.append(round(float((images.digits()[trained][nearest] == images.digits()[kept]).mean()), 3))
    assert shares == [0.946, 0.983]  # as docs/experiments.md says: black and white, then every pixel and grey level


def test_a_held_out_ring_shows_held_out_images_and_no_others() -> None:
    """Read back from the tokens. Five held-out images look like one of training once they are black and white."""
    batch = TASK.batch(np.random.default_rng(3), size=40, n_windows=2, difficulty=np.full(40, 2), split="held_out")
    allowed = {"".join("01"[int(bit)] for bit in image.flat) for image in images.inked(images.numbers("held_out"))}

    for windows in batch.windows:
        pixels, places = read_back(windows)
        assert set(pixels) <= allowed and places == [*range(1, 9)]


def test_training_sees_its_images_thicker_thinner_and_with_noise() -> None:
    """A pixel of grey 7 is black for the thresholds 5, 6, 7 of 5 to 9: in 3 of 5, and turned over in 1 of 50."""
    shown = np.repeat(images.numbers("train")[:100], 40)
    seen = images.inked_in_training(shown, np.random.default_rng(0))
    grey = images.greys()[shown][:, :, 1:7]

    for level, share in {0: 0, 4: 0, 5: 1 / 5, 6: 2 / 5, 7: 3 / 5, 8: 4 / 5, 9: 1, 16: 1}.items():
        assert seen[grey == level].mean() == pytest.approx(share * 0.98 + (1 - share) * 0.02, abs=0.02)


@given(RINGS, st.integers(0, 6))
def test_jumps_lead_where_counting_leads(shown: list[int], jumps: int) -> None:
    path = walks(np.array(shown), jumps)

    assert path.tolist() == [counted(shown, start, jumps) for start in range(len(shown))]
    for start, behind in enumerate(left_behind(path).tolist()):
        walk = counted(shown, start, jumps)
        assert behind == [len(set(walk[: step + 1])) - 1 for step in range(jumps + 1)]


@pytest.mark.parametrize("split", ["train", "held_out"])
def test_a_batch_asks_for_the_digit_where_the_jumps_end(split: Any) -> None:
    rng = np.random.default_rng(7)
    shape = (30, TASK.questions) if split == "train" else (30,)
    batch = TASK.batch(rng, size=30, n_windows=2, difficulty=rng.integers(0, 5, shape), split=split)
    looks = {"".join("01"[int(bit)] for bit in image.flat): images.digits()[number]
             for number, image in enumerate(images.inked(np.arange(1797)))}  # fmt: skip

    for windows, queries, targets, difficulty in zip(
        batch.windows, batch.queries[:, 0], batch.targets[:, 0], np.atleast_1d(batch.difficulty), strict=True
    ):
        asked = [TASK.token_text(token) for token in queries.tolist()]
        starts, jumps = [int(each[1:-1]) - 1 for each in asked[::2]], [int(each[1:]) for each in asked[1::2]]
        assert (targets[:, ::2] == NOT_ASKED).all() and (targets == targets[0]).all()
        answers = [int(TASK.token_text(token)) for token in targets[0, 1::2].tolist()]
        if split == "held_out":
            shown = [int(looks[each]) for each in read_back(windows)[0]]
            walk = counted(shown, starts[0], jumps[0])
            assert answers == [shown[walk[-1]]]
            assert len(set(walk)) == jumps[0] + 1 == difficulty + 1, "a jump of a measured question is not needed"
        else:  # noise hides which image it is: questions without a jump tell, and the others must agree with them
            told = {start: answer for start, k, answer in zip(starts, jumps, answers, strict=True) if k == 0}
            for start, k, answer in zip(starts, jumps, answers, strict=True):
                if k == 1 and start in told and (end := (start + told[start]) % 8) in told:
                    assert answer == told[end]
            assert (difficulty <= jumps).all()


def test_a_statement_is_an_image_with_its_place() -> None:
    context = TASK.encode(TASK.parse(json.dumps(drawn(8, 1)), TASK.limits())).context
    stops = TASK.statement_stops(context)

    assert stops == (9, 18, 27, 36, 44, 53, 62, 71, 80, 88)
    places = [f"#{n}" for n in range(1, 9)]
    assert [TASK.token_text(context[stop - 1]) for stop in stops] == [*places[:4], "#8:", *places[4:], "#8:"]


def test_a_window_of_rest_shows_no_image_and_calls_every_place() -> None:
    batch = TASK.batch(np.random.default_rng(2), size=3, n_windows=2, difficulty=np.full(3, 2), split="held_out")
    for rest in TASK.rest(batch.windows):
        said = [TASK.token_text(token) for token in rest[0].tolist()]
        assert set(said[:36]) == {"···"}  # four images of eight patches, each with its place
        assert said[36:] == [f"#{place}:" for place in range(1, 9)]


def test_windows_do_not_depend_on_the_difficulty() -> None:
    easy, hard = (
        TASK.batch(np.random.default_rng(1), size=20, n_windows=2, difficulty=np.full(20, k), split="held_out")
        for k in (0, 4)
    )
    assert np.array_equal(easy.windows, hard.windows)


def test_no_constant_answer_is_right_much_more_often_than_chance() -> None:
    for jumps in range(5):
        batch = TASK.batch(
            np.random.default_rng(2), size=1500, n_windows=2, difficulty=np.full(1500, jumps), split="held_out"
        )
        answers = batch.targets[:, 0, jumps, 1]
        assert np.bincount(answers - TASK.digit, minlength=10).max() < 0.2 * 1500


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 4), st.data())
def test_what_a_person_gives_is_encoded_and_scored(seed: int, jumps: int, data: st.DataObject) -> None:
    asked = drawn(8, jumps, seed)
    assert set(asked["digits"]) <= set(images.numbers("held_out").tolist())
    place, pixels = data.draw(st.integers(0, 7)), data.draw(st.text("01", min_size=48, max_size=48))
    digit = data.draw(st.integers(0, 9))
    asked["digits"][place] = {"pixels": pixels, "digit": digit}
    instance = TASK.parse(json.dumps(asked), TASK.limits())
    problem = TASK.encode(instance)

    seen, _ = read_back(np.array(problem.context).reshape(2, -1))
    assert seen[place] == pixels
    shown = [digit if index == place else int(images.digits()[each]) for index, each in enumerate(asked["digits"])]
    truth = shown[counted(shown, asked["start"] - 1, jumps)[-1]]
    probabilities = np.zeros((len(problem.queries), 2, TASK.vocab_size), dtype=np.float32)
    probabilities[:, 1, TASK.digit + truth] = 1.0
    answer = TASK.answer(instance, probabilities)
    assert (answer.answers[0], answer.correct[0], answer.reached[0]) == (str(truth), True, jumps)
    grid = [(start, k) for start in range(8) for k in range(5)]
    assert list(answer.truths[1:]) == [str(shown[counted(shown, *each)[-1]]) for each in grid]
    assert answer.asked[1:] == tuple(f"{k} jumps from #{start + 1}" for start, k in grid)


RING = drawn(8, 1)["digits"]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"digits": RING[:7]}, "exactly 8 digits"),
        ({"digits": "12345678"}, "exactly 8 digits"),
        ({"digits": [*RING[:7], 1797]}, "from 0 to 1796"),
        ({"digits": [*RING[:7], -1]}, "from 0 to 1796"),
        ({"digits": [*RING[:7], True]}, "from 0 to 1796"),
        ({"digits": [*RING[:7], {"pixels": SEVEN}]}, "or is drawn"),
        ({"digits": [*RING[:7], {"pixels": SEVEN[1:], "digit": 7}]}, "48 characters"),
        ({"digits": [*RING[:7], {"pixels": SEVEN[1:] + "2", "digit": 7}]}, "each 0 or 1"),
        ({"digits": [*RING[:7], {"pixels": SEVEN, "digit": 10}]}, "from 0 to 9"),
        ({"start": 0}, "from 1 to 8"),
        ({"start": 9}, "from 1 to 8"),
        ({"jumps": 5}, "from 0 to 4"),
        ({"jumps": 1.0}, "from 0 to 4"),
        ({"more": 1}, "must have exactly"),
    ],
)
def test_a_wrong_input_is_refused_in_a_sentence(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        TASK.parse(json.dumps({**drawn(8, 1), **changed}), TASK.limits())


def test_the_model_may_allow_fewer_jumps_than_the_task() -> None:
    with pytest.raises(InputError, match="from 0 to 2"):
        TASK.parse(json.dumps(drawn(8, 3)), {**TASK.limits(), "jumps_max": 2})


def test_the_pages_rings_need_every_jump() -> None:
    for k in range(1, 5):
        given_, _ = home(TASK.limits(), k)
        shown = [int(images.digits()[number]) for number in given_["digits"]]
        assert len(set(counted(shown, given_["start"] - 1, k))) == k + 1
    assert len(EXAMPLES[1]["digits"]) == 8 and EXAMPLES[1]["digits"][0]["pixels"] == SEVEN
