"""The growth of the server's memory: by hand, and a leak beside a cache that fills."""

from __future__ import annotations

import math

import pytest

from tests.load.memory import Sample, less_kept, report, second_half, slope, students_t


def test_a_slope_by_hand() -> None:
    """y = 3 + 0.8 (x - 2); the squares off the line are 3.6; 3 degrees of freedom, whose t is 3.182."""
    found = slope([(0, 1), (1, 3), (2, 2), (3, 5), (4, 4)])
    half = 3.182 * math.sqrt(3.6 / 3 / 10)
    assert found.value == pytest.approx(0.8)
    assert (found.low, found.high) == pytest.approx((0.8 - half, 0.8 + half), abs=2e-3)


@pytest.mark.parametrize(("free", "quantile"), [(3, 3.182), (8, 2.306), (18, 2.101), (60, 2.000)])
def test_students_t_is_that_of_the_tables(free: int, quantile: float) -> None:
    assert students_t(free) == pytest.approx(quantile, abs=4e-3)


def test_points_are_means_of_whole_rounds_of_the_second_half() -> None:
    samples = [Sample(0.0, 1), Sample(1.9, 2), Sample(2.0, 10), Sample(2.5, 20), Sample(3.25, 40), Sample(4.0, 99)]
    assert second_half(samples, 4) == [(2.25, 15), (3.25, 40)]


def lesson(mb_at: list[float]) -> list[Sample]:
    """Four samples a round."""
    return [Sample(number + part / 4, mb) for number, mb in enumerate(mb_at) for part in range(4)]


def test_a_leak_is_told_from_a_cache_that_fills() -> None:
    noise = [0.3, -0.2, 0.1, -0.3, 0.2] * 4
    fills = [400 + min(5 * number, 40) + noise[number] for number in range(20)]
    leaks = [400 + 2 * number + noise[number] for number in range(20)]
    full, leak = (slope(second_half(lesson(each), 20)) for each in (fills, leaks))
    assert full.low < 0 < full.high < 0.2
    assert 1.8 < leak.low < 2 < leak.high < 2.2
    assert slope([(each.rounds, each.resident_mb) for each in lesson(fills)]).low > 1  # over all rounds: no leak either


def test_what_is_written_of_a_lesson_and_of_one_too_short_for_a_slope() -> None:
    held = {20: {"kept_runs_bytes": 7}, 2: {"kept_runs_bytes": 3}}
    told = report(lesson([float(number) for number in range(20)]), held, 20)
    assert (told["from_round"], told["rounds"]) == (11, 10)
    assert told["growth"] == told["growth_beside_kept_runs"] == {"mb_per_round": 1.0, "ci95": [1.0, 1.0]}
    assert told["caches"] == [{"round": 2, "kept_runs_bytes": 3}, {"round": 20, "kept_runs_bytes": 7}]
    short = report(lesson([1.0, 2.0, 3.0, 4.0]), {}, 4)
    assert (short["rounds"], short["growth"], short["growth_beside_kept_runs"]) == (2, None, None)


def test_growth_that_is_that_of_the_kept_runs_is_none_beside_them() -> None:
    """Round 11 is seen late: until then the runs are those that were kept after round 10."""
    held = {number: {"kept_runs_bytes": 3_000_000 * number} for number in range(1, 21) if number != 11}
    points = [(10.4, 430.0), (11.4, 430.0), (12.4, 436.0), (13.4, 439.0)]
    assert less_kept(points, held) == [(10.4, 400.0), (11.4, 400.0), (12.4, 400.0), (13.4, 400.0)]
    assert less_kept(points, {13: {"kept_runs_bytes": 0}}) == [(13.4, 439.0)]
