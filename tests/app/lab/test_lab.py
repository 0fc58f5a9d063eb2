"""The Lab as a script: its sections from results files, its live sweep and its link, and its controls."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.lab.lab_text import models
from app.lab.plan import SEED_MAX, SETTING_MAX, SIZES, TOTAL_MAX, Plan, measure, read_link, widest
from app.shell import runs
from app.shell.state import LinkError
from app.tasks import PAGES
from tests.app.made import DEFAULT, made_results
from tests.app.page import ROOT, back, clean, opened, trigger

PATIENCE_S = 240  # a cold start on a busy machine


def lab(**query: str) -> AppTest:
    return opened("lab", **query)


def told(page: AppTest) -> str:
    return "\n".join(each.value for each in (*page.markdown, *page.caption, *page.info, *page.success))


def bars(page: AppTest) -> dict[str, dict[str, Any]]:
    """What each bar saves and copies, by the name of its files."""
    given = [json.loads(each.proto.json) for each in page.get("bidi_component") if '"copies"' in each.proto.json]
    return {each["file"]: each for each in given}


def unfolded(page: AppTest, experiment: str) -> AppTest:
    """The page once the visitor has opened a section's fold."""
    page.session_state[f"lab_{experiment}_fold"] = True
    return clean(page.run())


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
    assert "**Does sleeping longer help?** Yes. At t = 3, accuracy rises from 20.0 % to 90.0 %." in said
    assert "More passes help at t = 3. At t = 3, accuracy rises from 20.0 % with N = 1 to 90.0 % with N = 4." in said
    assert "At t = 3, this model has 90.0 % right, and the best model without repeated sleep has 50.0 %." in said
    assert cells_of(page, "N = 1 only, same FLOPs (against this model (best N))") == ["t = 3", "t = 1", "–"]
    assert "Stopping on drift against a fixed N: not measured yet." in said
    assert "The controls on all questions: not measured yet." in said
    assert "full attention that never evicts" in said and "halting on drift" in said
    assert cells_of(page, "N = 4") == ["t = 1", "95.0 % (85.0–100.0)", "90.0 % (80.0–95.0)"]
    assert cells_of(page, "N = 1 only, same tokens") == ["–", "40.0 % (30.0–45.0)"]
    assert len(page.get("plotly_chart")) == 2
    assert any("t from 1 to 3" in chart.proto.alt for chart in page.get("plotly_chart"))
    assert not page.error and any("by hand --only rule110" in each.value for each in page.code)


def test_every_section_is_in_the_contents_with_what_it_found(assets: Path) -> None:
    page = lab()
    contents = next(each.value for each in page.markdown if "Each heading leads to its figure" in each.value)
    further = next(each.value for each in page.markdown if each.value.startswith("**Further experiments"))
    links = re.findall(r"\[(.*?)\]\(#(.*?)\)", contents + further)
    heads = [(each.value, each.proto.anchor) for each in page.header]
    assert links == heads[:-1] and heads[-1][0] == "What was not measured"
    assert "(#passes) More passes help at t = 3.\n" in contents


def test_long_term_memory_ends_in_a_sentence_and_a_figure(assets: Path) -> None:
    page = lab()
    assert (
        "Some of the first window is forgotten at t = 3. At t = 3, accuracy falls from 90.0 % after 1 window to 70.0 % "
        "after 4 windows." in told(page)
    )
    unfolded(page, "retention")
    assert len(page.get("plotly_chart")) == 3
    assert cells_of(page, "after 4 windows, N = 12") == ["70.0 % (60.0–75.0)"]


def test_chance_is_named_and_the_probe_says_what_it_counts(assets: Path) -> None:
    probe = {"experiment": "probe", "variant": "linear"}
    written(assets, {**probe, "passes": 1}, {**probe, "passes": 4, "accuracy": 1.0, "ci95": [0.9, 1.0]})
    page = unfolded(lab(), "probe")
    assert "Chance is 1 in 65,536: a guess is right that often." in told(page)
    assert "At t = 3, the probe reads 90.0 and 100.0 % with N = 1 and 4." in told(page)
    assert "Chance is 1 in 2: a guess is right that often." in told(page)
    assert any("What each pass writes: share of cells read right" in table for table in tables(page))
    chart = json.loads(page.get("plotly_chart")[-1].proto.spec)
    assert chart["layout"]["yaxis"]["title"]["text"] == "cells read right"
    assert [shape["y0"] for shape in chart["layout"]["shapes"]] == [0.5]


