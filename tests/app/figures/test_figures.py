"""Figures: their data against hand-computed values, and results files that cannot be used."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.figures import accuracy_figure, accuracy_summary, difficulties_shown, drift_figure, windows_figure
from app.figures.layout import apart
from app.shell.results import Results, ResultsError, read_results
from app.shell.theme import DARK, LIGHT, Mode
from sleepviz.config.events import SleepPassDone
from sleepviz.tasks import TASKS
from tests.app.made import made_results, made_trace

ROWS = {"symbol": "t", "right": "rows right"}
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def results(tmp_path: Path) -> Results:
    path = tmp_path / "rule110.json"
    path.write_text(json.dumps(made_results()))
    return read_results(path)


def test_accuracy_lines_are_in_order_of_passes_with_unequal_arms(results: Results) -> None:
    figure = accuracy_figure(results, difficulty=3, passes=4, mode="light", **ROWS)
    lines = {trace.name: trace for trace in figure.data}
    hard = lines["t = 3"]
    assert list(hard.x) == [1, 4] and list(hard.y) == [0.2, 0.9]
    assert list(hard.error_y.array) == pytest.approx([0.05, 0.05])
    assert list(hard.error_y.arrayminus) == pytest.approx([0.1, 0.1])
    assert hard.line.width > lines["t = 1"].line.width


def test_baselines_are_level_lines_at_the_current_difficulty(results: Results) -> None:
    traces = [
        t for t in accuracy_figure(results, difficulty=3, passes=4, mode="light", **ROWS).data if "only" in t.name
    ]
    assert {trace.name: list(trace.y) for trace in traces} == {
        "N = 1 only, same tokens": [0.4, 0.4],
        "N = 1 only, same FLOPs": [0.5, 0.5],
    }
    assert len(traces) == len({trace.line.dash for trace in traces}) == 2


def test_the_ring_is_the_current_setting_or_absent(results: Results) -> None:
    here = [
        t
        for t in accuracy_figure(results, difficulty=3, passes=4, mode="dark", **ROWS).data
        if t.name == "your setting"
    ]
    assert list(here[0].x) == [4] and list(here[0].y) == [0.9] and here[0].marker.color == DARK.accent
    away = accuracy_figure(results, difficulty=3, passes=5, mode="light", **ROWS)
    assert "your setting" not in [trace.name for trace in away.data]
    assert away.layout.shapes[0].x0 == 5 and away.layout.shapes[0].line.color == LIGHT.accent


def test_another_models_run_has_no_place_in_the_plot(results: Results) -> None:
    figure = accuracy_figure(results, difficulty=3, passes=None, mode="light", **ROWS)
    assert "your setting" not in [trace.name for trace in figure.data] and not figure.layout.shapes


def test_ticks_stand_apart_and_the_last_is_there() -> None:
    assert apart([1, 2, 3, 4, 6, 8, 12, 16, 20, 28]) == [1, 4, 8, 12, 16, 20, 28]
    assert apart([1, 2, 4]) == [1, 2, 4] and apart([5]) == [5] and apart([]) == []


def test_at_most_six_difficulties_with_the_current_and_the_hardest() -> None:
    values = made_results()
    template = values["entries"][0]  # type: ignore[index]
    values["entries"] = [{**template, "difficulty": t} for t in range(13)]
    entries = Results("rule110", "", tuple(_entries(values)))
    assert difficulties_shown(entries, 7) == (1, 2, 4, 7, 8, 12)
    assert difficulties_shown(entries, 99) == (1, 2, 4, 8, 12)
    assert difficulties_shown(Results("rule110", "", ()), 3) == ()


def _entries(values: dict) -> tuple:
    from app.shell.results import _entry

    return tuple(_entry(entry) for entry in values["entries"])


def test_the_plot_in_words(results: Results) -> None:
    assert accuracy_summary(results, 3, "t") == "Accuracy against passes N. At t = 3: N = 1: 0.20, N = 4: 0.90."
    assert "was not measured" in accuracy_summary(results, 9, "t")


def test_retention_is_ordered_by_windows_slept_on(results: Results) -> None:
    (line,) = windows_figure(results, "retention", difficulty=3, mode="light", symbol="t").data
    assert line.name == "t = 3" and list(line.x) == [1, 2, 3, 4] and list(line.y) == [0.9, 0.8, 0.8, 0.7]
    assert not windows_figure(Results("rule110", "", ()), "retention", difficulty=3, mode="dark", symbol="t").data


def test_drift_lines() -> None:
    head, stream = drift_figure(made_trace().events, mode="light").data
    assert list(head.x) == ["w1·1", "w1·2"] and list(head.y) == [1.0, 0.25]
    assert head.name == "head 1" and stream.name == "h" and list(stream.y) == [0.5, 0.5]


def widened(event: SleepPassDone, *, heads: int, layers: int) -> SleepPassDone:
    """The same pass of a model with more heads and layers; head h of layer l drifts by l + h / 100."""
    one = event.layers[0]
    return replace(
        event,
        layers=tuple(
            replace(one, layer=layer, drift=np.array([layer + head / 100 for head in range(heads)], dtype=np.float32))
            for layer in range(layers)
        ),
    )


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(("heads", "layers", "first", "last"), [(8, 1, "head 1", "head 8"), (4, 3, "1·1", "3·4")])
def test_every_head_is_named_and_looks_like_no_other(
    heads: int, layers: int, first: str, last: str, mode: Mode
) -> None:
    passes = [e for e in made_trace().events if isinstance(e, SleepPassDone)]
    *lines, stream = drift_figure([widened(e, heads=heads, layers=layers) for e in passes], mode=mode).data
    assert stream.name == "h" and (lines[0].name, lines[-1].name) == (first, last)
    assert len({trace.name for trace in lines}) == heads * layers == len(lines)
    assert len({(trace.line.color, trace.line.dash, trace.marker.symbol) for trace in lines}) == heads * layers
    assert lines[-1].y[0] == pytest.approx(layers - 1 + (heads - 1) / 100)
    # Some twenty letters and lines of 40 pixels fit a phone's width: two names stand side by side.
    assert max(len(trace.name) for trace in lines) <= 7


def test_of_many_heads_the_layers_are_named_and_every_head_is_there() -> None:
    passes = [e for e in made_trace().events if isinstance(e, SleepPassDone)]
    *lines, stream = drift_figure([widened(e, heads=16, layers=2) for e in passes], mode="light").data
    heads, means = lines[:32], lines[32:]
    assert [trace.name for trace in means] == ["layer 1, mean", "layer 2, mean"] and stream.name == "h"
    assert means[1].y[0] == pytest.approx(1 + 7.5 / 100)  # heads drift by 1.00 to 1.15
    assert not any(trace.showlegend for trace in heads) and len({trace.name for trace in heads}) == 32
    assert {trace.line.color for trace in heads[16:]} == {means[1].line.color} != {means[0].line.color}


def test_drift_of_a_run_without_passes_is_empty() -> None:
    assert list(drift_figure((), mode="dark").data[0].y) == []


def test_every_series_colour_stands_out() -> None:
    for look in (LIGHT, DARK):
        for colour in (*look.series, look.accent, look.ink):
            assert contrast(colour, look.background) >= 3, (colour, look.background)


def contrast(one: str, other: str) -> float:
    """WCAG contrast of two #rrggbb colours."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    "damage",
    ["", "not json", "[]", '{"task": "rule110"}', '{"task": "x", "made_by": "", "entries": [{"n": 1}]}', "[" * 100_000],
    ids=["empty", "text", "list", "no-entries", "bad-entry", "deep"],
)
def test_a_damaged_results_file_is_one_sentence(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "rule110.json"
    path.write_text(damage)
    with pytest.raises(ResultsError, match=r"^The results file rule110\.json is damaged"):
        read_results(path)


def test_an_accuracy_outside_its_interval_is_refused(tmp_path: Path) -> None:
    values = made_results()
    values["entries"][0]["ci95"] = [0.1, 0.2]  # type: ignore[index]
    path = tmp_path / "rule110.json"
    path.write_text(json.dumps(values))
    with pytest.raises(ResultsError):
        read_results(path)


def test_a_bound_that_is_off_by_rounding_alone_is_no_damage(tmp_path: Path) -> None:
    """Wilson's upper bound of 512 of 512 comes out as 0.9999999999999998; no arm of a plot may turn round."""
    values = made_results()
    values["entries"][0] |= {"accuracy": 1.0, "ci95": [0.9925, 0.9999999999999998]}  # type: ignore[index]
    values["entries"][1] |= {"accuracy": 0.0, "ci95": [1e-17, 0.01]}  # type: ignore[index]
    path = tmp_path / "rule110.json"
    path.write_text(json.dumps(values))
    first, second = read_results(path).entries[:2]
    assert (first.low, first.high, second.low) == (0.9925, 1.0, 0.0)


SHIPPED = [path for name in TASKS if (path := ROOT / "assets" / "results" / f"{name}.json").exists()]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_results_that_ship_can_be_read(path: Path) -> None:
    assert read_results(path).task == path.stem


def test_a_missing_results_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="is not here"):
        read_results(tmp_path / "rule110.json")
