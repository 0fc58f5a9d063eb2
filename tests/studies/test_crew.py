"""Work that is spread over processes: a worker that dies loses nothing, and stops nobody else."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sleepviz.config.base import ConfigError
from sleepviz.runs.alone import alone_at
from sleepviz.studies.crew import HERE, Crew, Lost, done_by, processes

Task = tuple[int, str]  # a number, and a file that says that a worker died over it; "": none dies


def doubled(task: Task) -> int:
    """Twice the number. The first worker that is given a file dies, as if it were out of memory."""
    number, grave = task
    if number < 0 or (grave and not Path(grave).exists()):
        Path(grave).write_text("died")
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def told_to_stop(number: int) -> int:
    """The second task interrupts the process that asked for it, as Ctrl-C does."""
    if number == 1:
        os.kill(os.getppid(), signal.SIGINT)
        time.sleep(0.5)
    return number


def test_a_killed_worker_s_tasks_are_done_again_and_one_that_kills_is_given_up(tmp_path: Path) -> None:
    """Of twenty tasks the eighth kills one worker, and the thirteenth every worker that takes it."""
    tasks = [(number, "") for number in range(20)]
    tasks[7], tasks[12] = (7, str(tmp_path / "once")), (-12, str(tmp_path / "always"))

    found = list(done_by(processes(2), doubled, tasks))

    assert (tmp_path / "once").exists()
    assert sorted(task for task, _ in found) == sorted(tasks)  # each once
    assert {task: result for task, result in found if not isinstance(result, Lost)} == {
        task: 2 * task[0] for task in tasks if task[0] >= 0
    }


@pytest.fixture
def is_heard() -> Iterator[None]:
    """Ctrl-C is heard, which is not so for what a shell starts in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("is_heard")
def test_what_is_under_way_at_ctrl_c_is_finished_and_nothing_else_is_begun() -> None:
    found: list[object] = []
    with pytest.raises(KeyboardInterrupt):
        found.extend(done_by(processes(1), told_to_stop, range(6)))
    assert found == [(0, 0), (1, 1)]


def test_what_the_task_raises_is_raised() -> None:
    def refused(number: int) -> int:
        raise ConfigError(f"no {number}.")

    with pytest.raises(ConfigError, match=r"no 3\."):
        list(done_by(HERE, refused, [3, 4]))


def test_here_a_task_is_begun_when_the_one_before_is_taken() -> None:
    begun: list[int] = []
    results = done_by(Crew(HERE.open), begun.append, range(3))
    next(results)
    assert begun == [0]


def test_a_folder_is_held_by_one_and_free_when_that_one_ends(tmp_path: Path) -> None:
    for held in (tmp_path, tmp_path / "made"):
        with alone_at(held, "taken."), pytest.raises(ConfigError, match=r"taken\."), alone_at(held, "taken."):
            pytest.fail("two hold it")
        with alone_at(held, "taken."):
            pass