def test_what_a_bar_saves_are_the_numbers_of_the_file(assets: Path) -> None:
    page = unfolded(lab(), "retention")
    values = json.loads((assets / "results" / "rule110.json").read_text())["entries"]
    for name, experiments in (("passes", ("accuracy",)), ("retention", ("retention",))):
        bar = bars(page)[f"sleepviz-rule110-{name}"]
        rows = [dict(zip(bar["columns"], row, strict=True)) for row in bar["rows"]]
        here = [entry for entry in values if entry["experiment"] in experiments]
        for key in ("variant", "passes", "difficulty", "n", "accuracy", "checkpoint", "digest"):
            assert sorted(str(row[key]) for row in rows) == sorted(str(entry[key]) for entry in here), key
        assert sorted((row["low"], row["high"]) for row in rows) == sorted(tuple(e["ci95"]) for e in here)
        assert "threshold" not in bar["columns"] and "sleep_s" not in bar["columns"]
        assert bar["copies"] == [{"label": "Copy command", "text": "by hand --only rule110"}]
    for bar in bars(page).values():  # a picture that can be saved is one of the page
        assert not bar["picture"] or bar["picture"] in [chart.key for chart in page.get("plotly_chart")]


def test_halting_is_drawn_and_read_when_it_was_run(assets: Path) -> None:
    mixed = {"experiment": "halting", "difficulty": -1}
    written(
        assets,
        {**mixed, "variant": "fixed_n", "passes": 4, "mean_passes": 4.0},
        {**mixed, "variant": "drift_halting", "passes": 16, "mean_passes": 2.5, "threshold": 0.1},
    )
    page = lab()
    assert (
        "Stopping once drift is below 0.1 does as well as a fixed N and saves 1.5 passes a window. The best fixed N "
        "is 4, with 90.0 % right. Stopping early reaches 90.0 % with 2.5 passes on average." in told(page)
    )
    page = unfolded(page, "halting")
    assert cells_of(page, "drift below 0.1") == ["2.5", "90.0 % (80.0–95.0)"]
    assert "Stopping on drift against a fixed N" not in told(page) and len(page.get("plotly_chart")) == 3


def test_a_result_against_the_paper_is_marked(assets: Path) -> None:
    assert "against the paper's trend" not in told(lab())
    ahead = {"experiment": "baseline", "variant": "n1_curriculum", "accuracy": 1.0, "ci95": [0.96, 1.0], "passes": 1}
    written(assets, ahead, {"passes": 8, "accuracy": 0.5, "ci95": [0.4, 0.6]})
    marked = [line for line in told(lab()).splitlines() if "against the paper's trend" in line]
    assert len(marked) == 2 and all(":material/priority_high:" in line for line in marked)
    assert "N = 8, beyond the 6 passes of training, does harm" in marked[0]
    assert "The model trained with N = 1 only, one difficulty after another, is ahead at t = 3" in marked[1]


def test_an_unknown_experiment_has_a_table_of_its_own(assets: Path) -> None:
    written(assets, {"experiment": "eviction", "variant": "sliding"}, {"experiment": "new_thing", "variant": "x_y"})
    page = unfolded(unfolded(lab(), "eviction"), "new_thing")
    heads = [each.value for each in page.header]
    assert "Clearing the cache, or sliding it" in heads and "New thing" in heads
    assert cells_of(page, "sliding: the newest L − 1 tokens stay, N = 4") == ["90.0 % (80.0–95.0)"]
    assert cells_of(page, "x y, N = 4") == ["90.0 % (80.0–95.0)"]
    sizes = json.loads((assets / "checkpoints" / DEFAULT / "meta.json").read_text())["task_sizes"]
    size = f"rows of {sizes['row_cells']} cells, up to {sizes['steps_max']} steps"
    assert f"Model: {DEFAULT} ({size})." in told(page)


