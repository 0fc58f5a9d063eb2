"""Is the same question still answered right after more windows, or pages? Accuracy by how many were slept on."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go

from app.figures.accuracy import interval
from app.figures.layout import laid_out, mark_chance, shares
from app.shell.results import Result, Results
from app.shell.theme import MARKERS, Mode, palette

ASKED_AFTER = "asked_after_"


@dataclass(frozen=True)
class OverWindows:
    """What is said of an experiment over windows: its axes, and of its figure, of keeping and of losing."""

    unit: str  # what is counted, in the singular
    x: str
    y: str
    alt: str
    kept: str
    lost: str
    unknown: str


OVER_WINDOWS = {
    "retention": OverWindows(
        "window",
        "windows slept on",
        "first row fully right",
        "{heading}. Accuracy on the first window, by the number of windows slept on.",
        "The first window is remembered after {most}: no loss was measured at {levels}.",
        "Some of the first window is forgotten at {levels}. At {one}, accuracy falls from {first} after {fewest} to "
        "{last} after {most}.",
        "At {levels}, the first window was never learned.",
    ),
    "length": OverWindows(
        "page",
        "pages of the document",
        "questions answered right",
        "{heading}. Accuracy by the number of pages that the document fills.",
        "A document of {most} is answered as well as one of {fewest}: no loss was measured at {levels}.",
        "Longer documents are answered worse at {levels}. At {one}, accuracy falls from {first} with {fewest} to "
        "{last} with {most}.",
        "At {levels}, even the shortest document is answered no better than by guessing.",
    ),
}
"""Experiments that are drawn over windows."""


def windows_figure(
    results: Results, experiment: str, *, difficulty: int, mode: Mode, symbol: str, chance: float | None = None
) -> go.Figure:
    """One line a difficulty over the number of windows slept on; the current difficulty is thick."""
    look, figure = palette(mode), go.Figure()
    measured = results.of(experiment)
    known = sorted({entry.difficulty for entry in measured})
    wanted = [t for t in dict.fromkeys([difficulty, *known[-1:], 1, 4]) if t in known]
    for place, shown in enumerate(sorted(wanted)):
        line = sorted((entry for entry in measured if entry.difficulty == shown), key=windows_slept)
        figure.add_trace(
            go.Scatter(
                x=[windows_slept(entry) for entry in line],
                y=[entry.accuracy for entry in line],
                error_y=interval(line),
                mode="lines+markers",
                name=f"{symbol} = {shown}",
                line={"color": look.series[place], "width": 4 if shown == difficulty else 1.5},
                marker={"symbol": MARKERS[place], "size": 8},
                hovertemplate=f"{symbol} = {shown}, after %{{x}}: %{{y:.1%}}<extra></extra>",
            )
        )
    figure.update_xaxes(tickvals=sorted({windows_slept(entry) for entry in measured}))
    shares(figure)
    mark_chance(figure, chance, look)
    return laid_out(figure, look, x=OVER_WINDOWS[experiment].x, y=OVER_WINDOWS[experiment].y, height=400)


def windows_slept(entry: Result) -> int:
    """From the variant's name, asked_after_3."""
    return int(entry.variant.removeprefix(ASKED_AFTER))
