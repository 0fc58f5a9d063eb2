"""The queue by two worker processes, one of which is killed, and by dask: the same file as by one process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import sleepviz.studies.queue
from sleepviz.config.base import ConfigError
from sleepviz.studies import measure
from sleepviz.studies.crew import HERE, machines, processes
from sleepviz.studies.measurements import measurements_of
from sleepviz.studies.queue import run_queue
from sleepviz.tasks.base import Task
from sleepviz.tasks.family import Measurement

ROOT = Path(__file__).resolve().parents[2]
TIMES = ("sleep_s", "wake_s", "reread_s", "break_even_s")


def of_fewer(task: str, asked: Sequence[tuple[Measurement, str]], *, slept: Any = None) -> list[dict[str, Any]]:
    """`measured_together` on 32 problems, in whichever process."""
    measure.N_INSTANCES = 32
    return measure.measured_together(task, asked, slept=slept)


def few(task: Task, default: str) -> Iterator[Measurement]:
    """Four of the published measurements of the shipped model, two of which one sleep answers."""
    for each in measurements_of(task, default):
        if each.n_passes == 1 and each.difficulty in (1, task.difficulty_max):
            if each.experiment == "cost" or (each.experiment == "accuracy" and each.checkpoint == default):
                yield each
        elif (each.experiment, each.n_passes, each.difficulty) == ("accuracy", 2, 1):
            yield each


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "N_INSTANCES", 32)
    monkeypatch.setattr(sleepviz.studies.queue, "measurements_of", few)
    monkeypatch.setattr(sleepviz.studies.queue, "measured_together", of_fewer)


def lines(folder: Path) -> list[str]:
    """The file's entries as they are written, without what a clock measured."""
    found: list[dict[str, Any]] = json.loads((folder / "depo.json").read_text())["entries"]
    return [json.dumps({name: value for name, value in entry.items() if name not in TIMES}) for entry in found]


def killed_once(folder: Path, children: Callable[[], list[int]]) -> threading.Thread:
    """Kill a worker once there are some."""

    def kill() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for child in children():
                os.kill(child, signal.SIGKILL)
                (folder / "killed").write_text(str(child))
                return
            time.sleep(0.2)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


def spawned() -> list[int]:
    """The worker processes of this one that have begun to load torch; Linux names them."""
    found = []
    for child in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split():
        try:
            is_worker = b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
            has_torch = b"libtorch" in Path(f"/proc/{child}/maps").read_bytes()
        except OSError:
            continue
        if is_worker and has_torch:
            found.append(int(child))
    return found


def test_two_workers_of_which_one_is_killed_write_the_file_of_one_process(tmp_path: Path) -> None:
    run_queue(only="depo", folder=tmp_path / "one", crew=HERE)

    (tmp_path / "two").mkdir()
    killer = killed_once(tmp_path, spawned)
    run_queue(only="depo", folder=tmp_path / "two", crew=processes(2))
    killer.join()

    assert (tmp_path / "killed").exists()
    assert len(lines(tmp_path / "one")) == 4
    assert lines(tmp_path / "two") == lines(tmp_path / "one")


@pytest.mark.dask
def test_two_machines_of_which_one_is_lost_write_the_file_of_one_process(tmp_path: Path) -> None:
    run_queue(only="depo", folder=tmp_path / "one", crew=HERE)

    command = [sys.executable, "-m", "tests.studies.dask_queue", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)

    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "killed").exists()
    assert lines(tmp_path / "dask") == lines(tmp_path / "one")


def test_without_dask_or_its_scheduler_the_refusal_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match=r"needs dask: pip install|no dask scheduler answers"):
        machines("tcp://127.0.0.1:1")
