"""What a task's folder exports: its FAMILY, with everything that the commands and the app know of the task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sleepviz.config.model import Eviction, ModelConfig
from sleepviz.config.run import Control
from sleepviz.config.training import TrainConfig
from sleepviz.tasks.base import Batch, Problem, Task, Tokens

Reader = Literal["", "answer", "lens", "probe"]


@dataclass(frozen=True)
class Preset:
    """One reproducible training: task size, architecture and recipe."""

    name: str
    task: Task
    model: ModelConfig
    train: TrainConfig
    default: bool = False  # the checkpoint that the task uses when none is named

    def to_json(self) -> dict[str, Any]:
        """Everything that a resumed training must share with its beginning."""
        return {
            "name": self.name,
            "task": self.task.name,
            "task_sizes": self.task.to_json(),
            "model": self.model.to_json(),
            "train": self.train.to_json(),
        }


@dataclass(frozen=True)
class Measurement:
    """One measurement of a study: a variant at one N and one difficulty."""

    experiment: str
    variant: str
    checkpoint: str
    n_passes: int
    difficulty: int
    n_windows: int
    control: Control = "none"
    eviction: Eviction = "hard"
    query: int | None = None  # count this query alone
    kind: str = ""  # count instances of this kind alone, see `Study.kinds`; "": all
    sizes: tuple[tuple[str, Any], ...] = ()  # of the task, where they differ from the checkpoint's
    threshold: float = 0.0  # halt when S drifts by less; 0: take all passes
    reader: Reader = ""  # of S itself, or "answer", which is no reading: how often the model's answer is right
    layer: int | None = None  # whose S the reader "lens" reads; None: that of all layers together

    def key(self, digest: str) -> tuple[Any, ...]:
        """What makes two measurements the same one."""
        return self.experiment, self.variant, digest, self.n_passes, self.difficulty, self.n_windows, self.threshold


@dataclass(frozen=True)
class Series:
    """One model over N and difficulty, beside others that differ from it in one thing."""

    experiment: str
    variant: str
    checkpoint: str
    passes: tuple[int, ...]
    difficulties: tuple[int, ...]
    eviction: Eviction = "hard"
    n_windows: int = 0  # 0: the most of the task

    def measurements(self, most: int) -> Iterator[Measurement]:
        """Every N, and for each every difficulty: where the windows do not show it, one sleep answers them all."""
        n_windows = self.n_windows or most
        for n in self.passes:
            for difficulty in self.difficulties:
                yield Measurement(
                    self.experiment, self.variant, self.checkpoint, n, difficulty, n_windows, eviction=self.eviction
                )


@dataclass(frozen=True)
class GivenProblem:
    """A problem that was written elsewhere: the input, and the answer's parts in any order."""

    input: Mapping[str, Any]
    answer: tuple[str, ...]


def _nothing(task: Task, default: str) -> Iterator[Measurement]:
    yield from ()


@dataclass(frozen=True)
class Probed:
    """Where a probe finds the answer to one question among what `Study.read_from_state` gives."""

    level: int
    parts: tuple[int, ...]  # the place of each part of the answer
    first_token: int  # the token that stands for value 0 in the answer; the other values follow


@dataclass(frozen=True)
class Study:
    """What is measured of one task, and how its tables are headed. Every task is measured in the common experiments.

    `python -m sleepviz experiments --queue --only TASK` measures it.
    """

    symbol: str  # of the difficulty in a table's head, for example "t"
    columns: tuple[int, ...]  # difficulties of the accuracy table
    passes: tuple[int, ...]  # every N that the default checkpoint is measured with
    control_passes: int  # N of the causal controls
    control_difficulties: tuple[int, ...] = (1, 4, 8, 12)  # at those of them that the task has
    solved: float = 0.95  # from this share of right answers on, a difficulty counts as solved
    baselines: Mapping[str, str] = field(default_factory=dict)  # checkpoint, without "TASK-" -> its variant
    columns_beyond: tuple[int, ...] = ()  # difficulties above the training's, if its tokens can ask for them ...
    sizes_beyond: Mapping[str, Any] = field(default_factory=dict)  # ... of a task with these sizes
    second_seed: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())  # passes and difficulties of the second training
    series: tuple[Series, ...] = ()
    series_columns: tuple[int, ...] = ()  # the N that a table of series shows; (): all
    further: Callable[[Task, str], Iterator[Measurement]] = _nothing  # (task, default checkpoint's name)
    given: Mapping[str, Callable[[int], Sequence[GivenProblem]]] = field(default_factory=dict)
    """Experiments on problems that are given and not drawn: a difficulty's problems, by the experiment's name."""
    read_from_state: Callable[[Task, Batch, int], Tokens] | None = None
    """The answers at a level, [B, parts], that a linear probe reads from S; None: no probe is fitted."""
    asked_part: Callable[[Task, Batch], Tokens] | None = None
    """Which of these parts each instance's first question asks for, [B]."""
    kinds: Mapping[str, Callable[[Task, Batch], NDArray[np.bool_]]] = field(default_factory=dict)
    """Instances that are worth counting apart, [B], by the name of their kind."""
    probed: Callable[[Task, Problem], tuple[Probed | None, ...]] | None = None
    """Where each question of a problem is answered; None: the probe reads nothing of it."""
    probe_windows: int = 0  # windows that a probe sleeps on; 0: the most


@dataclass(frozen=True)
class TaskFamily:
    """One task: its class, what is trained and measured of it, and what the page shows."""

    task: type[Task]
    presets: tuple[Preset, ...]
    study: Study
    home: Callable[[Mapping[str, Any], int], tuple[dict[str, Any], int]]
    """(limits, the hardest difficulty that the model has earned) -> the page's first input, and N."""
    examples: tuple[Mapping[str, Any], ...]  # further inputs that the page offers
    variants: tuple[type[Task], ...] = ()  # other forms of the task, with presets but no page and no study

    @property
    def name(self) -> str:
        """The task's name on the command line."""
        return self.task().name

    @property
    def default_preset(self) -> Preset:
        """What is trained for its page, where nothing else is named."""
        return next(preset for preset in self.presets if preset.default)
