"""Drift of the fast weights in every pass of a run."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from app.figures.layout import laid_out
from app.theme import MARKERS, Mode, palette
from sleepviz.events import Event, SleepPassDone


def drift_figure(events: Sequence[Event], *, mode: Mode) -> go.Figure:
    """One line a layer and head over all passes of all windows, and one for h; a gap parts two windows.

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
    heads = [(place, layer, head) for place, layer in enumerate(layers) for head in range(len(layer.drift))]
    for place, (layer_place, layer, head) in enumerate(heads):
        name = f"{layer.layer + 1}·{head + 1}" if len(layers) > 1 else f"head {head + 1}"
        again = place >= len(look.series)  # a colour's second head: the marker is open, the line dotted
        symbol = MARKERS[place % len(MARKERS)]
        figure.add_trace(
            go.Scatter(
                x=x,
                y=[None if event is None else float(event.layers[layer_place].drift[head]) for event in picked],
                mode="lines+markers",
                name=name,
                line={
                    "color": look.series[place % len(look.series)],
                    "width": 2,
                    "dash": "dot" if again else "solid",
                },
                marker={"symbol": f"{symbol}-open" if again else symbol, "size": 7},
                hovertemplate=f"layer {layer.layer + 1}, head {head + 1}: %{{y:.3f}}<extra></extra>",
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
    if len(layers) > 1:
        figure.update_layout(legend_title_text="layer·head")
    return laid_out(figure, look, x="window · pass", y="relative change", height=400)
