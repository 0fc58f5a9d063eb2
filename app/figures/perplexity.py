"""Perplexity of how a text goes on, for each N and for full attention, with intervals over positions."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from app.figures.layout import laid_out
from app.shell.theme import Mode, palette
from sleepviz.text.losses import Losses, perplexity


def perplexity_figure(measured: Sequence[Losses], *, mode: Mode) -> go.Figure:
    """One point a setting, left to right as measured; full attention in another colour and shape. Lower is better."""
    look, figure = palette(mode), go.Figure()
    groups = (
        ("after eviction", "circle", look.series[0], [each for each in measured if each.n_passes is not None]),
        ("nothing evicted", "diamond", look.series[1], [each for each in measured if each.n_passes is None]),
    )
    for name, symbol, colour, line in groups:
        if not line:
            continue
        found = [perplexity(each) for each in line]
        figure.add_trace(
            go.Scatter(
                x=[each.name for each in line],
                y=[each.value for each in found],
                error_y={
                    "array": [each.high - each.value for each in found],
                    "arrayminus": [each.value - each.low for each in found],
                    "thickness": 1.5,
                },
                mode="markers",
                name=name,
                marker={"symbol": symbol, "size": 11, "color": colour},
                hovertemplate="%{x}: %{y:.2f}<extra></extra>",
            )
        )
    figure.update_yaxes(rangemode="tozero")
    return laid_out(figure, look, x="passes over each window", y="perplexity (lower is better)", height=360)
