"""What the server loads ahead: the models of the recorded runs, so that no visitor waits for them."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from app.shell import runs
from app.shell.server import warm
from sleepviz.config.events import AnswerScored
from tests.app.made import DEFAULT, SUM_DEFAULT
from tests.app.page import opened


def test_afterwards_a_run_reads_no_file(assets: Path) -> None:
    keys = [key for task in ("rule110", "gsm") for key in warm._recorded(task)]
    assert {key.spec.checkpoint for key in keys} == {DEFAULT, SUM_DEFAULT}  # the others have no recording here

    warm._warm(("rule110", "gsm"), runs.queue())

    for key in keys:
        (assets / "checkpoints" / key.spec.checkpoint / "model.safetensors").unlink()
        *_, last = runs.record_run(key)
        assert isinstance(last, AnswerScored)


def test_damaged_weights_are_left_to_the_first_run(assets: Path, caplog: pytest.LogCaptureFixture) -> None:
    (assets / "checkpoints" / DEFAULT / "model.safetensors").write_bytes(b"")
    with caplog.at_level(logging.ERROR):
        warm._warm(("rule110",), runs.queue())
    assert "could not be loaded ahead" in caplog.text


def test_nothing_is_loaded_ahead_where_no_browser_looks(assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("it began")

    monkeypatch.setattr(warm, "_started", never)
    assert not opened().exception
