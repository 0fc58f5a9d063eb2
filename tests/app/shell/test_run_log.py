"""The operator's lines: what a run took and how it ended, and no word of a visitor's."""

from __future__ import annotations

import logging
import re

import pytest

from app.shell.jobs import Job, RunKey, RunQueue, Sweep
from app.shell.run_log import Kept, RunLog, line
from sleepviz.config.run import RunSpec
from tests.app.made import made_trace
from tests.app.shell.test_jobs import Recorder, Refusals, RefusedError, ended, key


def test_a_line_by_hand() -> None:
    """Asked at 10.0, began at 10.5, over at 12.25 seconds."""
    job = Job((RunKey(RunSpec("depo", "a secret", n_passes=8), "digest"),) * 2, 3.0, "5f0c9b12")
    job.asked, job.began = 10.0, 10.5
    said = line(job, "done", 12.25, 4)
    assert re.sub(r" mb=\d+$", "", said) == (
        "run task=depo passes=8 runs=2 ms=1750 waited_ms=500 visitor=5f0c9b12 outcome=done open=4"
    )
    sweep = Sweep(iter(()), 6, 3.0)
    sweep.asked, sweep.cells = 10.0, [1, 2]
    said = line(sweep, "cancelled", 11.0, 0)
    assert said.startswith("sweep measured=2 of=6 ms=0 waited_ms=1000 visitor= outcome=cancelled open=0")


def test_what_a_queue_keeps_is_told_in_runs_and_bytes() -> None:
    trace = made_trace()
    queue = RunQueue(lambda run: iter(trace.events), lambda run: {}, Refusals((), "", ""))
    figures = Kept("here", queue.keeps)
    assert [stat.byte_length for stat in figures.get_stats()["cache_memory_bytes"]] == [0, 0]
    for name in ("a", "b", "a"):
        ended(queue.submit((key(name),)))
    told = [stat.to_metric_str() for stat in figures.get_stats()["cache_memory_bytes"]]
    assert told == [
        'cache_memory_bytes{cache_type="kept_runs",cache="here"} 2',
        f'cache_memory_bytes{{cache_type="kept_bytes",cache="here"}} {2 * trace.nbytes}',
    ]


def test_every_request_is_one_line_however_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    log = RunLog()
    refusals = Refusals((RefusedError,), "An internal error.", "Too many.")
    queue = RunQueue(Recorder(), lambda run: {}, refusals, who=log.visitor, told=log.tell)
    with caplog.at_level(logging.INFO, "sleepviz.runs"):
        for name in ("a", "a", "refused", "broken"):
            ended(queue.submit((key(name),)))
        ended(queue.sweep(iter([1, 2]), 2))
    lines = [record.getMessage() for record in caplog.records if record.name == "sleepviz.runs"]
    outcomes = [re.findall(r"^(\w+) .*outcome=(\w+) open=(\d+)", said)[0] for said in lines]
    assert outcomes == [("run", "done", "0")] * 2 + [("run", "failed", "0")] * 2 + [("sweep", "done", "0")]
    assert not re.search(r"refused|broken|secret|cells", "".join(lines))
    assert len(set(re.findall(r"visitor=(\w+)", "".join(lines)))) == 1  # one visit
