"""The Lab as a script: its sections from results files, its live sweep, and its controls one click each."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.lab.lab_text import models
from app.lab.sweep import CELL_MAX, TOTAL_MAX, Plan, measure
from app.shell import runs
from app.tasks import PAGES
from tests.app.made import DEFAULT, made_results
from tests.app.page import ROOT, clean, opened

PATIENCE_S = 240  # a cold start on a busy machine


def lab(**query: str) -> AppTest:
    return opened("lab", **query)


def told(page: AppTest) -> str:
    return "\n".join(each.value for each in (*page.markdown, *page.caption, *page.info, *page.success))


def tables(page: AppTest) -> list[str]:
    return [each.proto.body for each in page.get("html") if "lab-table" in each.proto.body]


def cells_of(page: AppTest, row: str) -> list[str]:
    """The cells of the first table row with this head."""
    found = [part for table in tables(page) for part in table.split("<tr>") if f'scope="row">{row}<' in part]
    assert found, row
    return re.findall(r"<td>(.*?)</td>", found[0])


def written(assets: Path, *more: dict[str, object], digest: str = "") -> None:
    """The made-up results, as if of the checkpoint that is here, with these entries besides."""
    values = made_results()
    meta = json.loads((assets / "checkpoints" / DEFAULT / "meta.json").read_text())
    like = values["entries"][2]  # type: ignore[index]  # any_n, N = 4, t = 3: 0.9
    values["entries"] += [{**like, **each} for each in more]  # type: ignore[operator]
    of = {"checkpoint": DEFAULT, "digest": digest or meta["digest"]}
    values["entries"] = [{**each, **of} for each in values["entries"]]  # type: ignore[attr-defined]
    (assets / "results" / "rule110.json").write_text(json.dumps(values))


@pytest.fixture
def assets(assets: Path) -> Path:
    """With results of the checkpoint that is here."""
    written(assets)
    return assets


def test_the_sections_say_what_the_file_says(assets: Path) -> None:
    page = lab()
    said = told(page)
    assert "More passes help at t = 3: at t = 3 accuracy rises from 0.20 (0.10–0.25) with N = 1 to 0.90" in said
    assert (
        "*N = 1 only, same FLOPs*: this model (best N) is ahead at t = 3; the two cannot be told apart at t = 1."
        in said
    )
    assert "Halting on drift against fixed N: not run." in said and "On the whole set: not run." in said
    assert "full attention that never evicts" in said and "halting on drift" in said
    assert cells_of(page, "N = 4") == ["0.95 (0.85–1.00)", "0.90 (0.80–0.95)"]
    assert cells_of(page, "N = 1 only, same tokens") == ["–", "0.40 (0.30–0.45)"]
    assert any("Long-term memory" in each.value for each in page.header)
    assert cells_of(page, "after 4 windows, N = 12") == ["0.70 (0.60–0.75)"]
    assert len(page.get("plotly_chart")) == 2
    assert any("t from 1 to 3" in chart.proto.alt for chart in page.get("plotly_chart"))
    assert not page.error and any("by hand --only rule110" in each.value for each in page.code)


def test_halting_is_drawn_and_read_when_it_was_run(assets: Path) -> None:
    mixed = {"experiment": "halting", "difficulty": -1}
    written(
        assets,
        {**mixed, "variant": "fixed_n", "passes": 4, "mean_passes": 4.0},
        {**mixed, "variant": "drift_halting", "passes": 16, "mean_passes": 2.5, "threshold": 0.1},
    )
    page = lab()
    assert (
        "Stopping on drift below 0.1 does as well, 0.90 (0.80–0.95), with 2.5 passes in the mean, 1.5 fewer."
        in told(page)
    )
    assert cells_of(page, "drift below 0.1") == ["2.5", "0.90 (0.80–0.95)"]
    assert "Halting on drift against fixed N: not run." not in told(page) and len(page.get("plotly_chart")) == 3


def test_a_result_against_the_paper_is_marked(assets: Path) -> None:
    assert "against the paper's trend" not in told(lab())
    ahead = {"experiment": "baseline", "variant": "n1_curriculum", "accuracy": 1.0, "ci95": [0.96, 1.0], "passes": 1}
    written(assets, ahead, {"passes": 8, "accuracy": 0.5, "ci95": [0.4, 0.6]})
    marked = [line for line in told(lab()).splitlines() if "against the paper's trend" in line]
    assert len(marked) == 2 and all(":material/priority_high:" in line for line in marked)
    assert (
        "beyond the 6 passes that it was trained up to" in marked[0] and "the baseline is ahead at t = 3" in marked[1]
    )


def test_an_unknown_experiment_has_a_table_of_its_own(assets: Path) -> None:
    written(assets, {"experiment": "eviction", "variant": "sliding"}, {"experiment": "new_thing", "variant": "x_y"})
    page = lab()
    heads = [each.value for each in page.header]
    assert "Eviction" in heads and "New thing" in heads
    assert cells_of(page, "sliding: the newest L − 1 tokens stay, N = 4") == ["0.90 (0.80–0.95)"]
    assert cells_of(page, "x y, N = 4") == ["0.90 (0.80–0.95)"]
    sizes = json.loads((assets / "checkpoints" / DEFAULT / "meta.json").read_text())["task_sizes"]
    size = f"rows of {sizes['row_cells']} cells, up to {sizes['steps_max']} steps"
    assert f"Model: {DEFAULT} ({size})." in told(page)


def test_a_long_series_is_a_picture_with_its_table_folded_away(assets: Path) -> None:
    few = [{"experiment": "depth", "variant": "layers_2", "passes": n} for n in (1, 2)]
    written(assets, *few, *({"experiment": "attention", "variant": "full", "passes": n} for n in range(1, 10)))
    page = lab()
    pictures = [chart.proto.alt for chart in page.get("plotly_chart")]
    assert "Best N by architecture: accuracy at t = 3 against passes N of 2 layers." in pictures
    assert "Attention while asleep: accuracy at t = 3 against passes N of full attention asleep." in pictures
    folded = [html.proto.body for fold in page.expander for html in fold.get("html")]
    assert any("full attention asleep, N = 9" in body for body in folded)
    assert not any("2 layers" in body for body in folded)
    assert cells_of(page, "2 layers, N = 2") == ["0.90 (0.80–0.95)"]


def test_a_model_that_is_not_here_is_named_without_its_size() -> None:
    sizes = {"depo-small": {"nodes_max": 10, "hops_max": 4}, "gone": {}}
    assert models(PAGES["depo"].words.sizes, sizes) == "Models: depo-small (10 nodes, up to 4 hops) and gone."
    assert models(PAGES["gsm"].words.sizes, {"gsm-deep": {"values": 7}}) == "Model: gsm-deep."


def test_another_task_is_one_click_away(assets: Path) -> None:
    values = made_results()
    entries = [{**e, "experiment": "accuracy"} for e in values["entries"] if e["variant"] == "any_n"]  # type: ignore[attr-defined]
    (assets / "results" / "depo.json").write_text(json.dumps({**values, "task": "depo", "entries": entries}))
    page = lab()
    page.segmented_control(key="lab_task").set_value("depo")
    clean(page.run())
    said = told(page)
    assert "More passes do harm" not in said and "More passes help at k = 3" in said and "Baselines: not run." in said
    assert "hard against sliding eviction" in said and "Rule 110 is applied" not in said


@pytest.mark.parametrize(("asked", "shown"), [("gsm", "gsm"), ("depo", "depo"), ("sudoku", "rule110")])
def test_a_link_chooses_the_task_and_a_choice_is_in_the_link(assets: Path, asked: str, shown: str) -> None:
    page = lab(task=asked)
    assert page.segmented_control(key="lab_task").value == shown
    page.segmented_control(key="lab_task").set_value("depo")
    assert clean(page.run()).query_params["task"] in ("depo", ["depo"])


def test_back_and_other_links_choose_the_task_again(assets: Path) -> None:
    page = lab(task="depo")
    page.segmented_control(key="lab_task").set_value("gsm")
    clean(page.run())
    page.query_params["task"] = "depo"  # as the Back button leaves it
    assert clean(page.run()).segmented_control(key="lab_task").value == "depo"
    page.switch_page(str(ROOT / "pages" / "rule110.py")).run()
    page.query_params.clear()
    page.switch_page(str(ROOT / "pages" / "lab.py"))
    assert clean(page.run()).segmented_control(key="lab_task").value == "depo"  # a way through the menu says nothing


def test_without_results_or_checkpoints_the_page_says_what_to_do(assets: Path) -> None:
    (assets / "results" / "rule110.json").unlink()
    page = lab()  # the checkpoint is there: a live sweep is possible
    assert "Accuracy over N and difficulty: not run." in told(page) and page.button(key="lab_measure")
    shutil.rmtree(assets / "checkpoints")
    runs.checkpoints.clear()
    assert "sleepviz experiments --queue" in told(lab())


def test_a_damaged_results_file_is_one_sentence(assets: Path) -> None:
    (assets / "results" / "rule110.json").write_text("{}")
    assert "rule110.json is damaged" in told(lab())


def test_other_weights_than_those_measured_are_said_to_be(assets: Path) -> None:
    assert not lab().warning
    written(assets, digest="f" * 64)
    assert any("other weights (ffffffff)" in each.value for each in lab().warning)


def until(page: AppTest, words: str) -> AppTest:
    """Run again, as the polling fragment does, until these words are there."""
    deadline = time.monotonic() + PATIENCE_S
    while words not in told(page):
        assert time.monotonic() < deadline and not page.error, told(page)
        time.sleep(0.2)
        clean(page.run())
    return page


def test_a_live_sweep_joins_the_table(assets: Path) -> None:
    page = lab()
    page.select_slider(key="lab_rule110_n").set_value(8)
    page.button_group(key="lab_rule110_passes").set_value([2])
    page.button_group(key="lab_rule110_levels").set_value([1, 3])
    clean(page.run())
    page.button(key="lab_measure").click()
    page = until(clean(page.run()), "2 of 2 cells measured live, n = 8")
    cells = cells_of(clean(page.run()), "live, n = 8: N = 2")
    assert len(cells) == 2 and all(re.fullmatch(r"\d\.\d\d \(\d\.\d\d–\d\.\d\d\)", cell) for cell in cells)
    assert any(f"--checkpoint {DEFAULT} --passes 2 --difficulty 1,3 --n 8 --seed" in each.value for each in page.code)


@pytest.mark.parametrize(
    ("passes", "n", "says"),
    [([], 8, "Choose at least one N"), ([24], 128, "at most 64 instances"), (list(range(1, 5)), 128, "")],
)
def test_what_is_too_much_is_one_sentence_and_cannot_be_pressed(
    assets: Path, passes: list[int], n: int, says: str
) -> None:
    page = lab()
    page.select_slider(key="lab_rule110_n").set_value(n)
    page.button_group(key="lab_rule110_passes").set_value(passes)
    clean(page.run())
    assert page.button(key="lab_measure").disabled == bool(says) and says in told(page)


def test_the_bounds_of_a_plan() -> None:
    def plan(passes: tuple[int, ...], difficulties: int, n: int) -> str:
        return Plan("rule110", "c", "d", passes, tuple(range(difficulties)), n, 0).problem

    assert plan((12,), 13, CELL_MAX // 12) == "" and "with N = 13".casefold() in plan((13,), 1, 128).casefold()
    assert plan((0, 1), 1, 128) == "" and "at least one N" in plan((1,), 0, 8)
    assert f"at most {TOTAL_MAX:,}" in plan((8, 10, 12), 13, 128)


def test_the_sweep_measures_what_the_eval_command_measures(assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same shares and intervals, cell by cell; the weights are random, so a model that counts stands in."""
    import numpy as np

    from sleepviz.config.run import RunSpec
    from sleepviz.runs import checkpoint
    from sleepviz.training import evaluate

    info = runs.default_checkpoint("rule110", runs.checkpoints(runs.checkpoint_folder()))
    assert info is not None
    here = checkpoint.load(info.name, folder=assets / "checkpoints")
    monkeypatch.setattr(evaluate, "checkpoint_of", lambda spec: here)
    asked = []

    def counted(model: object, batch: object, setting: evaluate.Setting) -> object:
        size = len(batch.windows)  # type: ignore[attr-defined]
        asked.append(batch.windows.tobytes())  # type: ignore[attr-defined]
        return np.arange(size * 4 * 16).reshape(size, 4, 16) % (setting.policy.n_passes + 16) > len(asked) % 2 - 1

    monkeypatch.setattr(evaluate, "asleep", lambda model, batch, setting: setting)
    monkeypatch.setattr(evaluate, "right_awake", counted)
    cells = list(measure(Plan("rule110", info.name, info.digest, (1, 2), (0, 1), 8, 5)))
    ours = list(asked)
    asked.clear()
    spec = RunSpec("rule110", "", info.name, seed=5)
    theirs = evaluate.evaluate(spec, passes=(1, 2), difficulties=(0, 1), n=8)
    assert ours == asked  # the same instances
    assert [(cell.passes, cell.difficulty) for cell in cells] == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert [cell.accuracy for cell in cells] == [share for row in theirs["accuracy"] for share in row]
    assert [[cell.low, cell.high] for cell in cells] == [ends for row in theirs["ci95"] for ends in row]
    assert len({cell.accuracy for cell in cells}) > 1 and {cell.n for cell in cells} == {8}


def test_a_control_runs_live_on_the_recorded_question(assets: Path) -> None:
    written(assets, {"experiment": "control", "variant": "zero_state", "accuracy": 0.0, "ci95": [0.0, 0.05]})
    page = lab()
    assert cells_of(page, "zero S before waking") == ["–", "0.00 (0.00–0.05)"]
    assert "*zero S before waking*: accuracy falls: the answer is read from S." in told(page)
    assert "The question, the recorded one" in told(page)
    page.button(key="lab_break_zero_state").click()
    clean(page.run())
    deadline = time.monotonic() + PATIENCE_S
    while cells_of(page, "zero S before waking")[0] in ("–", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
        clean(page.run())
    live = [cells_of(page, name)[0] for name in ("zero S before waking", "the run as it is")]
    assert all(re.fullmatch(r"right|wrong in \d+ of 16 cells", each) for each in live), live
    assert cells_of(page, "untrained weights")[0] == "–"  # one click, one control
