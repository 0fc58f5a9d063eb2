"""Whether two shares differ, against the published cases of the interval and against all outcomes of small samples."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.shell.difference import Share, difference, is_above
from sleepviz.training.evaluate import wilson


def share(right: int, n: int) -> Share:
    return Share(right / n, *wilson(right, n))


@pytest.mark.parametrize(
    ("one", "other", "interval"),
    [
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((6, 7), (2, 7), (0.0582, 0.8062)),
        ((5, 56), (0, 29), (-0.0381, 0.1926)),
        ((0, 10), (0, 20), (-0.1611, 0.2775)),
        ((10, 10), (0, 20), (0.6791, 1.0)),
    ],
)
def test_the_interval_is_that_of_newcombes_table(
    one: tuple[int, int], other: tuple[int, int], interval: tuple[float, float]
) -> None:
    """Newcombe (1998), Statistics in Medicine 17, table II, method 10."""
    assert difference(share(*one), share(*other)) == pytest.approx(interval, abs=1e-4)


def test_overlapping_intervals_can_differ() -> None:
    for one, other in ((share(512, 512), share(505, 512)), (share(96, 192), share(74, 192))):
        assert one.low < other.high and is_above(one, other) and not is_above(other, one)


counts = st.integers(1, 600).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, counts)
def test_a_share_is_above_at_most_one_way(one: tuple[int, int], other: tuple[int, int]) -> None:
    first, second = share(*one), share(*other)
    low, high = difference(first, second)
    assert difference(second, first) == pytest.approx((-high, -low))
    assert low <= first.accuracy - second.accuracy <= high
    assert not is_above(first, first) and not (is_above(first, second) and is_above(second, first))


@pytest.mark.parametrize("p", [0.05, 0.5, 0.9])
def test_equal_shares_are_called_different_about_once_in_twenty(p: float) -> None:
    """All outcomes of two samples of 60, each weighted by its binomial chance."""
    n = 60
    weights = [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    shares = [share(k, n) for k in range(n + 1)]
    wrong = math.fsum(
        weights[a] * weights[b]
        for a in range(n + 1)
        for b in range(n + 1)
        if is_above(shares[a], shares[b]) or is_above(shares[b], shares[a])
    )
    assert 0.01 < wrong < 0.065


def test_a_share_that_guessing_may_give_is_above_nothing() -> None:
    guess, none = share(60, 512), share(0, 512)
    assert is_above(guess, none) and not is_above(guess, none, chance=1 / 15)
