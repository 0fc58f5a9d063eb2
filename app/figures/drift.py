"""Drift of the fast weights in every pass of a run."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from app.figures.layout import laid_out
from app.shell.theme import MARKERS, Mode, palette
from sleepviz.config.events import Event, SleepPassDone

FEW_HEADS = 12  # as many as a legend can name


def drift_figure(events: Sequence[Event], *, mode: Mode) -> go.Figure:
    """One line a layer and head over all passes of all windows, and one for h; a gap parts two windows.

    Of many heads, the layers' means are named and the heads are thin in their layer's colour.

    The names are short, so that a legend of eight heads fits a phone; hovering says which layer it is.
    """
    look, figure = palette(mode), go.Figure()
    passes = [event for event in events if isinstance(event, SleepPassDone)]
    layers = passes[0].layers if passes else ()
    x: list[str | None] = []
    picked: list[SleepPassDone | None] = []
    for index, event in enumerate(passes):
        if index and event.window_index != passes[index - 1].window_index:
            x.append(None)
            picked.append(None)
        x.append(f"w{event.window_index + 1}·{event.pass_index + 1}")
        picked.append(event)
    heads = [(layer_place, layer, head) for layer_place, layer in enumerate(layers) for head in range(len(layer.drift))]
    many = len(heads) > FEW_HEADS
    for place, (layer_place, layer, head) in enumerate(heads):
        name = f"{layer.layer + 1}·{head + 1}" if len(layers) > 1 else f"head {head + 1}"
        again = place >= len(look.series) and not many  # a colour's second head: the marker is open, the line dotted
        symbol = MARKERS[place % len(MARKERS)]
        colour = look.series[(layer_place if many else place) % len(look.series)]
        figure.add_trace(
            go.Scatter(
                x=x,
                y=[None if event is None else float(event.layers[layer_place].drift[head]) for event in picked],
                mode="lines" if many else "lines+markers",
                name=name,
                showlegend=not many,
                opacity=0.35 if many else 1,
                line={"color": colour, "width": 1 if many else 2, "dash": "dot" if again else "solid"},
                marker={"symbol": f"{symbol}-open" if again else symbol, "size": 7},
                hovertemplate=f"layer {layer.layer + 1}, head {head + 1}: %{{y:.3f}}<extra></extra>",
            )
        )
    for layer_place, layer in enumerate(layers if many else ()):
        figure.add_trace(
            go.Scatter(
                x=x,
                y=[None if event is None else float(event.layers[layer_place].drift.mean()) for event in picked],
                mode="lines+markers",
                name=f"layer {layer.layer + 1}, mean",
                line={"color": look.series[layer_place % len(look.series)], "width": 3},
                marker={"symbol": MARKERS[layer_place % len(MARKERS)], "size": 8},
                hovertemplate=f"layer {layer.layer + 1}, mean: %{{y:.3f}}<extra></extra>",
            )
        )
    figure.add_trace(
        go.Scatter(
            x=x,
            y=[None if event is None else event.h_drift for event in picked],
            mode="lines",
            name="h",
            line={"color": look.ink, "width": 2, "dash": "dash"},
        )
    )
    figure.update_yaxes(rangemode="tozero")
    if len(layers) > 1 and not many:
        figure.update_layout(legend_title_text="layer·head")
    return laid_out(figure, look, x="window · pass", y="relative change", height=400)