def test_models_that_took_several_n_are_lines_and_one_model_is_a_line_for_each_difficulty(assets: Path) -> None:
    alone = [
        {"experiment": "depth", "variant": "layers_2", "passes": n, "difficulty": t} for n in (1, 2) for t in (1, 3)
    ]
    pair = [{"experiment": "attention", "variant": v, "passes": n} for v in ("full", "causal") for n in (1, 2)]
    written(assets, *alone, *pair)
    page = unfolded(unfolded(lab(), "depth"), "attention")
    pictures = [chart.proto.alt for chart in page.get("plotly_chart")]
    counted = PAGES["rule110"].words.right
    assert (
        f"Best N by architecture. Share of {counted} against passes N, one line for each of 2 difficulties." in pictures
    )
    assert "Attention while asleep. Accuracy at t = 3 against passes N, one line for each of 2 models." in pictures
    assert "The figure shows t = 3 alone; the table has every difficulty." in told(page)
    names = [[line["name"] for line in json.loads(chart.proto.spec)["data"]] for chart in page.get("plotly_chart")]
    assert ["full attention asleep", "causal attention asleep"] in names and ["t = 1", "t = 3"] in names
    assert cells_of(page, "2 layers, N = 2") == ["90.0 % (80.0–95.0)"] * 2
    page = lab()
    assert len(page.get("plotly_chart")) == 2  # an experiment that is folded away is not drawn


def test_a_model_that_is_not_here_is_named_without_its_size() -> None:
    sizes = {"depo-small": {"nodes_max": 10, "hops_max": 4}, "gone": {}}
    assert models(PAGES["depo"].words.sizes, sizes) == "Models: depo-small (10 nodes, up to 4 hops) and gone."
    alike = {"depo-small": sizes["depo-small"], "gone": {}, "depo-small-s1": sizes["depo-small"]}
    assert models(PAGES["depo"].words.sizes, alike) == (
        "Models: depo-small and depo-small-s1 (10 nodes, up to 4 hops) and gone."
    )
    assert models(PAGES["gsm"].words.sizes, {"gsm-deep": {"values": 7}}) == "Model: gsm-deep."


def test_another_task_is_one_click_away(assets: Path) -> None:
    values = made_results()
    entries = [{**e, "experiment": "accuracy"} for e in values["entries"] if e["variant"] == ("any_n")]  # type: ignore[attr-defined]
    (assets / "results" / "depo.json").write_text(json.dumps({**values, "task": "depo", "entries": entries}))
    page = lab()
    page.segmented_control(key="lab_task").set_value("depo")
    clean(page.run())
    said = told(page)
    assert (
        "More passes do harm" not in said
        and "More passes help at k = 3" in said
        and "Baselines: not measured yet." in said
    )
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
    assert back(page, task="depo").segmented_control(key="lab_task").value == "depo"
    page.switch_page(str(ROOT / "pages" / "rule110.py")).run()
    page.query_params.clear()
    page.switch_page(str(ROOT / "pages" / "lab.py"))
    assert clean(page.run()).segmented_control(key="lab_task").value == "depo"  # a way through the menu says nothing


def test_without_results_or_checkpoints_the_page_says_what_to_do(assets: Path) -> None:
    (assets / "results" / "rule110.json").unlink()
    page = lab()  # the checkpoint is there: a live sweep is possible
    assert "Accuracy over N and difficulty: not measured yet." in told(page) and page.button(key="lab_measure")
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


def measured_here(page: AppTest) -> AppTest:
    """The page after a small sweep of two settings."""
    page.select_slider(key="lab_rule110_n").set_value(8)
    page.button_group(key="lab_rule110_passes").set_value([2])
    page.button_group(key="lab_rule110_levels").set_value([1, 3])
    clean(page.run())
    assert "2 settings, 8 questions each: expect intervals of up to ±28 points." in told(page)
    page.button(key="lab_measure").click()
    return clean(until(clean(page.run()), "2 of 2 settings measured live, n = 8").run())


