"""Does the first row survive later sleeps? Accuracy on it, by how many windows were slept on since."""

from __future__ import annotations

import plotly.graph_objects as go

from app.figures.accuracy import interval
from app.figures.layout import laid_out, mark_chance, shares
from app.shell.results import Result, Results
from app.shell.theme import MARKERS, Mode, palette

ASKED_AFTER = "asked_after_"


def windows_figure(
    results: Results, *, difficulty: int, mode: Mode, symbol: str = "t", chance: float | None = None
) -> go.Figure:
    """One line a difficulty over the number of windows slept on; the current difficulty is thick."""
    look, figure = palette(mode), go.Figure()
    measured = results.of("retention")
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
    figure.update_xaxes(dtick=1)
    shares(figure)
    mark_chance(figure, chance, look)
    return laid_out(figure, look, x="windows slept on", y="first row fully right", height=400)


def windows_slept(entry: Result) -> int:
    """From the variant's name, asked_after_3."""
    return int(entry.variant.removeprefix(ASKED_AFTER))
