"""An assets folder for the page's tests, made once and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.shell import runs
from tests.app.made import make_assets


@pytest.fixture(scope="session")
def made_assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read-only."""
    return make_assets(tmp_path_factory.mktemp("assets"))


@pytest.fixture
def assets(made_assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy that the page reads and the test may damage."""
    folder = tmp_path / "assets"
    shutil.copytree(made_assets, folder)
    monkeypatch.setattr(runs, "ASSETS", folder)
    runs.checkpoints.clear()
    yield folder
    runs.checkpoints.clear()