def link_of(page: AppTest) -> dict[str, str]:
    """The link's values; AppTest gives lists."""
    given = {name: page.query_params[name] for name in page.query_params}
    return {name: value[0] if isinstance(value, list) else str(value) for name, value in given.items()}


def test_a_live_sweep_stands_at_its_button_and_joins_the_table(assets: Path) -> None:
    page = measured_here(lab())
    values = cells_of(page, "live, n = 8: N = 2")[1:]
    assert len(values) == 2 and all(re.fullmatch(r"\d+\.\d % \(\d+\.\d–\d+\.\d\)", value) for value in values)
    (own,) = [table for table in tables(page) if "Your measurement" in table]
    assert re.findall(r"<td>(.*?)</td>", own) == values
    (bar,) = [bar for name, bar in bars(page).items() if "measured" in name]
    assert len(bar["rows"]) == 2 and bar["columns"][:2] == ["experiment", "variant"]
    assert [each["label"] for each in bar["copies"]] == ["Copy command", "Copy Python"]
    assert any(f"--checkpoint {DEFAULT} --passes 2 --difficulty 1,3 --n 8 --seed" in each.value for each in page.code)


def test_the_results_of_a_sweep_survive_a_reload_through_the_link(assets: Path) -> None:
    first = measured_here(lab())
    link = link_of(first)
    assert {name: link[name] for name in ("passes", "levels", "n")} == {"passes": "2", "levels": "1,3", "n": "8"}
    numbers = cells_of(first, "live, n = 8: N = 2")
    again = lab(**link)  # kept on the server: there at once
    assert "2 of 2 settings measured live, n = 8" in told(again)
    assert cells_of(again, "live, n = 8: N = 2") == numbers
    assert again.button_group(key="lab_rule110_passes").value == [2]
    st.cache_resource.clear()  # a new server measures the same questions again
    anew = until(lab(**link), "2 of 2 settings measured live, n = 8")
    assert cells_of(clean(anew.run()), "live, n = 8: N = 2") == numbers
    assert link_of(anew) == link


def test_another_task_takes_the_sweep_out_of_the_link_and_back(assets: Path) -> None:
    page = measured_here(lab())
    link = link_of(page)
    page.segmented_control(key="lab_task").set_value("depo")
    clean(page.run())
    assert set(link_of(page)) == {"task"} and "settings measured live" not in told(page)
    page.segmented_control(key="lab_task").set_value("rule110")
    assert {**link_of(clean(page.run())), "task": ""} == {**link, "task": ""}
    assert "2 of 2 settings measured live" in told(page)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"passes": "2;3"}, "The link's Passes N must be numbers out of 0, 1, 2"),
        ({"passes": "7000"}, "The link's Passes N must be numbers out of 0, 1, 2"),
        ({"levels": "99"}, "The link's difficulties must be numbers out of 0, 1"),
        ({"n": "1000000"}, "The link's n must be one of 8, 16"),
        ({"seed": "-1"}, "The link's seed must be a whole number from 0"),
    ],
)
def test_a_link_that_cannot_be_measured_is_one_sentence(assets: Path, asked: dict[str, str], says: str) -> None:
    page = lab(**{"passes": "2", "levels": "1", "n": "8", "seed": "5", **asked})
    assert any(says in each.value for each in page.warning) and "measured live, n" not in told(page)


def test_a_link_of_too_much_sets_the_controls_and_measures_nothing(assets: Path) -> None:
    page = lab(passes="24", levels="1", n="128", seed="5")
    assert "at most 64 questions" in told(page) and page.button(key="lab_measure").disabled
    assert "settings measured live" not in told(page)


def test_a_plan_reads_its_own_link() -> None:
    plan = Plan("rule110", "c", "d", (1, 8), (0, 3), 16, 7)
    found = read_link(plan.link, (0, 1, 8), range(13))
    assert found == {"passes": [1, 8], "levels": [0, 3], "n": 16, "seed": 7}
    for name, wrong in (("seed", str(SEED_MAX + 1)), ("seed", "¹"), ("passes", ""), ("levels", "0,13"), ("n", "9")):
        with pytest.raises(LinkError):
            read_link({**plan.link, name: wrong}, (0, 1, 8), range(13))


