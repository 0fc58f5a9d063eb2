"""The way of S and of h over the passes: two runs stand in one plane where their sizes are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.inside import inside_text as text
from sleepviz.config.events import Array
from sleepviz.inside.path import Path, paths_of
from sleepviz.inside.seen import Looked

Passes = Sequence[Looked]  # of one window


@dataclass(frozen=True)
class Ways:
    """The way of all S of one run, and that of h; each with whether the run beside it stands in the same plane."""

    state: Path
    h: Path
    shares_state: bool
    shares_h: bool

    def drawn(self) -> dict[str, Any]:
        """What the microscope draws of them."""
        ways = {"state": (self.state, self.shares_state), "h": (self.h, self.shares_h)}
        return {
            name: {"points": path.points.round(4).tolist(), "distance": path.distance.round(5).tolist(), "shared": both}
            for name, (path, both) in ways.items()
        }

    @property
    def said(self) -> str:
        """How much of the run's own way the plane shows."""
        return text.SAID_PATH.format(share=100 * self.state.explained.sum(), h_share=100 * self.h.explained.sum())


def ways_of(runs: Sequence[Passes]) -> tuple[Ways, ...]:
    """The ways of one run or of two that stand side by side; the first point is where the window began."""
    of_state, shared_state = _together([_states(run) for run in runs])
    of_h, shared_h = _together([_streams(run) for run in runs])
    return tuple(Ways(state, h, shared_state, shared_h) for state, h in zip(of_state, of_h, strict=True))


def notice(ways: Sequence[Ways]) -> str:
    """What to notice of the picture: whose plane it is."""
    if len(ways) == 1:
        return text.PLANE
    return text.PLANE_SHARED if ways[0].shares_state and ways[0].shares_h else text.PLANES_APART


def _together(runs: Sequence[Array]) -> tuple[tuple[Path, ...], bool]:
    """The paths in one plane, and True; of runs whose states differ in size, each in its own, and False."""
    if len({run.shape[1] for run in runs}) == 1:
        return paths_of(runs), len(runs) > 1
    return tuple(path for run in runs for path in paths_of([run])), False


def _states(run: Passes) -> Array:
    """S of all layers and heads at the window's start and after each pass, [passes + 1, features]."""
    before = np.concatenate([each.before.ravel() for each in run[0].layers])
    return np.stack([before, *(np.concatenate([each.state.ravel() for each in one.layers]) for one in run)])


def _streams(run: Passes) -> Array:
    """The stream at the same times, [passes + 1, T D]."""
    return np.stack([run[0].h_before.ravel(), *(one.h.ravel() for one in run)])
