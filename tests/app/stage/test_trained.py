"""The switch between a model found from answers and one taught each step."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from app.shell import runs
from app.stage import stage_text, trained
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


def test_without_a_found_model_there_is_no_switch(assets: Path) -> None:
    page = opened()
    assert not [group for group in page.button_group if group.key == "rule110_trained"]
    said = " ".join(each.value for each in page.markdown)
    assert stage_text.TAUGHT_NOTE in said and stage_text.OTHER_FOUND not in said


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
