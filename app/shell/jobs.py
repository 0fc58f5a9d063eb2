"""A queue of runs: one computes at a time, in a background thread, and ends when nobody waits for it.

No streamlit here: a worker must not touch a page, and a queue can be tested without one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from app.shell.waiting.turns import AbandonedError, Place, Turns
from sleepviz.config.events import Event, Trace
from sleepviz.config.run import RunSpec

Phase = Literal["waiting", "starting", "running", "done", "cancelled", "failed"]
Outcome = Trace | str  # a finished run, or one sentence that says why there is none
WAITING_MAX = 64  # a thread each
LEASE_S = 10.0  # a run ends when its visitor has been gone for so long: a connection that broke may come back
LOG = logging.getLogger(__name__)
_NO_MORE = object()  # in place of a cell


@dataclass(frozen=True)
class RunKey:
    """Everything that a run's result depends on: its specification and the weights' digest."""

    spec: RunSpec
    digest: str


@dataclass(frozen=True)
class Refusals:
    """The errors whose message may be shown, and what is said of any other."""

    shown: tuple[type[Exception], ...]
    internal: str
    too_many: str


class Request:
    """What one visitor waits for. What comes of it lives here, not in the session.

    It is wanted while the visitor's page shows it, which `shown_by` tells, and for the length of the lease afterwards.
    """

    def __init__(self, lease_s: float, visitor: str = "", now: Callable[[], float] = time.monotonic) -> None:
        self.visitor, self.asked, self.began = visitor, now(), 0.0
        self.phase: Phase = "waiting"
        self.message = ""
        self.ahead = 0
        self.was_left = False  # ended because its visitor was gone: whoever shows it again asks for it again
        self._lease_s, self._now = lease_s, now
        self._seen = now()
        self._is_shown: Callable[[], bool] = lambda: False
        self._stop = threading.Event()
        self._finished = threading.Event()

    def shown_by(self, is_shown: Callable[[], bool]) -> None:
        """A page shows where the request stands; `is_shown` says whether the page is still on a screen."""
        self._is_shown = is_shown

    def poll(self) -> Phase:
        """Say that the visitor is still there; return where the job stands."""
        self._seen = self._now()
        return self.phase

    def cancel(self) -> None:
        """Ask the job to end at its next event."""
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end; True when it has come."""
        self._seen = self._now() + seconds
        return self._finished.wait(seconds)

    @property
    def is_over(self) -> bool:
        """Whether the job is done, cancelled or failed."""
        return self._finished.is_set()

    @property
    def was_stopped(self) -> bool:
        """Whether its visitor ended it: it stays so until they ask for it again."""
        return self.phase == "cancelled" and not self.was_left

    def is_abandoned(self) -> bool:
        """Cancelled, or its visitor has been gone for the length of the lease. Asked while it waits and computes."""
        if self._stop.is_set():
            return True
        if self._is_shown():
            self._seen = self._now()
            return False
        return self._now() - self._seen > self._lease_s

    def end(self, phase: Phase, message: str = "") -> None:
        """Close the job with its last phase and, where it failed, the sentence that says why."""
        self.was_left = phase == "cancelled" and not self._stop.is_set()
        self.phase, self.message = phase, message
        self._finished.set()


