"""One task as the Lab shows it: what was measured, by which weights, and what a share counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.shell.results import Result, Results
from app.shell.theme import Mode
from app.tasks.base import Scored, TaskPage, Words
from sleepviz.runs.checkpoint import CheckpointInfo


@dataclass(frozen=True)
class Scene:
    """Everything that the sections read."""

    page: TaskPage
    mode: Mode
    results: Results | None
    infos: tuple[CheckpointInfo, ...]
    info: CheckpointInfo | None  # the any-N checkpoint whose accuracies these are, if it is here
    here: CheckpointInfo | None  # what a live sweep measures: the same, or the task's default
    measured: tuple[Result, ...]  # the any-N checkpoint's accuracies
    live: tuple[Result, ...]
    schedules: Results | None = None  # of this task's default checkpoint, when to sleep

    @property
    def task(self) -> str:
        """The task's name in the engine, such as "depo"."""
        return self.page.task

    @property
    def said(self) -> Words:
        """How the app speaks of the task."""
        return self.page.words

    @property
    def passes_trained(self) -> int | None:
        """The most passes of training, as far as the checkpoint says."""
        return None if self.info is None else self.info.limits.get("passes_trained")

    @property
    def difficulty_trained(self) -> int | None:
        """The hardest question that training came to, as far as the checkpoint says; else the hardest of its plan."""
        meta = self.info.meta if self.info else {}
        if reached := meta.get("training", {}).get("stage_reached"):
            return int(reached["difficulty"])
        return max((stage["difficulty"] for stage in meta.get("train", {}).get("stages", ())), default=None)

    def counts(self, experiment: str) -> Scored:
        """What an experiment's shares count; chance is known where all its models answer alike."""
        sizes = self.checkpoints_of(experiment).values()
        kinds = list(dict.fromkeys(self.page.counts(experiment, each) for each in sizes))
        return kinds[0] if len(kinds) == 1 else Scored(self.page.counts(experiment, {}).right, None)

    def checkpoints_of(self, experiment: str) -> dict[str, Mapping[str, Any]]:
        """The names of the checkpoints that an experiment measured, and the sizes of those that are here."""
        sizes = {info.name: info.meta["task_sizes"] for info in self.infos}
        entries = self.results.of(experiment) if self.results else ()
        names = sorted({entry.checkpoint for entry in entries}) or ([self.here.name] if self.here else [])
        return {name: sizes.get(name, {}) for name in names}
