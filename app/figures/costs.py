"""Memory against context, operations against questions, and measured seconds against N."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from app.figures.layout import laid_out, mark_passes
from app.shell.theme import MARKERS, Mode, palette

Line = Sequence[tuple[float, float]]
Quartiles = Sequence[tuple[int, tuple[float, float, float]]]  # (N, (lower quartile, median, upper quartile))


def memory_figure(lines: Mapping[str, Line], *, at: int, mode: Mode) -> go.Figure:
    """Bytes over tokens, both logarithmic, a line for each name; the chosen context is marked."""
    figure = _lines(lines, mode)
    look = palette(mode)
    figure.add_vline(x=at, line={"color": look.ink, "width": 1.5, "dash": "dot"})
    figure.update_xaxes(type="log", exponentformat="power")
    figure.update_yaxes(type="log", exponentformat="SI", ticksuffix="B")
    return laid_out(figure, look, x="context, tokens", y="bytes", height=380)


def questions_figure(lines: Mapping[str, Line], *, crossing: float | None, mode: Mode) -> go.Figure:
    """Operations over the number of questions; where they cross is marked, if they do."""
    figure = _lines(lines, mode)
    look = palette(mode)
    if crossing is not None:
        figure.add_vline(x=crossing, line={"color": look.ink, "width": 1.5, "dash": "dot"})
    figure.update_yaxes(exponentformat="power", rangemode="tozero")
    return laid_out(figure, look, x="questions", y="operations", height=380)


def times_figure(asleep: Mapping[str, Quartiles], awake: Mapping[str, Quartiles], *, mode: Mode) -> go.Figure:
    """Median seconds over N with their quartiles: sleep solid, one answer dashed, a colour for each window."""
    look, figure = palette(mode), go.Figure()
    for dash, kind, lines in (("solid", "sleep", asleep), ("dash", "answer", awake)):
        for place, (name, line) in enumerate(lines.items()):
            low, middle, high = zip(*(each for _, each in line), strict=True)
            figure.add_trace(
                go.Scatter(
                    x=[n for n, _ in line],
                    y=middle,
                    error_y={
                        "array": [top - mid for top, mid in zip(high, middle, strict=True)],
                        "arrayminus": [mid - bottom for mid, bottom in zip(middle, low, strict=True)],
                        "thickness": 1.5,
                    },
                    mode="lines+markers",
                    name=f"{kind}, {name}",
                    line={"color": look.series[place % len(look.series)], "width": 2, "dash": dash},
                    marker={"symbol": MARKERS[place % len(MARKERS)], "size": 8},
                    hovertemplate=f"{kind}, {name}, N = %{{x}}: %{{y:.4f}} s<extra></extra>",
                )
            )
    mark_passes(figure, (n for line in asleep.values() for n, _ in line))
    figure.update_yaxes(type="log", exponentformat="SI", ticksuffix="s")
    figure.update_layout(showlegend=True)
    return laid_out(figure, look, x="passes N", y="seconds", height=380)


def _lines(lines: Mapping[str, Line], mode: Mode) -> go.Figure:
    look, figure = palette(mode), go.Figure()
    for place, (name, line) in enumerate(lines.items()):
        figure.add_trace(
            go.Scatter(
                x=[x for x, _ in line],
                y=[y for _, y in line],
                mode="lines",
                name=name,
                line={
                    "color": look.series[place % len(look.series)],
                    "width": 3,
                    "dash": ("solid", "dash", "dot")[place % 3],
                },
                hovertemplate=f"{name}: %{{y:.3s}} at %{{x:,}}<extra></extra>",
            )
        )
    figure.update_layout(showlegend=True)
    return figure
