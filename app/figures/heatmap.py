"""Accuracy over passes and difficulty as a heat map; what training took is parted from what it did not."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from app.figures.layout import laid_out
from app.figures.percent import percent
from app.shell.results import Result
from app.shell.theme import Mode, palette

SCALE = "Cividis"  # even in lightness, and the same to colour-blind eyes
ROW_PX = 44


def heatmap_figure(
    measured: Sequence[Result],
    *,
    live: Sequence[Result] = (),
    passes_trained: int | None,
    difficulty_trained: int | None,
    mode: Mode,
    symbol: str,
    right: str,
    chance: float | None = None,
) -> go.Figure:
    """A square for each N and difficulty, in per cent; live measurements are diamonds inside their squares."""
    look, figure = palette(mode), go.Figure()
    passes = sorted({entry.passes for entry in (*measured, *live)})
    difficulties = sorted({entry.difficulty for entry in (*measured, *live)})
    found = {(entry.passes, entry.difficulty): entry for entry in measured}
    grid = [[found.get((n, level)) for level in difficulties] for n in passes]
    figure.add_trace(
        go.Heatmap(
            x=list(range(len(difficulties))),
            y=list(range(len(passes))),
            z=[[None if entry is None else entry.accuracy for entry in row] for row in grid],
            text=[["" if entry is None else percent(entry.accuracy, digits=0) for entry in row] for row in grid],
            customdata=[[_told(entry, symbol, passes_trained, difficulty_trained) for entry in row] for row in grid],
            texttemplate="%{text}",
            hovertemplate="%{customdata}<extra></extra>",
            hoverongaps=False,
            xgap=2,
            ygap=2,
            zmin=0,
            zmax=1,
            colorscale=SCALE,
            colorbar={
                "orientation": "h",
                "thickness": 10,
                "len": 0.6,
                "x": 0,
                "xanchor": "left",
                "y": 1.02,
                "yanchor": "bottom",
                "title": {"text": f"% of {right}", "side": "top"},
                "tickvals": [chance or 0, 0.5, 1],
                "ticktext": [_lowest(chance), "50 %", "100 %"],
                "outlinewidth": 0,
            },
            name="results file",
        )
    )
    if live:
        figure.add_trace(
            go.Scatter(
                x=[difficulties.index(entry.difficulty) + 0.3 for entry in live],
                y=[passes.index(entry.passes) + 0.34 for entry in live],
                mode="markers",
                name="live",
                cliponaxis=False,
                marker={
                    "symbol": "diamond",
                    "size": 11,
                    "color": [entry.accuracy for entry in live],
                    "cmin": 0,
                    "cmax": 1,
                    "colorscale": SCALE,
                    # The scale's light end is near white, its dark end near black.
                    "line": {"color": ["#10182a" if e.accuracy > 0.5 else "#ffffff" for e in live], "width": 2},
                },
                customdata=[
                    f"live, n = {entry.n}<br>{_told(entry, symbol, passes_trained, difficulty_trained)}"
                    for entry in live
                ],
                hovertemplate="%{customdata}<extra></extra>",
                showlegend=False,
            )
        )
    edge = {"color": look.series[5], "width": 3}
    if passes_trained is not None and passes and passes_trained < passes[-1]:
        at = sum(n <= passes_trained for n in passes) - 0.5
        figure.add_shape(type="line", x0=-0.5, x1=len(difficulties) - 0.5, y0=at, y1=at, line=edge)
    if difficulty_trained is not None and difficulties and difficulty_trained < difficulties[-1]:
        at = sum(level <= difficulty_trained for level in difficulties) - 0.5
        figure.add_shape(type="line", x0=at, x1=at, y0=-0.5, y1=len(passes) - 0.5, line=edge)
    figure.update_xaxes(tickvals=list(range(len(difficulties))), ticktext=[str(level) for level in difficulties])
    figure.update_yaxes(tickvals=list(range(len(passes))), ticktext=[str(n) for n in passes])
    laid_out(figure, look, x=f"difficulty {symbol}", y="passes N", height=130 + ROW_PX * max(len(passes), 3))
    figure.update_xaxes(showgrid=False, range=[-0.5, max(len(difficulties), 1) - 0.5], tickangle=0)
    figure.update_yaxes(showgrid=False, range=[-0.5, max(len(passes), 1) - 0.5])
    return figure


def heatmap_summary(measured: Sequence[Result], symbol: str) -> str:
    """The grid in words, for those who cannot see it; every number is in the table below the plot."""
    if not measured:
        return "Accuracy over passes and difficulty; nothing was measured."
    passes = sorted({entry.passes for entry in measured})
    levels = sorted({entry.difficulty for entry in measured})
    low, high = min(measured, key=_accuracy), max(measured, key=_accuracy)
    return (
        f"Accuracy for N from {passes[0]} to {passes[-1]} and {symbol} from {levels[0]} to {levels[-1]}. "
        f"Lowest: {percent(low.accuracy)} % at N = {low.passes}, {symbol} = {low.difficulty}. "
        f"Highest: {percent(high.accuracy)} % at N = {high.passes}, {symbol} = {high.difficulty}."
    )


def _lowest(chance: float | None) -> str:
    """The lowest mark of the colour bar: chance where it is known, which may be next to nothing."""
    if chance is None:
        return "0 %"
    return f"chance {100 * chance:.0f} %" if chance >= 0.005 else "0 %, chance"


def _accuracy(entry: Result) -> float:
    return entry.accuracy


def _told(entry: Result | None, symbol: str, passes_trained: int | None, difficulty_trained: int | None) -> str:
    if entry is None:
        return ""
    is_beyond = (passes_trained is not None and entry.passes > passes_trained) or (
        difficulty_trained is not None and entry.difficulty > difficulty_trained
    )
    return (
        f"N = {entry.passes}, {symbol} = {entry.difficulty}<br>{percent(entry.accuracy)} % "
        f"({percent(entry.low)}–{percent(entry.high)}), n = {entry.n}{'<br>beyond training' if is_beyond else ''}"
    )
