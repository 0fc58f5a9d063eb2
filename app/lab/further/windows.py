"""Is a question still answered right after more windows, and what is kept of them? Pure: results in, words out."""

from __future__ import annotations

from collections.abc import Sequence

from app.figures.measured import points
from app.figures.over_windows import OverWindows, windows_slept
from app.lab.findings import Finding, fall
from app.lab.lab_text import levels
from app.parts.units import count, in_bytes
from app.shell.difference import is_above
from app.shell.results import Result
from sleepviz.config.model import ModelConfig
from sleepviz.runs.checkpoint import CheckpointInfo
from sleepviz.studies.counted.bill import OwnModel
from sleepviz.tasks import build_task


def windows_finding(entries: Sequence[Result], said: OverWindows, symbol: str, chance: float = 0.0) -> Finding | None:
    """Whether questions are still answered right after the most windows; None where nothing is compared.

    Each difficulty is asked after the fewest windows and after the most; where the first was never learned, nothing can
    be forgotten.
    """
    ends: dict[int, tuple[Result, Result]] = {}
    for difficulty in sorted({entry.difficulty for entry in entries}):
        line = sorted((e for e in entries if e.difficulty == difficulty), key=windows_slept)
        if windows_slept(line[0]) < windows_slept(line[-1]):
            ends[difficulty] = line[0], line[-1]
    learned = {difficulty: pair for difficulty, pair in ends.items() if pair[0].accuracy > 2 * chance}
    lost = {difficulty: pair for difficulty, pair in learned.items() if is_above(*pair)}
    kept = [difficulty for difficulty in learned if difficulty not in lost]
    unknown = [difficulty for difficulty in ends if difficulty not in learned]
    parts = []
    if kept:
        first, last = ends[kept[0]]
        parts.append(said.kept.format(fewest=_many(first, said), most=_many(last, said), levels=levels(kept, symbol)))
    if lost:
        first, last = max(lost.values(), key=fall)
        told = {"fewest": _many(first, said), "most": _many(last, said), "one": f"{symbol} = {first.difficulty}"}
        told |= {"first": points(first), "last": points(last), "levels": levels(list(lost), symbol)}
        parts.append(said.lost.format(**told))
    if unknown:
        parts.append(said.unknown.format(levels=levels(unknown, symbol)))
    return Finding(" ".join(parts)) if parts else None


def _many(entry: Result, said: OverWindows) -> str:
    return count(windows_slept(entry), said.unit)


def size_finding(entries: Sequence[Result], said: OverWindows, info: CheckpointInfo) -> Finding:
    """The bytes of S, and those of a cache that keeps every token, after the fewest windows and after the most."""
    model = OwnModel(ModelConfig.from_json(info.meta["model"]))
    further = build_task(info.task, info.meta["task_sizes"]).windows_min - 1  # such as an index
    ends = sorted({windows_slept(entry) for entry in entries})
    caches = [in_bytes(model.kv_bytes((n + further) * model.config.window)) for n in (ends[0], ends[-1])]
    fewest, most = (count(n, said.unit) for n in (ends[0], ends[-1]))
    return Finding(
        f"S takes {in_bytes(model.fast_bytes)} at every length. A cache that keeps every token would take {caches[0]} "
        f"for {fewest} and {caches[1]} for {most}."
    )
