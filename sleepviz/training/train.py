"""Training a preset, resumable: a `Trainer` for the loop, and the checkpoint at the end."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sleepviz.config.base import ConfigError, require
from sleepviz.config.model import ModelConfig
from sleepviz.config.training import Budget, Stage, TrainConfig
from sleepviz.core.model import HybridLM
from sleepviz.runs.checkpoint import FOLDER, Checkpoint, CheckpointInfo, checkpoint_name, find, load, provenance, save
from sleepviz.tasks import build_task
from sleepviz.tasks.family import Preset
from sleepviz.training import loop
from sleepviz.training.loop import TRAINING_STREAM, Optimisers, Schedule
from sleepviz.training.plan import Plan, plan_step
from sleepviz.training.step import StepResult, training_step
from sleepviz.training.together import ALONE, Together, shared

RUNS = Path("runs")


@dataclass
class Progress(loop.Progress):
    """Where a training stands, with what its curriculum and its budget go by."""

    stage: int = 0
    accuracy: float = 0.0  # running, at the stage's frontier
    tokens: int = 0  # context tokens read
    flops: float = 0.0  # forward and backward, all of training


@dataclass
class Trainer:
    """A preset's training: model, optimisers, progress, and the budget in numbers."""

    preset: Preset
    seed: int
    model: HybridLM
    device: torch.device
    budget: Budget  # an amount
    progress: Progress = field(default_factory=Progress)
    together: Together = ALONE

    def __post_init__(self) -> None:
        config = self.preset.train
        named = list(self.model.named_parameters())
        matrices = [p for name, p in named if is_muon_matrix(name, p)]
        rest = [p for name, p in named if not is_muon_matrix(name, p)]
        rates = (config.lr_muon, config.lr_adamw)
        schedule = Schedule(rates, config.warmup_steps, config.decay_share, config.clip_norm)
        self.optimisers = Optimisers(matrices, (rest,), schedule)
        self._step = shared(self.model, self._result, self.together)
        self._computed: tuple[Plan, StepResult, bool] | None = None

    def _result(self, plan: Plan) -> tuple[Tensor, Tensor, float]:
        """This process's part of one step."""
        task, config = self.preset.task, self.preset.train
        result = training_step(self.model, task, config, plan, device=self.device, together=self.together)
        return result.loss, result.exact, result.flops

    @property
    def stage(self) -> Stage:
        """The stage of the curriculum that training has reached."""
        return self.preset.train.stages[self.progress.stage]

    def share(self) -> float:
        """The share of the budget that is spent."""
        spent = {"steps": self.progress.step, "tokens": self.progress.tokens, "flops": self.progress.flops}
        return spent[self.budget.unit] / self.budget.amount

    def gradient(self) -> dict[str, float]:
        """Draw the next batch and backpropagate its loss."""
        config, progress, task = self.preset.train, self.progress, self.preset.task
        decaying = self.share() > 1 - config.decay_share
        mastered = progress.stage == len(config.stages) - 1 and progress.accuracy > self.stage.advance_at
        mixing = decaying or mastered
        plan = plan_step(task, config, seed=self.seed, step=progress.step, stage=self.stage, mixing=mixing)
        result = StepResult(*self._step(plan))
        result.loss.backward()  # type: ignore[no-untyped-call]
        self._computed = plan, result, decaying
        return {"loss": self.together.summed(result.loss.detach()).item() / self.together.world}

    def advance(self) -> None:
        """Count the step, and go to the next stage when the frontier is mastered."""
        assert self._computed is not None, "no gradient was computed"
        plan, result, decaying = self._computed
        config, progress = self.preset.train, self.progress
        progress.step += 1
        progress.tokens += plan.batch.windows.size
        progress.flops += result.flops
        enough = config.loss == "answers" or plan.n_passes == (config.n_passes or self.stage.passes)
        right, n = self.together.summed(torch.tensor([float(result.exact.sum()), float(result.exact.numel())])).tolist()
        if n and enough:
            progress.accuracy += 0.1 * (right / n - progress.accuracy)
        if progress.accuracy > self.stage.advance_at and not decaying and progress.stage < len(config.stages) - 1:
            progress.stage += 1
            progress.accuracy = 0.0

    def description(self) -> dict[str, Any]:
        """The preset and the seed."""
        return {**self.preset.to_json(), "seed": self.seed}

    def with_present_names(self, saved: dict[str, Any]) -> dict[str, Any]:
        """The same of a saved training: sizes and settings that it does not name have their usual values."""
        described = {
            **saved,
            "task_sizes": build_task(saved["task"], saved["task_sizes"]).to_json(),
            "model": ModelConfig.from_json(saved["model"]).to_json(),
            "train": TrainConfig.from_json(saved["train"]).to_json(),
        }
        return dict(json.loads(json.dumps(described)))


