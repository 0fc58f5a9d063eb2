"""Accuracy against N for several difficulties, with Wilson intervals and the N = 1 baselines."""

from __future__ import annotations

import plotly.graph_objects as go

from app.figures.layout import laid_out, mark_chance, mark_passes, shares
from app.shell.results import Result, Results
from app.shell.theme import MARKERS, Mode, palette
from sleepviz.studies.measurements import VARIANTS

DASHES = {
    "n1_same_tokens": "dot",
    "n1_same_flops": "dash",
    "n1_curriculum": "longdashdot",
    "n1_uniform": "dashdot",
    "n1_causal_tokens": "2px 6px",
    "n1_causal_flops": "14px 5px",
}


def difficulties_shown(results: Results, current: int) -> tuple[int, ...]:
    """At most six difficulties: powers of two, the hardest, and the one that the visitor has set."""
    known = sorted({entry.difficulty for entry in results.of("accuracy", "any_n")})
    if not known:
        return ()
    wanted = [known[-1], *(t for t in (current, 1, 2, 4, 8, 16) if t in known)]
    return tuple(sorted(list(dict.fromkeys(wanted))[:6]))


def accuracy_summary(results: Results, difficulty: int, symbol: str) -> str:
    """The current line in words, for those who cannot see the plot."""
    line = [entry for entry in results.of("accuracy", "any_n") if entry.difficulty == difficulty]
    if not line:
        return f"Accuracy against passes N; {symbol} = {difficulty} was not measured."
    values = ", ".join(f"N = {entry.passes}: {entry.accuracy:.2f}" for entry in line)
    return f"Accuracy against passes N. At {symbol} = {difficulty}: {values}."


def accuracy_figure(
    results: Results,
    *,
    difficulty: int,
    passes: int | None,
    mode: Mode,
    symbol: str,
    right: str,
    chance: float | None = None,
) -> go.Figure:
    """One line a difficulty; the current one is thick, its baselines are level lines, and a ring is "you are here".

    `passes` None: the visitor's run is another model's, or is changed, so that nothing here tells of it. `chance` is
    how often guessing is right; None where that is not known.
    """
    look, figure = palette(mode), go.Figure()
    measured = results.of("accuracy", "any_n")
    for place, shown in enumerate(difficulties_shown(results, difficulty)):
        line = [entry for entry in measured if entry.difficulty == shown]
        is_current = shown == difficulty
        figure.add_trace(
            go.Scatter(
                x=[entry.passes for entry in line],
                y=[entry.accuracy for entry in line],
                error_y=interval(line),
                mode="lines+markers",
                name=f"{symbol} = {shown}",
                line={"color": look.series[place % len(look.series)], "width": 4 if is_current else 1.5},
                marker={"symbol": MARKERS[place % len(MARKERS)], "size": 9 if is_current else 7},
                hovertemplate=f"{symbol} = {shown}, N = %{{x}}: %{{y:.1%}}<extra></extra>",
            )
        )
    most = max((entry.passes for entry in measured), default=1)
    for variant, dash in DASHES.items():
        name = VARIANTS[variant]
        for entry in results.of("baseline", variant):
            if entry.difficulty == difficulty:
                figure.add_trace(
                    go.Scatter(
                        x=[1, max(most, passes or 1)],
                        y=[entry.accuracy, entry.accuracy],
                        mode="lines",
                        name=name,  # at the current difficulty, as the text above says
                        line={"color": look.ink, "width": 2, "dash": dash},
                        hovertemplate=f"{name}: %{{y:.1%}}<extra></extra>",
                    )
                )
    if passes is not None:
        figure.add_vline(x=passes, line={"color": look.accent, "width": 1, "dash": "dot"})
    here = [entry for entry in measured if entry.difficulty == difficulty and entry.passes == passes]
    if here:
        figure.add_trace(
            go.Scatter(
                x=[passes],
                y=[here[0].accuracy],
                mode="markers",
                name="your setting",
                cliponaxis=False,
                marker={"symbol": "circle-open", "size": 20, "color": look.accent, "line": {"width": 3}},
                hovertemplate=f"your setting: %{{y:.1%}} (n = {here[0].n})<extra></extra>",
            )
        )
    mark_passes(figure, (entry.passes for entry in measured))
    shares(figure)
    mark_chance(figure, chance, look)
    return laid_out(figure, look, x="passes N", y=right)


def interval(line: list[Result]) -> dict[str, object]:
    """Error bars; Wilson intervals are not symmetric, so both arms are given."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [entry.high - entry.accuracy for entry in line],
        "arrayminus": [entry.accuracy - entry.low for entry in line],
        "thickness": 1.2,
        "width": 3,
    }
