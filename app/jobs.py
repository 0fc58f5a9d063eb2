"""A queue of runs: one computes at a time, in a background thread, and ends when nobody waits for it.

No streamlit here: a worker must not touch a page, and a queue can be tested without one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from sleepviz.config import RunSpec
from sleepviz.events import Event, Trace

Phase = Literal["waiting", "starting", "running", "done", "cancelled", "failed"]
Outcome = Trace | str  # a finished run, or one sentence that says why there is none
WAITING_MAX = 32
LOG = logging.getLogger(__name__)


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


class Job:
    """One visitor's request: a few runs, the first of which must succeed. Results live here, not in the session."""

    def __init__(self, keys: tuple[RunKey, ...], lease_s: float) -> None:
        self.keys = keys
        self.phase: Phase = "waiting"
        self.message = ""
        self.ahead = 0
        self.events = 0
        self.results: dict[RunKey, Outcome] = {}
        self._lease_s = lease_s
        self._seen = time.monotonic()
        self._stop = threading.Event()
        self._finished = threading.Event()

    def poll(self) -> Phase:
        """Say that the visitor is still there; return where the job stands."""
        self._seen = time.monotonic()
        return self.phase

    def cancel(self) -> None:
        """Ask the job to end at its next event."""
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end; True when it has come."""
        self._seen = time.monotonic() + seconds
        return self._finished.wait(seconds)

    @property
    def is_over(self) -> bool:
        """Done, cancelled or failed."""
        return self._finished.is_set()

    @property
    def is_abandoned(self) -> bool:
        """Cancelled, or the visitor has not been heard of for the length of the lease."""
        return self._stop.is_set() or time.monotonic() - self._seen > self._lease_s

    def end(self, phase: Phase, message: str = "") -> None:
        """Close the job."""
        self.phase, self.message = phase, message
        self._finished.set()


class _AbandonedError(Exception):
    """The run was stopped between two events."""


@dataclass(eq=False)
class RunQueue:
    """Runs jobs one at a time. `record` yields a run's events; `describe` gives its checkpoint's JSON."""

    record: Callable[[RunKey], Iterator[Event]]
    describe: Callable[[RunKey], dict[str, object]]
    refusals: Refusals
    is_warm: Callable[[], bool] = lambda: True
    prepare: Callable[[], None] = lambda: None  # called in every worker, before it computes
    kept: int = 48
    lease_s: float = 3.0
    _turn: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: list[Job] = field(default_factory=list)
    _finished: OrderedDict[RunKey, Trace] = field(default_factory=OrderedDict)

    def submit(self, keys: tuple[RunKey, ...]) -> Job:
        """Queue the runs; return at once. Runs that are still kept are not computed again."""
        job = Job(keys, self.lease_s)
        with self._lock:
            job.ahead = len(self._open)
            if job.ahead >= WAITING_MAX:
                job.end("failed", self.refusals.too_many)
                return job
            self._open.append(job)
        threading.Thread(target=self._work, args=(job,), name="run", daemon=True).start()
        return job

    def _work(self, job: Job) -> None:
        try:
            while not self._turn.acquire(timeout=0.1):
                if job.is_abandoned:
                    raise _AbandonedError
                with self._lock:
                    job.ahead = self._open.index(job)
            try:
                self._compute(job)
            finally:
                self._turn.release()
            first = job.results[job.keys[0]]
            if isinstance(first, str):
                job.end("failed", first)
            else:
                job.end("done")
        except _AbandonedError:
            job.end("cancelled")
        except Exception:
            LOG.exception("a run failed")
            job.end("failed", self.refusals.internal)
        finally:
            with self._lock:
                self._open.remove(job)

    def _compute(self, job: Job) -> None:
        if job.is_abandoned:
            raise _AbandonedError
        job.ahead = 0
        job.phase = "running" if self.is_warm() else "starting"
        self.prepare()
        for key in job.keys:
            with self._lock:
                kept = self._finished.get(key)
            if kept is None:
                try:
                    kept = self._run(job, key)
                except self.refusals.shown as error:
                    job.results[key] = str(error)
                    continue
                with self._lock:
                    self._finished[key] = kept
                    while len(self._finished) > self.kept:
                        self._finished.popitem(last=False)
            job.results[key] = kept

    def _run(self, job: Job, key: RunKey) -> Trace:
        events: list[Event] = []
        for event in self.record(key):
            if job.is_abandoned:
                raise _AbandonedError
            job.phase = "running"
            job.events += 1
            events.append(event)
        return Trace(key.spec.to_json(), self.describe(key), tuple(events))
