"""The switch between a model found from answers and one taught each step."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from app.shell import runs
from app.shell.results import Result, Results, comparisons, of_model
from app.stage import stage_text, trained
from app.stage.about import fair_test, reach_table
from app.tasks import PAGES
from sleepviz.training.evaluate import wilson
from tests.app.made import BASELINE, DEFAULT, make_checkpoint
from tests.app.page import live, opened, payload

FOUND = "rule110-answers"


@pytest.fixture
def both(assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The made assets, and beside them a model found from answers with an N = 1 model of its own."""
    folder = tmp_path / "both"
    shutil.copytree(assets, folder)
    for name, n_passes in ((FOUND, 0), (f"{FOUND}-n1", 1)):
        make_checkpoint(folder, name, n_passes=n_passes)
        path = folder / "checkpoints" / name / "meta.json"
        meta = json.loads(path.read_text())
        meta["default"] = False
        meta["train"] |= {"loss": "answers", "stream_loss": 0.0, "ahead_share": 0.0}
        path.write_text(json.dumps(meta))
    monkeypatch.setattr(runs, "ASSETS", folder)
    return folder


def test_the_switch_runs_the_other_model_beside_its_own_baseline(both: Path) -> None:
    page = opened()
    switch = page.button_group(key="rule110_trained")
    assert list(switch.options) == [stage_text.TAUGHT, stage_text.FOUND]
    page = live(switch.set_value(FOUND).run())
    shown = payload(page)
    assert shown["badge"].startswith(f"live · {FOUND} ")
    assert shown["contenders"][2]["note"] == f"another model, for a fair comparison: {FOUND}-n1"
    assert page.query_params["checkpoint"] == FOUND
    said = " ".join(each.value for each in page.markdown)
    assert f"{stage_text.FOUND_NOTE} {stage_text.OTHER_TAUGHT}" in said and stage_text.TAUGHT_NOTE not in said


def test_the_switch_asks_what_the_other_model_s_training_reached_and_says_where_a_question_asks_for_more(
    both: Path,
) -> None:
    path = both / "checkpoints" / FOUND / "meta.json"
    meta = json.loads(path.read_text())
    meta["metrics"] = {"passes": [1], "difficulty": [1], "validation_accuracy": [[0.0]]}
    meta["training"] = {"stage_reached": {"difficulty": 2}}
    path.write_text(json.dumps(meta))
    page = opened()
    asked = page.slider(key="rule110_steps").set_value(3).run()
    page = asked.button_group(key="rule110_trained").set_value(FOUND).run()
    said = stage_text.BEYOND.format(symbol="t", reached=2, asked="")[:40]
    assert page.query_params["t"] == "2" and not [each for each in page.info if said in each.value]
    page = page.slider(key="rule110_steps").set_value(3).run()
    assert [each for each in page.info if said in each.value]
    # A question that is easy enough for both models stays as it is.
    page = page.slider(key="rule110_steps").set_value(1).run()
    assert page.button_group(key="rule110_trained").set_value(DEFAULT).run().query_params["t"] == "1"


def entry(experiment: str, variant: str, checkpoint: str, passes: int, difficulty: int, accuracy: float) -> Result:
    return Result(experiment, variant, passes, difficulty, 100, accuracy, accuracy, accuracy, checkpoint)


MEASURED = Results(
    "rule110",
    "",
    (
        *(
            entry("accuracy", "any_n", DEFAULT, n, t, share)
            for n, t, share in ((1, 1, 0.99), (4, 1, 0.99), (4, 2, 0.2))
        ),
        entry("baseline", "n1_same_tokens", BASELINE, 1, 2, 0.4),
        entry("control", "replay", DEFAULT, 4, 1, 0.3),
        *(entry("found", "found", FOUND, 2, t, share) for t, share in ((1, 1.0), (2, 0.95), (3, 0.9))),
        *(entry("found", "found", FOUND, 3, t, share) for t, share in ((1, 0.97), (2, 0.96), (3, 0.95))),
        *(entry("found", "found", FOUND, 4, t, share) for t, share in ((1, 0.97), (2, 0.94), (3, 1.0))),
        entry("found", "taught", DEFAULT, 2, 1, 0.99),
        entry("found", "found_n1", f"{FOUND}-n1", 1, 2, 0.5),
        entry("found_control", "replay", FOUND, 3, 2, 0.1),
        entry("found_control", "replay", DEFAULT, 3, 2, 0.7),
    ),
)


