"""Times measured on this machine, by a button: sleep and one answer over N and the window."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import streamlit as st

from app import figures
from app.cost import cost_text as text
from app.parts.html_table import html_table
from app.shell import progress, runs
from app.shell.jobs import Sweep
from app.shell.state import Visit
from app.shell.theme import Mode
from sleepviz.config.model import ModelConfig, SleepPolicy
from sleepviz.runs.checkpoint import CheckpointInfo

PASSES, WINDOWS = (1, 2, 4, 8), (16, 64, 256)
REPEATS = 9
QUESTION = 10  # tokens
POLL_S = 0.7


def show(visit: Visit, infos: tuple[CheckpointInfo, ...], mode: Mode) -> None:
    """The button, the progress, and what was measured."""
    info = next((each for each in infos if each.default), None)
    if info is None:
        return
    st.header(text.MEASURE, anchor="measured")
    st.markdown(f"{text.MEASURED} {text.MEASURE_LEAD}")
    sweep: Sweep | None = visit.get("sweep")
    if sweep is not None and sweep.was_left:
        sweep = runs.queue().resumed(sweep)
        visit.set({"sweep": sweep})
    total = len(PASSES) * len(WINDOWS)
    if st.button(text.PRESS.format(n=total), key="cost_measure", disabled=sweep is not None and not sweep.is_over):
        sweep = runs.queue().sweep(_settings(ModelConfig.from_json(info.meta["model"])), total)
        visit.set({"sweep": sweep})
    st.caption(text.REPEATS.format(n=REPEATS))
    if sweep is None:
        return
    if not sweep.is_over:
        progress.show_sweep(sweep, text.SETTINGS, text.STARTING, every_s=POLL_S, cancel="cost_cancel")
    elif sweep.phase == "failed":
        st.error(sweep.message, icon=":material/error:")
    elif sweep.phase == "cancelled":
        st.info(text.STOPPED, icon=":material/stop_circle:")
    if sweep.is_over and sweep.cells:
        _times(sweep.cells, mode)


def _settings(config: ModelConfig) -> Iterator[object]:
    """Called in a worker: torch is imported there."""
    from sleepviz.studies.cost import timing

    for window in WINDOWS:
        for n in PASSES:
            yield timing(config, SleepPolicy(n), window=window, query_tokens=QUESTION, repeats=REPEATS)


def _times(cells: Sequence[object], mode: Mode) -> None:
    """The table and the figure."""
    rows = []
    asleep: dict[str, list[tuple[int, tuple[float, float, float]]]] = defaultdict(list)
    awake: dict[str, list[tuple[int, tuple[float, float, float]]]] = defaultdict(list)
    for each in cells:
        n, window, sleep_s, wake_s = each.n_passes, each.window, each.sleep_s, each.wake_s  # type: ignore[attr-defined]
        rows.append([str(n), str(window), _ms(sleep_s), _ms(wake_s), f"{1e6 * sleep_s[1] / (n * window):.1f}"])
        asleep[f"window {window}"].append((n, sleep_s))
        awake[f"window {window}"].append((n, wake_s))
    left, right = st.columns(2, gap="large")
    with left:
        st.html(html_table(text.TIMES_TABLE.format(question=QUESTION), text.TIMES_HEADS, rows))
    with right:
        st.caption(text.TIMES_NOTICE)
        figure = figures.times_figure(asleep, awake, mode=mode)
        st.plotly_chart(figure, key="cost_times", theme=None, alt=text.TIMES_ALT, config={"displayModeBar": False})


def _ms(quartiles: tuple[float, float, float]) -> str:
    low, middle, high = (1e3 * each for each in quartiles)
    return f"{middle:.3g} ({low:.3g}–{high:.3g})"
