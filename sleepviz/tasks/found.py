"""What is measured of a model that was found from answers alone, beside the task's own, which was taught each step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sleepviz.config.run import CONTROLS
from sleepviz.tasks.base import Task
from sleepviz.tasks.family import Measurement, Series


@dataclass(frozen=True)
class Found:
    """The two models; the models with N = 1 only are called as the found one, with "-n1" and "-n1-flops"."""

    checkpoint: str
    taught: str
    passes: tuple[int, ...]
    difficulties: tuple[int, ...]  # that the found model's training reached
    control_passes: int

    def series(self) -> Iterator[Series]:
        """Both models for any N, and between them those with one pass alone."""
        yield Series("found", "found", self.checkpoint, self.passes, self.difficulties)
        yield Series("found", "found_n1", f"{self.checkpoint}-n1", (1,), self.difficulties)
        yield Series("found", "found_n1_flops", f"{self.checkpoint}-n1-flops", (1,), self.difficulties)
        yield Series("found", "taught", self.taught, self.passes, self.difficulties)

    def controls(self, task: Task) -> Iterator[Measurement]:
        """What breaks either model: same N, same instances."""
        n, most = self.control_passes, task.windows_max
        for checkpoint in (self.checkpoint, self.taught):
            for control in ("none", *CONTROLS):
                for difficulty in self.difficulties:
                    yield Measurement("found_control", control, checkpoint, n, difficulty, most, control=control)
