"""Drift of the fast weights in every pass of a run."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from app.figures.layout import laid_out
from app.theme import MARKERS, Mode, palette
from sleepviz.events import Event, SleepPassDone


def drift_figure(events: Sequence[Event], *, mode: Mode) -> go.Figure:
    """One line a layer and head over all passes of all windows, and one for h; a gap parts two windows."""
    look, figure = palette(mode), go.Figure()
    passes = [event for event in events if isinstance(event, SleepPassDone)]
    x: list[str | None] = []
    picked: list[SleepPassDone | None] = []
    for index, event in enumerate(passes):
        if index and event.window_index != passes[index - 1].window_index:
            x.append(None)
            picked.append(None)
        x.append(f"w{event.window_index + 1}·{event.pass_index + 1}")
        picked.append(event)
    place = 0
    for layer_place, layer in enumerate(passes[0].layers if passes else ()):
        for head in range(len(layer.drift)):
            figure.add_trace(
                go.Scatter(
                    x=x,
                    y=[None if event is None else float(event.layers[layer_place].drift[head]) for event in picked],
                    mode="lines+markers",
                    name=f"layer {layer.layer + 1}, head {head + 1}",
                    line={"color": look.series[place % len(look.series)], "width": 2},
                    marker={"symbol": MARKERS[place % len(MARKERS)], "size": 7},
                )
            )
            place += 1
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
    return laid_out(figure, look, x="window · pass", y="relative change", height=400)
