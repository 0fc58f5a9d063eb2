"""The Lab's figures: their data against made-up entries."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from app.figures import (
    accuracy_figure,
    baselines_figure,
    halting_figure,
    heatmap_figure,
    heatmap_summary,
    series_figure,
    windows_figure,
)
from app.shell.results import Result, Results
from app.shell.theme import DARK, LIGHT, Mode
from tests.app.lab.test_lab_findings import FIXED, STAIRS, drift, entry


def heat(  # type: ignore[no-untyped-def]
    live: tuple[Result, ...] = (),
    trained: int | None = 2,
    hardest: int | None = None,
    mode: Mode = "light",
    chance: float | None = None,
):
    return heatmap_figure(
        STAIRS,
        live=live,
        passes_trained=trained,
        difficulty_trained=hardest,
        mode=mode,
        symbol="t",
        right="rows right",
        chance=chance,
    )


def test_a_square_for_each_n_and_difficulty_with_its_interval_on_hover() -> None:
    (cells,) = heat().data
    assert [list(row) for row in cells.z] == [[1.0, 0.1, 0.0], [1.0, 1.0, 0.1], [1.0, 1.0, 0.96]]
    assert [list(row) for row in cells.text] == [["100", "10", "0"], ["100", "100", "10"], ["100", "100", "96"]]
    assert cells.customdata[0][1] == "N = 1, t = 2<br>10.0 % (5.0–15.0), n = 100"
    assert cells.customdata[2][2] == "N = 4, t = 3<br>96.0 % (91.0–100.0), n = 100<br>beyond training"
    assert (cells.zmin, cells.zmax) == (0, 1)


def test_the_line_parts_what_training_took() -> None:
    """Rows are N = 1, 2, 4: trained up to 2, the line stands above the second row; up to 3, there as well."""
    for trained in (2, 3):
        (line,) = heat(trained=trained).layout.shapes
        assert (line.y0, line.y1) == (1.5, 1.5) and (line.x0, line.x1) == (-0.5, 2.5)
    assert not heat(trained=4).layout.shapes and not heat(trained=None).layout.shapes
    _, upright = heat(hardest=1).layout.shapes
    assert (upright.x0, upright.x1) == (0.5, 0.5) and (upright.y0, upright.y1) == (-0.5, 2.5)


def test_a_live_cell_joins_even_where_nothing_was_measured() -> None:
    cells, live = heat(live=(entry(2, 3, 0.5, n=8), entry(3, 2, 0.75, n=8))).data
    assert [list(row) for row in cells.z][2] == [None, None, None]  # N = 3 is a row now
    assert (
        list(live.marker.color) == [0.5, 0.75]
        and live.marker.symbol == "diamond"
        and len(set(live.marker.line.color)) == 2
    )
    assert [round(x) for x in live.x] == [2, 1] and [round(y) for y in live.y] == [1, 2]
    assert live.customdata[0].startswith("live, n = 8<br>N = 2, t = 3<br>50.0 %")


@pytest.mark.parametrize(("mode", "look"), [("light", LIGHT), ("dark", DARK)])
def test_colours_are_given_for_both_themes(mode: Mode, look: object) -> None:
    assert heat(mode=mode).layout.font.color == look.ink  # type: ignore[attr-defined]
    for figure in (halting_figure(FIXED, [drift(0.5, 2, 0.4)], mode=mode, right=""), lines(mode)):
        assert all(trace.line.color or trace.mode == "markers" for trace in figure.data)


def test_the_grid_in_words() -> None:
    assert heatmap_summary(STAIRS, "t") == (
        "Accuracy for N from 1 to 4 and t from 1 to 3. Lowest: 0.0 % at N = 1, t = 3. Highest: 100.0 % at N = 1, t = 1."
    )
    assert heatmap_summary([], "t").endswith("nothing was measured.")
    assert not heatmap_figure(
        [], passes_trained=2, difficulty_trained=3, mode="dark", symbol="t", right=""
    ).layout.shapes


def lines(mode: Mode = "light", live: tuple[Result, ...] = ()):  # type: ignore[no-untyped-def]
    own = [("best", [entry(4, 1, 1.0), entry(4, 2, 0.9)]), ("N = 1", [entry(1, 1, 0.5)])]
    baselines = [(f"baseline {place}", [entry(1, 1, 0.4), entry(1, 2, 0.0)]) for place in range(9)]
    return baselines_figure(own, baselines, live=live, mode=mode, symbol="t", right="rows right")


def test_own_lines_are_solid_baselines_are_broken_and_no_two_look_alike() -> None:
    traces = lines().data
    assert [trace.line.dash for trace in traces[:2]] == ["solid", "solid"]
    assert all(trace.line.dash != "solid" for trace in traces[2:])
    assert len({(t.line.color, t.line.dash, t.marker.symbol) for t in traces}) == len(traces) == 11
    assert list(traces[0].error_y.array) == pytest.approx([0.0, 0.05])
    assert list(traces[0].error_y.arrayminus) == pytest.approx([0.05, 0.05])


def test_live_points_stand_beside_the_lines() -> None:
    live = lines(live=(entry(4, 2, 0.75, n=8), entry(1, 2, 0.1, n=16))).data[-2:]
    assert [trace.name for trace in live] == ["live, n = 8", "live, n = 16"]
    assert list(live[0].y) == [0.75] and list(live[0].customdata) == ["N = 4, n = 8"]
    assert list(live[0].error_y.array) == pytest.approx([0.05])


def test_halting_is_two_lines_from_few_passes_to_many() -> None:
    curve = [drift(0.01, 9.0, 0.95), drift(0.5, 2.0, 0.4), drift(0.05, 5.5, 0.94)]
    one, other = halting_figure(FIXED[::-1], curve, mode="light", right="rows right").data
    assert list(one.x) == [1, 4, 8, 12] and one.customdata[0] == "N = 1"
    assert list(other.x) == [2.0, 5.5, 9.0] and list(other.y) == [0.4, 0.94, 0.95]
    assert list(other.customdata) == ["drift below 0.5", "drift below 0.05", "drift below 0.01"]
    assert one.line.dash != other.line.dash and one.marker.symbol != other.marker.symbol
    (alone,) = halting_figure(FIXED, [], mode="dark", right="").data
    assert alone.name == "a fixed N"


def test_a_series_is_a_line_a_model_in_order_of_passes() -> None:
    models = {"one": (entry(4, 2, 0.9), entry(1, 2, 0.1)), "two": (entry(1, 2, 0.5),)}
    one, two = series_figure(models, mode="light", right="rows right").data
    assert (one.name, list(one.x), list(one.y)) == ("one", [1, 4], [0.1, 0.9])
    assert list(one.error_y.arrayminus) == pytest.approx([0.05, 0.05]) and list(two.x) == [1]
    assert (one.line.color, one.line.dash, one.marker.symbol) != (two.line.color, two.line.dash, two.marker.symbol)


def test_a_square_just_below_the_threshold_is_not_rounded_up_to_it() -> None:
    (squares,) = heatmap_figure(
        [entry(12, 12, 0.946), entry(12, 11, 0.954)],
        passes_trained=None,
        difficulty_trained=None,
        mode="light",
        symbol="t",
        right="rows right",
    ).data
    assert list(squares.text[0]) == ["95", "94.6"]


def test_the_colour_bar_names_what_is_counted_and_chance() -> None:
    (squares,) = heat(chance=1 / 18).data
    assert squares.colorbar.title.text == "% of rows right"
    assert squares.colorbar.tickvals[0] == 1 / 18 and squares.colorbar.ticktext[0] == "chance 6 %"
    assert heat(chance=2**-16).data[0].colorbar.ticktext[0] == "0 %, chance"
    assert heat().data[0].colorbar.ticktext[0] == "0 %"


CHANCE = 1 / 18


@pytest.mark.parametrize(
    "figure",
    [
        baselines_figure([("one", STAIRS)], [], mode="light", symbol="t", right="rows right", chance=CHANCE),
        halting_figure(FIXED, [], mode="dark", right="rows right", chance=CHANCE),
        series_figure({"one": STAIRS}, mode="light", right="rows right", chance=CHANCE),
        accuracy_figure(
            Results("rule110", "", tuple(STAIRS)),
            difficulty=3,
            passes=None,
            mode="light",
            symbol="t",
            right="rows right",
            chance=CHANCE,
        ),
        windows_figure(
            Results("rule110", "", (entry(12, 3, 0.5, experiment="retention", variant="asked_after_1"),)),
            "retention",
            difficulty=3,
            mode="dark",
            symbol="t",
            chance=CHANCE,
        ),
    ],
    ids=["baselines", "halting", "series", "accuracy", "retention"],
)
def test_chance_is_a_dotted_line_that_the_legend_names(figure: go.Figure) -> None:
    (line,) = figure.layout.shapes
    assert line.y0 == line.y1 == CHANCE and (line.x0, line.x1, line.xref) == (0, 1, "x domain")
    assert (line.line.dash, line.name, line.showlegend) == ("dot", "chance: 1 in 18", True)
    assert figure.layout.showlegend