def test_the_page_of_a_found_model_tells_what_was_measured_of_it_and_of_no_other() -> None:
    told = of_model(MEASURED, FOUND)
    assert {each.checkpoint for each in told.of("accuracy")} == {FOUND} and len(told.of("accuracy", "any_n")) == 9
    assert [(each.checkpoint, each.accuracy) for each in told.of("baseline")] == [(f"{FOUND}-n1", 0.5)]
    (replayed,) = comparisons(told)
    assert [(broken.accuracy, whole.accuracy) for broken, whole in replayed.pairs] == [(0.1, 0.96)]
    for other in (DEFAULT, f"{FOUND}-n1", "no such model"):
        assert of_model(MEASURED, other) == MEASURED


def test_how_far_each_n_reaches_stands_in_a_table_that_leaves_out_what_reaches_no_further() -> None:
    """N = 4 fails t = 2 by a hair, so its t = 3 does not count."""
    measured = of_model(MEASURED, FOUND).of("accuracy")
    cells = re.findall(r"<t[hd](?: scope=.\w+.)?>([^<]*)<", reach_table(measured, PAGES["rule110"].words, 0.95))
    assert cells == ["", "N\u00a0=\u00a02", "N\u00a0=\u00a03", stage_text.SOLVED, "t\u00a0=\u00a02", "t\u00a0=\u00a03"]


def test_the_fair_test_is_told_with_the_best_model_of_one_pass_and_what_follows() -> None:
    """At t = 2, 500 and 497 of 512 do not differ measurably; at t = 3, 490 and 40 do."""

    def entry(right: int, passes: int, t: int, experiment: str = "accuracy", variant: str = "any_n") -> Result:
        return Result(experiment, variant, passes, t, 512, right / 512, *wilson(right, 512))

    own = [entry(30, 1, 2), entry(500, 6, 2), entry(500, 8, 2), entry(490, 6, 3)]
    alone = [
        entry(right, 1, t, "baseline", variant)
        for right, t, variant in ((300, 2, "n1_same_tokens"), (497, 2, "n1_same_flops"), (40, 3, "n1_same_flops"))
    ]
    kept = entry(512, 1, 3, "baseline", "oracle")  # nothing is cleared there: no test of sleep
    told, words = Results("rule110", "by hand", (*own, *alone, kept)), PAGES["rule110"].words
    easy, hard = fair_test(told, words, 2), fair_test(told, words, 3)
    assert "with 6 passes is right on 500 of 512" in easy and "is right on 497 of 512. So a question this hard" in easy
    assert hard.endswith("is right on 40 of 512.")
    assert fair_test(told, words, 4) == ""
    unsolved = (entry(40, 6, 5), entry(42, 1, 5, "baseline", "n1_same_flops"))  # where both fail, nothing follows
    assert fair_test(replace(told, entries=unsolved), words, 5).endswith("is right on 42 of 512.")


def test_without_a_found_model_there_is_no_switch(assets: Path) -> None:
    page = opened()
    assert not [group for group in page.button_group if group.key == "rule110_trained"]
    said = " ".join(each.value for each in page.markdown)
    assert stage_text.TAUGHT_NOTE in said and stage_text.OTHER_FOUND not in said


def test_where_the_task_s_own_model_is_the_found_one_there_is_nothing_to_switch(both: Path) -> None:
    for name, is_default in ((DEFAULT, False), (FOUND, True)):
        path = both / "checkpoints" / name / "meta.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"default": is_default}))
    assert trained.ways("rule110", runs.checkpoints(runs.checkpoint_folder())) == {}
    page = opened()
    assert not [group for group in page.button_group if group.key == "rule110_trained"]
    said = " ".join(each.value for each in page.markdown)
    assert stage_text.FOUND_NOTE in said and stage_text.OTHER_TAUGHT not in said


def test_the_baseline_of_a_checkpoint_without_one_is_the_tasks(both: Path) -> None:
    infos = runs.checkpoints(runs.checkpoint_folder())
    own, tasks = (runs.baseline_checkpoint("rule110", infos, name) for name in (FOUND, DEFAULT))
    assert own is not None and own.name == f"{FOUND}-n1"
    assert tasks is not None and tasks.name == BASELINE


@pytest.mark.parametrize(
    ("train", "said"),
    [
        ({"loss": "answers"}, stage_text.FOUND_NOTE),
        ({"loss": "next_step"}, stage_text.TAUGHT_NOTE),
        ({"loss": "final", "pass_loss": 1.0}, stage_text.TAUGHT_NOTE),
        ({"loss": "final"}, ""),
        ({}, ""),
    ],
)
def test_the_card_says_how_a_model_was_trained(train: dict[str, object], said: str) -> None:
    assert trained.note({"train": train}) == said
