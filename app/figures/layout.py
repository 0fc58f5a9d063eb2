"""What every figure has in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import plotly.graph_objects as go

from app.figures.percent import one_in
from app.shell.theme import FONT_SIZE, Palette


def laid_out(figure: go.Figure, palette: Palette, *, x: str, y: str, height: int = 440) -> go.Figure:
    """Set inks, axis titles and a legend above the plot; transparent, so that the page shows through.

    Below the plot, a legend of several lines would cover the title of the x axis.
    """
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": palette.ink, "size": FONT_SIZE},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "font": {"color": palette.ink}},
        hovermode="closest",
    )
    axis = {"gridcolor": palette.faint, "linecolor": palette.faint, "zeroline": False, "automargin": True}
    figure.update_xaxes(title={"text": x, "standoff": 8}, **axis)
    figure.update_yaxes(title=y, **axis)
    return figure


def shares(figure: go.Figure) -> None:
    """The y axis holds shares: from 0 to 100 %."""
    figure.update_yaxes(range=[-0.03, 1.05], tickformat=".0%", dtick=0.2)


def mark_chance(figure: go.Figure, chance: float | None, palette: Palette) -> None:
    """A dotted line where guessing would be, named in the legend; nothing where chance is not known."""
    if chance is not None:
        name = f"chance: {one_in(chance)}"
        figure.add_hline(y=chance, line={"color": palette.ink, "width": 1.5, "dash": "dot"}, name=name, showlegend=True)
        figure.update_layout(showlegend=True)


def mark_passes(figure: go.Figure, values: Iterable[int]) -> None:
    """A tick under every number of passes, written where there is room on a phone."""
    every = sorted(set(values))
    figure.update_xaxes(tickvals=apart(every), minor={"tickvals": every, "ticks": "outside"})


def apart(values: Sequence[int], most: int = 12) -> list[int]:
    """The values that can be written under an axis that has room for `most`, on a phone, the last among them."""
    kept: list[int] = []
    for value in reversed(values):
        if not kept or kept[-1] - value >= (values[-1] - values[0]) / most:
            kept.append(value)
    return kept[::-1]
