"""When to stop sleeping, and when to begin: accuracy with intervals, beside the passes that it takes."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import TextWrapper

import plotly.graph_objects as go

from app.figures.accuracy import interval
from app.figures.layout import laid_out, mark_chance, shares
from app.figures.percent import one_in
from app.shell.results import Result
from app.shell.theme import MARKERS, Mode, palette
from sleepviz.studies.measurements import STILLNESS, VARIANTS

# Lines of a schedule's name: a phone leaves room for no more.
wrapped = TextWrapper(16, break_long_words=False, break_on_hyphens=False).wrap


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


def schedules_figure(entries: Sequence[Result], *, mode: Mode, right: str, chance: float | None = None) -> go.Figure:
    """A row for each schedule, a marker for each N: what lies further right is better."""
    look, figure = palette(mode), go.Figure()
    variants = list(dict.fromkeys(e.variant for e in sorted(entries, key=lambda e: e.variant == STILLNESS)))
    groups: dict[str, list[Result]] = {}
    for entry in sorted(entries, key=lambda entry: (entry.variant == STILLNESS, entry.passes)):
        took = f"{entry.mean_passes:.1f} passes" if entry.variant == STILLNESS else f"N = {entry.passes}"
        groups.setdefault(took, []).append(entry)
    for place, (name, line) in enumerate(groups.items()):
        shift = 0.0 if line[0].variant == STILLNESS else 0.18 * (place - (len(groups) - 2) / 2)
        figure.add_trace(
            go.Scatter(
                x=[entry.accuracy for entry in line],
                y=[variants.index(entry.variant) + shift for entry in line],
                error_x=interval(line),
                mode="markers",
                name=name,
                cliponaxis=False,
                marker={
                    "symbol": MARKERS[place % len(MARKERS)],
                    "size": 10,
                    "color": look.series[place % len(look.series)],
                },
                customdata=[[VARIANTS.get(e.variant, e.variant), e.mean_passes or e.passes, e.n] for e in line],
                hovertemplate=(
                    "%{customdata[0]}: %{x:.1%} with %{customdata[1]:.1f} passes per token "
                    "(n = %{customdata[2]})<extra></extra>"
                ),
            )
        )
    if chance is not None:
        dotted = {"color": look.ink, "width": 1.5, "dash": "dot"}
        figure.add_vline(x=chance, line=dotted, name=f"chance: {one_in(chance)}", showlegend=True)
    figure.update_layout(showlegend=True)
    figure = laid_out(figure, look, x=right, y="", height=150 + 62 * len(variants))
    figure.update_xaxes(range=[-0.03, 1.05], tickformat=".0%", dtick=0.25)
    labels = ["<br>".join(wrapped(VARIANTS.get(variant, variant))) for variant in variants]
    figure.update_yaxes(tickvals=list(range(len(variants))), ticktext=labels, range=[len(variants) - 0.5, -0.5])
    return figure
