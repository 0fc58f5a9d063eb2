"""The experiments behind every published figure: one queue that one command works through and resumes.

Each entry of assets/results/TASK.json is one measurement. An entry is done when the file has one with the same
experiment, variant, passes, difficulty and the digest of the checkpoint as it is now. The file is written after every
measurement, so that whatever stops the queue loses none.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from sleepviz.config.base import ConfigError
from sleepviz.config.outside import MALFORMED
from sleepviz.config.places import ASSETS
from sleepviz.config.run import RunSpec
from sleepviz.runs.alone import alone_at
from sleepviz.runs.checkpoint import Checkpoint, CheckpointError, load, provenance, write_atomically
from sleepviz.runs.record import checkpoint_of
from sleepviz.studies.crew import HERE, Crew, Lost, done_by
from sleepviz.studies.measure import Slept, groups, measure_cost, measured_together
from sleepviz.studies.measurements import measurements_of
from sleepviz.tasks import FAMILIES
from sleepviz.tasks.family import Measurement

FOLDER = ASSETS / "results"
COMMAND = "python -m sleepviz experiments --queue"
BESIDE_ACCURACY = ("cost", "second_seed")  # a cost is what an accuracy took; of two seeds the first is the task's model
Known = dict[Measurement, Checkpoint]


def run_queue(*, only: str | None = None, folder: Path = FOLDER, crew: Crew = HERE) -> dict[str, Any]:
    """Measure what is missing, by whoever the crew is; return what was done.

    In the end the file holds the measurements in the order of the study, whoever made them. Costs are timed last, in
    this process, when no worker disturbs them. Raises ConfigError where another process measures the same task, or
    where nothing of the one that was asked for can be measured.
    """
    done, n_known, left_out = 0, 0, list[str]()
    for name in (name for name in FAMILIES if only in (None, name)):
        try:
            default = load(task=name)
        except CheckpointError as error:
            left_out.append(f"{name}: {error}")
            continue
        folder.mkdir(parents=True, exist_ok=True)
        with alone_at(folder / f".{name}.lock", f"Another queue measures {name} into the same folder."):
            known, missing = _known(name, list(measurements_of(default.task, default.info.name)))
            file = ResultsFile(folder / f"{name}.json", name)
            n_before = len(file.measured)
            left_out += [*missing, *_measure_all(name, known, file, crew)]
            done, n_known = done + len(file.measured) - n_before, n_known + len(known)
            file.finish([measurement.key(checkpoint.info.digest) for measurement, checkpoint in known.items()])
    if only is not None and not n_known:
        raise ConfigError(f"Nothing could be measured of {'; '.join(dict.fromkeys(left_out))}")
    return {"measured": done, "left_out": sorted(set(left_out))}


class ResultsFile:
    """assets/results/TASK.json: what is noted is on disk at once."""

    def __init__(self, path: Path, task: str, made_by: str = COMMAND) -> None:
        self.path, self._task, self._made_by, self._commit = path, task, made_by, provenance()["commit"]
        self.measured = {_key_of(entry): entry for entry in _entries(path)}

    def note(self, key: tuple[Any, ...], entry: dict[str, Any]) -> None:
        """Keep one measurement."""
        self.measured[key] = entry
        self._write(list(self.measured.values()))

    def finish(self, keys: list[tuple[Any, ...]]) -> None:
        """Keep these alone, in this order."""
        self._write([self.measured[key] for key in keys if key in self.measured])

    def _write(self, entries: list[dict[str, Any]]) -> None:
        head = json.dumps({"task": self._task, "made_by": self._made_by, "commit": self._commit})[1:-1]
        lines = ",\n".join(json.dumps(entry) for entry in entries)
        write_atomically(self.path, f'{{{head}, "entries": [\n{lines}\n]}}\n'.encode())


def _known(task: str, wanted: list[Measurement]) -> tuple[Known, list[str]]:
    """The measurements whose checkpoint is here, and a sentence on each of the others."""
    loaded: dict[tuple[str, str], Checkpoint | CheckpointError] = {}
    known, missing = Known(), []
    for measurement in wanted:
        which = (measurement.checkpoint, measurement.control)
        if which not in loaded:
            try:
                loaded[which] = checkpoint_of(RunSpec(task, "", measurement.checkpoint, control=measurement.control))
            except CheckpointError as error:
                loaded[which] = error
        found = loaded[which]
        if isinstance(found, CheckpointError):
            missing.append(f"{measurement.experiment} {measurement.variant}: {found}")
        else:
            known[measurement] = found
    return known, missing


def _measure_all(task: str, known: Known, file: ResultsFile, crew: Crew) -> list[str]:
    """Note every measurement that is missing in the file; a sentence on each that no worker survived."""
    digests = {measurement: checkpoint.info.digest for measurement, checkpoint in known.items()}
    todo = [measurement for measurement in known if measurement.key(digests[measurement]) not in file.measured]
    expected = {*file.measured, *(measurement.key(digests[measurement]) for measurement in todo)}
    beside = [m for m in todo if m.experiment in BESIDE_ACCURACY and _accuracy_of(m).key(digests[m]) in expected]
    asked = [measurement for measurement in todo if measurement not in beside]
    # Here the memories of sleep are shared from one measurement to the next; a worker gets those that share one.
    slept = Slept() if crew.is_here else None
    split = [[m] for m in asked] if crew.is_here else groups([(m, known[m].task) for m in asked])
    tasks = [tuple((m, digests[m]) for m in group) for group in split]
    lost = []
    with tqdm(total=len(todo), desc=task, unit="measurement") as bar:
        for pairs, entries in done_by(crew, partial(measured_together, task, slept=slept), tasks):
            if isinstance(entries, Lost):
                lost += [f"{m.experiment} {m.variant}: its worker died each time." for m, _ in pairs]
                continue
            for (measurement, digest), entry in zip(pairs, entries, strict=True):
                file.note(measurement.key(digest), entry)
                bar.update()
        for measurement in beside:
            accuracy = file.measured.get(_accuracy_of(measurement).key(digests[measurement]))
            if accuracy is not None:  # else its worker died, which is said already
                file.note(measurement.key(digests[measurement]), _beside(measurement, known[measurement], accuracy))
                bar.update()
    return lost


def _accuracy_of(measurement: Measurement) -> Measurement:
    """The same, measured as the accuracy of the task's own model."""
    return replace(measurement, experiment="accuracy")


def _beside(measurement: Measurement, checkpoint: Checkpoint, accuracy: dict[str, Any]) -> dict[str, Any]:
    """What was measured as accuracy is not measured again."""
    if measurement.experiment == "cost":
        return measure_cost(measurement, checkpoint, accuracy)
    return accuracy | {"experiment": measurement.experiment}


def _key_of(entry: dict[str, Any]) -> tuple[Any, ...]:
    names = ("experiment", "variant", "digest", "passes", "difficulty", "windows")
    return (*(entry[name] for name in names), entry.get("threshold", 0.0))


def _entries(path: Path) -> list[dict[str, Any]]:
    """What an earlier run measured; nothing when the file is missing or damaged."""
    try:
        entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["entries"]
        for entry in entries:
            hash(_key_of(entry))
    except (OSError, *MALFORMED):
        return []
    return entries
