"""The Lab's first section: the lines of a model that found the use of sleep, beside those trained with one pass."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.shell import runs
from tests.app.made import DEFAULT, made_results, make_checkpoint
from tests.app.page import opened

FOUND, ALONE = "rule110-answers", "rule110-answers-n1"
# N, t and the share of right answers. N = 9 is beyond the training.
MEASURED = [(1, 1, 0.9), (1, 2, 0.3), (2, 1, 0.9), (2, 2, 0.8), (9, 1, 0.1), (9, 2, 0.1)]


def add_found(folder: Path) -> None:
    """Beside the taught model one that found it, another with N = 1, and what was measured of all."""
    for name, n_passes in ((FOUND, 0), (ALONE, 1)):
        make_checkpoint(folder, name, n_passes=n_passes)
        path = folder / "checkpoints" / name / "meta.json"
        meta = json.loads(path.read_text())
        meta["train"] |= {"loss": "answers", "stream_loss": 0.0, "ahead_share": 0.0}
        path.write_text(json.dumps({**meta, "default": False}))
    values = made_results()
    like: dict[str, Any] = values["entries"][2]  # type: ignore[index]
    of: list[tuple[str, str, int, int, float]] = [("found", FOUND, *each) for each in MEASURED]
    of += [("found_n1", ALONE, 1, 1, 0.7), ("found_n1", ALONE, 1, 2, 0.2), ("taught", DEFAULT, 2, 2, 0.95)]
    for variant, checkpoint, passes, t, share in of:
        named = {"experiment": "found", "variant": variant, "checkpoint": checkpoint}
        shares = {"accuracy": share, "ci95": [share - 0.05, share + 0.05]}
        values["entries"].append({**like, **named, **shares, "passes": passes, "difficulty": t})  # type: ignore[attr-defined]
    (folder / "results" / "rule110.json").write_text(json.dumps(values))


@pytest.fixture
def found(assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The Lab with a found model."""
    folder = tmp_path / "found"
    shutil.copytree(assets, folder)
    add_found(folder)
    monkeypatch.setattr(runs, "ASSETS", folder)
    return opened("lab")


def test_its_lines_come_first_one_for_each_n_of_its_training_and_the_model_of_one_pass(found: AppTest) -> None:
    assert found.header[0].value == "The paper's figure, in small"
    drawn = json.loads(found.get("plotly_chart")[0].proto.spec)["data"]
    lines = {line["name"]: dict(zip(line["x"], line["y"], strict=True)) for line in drawn if "error_y" in line}
    assert lines == {
        "N = 1": {1: 0.9, 2: 0.3},
        "N = 2": {1: 0.9, 2: 0.8},
        "N = 1 only, same tokens": {1: 0.7, 2: 0.2},
    }
    said = " ".join(each.value for each in found.markdown)
    assert "At t = 2, this model has 80.0 % right, and the best model without repeated sleep has 20.0 %." in said
    assert f"The model is *{FOUND}*" in said


def test_a_task_whose_models_were_all_taught_has_no_such_section(assets: Path) -> None:
    assert "The paper's figure, in small" not in [each.value for each in opened("lab").header]
