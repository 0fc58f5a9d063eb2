"""Loads PyTorch and the models once the server's first page is sent, so that no visitor's first run waits for them.

After every run of a script Streamlit looks at all objects for garbage; those that stay for good are taken out of that.
"""

from __future__ import annotations

import gc
import logging
import math
import threading
from collections.abc import Iterable

import streamlit as st

from app.shell import runs
from app.shell.jobs import Request, RunKey, RunQueue
from app.shell.server import heap
from sleepviz.config.run import RunSpec

LOG = logging.getLogger(__name__)
WAIT_S = 1.0  # importing holds the interpreter: the first page's own files are sent before


def start(tasks: Iterable[str]) -> None:
    """Begin, the first time that a browser shows a page; return at once."""
    if st.context.url is not None:  # without a browser there is nobody who waits
        _started(tuple(tasks))


@st.cache_resource(show_spinner=False)
def _started(tasks: tuple[str, ...]) -> threading.Timer:
    heap.keep_small()
    _keep_for_good()
    timer = threading.Timer(WAIT_S, _warm, (tasks, runs.queue()))
    timer.daemon = True
    timer.start()
    return timer


def _warm(tasks: tuple[str, ...], queue: RunQueue) -> None:
    """Import, then load and use the model of every task's recorded run, in turns that every visitor's run precedes."""
    try:
        import sleepviz.runs.record  # noqa: F401 - and PyTorch with it

        _keep_for_good()
        for task in tasks:
            for key in _recorded(task):
                with queue.turns.turn(queue.turns.enter(Request(math.inf), gives_way=True)):
                    runs.one_thread()
                    runs.warm_up(key)
    except Exception:  # the first run will meet the same, and tell its visitor
        LOG.exception("the models could not be loaded ahead")


def _keep_for_good() -> None:
    gc.collect()
    gc.freeze()


def _recorded(task: str) -> Iterable[RunKey]:
    """The recorded run, and that of the model beside it, with the weights that are here now."""
    infos = {info.name: info for info in runs.checkpoints(runs.checkpoint_folder())}
    for name in (f"{task}-home", f"{task}-home-baseline"):
        trace = runs.recording(name)
        info = infos.get(str(trace.checkpoint["name"])) if trace else None
        if trace is not None and info is not None:
            spec = RunSpec.from_json({**trace.spec, "checkpoint": info.name})
            yield runs.key_of(spec, info)
