"""Accuracy against N at one difficulty: models that differ in one thing, with Wilson intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from app.figures.accuracy import interval
from app.figures.layout import laid_out, mark_passes
from app.shell.results import Result
from app.shell.theme import MARKERS, Mode, palette

DASHES = ("solid", "dot", "dash", "longdash", "dashdot")


def series_figure(models: Mapping[str, Sequence[Result]], *, mode: Mode, right: str) -> go.Figure:
    """One line a model, ordered by N; a model that was asked for one N only is a single marker."""
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
                hovertemplate=f"{name}, N = %{{x}}: %{{y:.3f}} (n = %{{customdata}})<extra></extra>",
            )
        )
    figure.update_layout(showlegend=True)
    mark_passes(figure, (entry.passes for measured in models.values() for entry in measured))
    figure.update_yaxes(range=[-0.03, 1.05])
    return laid_out(figure, look, x="passes N", y=right, height=340 + 18 * len(figure.data))
