"""Accuracy against difficulty: this model beside its baselines, with Wilson intervals."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from app.figures.accuracy import interval
from app.figures.layout import laid_out, mark_chance, shares
from app.shell.results import Result
from app.shell.theme import MARKERS, Mode, palette

DASHES = ("dot", "dash", "longdash", "dashdot")


def baselines_figure(
    own: Sequence[tuple[str, Sequence[Result]]],
    baselines: Sequence[tuple[str, Sequence[Result]]],
    *,
    live: Sequence[Result] = (),
    mode: Mode,
    symbol: str,
    right: str,
    chance: float | None = None,
) -> go.Figure:
    """This model's lines are solid and thick, every baseline's are broken; live measurements are diamonds."""
    look, figure = palette(mode), go.Figure()
    for place, (name, line) in enumerate((*own, *baselines)):
        is_own = place < len(own)
        figure.add_trace(
            go.Scatter(
                x=[entry.difficulty for entry in line],
                y=[entry.accuracy for entry in line],
                error_y=interval(list(line)),
                mode="lines+markers",
                name=name,
                line={
                    "color": look.series[place % len(look.series)],
                    "width": max(2.5, 4 - 1.5 * place) if is_own else 2,
                    "dash": "solid" if is_own else DASHES[(place - len(own)) % len(DASHES)],
                },
                marker={"symbol": MARKERS[place % len(MARKERS)], "size": 8},
                customdata=[f"N = {entry.passes}, n = {entry.n}" for entry in line],
                hovertemplate=f"{name}, {symbol} = %{{x}}: %{{y:.1%}} (%{{customdata}})<extra></extra>",
            )
        )
    for size in sorted({entry.n for entry in live}):
        line = [entry for entry in live if entry.n == size]
        figure.add_trace(
            go.Scatter(
                x=[entry.difficulty for entry in line],
                y=[entry.accuracy for entry in line],
                error_y={**interval(line), "color": look.ink},
                mode="markers",
                name=f"live, n = {size}",
                cliponaxis=False,
                marker={"symbol": "diamond-open", "size": 13, "color": look.ink, "line": {"width": 2}},
                customdata=[f"N = {entry.passes}, n = {entry.n}" for entry in line],
                hovertemplate=f"live, {symbol} = %{{x}}: %{{y:.1%}} (%{{customdata}})<extra></extra>",
            )
        )
    figure.update_layout(showlegend=True)
    figure.update_xaxes(tickvals=sorted({entry.difficulty for _, line in (*own, *baselines) for entry in line}))
    shares(figure)
    mark_chance(figure, chance, look)
    return laid_out(figure, look, x=f"difficulty {symbol}", y=right, height=380 + 18 * len(figure.data))
