"""Every cache of the app, and the way from a RunSpec to a Trace.

What is cached is shared by all visitors and changed by none: with `st.cache_data` every run of a script would
unpickle a copy of its own. Streamlit collects garbage in full after each script run; with torch's objects loaded that
takes a quarter of a second under the interpreter's lock. `gc.freeze` after loading takes them out of it.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from app.shell import messages
from app.shell.jobs import Refusals, RunKey, RunQueue
from app.shell.results import Results, ResultsError, read_results
from app.shell.run_log import Kept, RunLog
from app.shell.waiting import presence
from sleepviz.config import places
from sleepviz.config.base import ConfigError
from sleepviz.config.events import Event, Trace
from sleepviz.config.run import RunSpec
from sleepviz.runs.checkpoint import (
    FOLDER,
    CheckpointError,
    CheckpointInfo,
    checkout_commit,
    list_checkpoints,
    read_info,
)
from sleepviz.studies.measurements import baseline_names
from sleepviz.tasks.base import InputError

if TYPE_CHECKING:  # torch is imported by the first live run, never by opening a page
    from sleepviz.runs.checkpoint import Checkpoint

LOADED_MAX = 12  # checkpoints, of a few megabytes each: every task's own and the models beside it
CLOSE_S = 10.0  # at most, for what is computed when Python ends
ASSETS = places.ASSETS  # of this module, so that a test can point the app elsewhere


@st.cache_resource(ttl=60, max_entries=4, show_spinner=False)
def checkpoints(folder: Path = FOLDER) -> tuple[CheckpointInfo, ...]:
    """Every readable checkpoint. Read again each minute, so that a new one appears without a restart."""
    return list_checkpoints(folder)


@st.cache_resource(max_entries=1, show_spinner=False)
def commit() -> str:
    """The commit of the checkout that serves the app; "" where there is none."""
    return checkout_commit()


def checkpoint_folder() -> Path:
    """Where checkpoints are; one place, so that a test can point it elsewhere."""
    return ASSETS / "checkpoints"


def default_checkpoint(task: str, infos: tuple[CheckpointInfo, ...]) -> CheckpointInfo | None:
    """The checkpoint that a task uses unless another is chosen."""
    return next((info for info in infos if info.task == task and info.default), None)


def baseline_checkpoint(task: str, infos: tuple[CheckpointInfo, ...], checkpoint: str = "") -> CheckpointInfo | None:
    """The separately trained N = 1 model that a run is compared with: the checkpoint's own, else the task's.

    Of the checkpoint's own, first the one with as many operations, which has read more.
    """
    here = {info.name: info for info in infos}
    names = (f"{checkpoint}-n1-flops", f"{checkpoint}-n1", *baseline_names(task))
    return next((here[name] for name in names if name in here), None)


def recording(name: str) -> Trace | None:
    """A recorded run, or None when it is not there. Raises ValueError when it is damaged."""
    path = ASSETS / "recordings" / f"{name}.npz"
    try:
        return _recording(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return None


@st.cache_resource(max_entries=32, show_spinner=False)
def _recording(path: Path, changed_ns: int) -> Trace:
    return Trace.from_npz(path.read_bytes()).protected()


def results(task: str) -> Results | str:
    """The task's measured results, or one sentence that says why there are none."""
    path = ASSETS / "results" / f"{task}.json"
    try:
        return _results(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return messages.no_results(task)
    except ResultsError as error:
        return str(error)


@st.cache_resource(max_entries=8, show_spinner=False)
def _results(path: Path, changed_ns: int) -> Results:
    return read_results(path)


@st.cache_resource(show_spinner=False)
def run_log() -> RunLog:
    """The operator's log of this server."""
    return RunLog()


@st.cache_resource(show_spinner=False)
def queue() -> RunQueue:
    """The one queue of this server, shared by all visitors; it closes when Python ends."""
    shared = RunQueue(
        record=record_run,
        describe=describe_checkpoint,
        refusals=Refusals((InputError, ConfigError, CheckpointError), messages.INTERNAL_ERROR, messages.TOO_MANY),
        is_warm=lambda: is_imported("torch"),
        prepare=one_thread,
        who=run_log().visitor,
        here=presence.here,
        told=run_log().tell,
    )
    Kept("runs", shared.keeps)
    atexit.register(shared.close, CLOSE_S)
    return shared


def is_imported(name: str) -> bool:
    """Whether a module is there, wholly: another thread may be importing it."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return spec is not None and not getattr(spec, "_initializing", False)


def one_thread() -> None:
    """A run is tens of milliseconds of tiny matrices: more threads would only disturb other visitors."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import torch

    torch.set_num_threads(1)


def record_run(key: RunKey) -> Iterator[Event]:
    """The events of one run, with the shared, read-only weights. Called in a worker thread."""
    from sleepviz.runs.record import record

    warm_up(key)
    return record(key.spec, loaded(key))


def warm_up(key: RunKey) -> None:
    """Load the weights of a run, and use them once. Called in a worker thread."""
    _warmed(checkpoint_folder(), key.spec.checkpoint, key.digest, key.spec)


def loaded(key: RunKey) -> Checkpoint:
    """The shared, read-only weights that a run uses, or random ones in their place. Called in a worker thread."""
    from sleepviz.runs.checkpoint import untrained

    checkpoint = _loaded(checkpoint_folder(), key.spec.checkpoint, key.digest)
    return untrained(checkpoint, key.spec.seed) if key.spec.control == "untrained" else checkpoint


@st.cache_resource(max_entries=LOADED_MAX, show_spinner=False)
def _loaded(folder: Path, name: str, digest: str) -> Checkpoint:
    """Slow weights, loaded once for all visitors; the digest in the key makes a new file a new entry."""
    from sleepviz.runs.checkpoint import load

    checkpoint = load(name, folder=folder)
    if checkpoint.info.digest != digest:  # under the old digest the new weights' answers would be kept
        checkpoints.clear()
        raise CheckpointError(messages.OTHER_WEIGHTS_NOW.format(name=name))
    gc.collect()
    gc.freeze()
    return checkpoint


@st.cache_resource(max_entries=LOADED_MAX, show_spinner=False)
def _warmed(folder: Path, name: str, digest: str, _spec: RunSpec) -> bool:
    """One run thrown away: the first passes of a process are several times slower, and times are shown.

    Which run it is changes no result, so it is not part of the key.
    """
    from sleepviz.runs.record import record

    for _ in record(replace(_spec, n_passes=1, control="none"), _loaded(folder, name, digest)):
        pass
    return True


def describe_checkpoint(key: RunKey) -> dict[str, object]:
    """What a run says about the weights it used."""
    return read_info(checkpoint_folder() / key.spec.checkpoint).to_json()


def key_of(spec: RunSpec, info: CheckpointInfo) -> RunKey:
    """The key of a run: its checkpoint by name and digest."""
    return RunKey(spec, info.digest)
