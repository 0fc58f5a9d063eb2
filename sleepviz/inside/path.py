"""The way of S, or of the stream h, over the passes: in one plane, and as its distance to where it ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Path:
    """`points` [n, 2] in the plane of the two largest principal components; fitted once, to all of them."""

    points: Floats
    explained: Floats  # [2] share of the variance along each axis; 0 where nothing moves
    distance: Floats  # [n] |x_i - x_last| / |x_last|, before anything is projected


def path_of(states: Floats) -> Path:
    """The path through states [n, features], n of at least 1."""
    states = np.asarray(states, dtype=np.float64)
    centred = states - states.mean(axis=0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    points = np.zeros((len(states), 2))
    n_axes = min(2, len(singular))
    points[:, :n_axes] = left[:, :n_axes] * singular[:n_axes]
    total, explained = float((singular**2).sum()), np.zeros(2)
    if total > 0:
        explained[:n_axes] = singular[:n_axes] ** 2 / total
    size = float(np.linalg.norm(states[-1]))
    distance = np.linalg.norm(states - states[-1], axis=1)
    return Path(points, explained, distance / size if size > 0 else distance)
