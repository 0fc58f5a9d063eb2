"""The queue: one run at a time, in order, cancelled or abandoned cleanly, never mixing two visitors' results."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import pytest
from streamlit.runtime.scriptrunner_utils.exceptions import StopException

from app.shell.jobs import WAITING_MAX, Refusals, Request, RunKey, RunQueue
from app.shell.results import Result
from app.shell.state import Visit
from app.shell.waiting.turns import AbandonedError, Turns
from sleepviz.config.events import Event, TokenRead, Trace
from sleepviz.config.run import RunSpec
from tests.app.made import made_trace
from tests.app.shell.made_clock import Clock


class RefusedError(ValueError):
    """Stands for an InputError."""


def key(name: str, passes: int = 1) -> RunKey:
    return RunKey(RunSpec("rule110", name, n_passes=passes), "digest")


class Recorder:
    """A run of `length` events whose steps the test allows one by one, or all at once."""

    def __init__(self, length: int = 3, *, is_open: bool = True) -> None:
        self.length = length
        self.gate = threading.Event()
        self.started = threading.Event()
        self.stopped = threading.Event()
        self.running = 0
        self.most_at_once = 0
        self.calls: list[str] = []
        if is_open:
            self.gate.set()

    def __call__(self, run: RunKey) -> Iterator[Event]:
        self.calls.append(run.spec.input)
        if run.spec.input == "refused":
            raise RefusedError("Rows have 16 cells.")
        if run.spec.input == "broken":
            raise ZeroDivisionError("a secret path")
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        try:
            for position in range(self.length):
                yield TokenRead(position, run.spec.input, 0, (position,))
                self.started.set()
                while not self.gate.wait(0.01) and position == 0:
                    yield TokenRead(position, run.spec.input, 0, (position,))
        finally:
            self.running -= 1
            self.stopped.set()


@pytest.fixture
def make_queue() -> Iterator[Callable[..., RunQueue]]:
    recorders: list[Recorder] = []

    def make(recorder: Recorder, **settings: Any) -> RunQueue:
        recorders.append(recorder)
        refusals = Refusals((RefusedError,), "An internal error.", "Too many.")
        return RunQueue(recorder, lambda run: {"name": run.spec.input}, refusals, **settings)

    yield make
    for recorder in recorders:
        recorder.gate.set()


Asked = TypeVar("Asked", bound=Request)


def ended(job: Asked) -> Asked:
    assert job.wait(10), job.phase
    return job


def test_a_run_becomes_a_trace_and_is_kept(make_queue: Callable[..., RunQueue]) -> None:
    recorder = Recorder()
    queue = make_queue(recorder)
    first = ended(queue.submit((key("a"),)))
    again = ended(queue.submit((key("a"),)))
    trace = first.results[key("a")]
    assert first.phase == "done" and isinstance(trace, Trace) and len(trace.events) == 3
    assert again.results[key("a")] is trace and recorder.calls == ["a"]
    assert trace.spec["input"] == "a" and trace.checkpoint == {"name": "a"}


def test_the_kept_runs_are_bounded(make_queue: Callable[..., RunQueue]) -> None:
    recorder = Recorder()
    queue = make_queue(recorder, kept=2)
    for name in ("a", "b", "c", "a"):
        ended(queue.submit((key(name),)))
    assert recorder.calls == ["a", "b", "c", "a"]


def test_another_digest_is_another_run(make_queue: Callable[..., RunQueue]) -> None:
    recorder = Recorder()
    queue = make_queue(recorder)
    ended(queue.submit((key("a"),)))
    ended(queue.submit((RunKey(key("a").spec, "other"),)))
    assert recorder.calls == ["a", "a"]


def test_one_run_computes_at_a_time_and_the_second_sees_one_ahead(make_queue: Callable[..., RunQueue]) -> None:
    recorder = Recorder(is_open=False)
    queue = make_queue(recorder)
    first = queue.submit((key("a"),))
    assert recorder.started.wait(10)
    second = queue.submit((key("b"),))
    assert second.ahead == 1 and second.poll() == "waiting"
    recorder.gate.set()
    assert ended(first).phase == "done" and ended(second).phase == "done"
    assert recorder.most_at_once == 1
    assert {event.token for event in second.results[key("b")].events} == {"b"}  # type: ignore[union-attr]


def test_cancel_stops_between_events(make_queue: Callable[..., RunQueue]) -> None:
    recorder = Recorder(is_open=False)
    job = make_queue(recorder).submit((key("a"),))
    assert recorder.started.wait(10)
    job.cancel()
    assert ended(job).phase == "cancelled" and not job.results
    assert recorder.running == 0


def test_a_job_that_nobody_polls_ends_with_its_lease(make_queue: Callable[..., RunQueue]) -> None:
    recorder = Recorder(is_open=False)
    job = make_queue(recorder, lease_s=0.2).submit((key("a"),))
    started = time.monotonic()
    assert recorder.started.wait(10) and recorder.stopped.wait(10)
    assert 0.1 < time.monotonic() - started < 5
    assert ended(job).phase == "cancelled"


def test_a_job_that_was_left_is_told_from_one_that_was_stopped_or_done(make_queue: Callable[..., RunQueue]) -> None:
    """And stays so: its page asks for it once more before it is drawn again."""
    clock = Clock()
    queue = make_queue(Recorder(is_open=False), now=clock)
    left = queue.submit((key("left"),))
    clock.at += 10
    assert not left.is_abandoned() and not left.was_left
    clock.at += 1
    assert left._finished.wait(5)
    assert (left.poll(), left.was_left) == ("cancelled", True)

    stopped = queue.submit((key("stopped"),))
    stopped.cancel()
    assert stopped.wait(5)
    done = make_queue(Recorder(), now=clock).submit((key("done"),))
    assert done.wait(5)
    clock.at += 60
    assert (stopped.phase, stopped.was_left) == ("cancelled", False)
    assert (done.phase, done.was_left) == ("done", False)


def test_whoever_is_there_keeps_their_place_and_whoever_has_left_holds_nobody_up() -> None:
    """Five wait in line, each turn takes a minute, and no page asks meanwhile: first come, first served."""
    clock, turns = Clock(), Turns()
    there = dict.fromkeys("abcde", True)
    requests = {name: Request(10.0, now=clock) for name in there}
    for name, request in requests.items():
        request.shown_by(partial(there.__getitem__, name))
    places = [turns.enter(request) for request in requests.values()]
    served: list[str] = []
    for name, place in zip(there, places, strict=True):
        with suppress(AbandonedError), turns.turn(place):
            served.append(name)
            clock.at += 60
            for request in requests.values():
                request.is_abandoned()  # as each worker asks while it waits
            there["d"] = False  # leaves during the first turn
    assert served == ["a", "b", "c", "e"]


def test_a_click_between_two_jobs_does_not_stop_the_one_that_the_page_knows(
    make_queue: Callable[..., RunQueue],
) -> None:
    recorder = Recorder(is_open=False)
    queue = make_queue(recorder)
    known, next_one = queue.submit((key("known"),)), queue.submit((key("next"),))

    class Interrupted(Visit):
        """The visitor clicks while the page puts the next job in place of the one before."""

        job = known

        def set(self, values: Mapping[str, Any]) -> None:
            raise StopException

    with pytest.raises(StopException):
        Interrupted("rule110").set_job(next_one)
    assert not known.is_abandoned()
    recorder.gate.set()
    assert ended(known).phase == "done"


def test_a_waiting_job_that_is_abandoned_never_computes(make_queue: Callable[..., RunQueue]) -> None:
    recorder = Recorder(is_open=False)
    queue = make_queue(recorder)
    first = queue.submit((key("a"),))
    assert recorder.started.wait(10)
    second = queue.submit((key("b"),))
    second.cancel()
    assert ended(second).phase == "cancelled"
    recorder.gate.set()
    ended(first)
    assert recorder.calls == ["a"]


def test_a_queue_that_closes_ends_what_runs_and_what_waits(make_queue: Callable[..., RunQueue]) -> None:
    recorder = Recorder(is_open=False)
    queue = make_queue(recorder)
    first = queue.submit((key("first"),))
    assert recorder.started.wait(10)
    second = queue.submit((key("second"),))
    queue.close(10)
    assert (first.phase, second.phase) == ("cancelled", "cancelled")
    assert recorder.running == 0 and recorder.calls == ["first"]


def test_a_queue_closes_without_what_does_not_end() -> None:
    gate = threading.Event()

    def stuck(run: RunKey) -> Iterator[Event]:
        gate.wait(30)
        yield TokenRead(0, "", 0, (0,))

    queue = RunQueue(stuck, lambda run: {}, Refusals((), "", ""))
    job = queue.submit((key("stuck"),))
    began = time.monotonic()
    queue.close(0.2)
    assert 0.2 <= time.monotonic() - began < 20 and not job.is_over
    gate.set()
    assert ended(job).phase == "cancelled"


def test_a_refused_run_is_its_sentence_and_an_unknown_error_is_not_shown(make_queue: Callable[..., RunQueue]) -> None:
    queue = make_queue(Recorder())
    refused = ended(queue.submit((key("refused"),)))
    assert (refused.phase, refused.message) == ("failed", "Rows have 16 cells.")
    broken = ended(queue.submit((key("broken"),)))
    assert (broken.phase, broken.message) == ("failed", "An internal error.")
    assert ended(queue.submit((key("a"),))).phase == "done"  # the queue goes on


def test_only_the_first_run_must_succeed(make_queue: Callable[..., RunQueue]) -> None:
    job = ended(make_queue(Recorder()).submit((key("a"), key("refused"))))
    assert job.phase == "done" and job.results[key("refused")] == "Rows have 16 cells."


def test_a_full_queue_refuses(make_queue: Callable[..., RunQueue]) -> None:
    recorder = Recorder(is_open=False)
    queue = make_queue(recorder)
    jobs = [queue.submit((key(str(number)),)) for number in range(WAITING_MAX)]
    refused = queue.submit((key("one more"),))
    assert (refused.phase, refused.message) == ("failed", "Too many.")
    for job in jobs:
        job.cancel()
    for job in jobs:
        ended(job)


def cell(number: int) -> Result:
    return Result("live", "live", number, 1, 8, 0.5, 0.2, 0.8)


def counted(gate: threading.Event, started: threading.Event, most: int = 3) -> Iterator[Result]:
    """Cells that wait at the gate after the first."""
    for number in range(most):
        if number:
            started.set()
            gate.wait(10)
        yield cell(number)


def test_a_sweep_ends_with_all_its_cells(make_queue: Callable[..., RunQueue]) -> None:
    open_gate = threading.Event()
    open_gate.set()
    sweep = ended(make_queue(Recorder()).sweep(counted(open_gate, threading.Event()), 3))
    assert sweep.phase == "done" and sweep.cells == [cell(0), cell(1), cell(2)]


def test_a_cancelled_sweep_keeps_what_it_measured(make_queue: Callable[..., RunQueue]) -> None:
    gate, started = threading.Event(), threading.Event()
    sweep = make_queue(Recorder()).sweep(counted(gate, started), 3)
    assert started.wait(10)
    sweep.cancel()
    gate.set()
    assert ended(sweep).phase == "cancelled" and sweep.cells == [cell(0), cell(1)]


def test_a_sweep_whose_visitor_was_gone_goes_on_with_the_next_cell(make_queue: Callable[..., RunQueue]) -> None:
    """And no cell is measured twice; one that the visitor stopped stays stopped."""
    clock, gate, begun = Clock(), threading.Event(), threading.Event()
    measured = []

    def steps() -> Iterator[int]:
        for n in range(4):
            if n == 2:
                begun.set()
                gate.wait(10)
            measured.append(n)
            yield n

    queue = make_queue(Recorder(), now=clock)
    left = queue.sweep(steps(), 4)
    assert begun.wait(10)
    clock.at += 11
    gate.set()
    assert left._finished.wait(10) and left.was_left and left.cells == [0, 1, 2]

    whole = queue.resumed(left)

    assert whole.wait(10) and (whole.phase, whole.cells, measured) == ("done", [0, 1, 2, 3], [0, 1, 2, 3])
    assert queue.resumed(whole) is whole
    stopped = queue.sweep(counted(gate, begun), 3)
    stopped.cancel()
    assert stopped.wait(10) and queue.resumed(stopped) is stopped


def test_a_sweep_that_nobody_polls_ends_with_its_lease(make_queue: Callable[..., RunQueue]) -> None:
    def forever() -> Iterator[Result]:
        while True:
            time.sleep(0.01)
            yield cell(0)

    sweep = make_queue(Recorder(), lease_s=0.2).sweep(forever(), 1_000_000)
    deadline = time.monotonic() + 10
    while not sweep.is_over and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sweep.phase == "cancelled" and 0 < len(sweep.cells) < 1000


def test_a_run_comes_in_between_two_cells(make_queue: Callable[..., RunQueue]) -> None:
    gate, started = threading.Event(), threading.Event()
    done_before: list[int] = []
    recorder = Recorder()

    def record(run: RunKey) -> Iterator[Event]:
        done_before.append(len(sweep.cells))
        yield from recorder(run)

    queue = make_queue(recorder)
    queue.record = record
    sweep = queue.sweep(counted(gate, started, most=200), 200)
    assert started.wait(10)  # its second cell is under way
    job = queue.submit((key("a"),))
    gate.set()
    assert ended(job).phase == "done" and done_before == [2]
    assert ended(sweep).phase == "done" and len(sweep.cells) == 200


def test_a_refused_cell_is_its_sentence_and_an_unknown_error_is_not_shown(make_queue: Callable[..., RunQueue]) -> None:
    def refused(error: Exception) -> Iterator[Result]:
        yield cell(0)
        raise error

    queue = make_queue(Recorder())
    sweep = ended(queue.sweep(refused(RefusedError("No such checkpoint.")), 3))
    assert (sweep.phase, sweep.message, sweep.cells) == ("failed", "No such checkpoint.", [cell(0)])
    sweep = ended(queue.sweep(refused(ZeroDivisionError("a secret path")), 3))
    assert (sweep.phase, sweep.message) == ("failed", "An internal error.")
    assert ended(queue.submit((key("a"),))).phase == "done"


def test_a_run_that_is_kept_needs_no_turn(make_queue: Callable[..., RunQueue]) -> None:
    recorder = Recorder(is_open=False)
    queue = make_queue(recorder)
    recorder.gate.set()
    ended(queue.submit((key("kept"),)))
    recorder.gate.clear()
    recorder.started.clear()
    slow = queue.submit((key("slow"),))
    assert recorder.started.wait(10)

    again = queue.submit((key("kept"),))

    assert again.is_over and again.phase == "done" and not slow.is_over
    assert recorder.calls == ["kept", "slow"]


def test_equal_runs_that_wait_together_are_one_run_and_one_trace(make_queue: Callable[..., RunQueue]) -> None:
    recorder = Recorder(is_open=False)
    queue = make_queue(recorder)
    jobs = [queue.submit((key("same"),)) for _ in range(5)]
    recorder.gate.set()
    traces = {id(ended(job).results[key("same")]) for job in jobs}
    assert recorder.calls == ["same"] and len(traces) == 1


def test_runs_come_in_the_order_in_which_they_were_asked_for(make_queue: Callable[..., RunQueue]) -> None:
    recorder = Recorder(is_open=False)
    queue = make_queue(recorder)
    names = [str(number) for number in range(20)]
    jobs = [queue.submit((key(name),)) for name in names]
    assert recorder.started.wait(10)
    assert [job.ahead for job in jobs] == list(range(20))
    jobs[3].cancel()
    assert jobs[3].wait(10)
    assert [job.ahead for job in jobs[:3] + jobs[4:]] == list(range(19))
    recorder.gate.set()
    for job in jobs:
        ended(job)
    assert recorder.calls == names[:3] + names[4:]


def test_the_runs_that_were_asked_for_last_are_kept_up_to_a_number_of_bytes(
    make_queue: Callable[..., RunQueue],
) -> None:
    trace = made_trace()
    one_pass = 6 + 2 * 2 + 5 * 5 + 4  # measures of the only head, S, attention, how sure it is of each cell
    assert trace.nbytes == 4 * (2 * one_pass + 4)

    calls: list[str] = []

    def record(run: RunKey) -> Iterator[Event]:
        calls.append(run.spec.input)
        yield from trace.events

    refusals = Refusals((RefusedError,), "An internal error.", "Too many.")
    queue = RunQueue(record, lambda run: {}, refusals, kept_bytes=2 * trace.nbytes)
    for name in ("a", "b", "a", "c", "a", "b"):
        ended(queue.submit((key(name),)))
    assert calls == ["a", "b", "c", "b"]


def test_a_sweep_gives_way_to_runs_but_not_for_ever() -> None:
    turns = Turns()
    requests = {name: Request(10.0) for name in ("now", "sweep", *"abcdef")}
    now = turns.enter(requests["now"])
    turns.enter(requests["sweep"], gives_way=True)
    for name in "abcdef":
        turns.enter(requests[name])
    order = sorted(requests, key=lambda name: requests[name].ahead)
    assert order == ["now", "a", "b", "c", "d", "sweep", "e", "f"]
    turns.leave(now)
    assert [requests[name].ahead for name in order[1:]] == list(range(7))


def test_where_no_thread_can_start_the_request_is_refused_and_the_next_one_runs(
    make_queue: Callable[..., RunQueue], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    queue = make_queue(Recorder())
    with monkeypatch.context() as without:
        without.setattr(threading.Thread, "start", no_thread)
        refused = queue.submit((key("a"),))
    assert (refused.phase, refused.message) == ("failed", "Too many.")
    assert ended(queue.submit((key("b"),))).phase == "done"
