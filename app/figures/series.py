"""Accuracy against N: models that differ in one thing, or one model at several difficulties, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from app.figures.accuracy import interval
from app.figures.layout import laid_out, mark_chance, mark_passes, shares
from app.shell.results import Result
from app.shell.theme import MARKERS, Mode, palette

DASHES = ("solid", "dot", "dash", "longdash", "dashdot")


def series_figure(
    models: Mapping[str, Sequence[Result]], *, mode: Mode, right: str, chance: float | None = None
) -> go.Figure:
    """One line a model (or a difficulty of one model), ordered by N; what has one N only is a single marker."""
    look, figure = palette(mode), go.Figure()
    for place, (name, measured) in enumerate(models.items()):
        line = sorted(measured, key=lambda entry: entry.passes)
        figure.add_trace(
            go.Scatter(
                x=[entry.passes for entry in line],
                y=[entry.accuracy for entry in line],
                error_y=interval(line),
                mode="lines+markers",
                name=name,
                cliponaxis=False,
                line={"color": look.series[place % len(look.series)], "width": 2, "dash": DASHES[place % len(DASHES)]},
                marker={"symbol": MARKERS[place % len(MARKERS)], "size": 9},
                customdata=[entry.n for entry in line],
                hovertemplate=f"{name}, N = %{{x}}: %{{y:.1%}} (n = %{{customdata}})<extra></extra>",
            )
        )
    figure.update_layout(showlegend=True)
    mark_passes(figure, (entry.passes for measured in models.values() for entry in measured))
    shares(figure)
    mark_chance(figure, chance, look)
    return laid_out(figure, look, x="passes N", y=right, height=340 + 18 * len(figure.data))
