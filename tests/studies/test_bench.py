"""The measurements of speed and memory: what is timed and how, with a clock that the test turns."""

from __future__ import annotations

import json
import subprocess
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import sleepviz.studies.bench
from sleepviz.config.model import SleepPolicy
from sleepviz.studies.bench import app_memory, interleaved, kv_bytes, live_run_ms, ratio_of_medians, wake_ratio
from tests.builders import TASK, small_checkpoint

WARM_UP = 5


class Clock:
    """Stands still except for what `spend` says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(sleepviz.studies.bench.time, "perf_counter", lambda: self.now)

    def spend(self, seconds: float) -> None:
        self.now += seconds


def test_two_things_are_timed_in_turn_and_the_first_times_are_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine grows slower from call to call: taking turns at being first keeps the ratio at 3 on average."""
    clock, called = Clock(monkeypatch), []

    def work(name: str, seconds: float) -> None:
        called.append(name)
        cold = 100.0 if len(called) <= 2 * WARM_UP else 0.0
        clock.spend(cold + seconds * 1.5 ** (len(called) // 2))

    first, second = interleaved(lambda: work("a", 3.0), lambda: work("b", 1.0), pairs=6)
    pairs = ["".join(called[at : at + 2]) for at in range(0, len(called), 2)]
    assert len(pairs) == 6 + WARM_UP and set(pairs) == {"ab", "ba"}
    assert all(one != other for one, other in pairwise(pairs))
    # The later one of a pair takes half as long again: 3 / 1.5 or 3 * 1.5, in equal parts. The cold starts are gone.
    np.testing.assert_allclose(np.sort((first / second).round(9)), [2, 2, 2, 4.5, 4.5, 4.5])


def test_a_ratio_comes_from_pairs() -> None:
    """Times that differ a thousandfold from pair to pair: were they resampled apart, the interval would be wide."""
    times = np.logspace(-3, 0, 41)
    ratio = ratio_of_medians(3 * times, times)
    assert ratio["ratio"] == pytest.approx(3) and ratio["ci95"] == pytest.approx([3, 3])


def test_a_ratios_interval_grows_with_the_noise_and_holds_the_ratio() -> None:
    rng = np.random.default_rng(0)
    widths = []
    for noise in (0.01, 0.3):
        times = np.exp(noise * rng.standard_normal((2, 101)))
        ratio = ratio_of_medians(2 * times[0], times[1])
        low, high = ratio["ci95"]
        assert low < 2 < high and low <= ratio["ratio"] <= high
        widths.append(high - low)
    assert widths[1] > 10 * widths[0]


def test_the_wake_ratio_is_that_of_eight_passes_over_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that takes 6 ms from the memory of eight passes and 2 ms from that of one; sleep is not timed."""
    clock = Clock(monkeypatch)
    policies: list[SleepPolicy] = []
    asked: list[float] = []

    def slept(_model: Any, _window: Any, _memory: Any, policy: SleepPolicy) -> float:
        clock.spend(1000)
        policies.append(policy)
        return 0.006 if policy.n_passes == 8 else 0.002

    def ask(_model: Any, _problem: Any, memory: float, _n: int) -> None:
        asked.append(memory)
        clock.spend(memory)

    monkeypatch.setattr(sleepviz.studies.bench, "sleep", slept)
    monkeypatch.setattr(sleepviz.studies.bench, "ask", ask)
    monkeypatch.setattr(sleepviz.studies.bench, "PAIRS", 4)
    measured = wake_ratio(small_checkpoint())
    assert measured["n8_ms"] == pytest.approx(6) and measured["n1_ms"] == pytest.approx(2)
    assert measured["ratio"] == pytest.approx(3) and measured["pairs"] == 4
    assert sorted(policy.n_passes for policy in policies) == [1, 8]
    assert all(policy.sleep_attention == "causal" for policy in policies)  # as the checkpoint was trained
    assert asked.count(0.006) == asked.count(0.002) == 4 + WARM_UP


def test_memory_does_not_grow_with_the_context() -> None:
    """Two attention layers, L tokens, keys and values of D = 8 in float32; two layers of two heads of 3 x 5."""
    sizes = kv_bytes(small_checkpoint())
    assert sizes["context_tokens"] == [TASK.window * n for n in (1, 4, 16, 64)]
    assert sizes["kv_bytes"] == [2 * TASK.window * 2 * 8 * 4] * 4
    assert sizes["fast_bytes"] == [2 * 2 * 3 * 5 * 4] * 4


def test_a_live_run_is_the_largest_one_with_every_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run takes 50 ms, and the first two take a second: they are not counted."""
    clock = Clock(monkeypatch)
    checkpoint, record = small_checkpoint(), sleepviz.studies.bench.record
    seconds = iter([1.0, 1.0, 0.05, 0.05, 0.05, 0.05, 0.05])
    steps: list[int] = []

    def timed(spec: Any, used: Any) -> Any:
        clock.spend(next(seconds))
        steps.append(json.loads(spec.input)["steps"])
        yield from record(spec, used)

    monkeypatch.setattr(sleepviz.studies.bench, "record", timed)
    measured = live_run_ms(checkpoint)
    a_row = TASK.window + 1 + 8 + 1  # its tokens, falling asleep, eight passes, eviction
    assert measured == {"median": pytest.approx(50), "events": 3 * a_row + 1}
    assert steps == [TASK.steps_max] * 7


@pytest.mark.parametrize(
    ("status", "out", "err", "measured"),
    [
        (0, 'a warning\n{"resident_mb": 300.5, "transformers": false}\n', "", {"resident_mb": 300.5}),
        (1, "", "Traceback\nAssertionError: the page\n", {"error": "AssertionError: the page"}),
        (1, "", "", {"error": "the page did not run"}),
    ],
)
def test_the_apps_memory_or_why_it_was_not_measured(
    status: int, out: str, err: str, measured: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def ran(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, status, out, err)

    monkeypatch.setattr(sleepviz.studies.bench, "load", lambda **_: small_checkpoint())
    monkeypatch.setattr(sleepviz.studies.bench.subprocess, "run", ran)
    found = app_memory()
    assert measured.items() <= found.items()
    problem = json.loads(commands[0][-1])
    assert (
        commands[0][-2] == "rule110"
        and TASK.parse(json.dumps(problem), TASK.limits()) is not None
        and len(problem["rows"]) == TASK.rows_max
    )
