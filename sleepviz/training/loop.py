"""The training loop: optimisers, schedule, log, saved state and Ctrl-C, the same for every kind of training.

A kind of training (`Training`) draws, computes and backpropagates one step; the loop does the rest. A state is saved
at the start, every two minutes, at the end, and when the loop is stopped; a training that is resumed from it goes on
as if it had never been stopped.
"""

from __future__ import annotations

import json
import math
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Event, current_thread, main_thread
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from tqdm import tqdm

from sleepviz.config.base import ConfigError
from sleepviz.config.outside import strict_json
from sleepviz.runs.alone import alone_at
from sleepviz.runs.checkpoint import CheckpointError, write_atomically
from sleepviz.training.together import ALONE, Together

TRAINING_STREAM = 0  # first word of every training seed; evaluation uses another, see evaluate.py
SAVE_EVERY_S = 120.0
STATE_PARTS = {"progress", "model", "muon", "adamw"}


@dataclass
class Progress:
    """Where a training stands; everything but the tensors."""

    step: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Schedule:
    """Peak learning rates, one for each parameter group, Muon's first; how they rise and fall."""

    rates: tuple[float, ...]
    warmup_steps: int
    decay_share: float  # of the training, at its end: linear decay to 0
    clip_norm: float

    def factor(self, step: int, share: float) -> float:
        """What the peak rates are multiplied by after `step` steps, with a `share` of the training done."""
        warm = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        return warm * min(1.0, (1 - share) / self.decay_share if self.decay_share else 1.0)


class Optimisers:
    """Muon for the matrices, AdamW for the rest, in one group or several."""

    def __init__(self, matrices: Sequence[Tensor], others: Sequence[Sequence[Tensor]], schedule: Schedule) -> None:
        self.muon = torch.optim.Muon(list(matrices), lr=schedule.rates[0], momentum=0.95, weight_decay=0.0)
        groups = [{"params": list(group)} for group in others]
        self.adamw = torch.optim.AdamW(groups, betas=(0.9, 0.99), weight_decay=0.0)
        self.schedule = schedule

    def follow(self, step: int, share: float) -> None:
        """Take one step along the gradient, at the rates of the schedule."""
        groups = (*self.muon.param_groups, *self.adamw.param_groups)
        for group, rate in zip(groups, self.schedule.rates, strict=True):
            group["lr"] = rate * self.schedule.factor(step, share)
        for optimiser in (self.muon, self.adamw):
            optimiser.step()  # type: ignore[no-untyped-call]


class Training(Protocol):
    """One kind of training, as the loop sees it."""

    @property
    def model(self) -> nn.Module:
        """The model whose parameters are trained."""

    @property
    def optimisers(self) -> Optimisers:
        """The optimisers that step together, in a fixed order."""

    @property
    def progress(self) -> Progress:
        """Where it stands: a dataclass of numbers and strings, which is saved."""

    def share(self) -> float:
        """The share of the training that is done, from 0; at 1 the loop ends."""

    def gradient(self) -> dict[str, float]:
        """Draw the next batch and backpropagate its loss -> what the log says of it, the loss first."""

    def advance(self) -> None:
        """Count the step whose gradient was computed last, once the weights have followed it."""

    def description(self) -> dict[str, Any]:
        """Settings, as JSON, that a resumed training must share with its beginning."""

    def with_present_names(self, saved: dict[str, Any]) -> dict[str, Any]:
        """The description that an earlier version saved, under today's names. Raises ConfigError, KeyError."""


class DivergedError(ConfigError):
    """A loss or a gradient after some steps is not finite: the weights are of no use any more."""

    def __init__(self, step: int) -> None:
        super().__init__(
            f"after step {step} the model's numbers are not finite, so training stopped there and no model is written; "
            "the last good state is kept. Lower the learning rates."
        )


def gradient(training: Training) -> dict[str, float]:
    """The next step's gradient, clipped -> what the log says of it. Raises DivergedError where it is not finite."""
    started = time.perf_counter()
    training.model.zero_grad()
    figures = training.gradient()
    size = torch.nn.utils.clip_grad_norm_(training.model.parameters(), training.optimisers.schedule.clip_norm)
    if not (math.isfinite(next(iter(figures.values()))) and bool(torch.isfinite(size))):
        raise DivergedError(training.progress.step)
    training.progress.seconds += time.perf_counter() - started
    return figures


def update(training: Training) -> None:
    """Follow the gradient, and count the step."""
    started = time.perf_counter()
    training.optimisers.follow(training.progress.step, training.share())
    training.advance()
    training.progress.seconds += time.perf_counter() - started


