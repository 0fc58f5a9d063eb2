"""Is the same question still answered right after more windows? Accuracy by how many were slept on."""

from __future__ import annotations

import plotly.graph_objects as go

from app.figures.accuracy import interval
from app.figures.layout import laid_out, mark_chance, shares
from app.shell.results import Result, Results
from app.shell.theme import MARKERS, Mode, palette

ASKED_AFTER = "asked_after_"
AXES = {
    "retention": ("windows slept on", "first row fully right"),
    "length": ("windows of the document", "questions answered right"),
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
    return laid_out(figure, look, x=AXES[experiment][0], y=AXES[experiment][1], height=400)


def windows_slept(entry: Result) -> int:
    """From the variant's name, asked_after_3."""
    return int(entry.variant.removeprefix(ASKED_AFTER))
