"""The plane of the ways of S and h: distances that it must keep, and ways that it must not stretch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sleepviz.inside.path import paths_of

TURNED = np.linalg.qr(np.random.default_rng(0).standard_normal((7, 2)))[0].T  # two unit vectors in seven dimensions


def apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(one[:, None] - other[None], axis=-1))


def test_the_plane_of_one_run_keeps_what_lies_in_a_plane() -> None:
    corners = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]])
    (path,) = paths_of([corners @ TURNED + 5])
    assert np.allclose(apart(path.points, path.points), [[0, 3, 5], [3, 0, 4], [5, 4, 0]])
    assert np.isclose(path.explained.sum(), 1)


def test_two_runs_stand_in_one_plane_by_hand() -> None:
    """Both start at one corner. One goes along an edge of 3, the other along an edge of 4: their ends are 5 apart."""
    one, other = np.array([[0.0, 0.0], [3.0, 0.0]]), np.array([[0.0, 0.0], [0.0, 4.0]])
    first, second = paths_of([one @ TURNED + 5, other @ TURNED + 5])
    assert np.allclose(apart(first.points, second.points), [[0, 4], [3, 5]])
    assert np.isclose(first.explained.sum(), 1) and np.isclose(second.explained.sum(), 1)


def test_the_share_that_the_plane_holds_is_that_of_the_run_itself() -> None:
    """The plane is that of the long run; what the short run does across it is not seen."""
    long = np.array([[-9.0, -9.0, 0.0], [9.0, -9.0, 0.0], [9.0, 9.0, 0.0], [-9.0, 9.0, 0.0]])
    across = np.array([[0.0, 0.0, -1.0], [0.0, 0.0, 1.0]])
    half = np.array([[-1.0, 0.0, -1.0], [1.0, 0.0, 1.0], [-1.0, 0.0, 1.0], [1.0, 0.0, -1.0]])
    assert [round(float(path.explained.sum()), 6) for path in paths_of([long, across, half])] == [1, 0, 0.5]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), n=st.integers(1, 6), beside=st.integers(1, 6))
def test_no_other_plane_holds_more_and_none_stretches_a_way(seed: int, n: int, beside: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = rng.standard_normal((n, 8)), rng.standard_normal((beside, 8)) + 1
    paths = paths_of([one, other])
    points, states = np.concatenate([path.points for path in paths]), np.concatenate([one, other])
    assert (apart(points, points) <= apart(states, states) + 1e-9).all()
    another = states @ np.linalg.qr(rng.standard_normal((8, 2)))[0]
    assert points.var(axis=0).sum() >= another.var(axis=0).sum() - 1e-9


@pytest.mark.parametrize("beside", [0, 1])
def test_the_distance_is_taken_before_anything_is_projected_and_is_the_run_s_own(beside: int) -> None:
    rng = np.random.default_rng(1)
    states, others = rng.standard_normal((6, 9)), [rng.standard_normal((4, 9))] * beside
    expected = [np.linalg.norm(each - states[-1]) / np.linalg.norm(states[-1]) for each in states]
    assert np.allclose(paths_of([states, *others])[0].distance, expected)


def test_what_does_not_move_has_no_axis() -> None:
    (path,) = paths_of([np.ones((3, 4))])
    assert not path.points.any() and not path.explained.any() and not path.distance.any()
    assert paths_of([np.zeros((1, 4))])[0].points.shape == (1, 2)