@pytest.mark.parametrize("n", SIZES)
def test_the_expected_width_is_that_of_the_widest_interval(n: int) -> None:
    from sleepviz.training.evaluate import wilson

    halves = [(high - low) / 2 for low, high in (wilson(correct, n) for correct in range(n + 1))]
    assert widest(n) == pytest.approx(100 * max(halves))


@pytest.mark.parametrize(
    ("passes", "n", "says"),
    [([], 8, "Choose at least one N"), ([24], 128, "at most 64 questions"), (list(range(1, 5)), 128, "")],
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

    assert plan((12,), 13, SETTING_MAX // 12) == "" and "with N = 13".casefold() in plan((13,), 1, 128).casefold()
    assert plan((0, 1), 1, 128) == "" and "at least one N" in plan((1,), 0, 8)
    assert f"at most {TOTAL_MAX:,}" in plan((8, 10, 12), 13, 128)


def test_the_sweep_measures_what_the_eval_command_measures(assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same shares and intervals by the page, the command and the Python it shows; a model that counts stands in for
    the random weights.
    """
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

    monkeypatch.setattr(evaluate, "asleep", lambda model, task, batch, setting: setting)
    monkeypatch.setattr(evaluate, "right_awake", counted)
    plan = Plan("rule110", info.name, info.digest, (1, 2), (0, 1), 8, 5)
    cells = list(measure(plan))
    ours = list(asked)
    asked.clear()
    spec = RunSpec("rule110", "", info.name, seed=5)
    theirs = evaluate.evaluate(spec, passes=(1, 2), difficulties=(0, 1), n=8)
    assert ours == asked  # the same instances
    assert [(cell.passes, cell.difficulty) for cell in cells] == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert [cell.accuracy for cell in cells] == [share for row in theirs["accuracy"] for share in row]
    assert [[cell.low, cell.high] for cell in cells] == [ends for row in theirs["ci95"] for ends in row]
    assert len({cell.accuracy for cell in cells}) > 1 and {cell.n for cell in cells} == {8}
    asked.clear()
    exec(plan.python, snippet := {})
    assert asked == ours and snippet["found"]["accuracy"] == theirs["accuracy"]


def test_a_control_runs_live_on_the_recorded_question(assets: Path) -> None:
    written(assets, {"experiment": "control", "variant": "zero_state", "accuracy": 0.0, "ci95": [0.0, 0.05]})
    page = unfolded(lab(), "controls")
    assert cells_of(page, "S wiped before waking") == ["–", "0.0 % (0.0–5.0)"]
    assert "With *S wiped before waking*, accuracy falls. The answer is read from S." in told(page)
    assert "The question, the recorded one" in told(page)
    page.button(key="lab_break_zero_state").click()
    clean(page.run())
    deadline = time.monotonic() + PATIENCE_S
    while cells_of(page, "S wiped before waking")[0] in ("–", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
        clean(page.run())
    live = [cells_of(page, name)[0] for name in ("S wiped before waking", "the run as it is")]
    assert all(re.fullmatch(r"right|wrong in \d+ of 16 cells", each) for each in live), live
    assert cells_of(page, "untrained weights")[0] == "–"  # one click, one control


def test_a_link_to_a_folded_section_opens_it(assets: Path) -> None:
    written(assets, {"experiment": "control", "variant": "zero_state", "accuracy": 0.0, "ci95": [0.0, 0.05]})
    page = lab()
    assert not [each for each in page.button if each.key == "lab_break_all"]
    trigger(page, "lab_unfold", "named", "controls")
    assert page.button(key="lab_break_all")
    figures = len(page.get("plotly_chart"))
    trigger(page, "lab_unfold", "named", "retention")
    assert len(page.get("plotly_chart")) == figures + 1
    trigger(page, "lab_unfold", "named", "passes")  # a heading without a fold: nothing to open
    assert len(page.get("plotly_chart")) == figures + 1
