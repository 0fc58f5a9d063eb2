"""For the operator: one line for each run on standard error, and the load of the moment. No word of a visitor's.

    2026-01-02 03:04:05 run task=rule110 passes=4 runs=3 ms=81 waited_ms=2 visitor=5f0c9b12 outcome=done open=1 mb=431

`waited_ms` is the time in the queue. `visitor` is a hash that nobody can undo and that a restart changes. `open` counts
the requests that are not over yet; `mb` is the most memory that the server has taken so far.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.stats import CACHE_MEMORY_FAMILY, CacheStat

from app.shell.jobs import Job, Phase, Request, Sweep

HASH_CHARACTERS = 8


class RunLog:
    """What is counted between the lines, and where they go."""

    def __init__(self) -> None:
        self._open, self._lock, self._salt = 0, threading.Lock(), secrets.token_bytes(16)
        self._log = logging.getLogger("sleepviz.runs")
        if not self._log.handlers:
            handler = logging.StreamHandler(sys.stderr)
            handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
            self._log.addHandler(handler)
        self._log.setLevel(logging.INFO)

    def visitor(self) -> str:
        """Whose request is opened now, as a hash of the session: the same for all runs of a visit."""
        with self._lock:
            self._open += 1
        context = get_script_run_ctx(suppress_warning=True)
        session = context.session_id if context is not None else ""
        return hashlib.blake2b(session.encode(), key=self._salt).hexdigest()[:HASH_CHARACTERS]

    def tell(self, request: Request, phase: Phase) -> None:
        """Write the line of a request that ends in this phase."""
        with self._lock:
            self._open -= 1
            n_open = self._open
        self._log.info("%s", line(request, phase, time.monotonic(), n_open))


class Kept:
    """What is kept for everybody, among Streamlit's own figures at `/_stcore/metrics`: there, caches count entries."""

    stats_families = (CACHE_MEMORY_FAMILY,)

    def __init__(self, name: str, sizes: Callable[[], Mapping[str, int]]) -> None:
        self._name, self._sizes = name, sizes
        if runtime.exists():
            runtime.get_instance().stats_mgr.register_provider(self)

    def get_stats(self, family_names: Sequence[str] | None = None) -> dict[str, list[CacheStat]]:
        """Each size, by its name."""
        return {CACHE_MEMORY_FAMILY: [CacheStat(what, self._name, size) for what, size in self._sizes().items()]}


def line(request: Request, phase: Phase, now: float, n_open: int) -> str:
    """One request in one line; `now` is when it ended, on the clock of `time.monotonic`."""
    began = request.began or now
    told = {
        **_asked(request),
        "ms": round(1000 * (now - began)),
        "waited_ms": round(1000 * (began - request.asked)),
        "visitor": request.visitor,
        "outcome": phase,
        "open": n_open,
        "mb": _megabytes(),
    }
    kind = "sweep" if isinstance(request, Sweep) else "run"
    return " ".join([kind, *(f"{name}={value}" for name, value in told.items())])


def _asked(request: Request) -> dict[str, object]:
    if isinstance(request, Sweep):
        return {"measured": len(request.cells), "of": request.total}
    assert isinstance(request, Job)
    spec = request.keys[0].spec
    return {"task": spec.task, "passes": spec.n_passes, "runs": len(request.keys)}


def _megabytes() -> int:
    """The most memory that this process has had; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(most / (2**20 if sys.platform == "darwin" else 2**10))