class Job(Request):
    """A few runs, the first of which must succeed."""

    def __init__(
        self, keys: tuple[RunKey, ...], lease_s: float, visitor: str = "", now: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(lease_s, visitor, now)
        self.keys = keys
        self.events = 0
        self.results: dict[RunKey, Outcome] = {}


class Sweep(Request):
    """A series of measurements, `steps`; those that are there stay, however it ends."""

    def __init__(
        self,
        steps: Iterator[Any],
        total: int,
        lease_s: float,
        visitor: str = "",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(lease_s, visitor, now)
        self.steps, self.total = steps, total
        self.cells: list[Any] = []


Asked = TypeVar("Asked", bound=Request)


@dataclass(eq=False)
class RunQueue:
    """Runs jobs one at a time. `record` yields a run's events; `describe` gives its checkpoint's JSON.

    Finished runs are kept for everybody and must not be changed: the latest `kept`, up to `kept_bytes` of arrays.
    """

    record: Callable[[RunKey], Iterator[Event]]
    describe: Callable[[RunKey], dict[str, object]]
    refusals: Refusals
    is_warm: Callable[[], bool] = lambda: True
    prepare: Callable[[], None] = lambda: None  # called in every worker, before it computes
    who: Callable[[], str] = lambda: ""  # the visitor who asks
    here: Callable[[], Callable[[], bool]] = lambda: lambda: False  # whether the page that asks is still on a screen
    told: Callable[[Request, Phase], None] = lambda request, phase: None  # how every request ends
    kept: int = 256
    kept_bytes: int = 64_000_000
    lease_s: float = LEASE_S
    now: Callable[[], float] = time.monotonic
    turns: Turns = field(default_factory=Turns)  # queues that share it take turns
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: set[Request] = field(default_factory=set)
    _finished: OrderedDict[RunKey, Trace] = field(default_factory=OrderedDict)

    def submit(self, keys: tuple[RunKey, ...]) -> Job:
        """Queue the runs; return at once. Runs that are still kept are not computed again, and need no turn."""
        is_shown = self.here()  # first: where the page is no longer drawn, nothing is opened
        job = Job(keys, self.lease_s, self.who(), self.now)
        job.shown_by(is_shown)
        kept = {key: self._kept(key) for key in keys}
        found = {key: trace for key, trace in kept.items() if trace is not None}
        if len(found) == len(kept):
            job.results.update(found)
            self._end(job, "done")
        else:
            self._open_with(job, self._in_one_turn, self.turns.enter(job))
        return job

    def sweep(self, steps: Iterator[Any], total: int) -> Sweep:
        """Measure cell by cell, a turn each, so that runs come in between; return at once.

        It ends after `total` cells, or when there are no more.
        """
        return self._begun([], steps, total)

    def resumed(self, sweep: Sweep) -> Sweep:
        """The same sweep. One that ended because its visitor was gone goes on from the cells that it has."""
        return self._begun(sweep.cells, sweep.steps, sweep.total) if sweep.was_left else sweep

    def _begun(self, cells: Sequence[Any], steps: Iterator[Any], total: int) -> Sweep:
        is_shown = self.here()
        sweep = Sweep(steps, total, self.lease_s, self.who(), self.now)
        sweep.cells += cells
        sweep.shown_by(is_shown)
        self._open_with(sweep, self._cell_by_cell, self.turns.enter(sweep, gives_way=True))
        return sweep

    def close(self, seconds: float) -> None:
        """Ask whatever is open to end, and wait for it: Python must not end while a thread of it computes."""
        until = time.monotonic() + seconds
        with self._lock:
            requests = tuple(self._open)
        for request in requests:
            request.cancel()
        for request in requests:
            request.wait(max(0.0, until - time.monotonic()))

    def _open_with(self, request: Asked, work: Callable[[Asked, Place], str], place: Place) -> None:
        """Start a thread for the request, unless too many wait already; `work` returns what went wrong."""
        with self._lock:
            is_refused = len(self._open) >= WAITING_MAX
            if not is_refused:
                self._open.add(request)
        if not is_refused:
            try:
                threading.Thread(target=self._work, args=(request, work, place), name="run", daemon=True).start()
                return
            except RuntimeError:  # the host has no thread to spare
                with self._lock:
                    self._open.discard(request)
        self.turns.leave(place)
        self._end(request, "failed", self.refusals.too_many)

    def _end(self, request: Request, phase: Phase, message: str = "") -> None:
        """Tell the operator how the request ended, and then whoever waits for it."""
        try:
            self.told(request, phase)
        finally:
            request.end(phase, message)

    def _work(self, request: Asked, work: Callable[[Asked, Place], str], place: Place) -> None:
        try:
            failure = work(request, place)
            self._end(request, "failed" if failure else "done", failure)
        except AbandonedError:
            self._end(request, "cancelled")
        except BaseException:  # a worker that is told to exit, too: its visitor must not wait for ever
            LOG.exception("a run failed")
            self._end(request, "failed", self.refusals.internal)
        finally:
            with self._lock:
                self._open.discard(request)

    @contextmanager
    def _turn(self, request: Request, place: Place) -> Iterator[None]:
        """Wait for the turn to compute; give it back afterwards."""
        with self.turns.turn(place):
            request.began = request.began or self.now()
            request.phase = "running" if self.is_warm() else "starting"
            self.prepare()
            yield

    def _in_one_turn(self, job: Job, place: Place) -> str:
        with self._turn(job, place):
            self._compute(job)
        first = job.results[job.keys[0]]
        return first if isinstance(first, str) else ""

    def _cell_by_cell(self, sweep: Sweep, place: Place) -> str:
        try:
            while True:
                with self._turn(sweep, place):
                    cell = next(sweep.steps, _NO_MORE)
                if cell is not _NO_MORE:
                    sweep.cells.append(cell)
                if cell is _NO_MORE or len(sweep.cells) >= sweep.total:
                    return ""
                place = self.turns.enter(sweep, gives_way=True)
        except self.refusals.shown as error:
            return str(error)

    def keeps(self) -> dict[str, int]:
        """How many finished runs are kept, and the bytes of their arrays."""
        with self._lock:
            n_bytes = sum(trace.nbytes for trace in self._finished.values())
            return {"kept_runs": len(self._finished), "kept_bytes": n_bytes}

    def _kept(self, key: RunKey) -> Trace | None:
        """A run that was computed before; it is now the last to go."""
        with self._lock:
            if key in self._finished:
                self._finished.move_to_end(key)
            return self._finished.get(key)

    def _keep(self, key: RunKey, trace: Trace) -> None:
        with self._lock:
            self._finished[key] = trace
            held = sum(each.nbytes for each in self._finished.values())
            while len(self._finished) > 1 and (len(self._finished) > self.kept or held > self.kept_bytes):
                held -= self._finished.popitem(last=False)[1].nbytes

    def _compute(self, job: Job) -> None:
        for key in job.keys:
            kept = self._kept(key)
            if kept is None:
                try:
                    kept = self._run(job, key)
                except self.refusals.shown as error:
                    job.results[key] = str(error)
                    continue
                self._keep(key, kept)
            job.results[key] = kept

    def _run(self, job: Job, key: RunKey) -> Trace:
        events: list[Event] = []
        for event in self.record(key):
            if job.is_abandoned():
                raise AbandonedError
            job.phase = "running"
            job.events += 1
            events.append(event)
        return Trace(key.spec.to_json(), self.describe(key), tuple(events)).protected()