def steps(training: Training) -> Iterator[dict[str, float]]:
    """Train until the budget is spent; yield what the log says of each step. Raises DivergedError."""
    while training.share() < 1:
        figures = gradient(training)
        update(training)
        yield figures


def run(training: Training, folder: Path, *, title: str, resume: bool, together: Together = ALONE) -> dict[str, float]:
    """All steps that are left, with a bar, log.jsonl and a state in `folder`; what the log says of the last step.

    A state is saved once its own loss and gradient are known to be finite, so that what is kept is good. On Ctrl-C
    the state is saved before KeyboardInterrupt. Raises DivergedError, and ConfigError where another trains here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures, saved = {"loss": math.nan}, -math.inf  # the first state is kept at once
    bar_format = "{l_bar}{bar}| {elapsed}<{remaining} {postfix}"
    writes = together.is_first  # of several processes one saves, and the others' bars and logs are not wanted
    with (
        _alone_where(
            writes, folder, f"Another training writes into the folder {folder.name!r}; wait for its end, or end it."
        ),
        tqdm(total=100.0, unit="%", desc=title, bar_format=bar_format, disable=not writes) as bar,
        interrupt_held_back() as interrupted,
        (folder / "log.jsonl" if writes else Path(os.devnull)).open("a" if resume else "w", encoding="utf-8") as log,
    ):
        while True:
            following = gradient(training)
            is_over, is_stopped = training.share() >= 1, together.any(interrupted.is_set())
            if writes and (is_over or is_stopped or time.monotonic() - saved > SAVE_EVERY_S):
                log.flush()
                save_state(training, folder / "state.pt")
                saved = time.monotonic()
            if is_stopped:
                together.wait()
                raise KeyboardInterrupt
            if is_over:
                return figures
            update(training)
            figures = following
            bar.n = min(100.0, 100 * training.share())
            shown = " ".join(f"{name} {value:.4g}" for name, value in figures.items())
            bar.set_postfix_str(f"step {training.progress.step} {shown}", refresh=False)
            bar.update(0)
            log.write(strict_json({**figures, **numbers(training.progress)}) + "\n")


def _alone_where(writes: bool, folder: Path, refusal: str) -> AbstractContextManager[None]:
    return alone_at(folder, refusal) if writes else nullcontext()


def numbers(progress: Progress) -> dict[str, float]:
    """The numbers of a training's progress."""
    return {name: value for name, value in vars(progress).items() if isinstance(value, int | float)}


def save_state(training: Training, path: Path) -> None:
    """Write everything that `load_state` needs, atomically."""
    state = {
        "config": json.dumps(training.description()),
        "progress": vars(training.progress),
        "model": training.model.state_dict(),
        "muon": training.optimisers.muon.state_dict(),
        "adamw": training.optimisers.adamw.state_dict(),
    }
    write_atomically(path, lambda file: torch.save(state, file))


def load_state(training: Training, path: Path) -> None:
    """Continue from `save_state`'s file, an earlier version's too.

    Raises CheckpointError where there is none, it is damaged, or it is of another training.
    """
    device = next(training.model.parameters()).device
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError("There is no training to resume.") from error
    except Exception as error:  # torch raises pickle, zip and runtime errors alike
        raise CheckpointError("The saved training is damaged.") from error
    if not isinstance(state, dict) or not set(state) >= STATE_PARTS:
        raise CheckpointError("The saved training is damaged.")
    try:
        saved = json.loads(state.get("config", "{}"))
        saved |= {"seed": state["seed"]} if "seed" in state else {}  # it once stood beside the settings
        same = training.with_present_names(saved) == json.loads(json.dumps(training.description()))
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError("The saved training is damaged.") from error
    if not same:
        raise CheckpointError("The saved training has other settings; train without --resume to start anew.")
    try:
        training.model.load_state_dict(state["model"])
        training.optimisers.muon.load_state_dict(state["muon"])
        training.optimisers.adamw.load_state_dict(state["adamw"])
        vars(training.progress).update(vars(type(training.progress)(**state["progress"])))
    except Exception as error:  # torch raises runtime, key and value errors alike
        raise CheckpointError("The saved training is damaged or of another model.") from error


@contextmanager
def interrupt_held_back() -> Iterator[Event]:
    """Catch Ctrl-C and SIGTERM in an event: a step under way is finished first, or half of its update is saved."""
    interrupted = Event()
    if current_thread() is not main_thread():
        yield interrupted
        return
    before = {which: signal.signal(which, lambda *_: interrupted.set()) for which in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupted
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)