def is_muon_matrix(name: str, parameter: Tensor) -> bool:
    """Whether Muon trains it: the matrices inside the blocks, and the recall; AdamW trains the rest."""
    return (
        parameter.ndim == 2 and name.startswith(("blocks.", "recall.")) and "gates" not in name and "conv" not in name
    )


def compiled(model: HybridLM) -> None:
    """Compile the pass in place: 2 to 4 times faster on two cores; needs a C++ compiler."""
    if shutil.which("g++") is None:
        raise ConfigError("--compile needs a C++ compiler (g++).")
    torch._dynamo.config.recompile_limit = 64  # asleep or awake, with and without gradient, in h or in S
    model.run_blocks = torch.compile(model.run_blocks, dynamic=False)  # type: ignore[method-assign]


def amount_of(budget: Budget, task: str, folders: tuple[Path, ...]) -> Budget:
    """The budget as an amount: where it is that of other checkpoints, what their trainings took together."""
    if not budget.match:
        return budget
    matched = [_found(name, task, folders) for name in budget.match]
    return Budget(budget.unit, sum(info.meta["training"][budget.unit] for info in matched))


def _found(name: str, task: str, folders: tuple[Path, ...]) -> CheckpointInfo:
    """A checkpoint in the first folder that has it. Raises CheckpointError."""
    return find(name, task=task, folder=_folder_of(name, folders))


def _loaded(name: str, task: str, folders: tuple[Path, ...]) -> Checkpoint:
    return load(name, task=task, folder=_folder_of(name, folders))


def _folder_of(name: str, folders: tuple[Path, ...]) -> Path:
    return next((folder for folder in folders if (folder / name / "meta.json").exists()), folders[-1])


def train(
    preset: Preset,
    *,
    seed: int = 0,
    budget: Budget | None = None,
    resume: bool = False,
    device: str = "auto",
    compile_pass: bool = False,
    command: str = "",
    publish: bool = False,
    folder: Path = FOLDER,
    runs: Path = RUNS,
    together: Together = ALONE,
) -> Path:
    """Train a preset to the end and write its checkpoint; return the checkpoint's folder.

    The state, the log and the checkpoint go to `runs`; with `publish` the checkpoint goes to `folder` instead, where
    commands and pages find it. Earlier checkpoints that the preset names are looked for in `runs` first. On Ctrl-C
    the state is saved before KeyboardInterrupt; `resume` goes on from there, with any number of processes. Of several
    processes that train `together`, each calls this; the first of them writes.
    Raises ConfigError, CheckpointError and DivergedError.
    """
    require(0 <= seed < 2**63, "seed must be a whole number from 0 to 2^63 - 1.")
    fits = preset.train.batch >= together.world
    require(fits, f"a batch of {preset.train.batch} cannot be shared out to {together.world} processes.")
    name, task, folders = checkpoint_name(preset.name, seed), preset.task.name, (runs, folder)
    where = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    model = HybridLM(preset.model, generator=torch.Generator().manual_seed(seed)).to(where)
    if preset.train.init:
        earlier = _loaded(checkpoint_name(preset.train.init, seed), task, folders)
        model.load_state_dict(earlier.model.state_dict())
    trainer = Trainer(
        preset, seed, model, where, amount_of(budget or preset.train.budget, task, folders), together=together
    )
    if resume:
        loop.load_state(trainer, runs / name / "state.pt")
    if compile_pass:
        compiled(model)
    loop.run(trainer, runs / name, title=name, resume=resume, together=together)
    if compile_pass:
        del model.run_blocks  # validation has other shapes, and compiling for them takes longer than running them
    path = (folder if publish else runs) / name
    if together.is_first:
        write_checkpoint(trainer, path, command=command)
    together.wait()
    return path


def write_checkpoint(trainer: Trainer, path: Path, *, command: str) -> Path:
    """Write the weights, and in meta.json what they are, how they were made and what they can do."""
    from sleepviz.training.evaluate import measured_limits

    preset, progress = trainer.preset, trainer.progress
    limits, metrics = measured_limits(preset, trainer.model)
    meta = {
        "task": preset.task.name,
        "task_sizes": preset.task.to_json(),
        "model": preset.model.to_json(),
        "sleep_attention": preset.train.sleep_attention,
        "preset": preset.name,
        "default": preset.default and trainer.seed == 0,
        "train": preset.train.to_json(),
        "command": command,
        "seed": trainer.seed,
        "data_seed": [TRAINING_STREAM, trainer.seed],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": str(trainer.device),
        **provenance(),
        "training": {**vars(progress), "stage_reached": trainer.stage.to_json()},
        "limits": limits,
        "metrics": metrics,
    }
    save(path, trainer.model.state_dict(), meta)
    return path
