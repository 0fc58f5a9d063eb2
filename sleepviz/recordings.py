"""Recorded runs: what a page shows first, made by the same code that runs live."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from sleepviz.checkpoint import write_atomically
from sleepviz.config import RunSpec
from sleepviz.events import Trace
from sleepviz.record import trace

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "recordings"

# Two rows, the first from the design's own example and the second its mirror image: chosen before
# any model was trained, so that nothing was picked for coming out well.
_HOME = '{"rows": ["0100110101110010", "0100111010110010"], "steps": 6}'

RECORDINGS: dict[str, RunSpec] = {
    "rule110-home": RunSpec(task="rule110", input=_HOME, n_passes=8),
    "rule110-home-n1": RunSpec(task="rule110", input=_HOME, n_passes=1),
    "rule110-home-baseline": RunSpec(task="rule110", input=_HOME, checkpoint="rule110-n1-flops", n_passes=1),
}


def recording_path(name: str, folder: Path = FOLDER) -> Path:
    """Where a recording lies."""
    return folder / f"{name}.npz"


def read_recording(name: str, folder: Path = FOLDER) -> Trace:
    """Read a recording; torch is not needed to show it. Raises OSError or ValueError."""
    return Trace.from_npz(recording_path(name, folder).read_bytes())


def record_all(folder: Path = FOLDER) -> dict[str, int]:
    """Make every recording anew; return the bytes of each."""
    sizes = {}
    for name, spec in tqdm(RECORDINGS.items(), desc="record", unit="run"):
        trace(spec)  # the first run in a process is several times slower, and its seconds are shown
        data = trace(spec).to_npz()
        write_atomically(recording_path(name, folder), data)
        sizes[name] = len(data)
    return sizes
