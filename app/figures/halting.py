"""When to stop sleeping: accuracy against the mean number of passes, for fixed N and for stopping on drift."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from app.figures.accuracy import interval
from app.figures.layout import laid_out, mark_chance, shares
from app.shell.results import Result
from app.shell.theme import Mode, palette


def halting_figure(
    fixed: Sequence[Result], drift: Sequence[Result], *, mode: Mode, right: str, chance: float | None = None
) -> go.Figure:
    """Two lines from few passes to many; higher and further left is better."""
    look, figure = palette(mode), go.Figure()
    drift = sorted(
        (entry for entry in drift if entry.mean_passes is not None), key=lambda entry: entry.mean_passes or 0
    )
    fixed = sorted(fixed, key=lambda entry: entry.passes)
    for name, line, told, colour, symbol, dash in (
        ("a fixed N", fixed, [f"N = {entry.passes}" for entry in fixed], look.series[0], "circle", "dot"),
        (
            "stops when S is still",
            drift,
            [f"drift below {entry.threshold:g}" for entry in drift],
            look.series[5],
            "diamond",
            "solid",
        ),
    ):
        if line:
            figure.add_trace(
                go.Scatter(
                    x=[entry.passes if entry.mean_passes is None else entry.mean_passes for entry in line],
                    y=[entry.accuracy for entry in line],
                    error_y=interval(list(line)),
                    mode="lines+markers",
                    name=name,
                    line={"color": colour, "width": 2, "dash": dash},
                    marker={"symbol": symbol, "size": 9},
                    customdata=told,
                    hovertemplate="%{customdata}: %{y:.1%} with %{x:.1f} passes<extra></extra>",
                )
            )
    figure.update_layout(showlegend=True)
    figure.update_xaxes(rangemode="tozero")
    shares(figure)
    mark_chance(figure, chance, look)
    return laid_out(figure, look, x="mean passes per window", y=right, height=400)
