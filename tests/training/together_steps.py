"""What two processes under torchrun do, and one alone beside it: python -m torch.distributed.run ... FOLDER."""

from __future__ import annotations

import json
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

import sleepviz.training.evaluate
import sleepviz.training.train
from sleepviz.config.training import Budget
from sleepviz.core.model import HybridLM
from sleepviz.tasks.family import Preset
from sleepviz.training.together import ALONE, Together, processes_of_torchrun
from sleepviz.training.train import Trainer, train
from tests.training.test_train import small_preset

STEPS, FIRST_STEPS = 20, 12
WARMUP = {"warmup_steps": 20}  # as of real presets: rounding errors of the first steps stay small
PRESETS: dict[str, Any] = {
    "next_step": {"loss": "next_step", "pass_loss": 0.5},
    "answers": {"loss": "answers"},
    "sliding, an odd batch": {"loss": "final", "eviction": "sliding", "batch": 5},
}


def gradients(preset: Preset, together: Together, steps: int = 3) -> list[np.ndarray]:
    """Of the first few steps, each of the same first weights."""
    model = HybridLM(preset.model, generator=torch.Generator().manual_seed(0))
    trainer = Trainer(preset, 0, model, torch.device("cpu"), Budget.steps(10), together=together)
    found = []
    for step in range(steps):
        model.zero_grad()
        trainer.progress.step = step
        trainer.gradient()
        found.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]).numpy())
    return found


def trained(folder: Path, together: Together, *, resume: bool = False) -> list[float]:
    """The losses of a training, from its log."""
    train(
        small_preset(**WARMUP),
        budget=Budget.steps(STEPS),
        resume=resume,
        device="cpu",
        folder=folder / "made",
        runs=folder / "runs",
        together=together,
    )
    return [json.loads(line)["loss"] for line in (folder / "runs" / "small" / "log.jsonl").read_text().splitlines()]


def stopped(folder: Path, together: Together) -> None:
    """The same training, of which the last process alone is told to end while it computes a step."""
    step, calls = sleepviz.training.train.training_step, iter(range(1, 10**6))

    def told(*arguments: Any, **options: Any) -> Any:
        if next(calls) == FIRST_STEPS + 1 and together.rank == together.world - 1:
            signal.raise_signal(signal.SIGTERM)
        return step(*arguments, **options)

    sleepviz.training.train.training_step = told
    with suppress(KeyboardInterrupt):
        trained(folder, together)
    sleepviz.training.train.training_step = step


def main(folder: Path) -> None:
    """Compare; the first process writes what it found."""
    torch.set_num_threads(1)
    sleepviz.training.evaluate.VALIDATION_PASSES = (1,)
    sleepviz.training.evaluate.VALIDATION_INSTANCES = 8
    found: dict[str, Any] = {"gradients": {}}
    with processes_of_torchrun("cpu") as together:
        found["world"] = together.world
        for name, changes in PRESETS.items():
            preset = small_preset(**changes)
            shared = gradients(preset, together)
            if together.is_first:
                pairs = list(zip(shared, gradients(preset, ALONE), strict=True))
                differences = [float(np.abs(one - other).max()) for one, other in pairs]
                found["gradients"][name] = [max(differences), min(float(np.abs(one).max()) for one, _ in pairs)]
        found["two"] = trained(folder / "two", together)
        stopped(folder / "resumed", together)
        if together.is_first:
            found["one"] = trained(folder / "one", ALONE)
            found["stopped after"] = len((folder / "resumed" / "runs" / "small" / "log.jsonl").read_text().splitlines())
            found["resumed by one"] = trained(folder / "resumed", ALONE, resume=True)
            (folder / "found.json").write_text(json.dumps(found))
        together.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
