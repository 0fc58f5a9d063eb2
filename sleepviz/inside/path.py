"""The way of S, or of the stream h, over the passes: in one plane, and as its distance to where it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Path:
    """One run's way, in a plane that it may share with other runs."""

    points: Floats  # [n, 2] in the plane
    explained: Floats  # [2] share of the run's own variance along each axis; 0 where the run does not move
    distance: Floats  # [n] |x_i - x_last| / |x_last|, before anything is projected


def paths_of(runs: Sequence[Floats]) -> tuple[Path, ...]:
    """The paths of runs, each through states [n, features], n of at least 1, in one plane.

    The plane is that of the two largest principal components of all states of all runs: it is fitted once.
    """
    states = [np.asarray(run, dtype=np.float64) for run in runs]
    together = np.concatenate(states)
    middle = together.mean(axis=0)
    axes = np.linalg.svd(together - middle, full_matrices=False)[2][:2]  # [at most 2, features]
    return tuple(_path(run, middle, axes) for run in states)


def _path(states: Floats, middle: Floats, axes: Floats) -> Path:
    points, explained = np.zeros((len(states), 2)), np.zeros(2)
    points[:, : len(axes)] = (states - middle) @ axes.T
    total = float(((states - states.mean(axis=0)) ** 2).sum())
    if total > 0:
        explained = ((points - points.mean(axis=0)) ** 2).sum(axis=0) / total
    size = float(np.linalg.norm(states[-1]))
    distance = np.linalg.norm(states - states[-1], axis=1)
    return Path(points, explained, distance / size if size > 0 else distance)
