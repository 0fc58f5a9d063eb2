"""Training: Algorithm 1 of arXiv:2605.26099 under a curriculum, resumable after every checkpoint.

Departures from the paper, each a setting of `TrainConfig`: N is drawn anew for every batch, so that
one model serves every N, and there are three losses.
"answers": the answers after the last eviction and nothing else, as in the paper; difficulty grows in stages,
N with it, and each question has a difficulty of its own.
"final": the same, but the questions of one chunk share the hardest difficulty.
"next_step": after N passes, the answer of level min(difficulty, N), so that each pass is asked for one
level. With `stream_loss` the sleeping stream is scored too: what a pass puts out, read through the output
projection, should be the question one level on. What was learned from few passes then holds for many;
without it each depth costs twice the one before (docs/experiments.md).
"""

from __future__ import annotations

import io
import json
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, current_thread, main_thread
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from sleepviz.config.base import ConfigError, require
from sleepviz.config.model import ModelConfig, SleepPolicy
from sleepviz.config.training import Stage, TrainConfig
from sleepviz.core.memory import Memory
from sleepviz.core.model import HybridLM
from sleepviz.core.sleep import evict, sleep_passes
from sleepviz.runs.checkpoint import (
    FOLDER,
    CheckpointError,
    checkpoint_name,
    find,
    load,
    provenance,
    save,
    write_atomically,
)
from sleepviz.runs.measures import sleep_flops, wake_flops
from sleepviz.tasks.base import NOT_ASKED, AskedTogether, Batch, Task, Tokens, pass_supervised
from sleepviz.tasks.family import Preset

TRAINING_STREAM = 0  # first word of every training seed; evaluation uses another, see evaluate.py
SAVE_EVERY_S = 120.0
FRONTIER_SHARE = 0.6  # of batches take exactly the passes that the frontier needs


@dataclass
class Progress:
    """Where a training stands; everything but the tensors, so that it can be resumed."""

    step: int = 0
    stage: int = 0
    accuracy: float = 0.0  # running, at the stage's frontier
    tokens: int = 0  # context tokens read
    flops: float = 0.0  # forward and backward, all of training
    seconds: float = 0.0


@dataclass(frozen=True)
class Plan:
    """What one step trains on, drawn from (seed, step, stage) and nothing else."""

    batch: Batch
    n_passes: int
    frontier: int | None = None  # only answers of this difficulty tell whether the stage is mastered; None: all do

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Which instances [B], or which questions [B, Q] where each has a difficulty of its own, tell that."""
        return np.asarray((self.batch.difficulty == self.frontier) | (self.frontier is None))


def plan_step(task: Task, config: TrainConfig, *, seed: int, step: int, stage: Stage, mixing: bool) -> Plan:
    """Draw the batch of one step. `mixing`: difficulties and passes uniform up to the stage's."""
    rng = np.random.default_rng((TRAINING_STREAM, seed, step))
    if config.n_passes:
        n_passes = config.n_passes
    elif not mixing and rng.random() < FRONTIER_SHARE:
        n_passes = stage.passes
    else:
        n_passes = int(rng.integers(1, stage.passes + 1))
    single = rng.random() < stage.single_window_share
    n_windows = 1 if single else int(rng.integers(stage.windows[0], stage.windows[1] + 1))
    # Clamped and not drawn anew: the batches of earlier trainings stay as they were.
    difficulty = np.maximum(_difficulties(rng, task, config, stage, n_passes, mixing), task.difficulty_min)
    asked: dict[str, Any] = {"size": config.batch, "n_windows": n_windows, "difficulty": difficulty, "split": "train"}
    if config.ahead_share and rng.random() < config.ahead_share:
        repeats = min(n_passes, config.sightings)
        skipped = tuple(sorted(rng.integers(0, task.difficulty_max + 1, repeats).tolist()))
        n_passes = 1 if repeats > 1 else n_passes
        batch = pass_supervised(task, "ahead_share").batch(rng, **asked, skipped_passes=skipped)
    else:
        batch = task.batch(rng, **asked)
    if config.loss != "answers":
        return Plan(batch, n_passes)
    return Plan(batch, n_passes, frontier=stage.difficulty if n_windows == stage.windows[1] else -1)


def _difficulties(
    rng: np.random.Generator, task: Task, config: TrainConfig, stage: Stage, n_passes: int, mixing: bool
) -> Tokens:
    """Difficulties [batch] of one step; [batch, questions] with loss "answers", where one sleep serves them all."""
    size: tuple[int, ...] = (config.batch,)
    if config.loss == "answers" and isinstance(task, AskedTogether):
        size = (config.batch, task.n_questions)
    if config.loss == "next_step":
        # Any difficulty beyond the passes only says "go on", so all are shown from the start; but the
        # first thing to learn is to keep what was read, and that is what the easiest ask for.
        easy = rng.integers(0, min(stage.difficulty + 1, task.difficulty_max) + 1, size)
        return np.where(rng.random(size) < 0.5, easy, rng.integers(0, task.difficulty_max + 1, size))
    reach = stage.difficulty if config.n_passes else min(stage.difficulty, config.steps_per_pass * n_passes)
    spread = rng.integers(task.difficulty_min if config.loss == "answers" else 0, reach + 1, size)
    return spread if mixing else np.where(rng.random(size) < stage.frontier_share, reach, spread)


@dataclass(frozen=True)
class StepResult:
    """Loss to backpropagate, exact answers [scored, chunks], operations of both directions."""

    loss: Tensor
    exact: Tensor
    flops: float


def training_step(model: HybridLM, task: Task, config: TrainConfig, plan: Plan, *, device: torch.device) -> StepResult:
    """Algorithm 1 over one batch: sleep through every window, then answer every query awake."""
    batch = plan.batch
    policy = SleepPolicy(plan.n_passes, config.eviction, config.sleep_attention)
    windows = torch.from_numpy(batch.windows).to(device)  # [B, W, L]
    queries = torch.from_numpy(np.ascontiguousarray(batch.queries)).to(device)  # [B, Q, T]

    def restarted(memory: Memory) -> Memory:
        # Hard eviction leaves no key, and rotary attention sees only distances: one compiled pass fits all windows.
        return replace(memory, position=0) if config.eviction == "hard" else memory

    targets = torch.from_numpy(_true_answers(config, batch, plan.n_passes)).to(device)  # [B, Q, T]
    scored = torch.from_numpy(plan.scored).to(device)
    losses: list[Tensor] = []
    memory = Memory.empty(model.config, len(windows), device=device)
    for index, window in enumerate(windows.unbind(dim=1)):
        for done in sleep_passes(model, window, restarted(memory), policy, grad_passes=config.grad_passes or None):
            memory = done.memory
            if config.stream_loss and done.h.requires_grad:
                supervised = pass_supervised(task, "stream_loss")
                further = supervised.targets_after_pass(batch, done.pass_index + 1)[:, index]  # [B, L]
                wanted = torch.from_numpy(further).flatten().to(device)
                losses.append(config.stream_loss * F.cross_entropy(model.logits(done.h).flatten(0, 1), wanted))
        memory = evict(memory, policy, model.config.window)
    exact = []
    for query in range(queries.shape[1]):
        target = targets[:, query]  # [B, T]
        if bool((target == NOT_ASKED).all()):
            continue
        logits, _ = model(queries[:, query], restarted(memory))  # [B, T, vocab]
        losses.append(F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=NOT_ASKED))
        right = logits.argmax(dim=-1) == target  # [B, T]
        if batch.difficulty.ndim == 2:  # each question has one part, and they stand in order
            exact.append(right[target != NOT_ASKED].view(scored.shape)[scored])
        else:
            exact.append((right | (target == NOT_ASKED)).all(dim=-1)[scored])
    flops = step_flops(model.config, config, plan)
    asked = torch.stack(exact, dim=-1) if exact else windows.new_zeros((len(windows), 0), dtype=torch.bool)
    return StepResult(torch.stack(losses).mean(), asked, flops)


def _true_answers(config: TrainConfig, batch: Batch, n_passes: int) -> Tokens:
    """What the queries should be answered after so many passes, [B, Q, T]."""
    if batch.difficulty.ndim == 2:  # the answer at each question's own difficulty stands at the highest level
        return batch.targets[:, :, -1]
    level = np.minimum(batch.difficulty, n_passes) if config.loss == "next_step" else batch.difficulty
    return batch.targets[np.arange(len(level)), :, level]


def step_flops(config: ModelConfig, train: TrainConfig, plan: Plan) -> float:
    """Operations of one step over the whole batch: forward, and backward at twice the forward."""
    size, n_windows, n_tokens = plan.batch.windows.shape
    n_queries, query_tokens = plan.batch.queries.shape[1:]
    kept = {"hard": 0, "sliding": config.window - 1, "none": n_windows * n_tokens}[train.eviction]
    cached = [min(kept, index * n_tokens) for index in range(n_windows + 1)]
    asleep = sum(
        sleep_flops(config, n_tokens=n_tokens, n_passes=plan.n_passes, n_cached=before) for before in cached[:-1]
    )
    n_grad = min(plan.n_passes, train.grad_passes or plan.n_passes)
    asleep_backward = 2 * asleep * n_grad / max(plan.n_passes, 1)
    awake = wake_flops(config, n_tokens=query_tokens, n_cached=cached[-1]) * n_queries
    stream = 6 * n_windows * n_grad * n_tokens * config.d_model * config.vocab_size if train.stream_loss else 0
    return float(size * (asleep + asleep_backward + 3 * awake + stream))


@dataclass
class Trainer:
    """Model, optimisers and progress of one training; `steps()` advances it, `save_state()` keeps it."""

    preset: Preset
    seed: int
    model: HybridLM
    device: torch.device
    budget: Callable[[Progress], float]  # share of the training that is done, 0 to 1

    def __post_init__(self) -> None:
        config = self.preset.train
        matrices = [p for name, p in self.model.named_parameters() if is_muon_matrix(name, p)]
        chosen = {id(p) for p in matrices}
        rest = [p for p in self.model.parameters() if id(p) not in chosen]
        self.muon = torch.optim.Muon(matrices, lr=config.lr_muon, momentum=0.95, weight_decay=0.0)
        self.adamw = torch.optim.AdamW(rest, lr=config.lr_adamw, betas=(0.9, 0.99), weight_decay=0.0)
        self.progress = Progress()

    @property
    def stage(self) -> Stage:
        """The curriculum's present stage."""
        return self.preset.train.stages[self.progress.stage]

    def steps(self) -> Iterator[float]:
        """Train until the budget is spent; yield the loss of each step."""
        config, progress = self.preset.train, self.progress
        while (share := self.budget(progress)) < 1:
            started = time.perf_counter()
            decaying = share > 1 - config.decay_share
            mixing = decaying or (
                progress.stage == len(config.stages) - 1 and progress.accuracy > self.stage.advance_at
            )
            plan = plan_step(
                self.preset.task, config, seed=self.seed, step=progress.step, stage=self.stage, mixing=mixing
            )
            self._set_learning_rate(share)
            result = training_step(self.model, self.preset.task, config, plan, device=self.device)
            result.loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip_norm)
            for optimiser in (self.muon, self.adamw):
                optimiser.step()  # type: ignore[no-untyped-call]
                optimiser.zero_grad()
            self._advance(plan, result, decaying)
            progress.seconds += time.perf_counter() - started
            yield result.loss.item()

    def _set_learning_rate(self, share: float) -> None:
        config = self.preset.train
        warm = min(1.0, (self.progress.step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
        factor = warm * min(1.0, (1 - share) / config.decay_share if config.decay_share else 1.0)
        for optimiser, rate in ((self.muon, config.lr_muon), (self.adamw, config.lr_adamw)):
            for group in optimiser.param_groups:
                group["lr"] = rate * factor

    def _advance(self, plan: Plan, result: StepResult, decaying: bool) -> None:
        """Count the step, and go to the next stage when the frontier is mastered."""
        config, progress = self.preset.train, self.progress
        progress.step += 1
        progress.tokens += plan.batch.windows.size
        progress.flops += result.flops
        enough = config.loss == "answers" or plan.n_passes == (config.n_passes or self.stage.passes)
        if result.exact.numel() and enough:
            progress.accuracy += 0.1 * (result.exact.float().mean().item() - progress.accuracy)
        if progress.accuracy > self.stage.advance_at and not decaying and progress.stage < len(config.stages) - 1:
            progress.stage += 1
            progress.accuracy = 0.0

    def save_state(self, path: Path) -> None:
        """Write everything that `load_state` needs, atomically."""
        buffer = io.BytesIO()
        state = {
            "config": json.dumps(self.preset.to_json()),
            "seed": self.seed,
            "progress": vars(self.progress),
            "model": self.model.state_dict(),
            "muon": self.muon.state_dict(),
            "adamw": self.adamw.state_dict(),
        }
        torch.save(state, buffer)
        write_atomically(path, buffer.getvalue())

    def load_state(self, path: Path) -> None:
        """Continue from `save_state`'s file. Raises CheckpointError when it is of another training or damaged."""
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
        except FileNotFoundError as error:
            raise CheckpointError("There is no training to resume.") from error
        except Exception as error:  # torch raises pickle, zip and runtime errors alike
            raise CheckpointError("The saved training is damaged.") from error
        if not isinstance(state, dict) or set(state) != {"config", "seed", "progress", "model", "muon", "adamw"}:
            raise CheckpointError("The saved training is damaged.")
        if state["config"] != json.dumps(self.preset.to_json()) or state["seed"] != self.seed:
            raise CheckpointError("The saved training has other settings; train without --resume to start anew.")
        self.model.load_state_dict(state["model"])
        self.muon.load_state_dict(state["muon"])
        self.adamw.load_state_dict(state["adamw"])
        self.progress = Progress(**state["progress"])


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


def budget_of(preset: Preset, steps: int | None, budget: str, folder: Path) -> Callable[[Progress], float]:
    """How much of the training is done: by steps, or by tokens or operations, given or another checkpoint's."""
    config = preset.train
    if budget:
        kind, _, amount = budget.partition(":")
        is_number = re.fullmatch(r"[0-9]+(\.[0-9]+)?(e[0-9]{1,2})?", amount)
        if kind not in ("tokens", "flops") or not is_number or not float(amount):
            raise ConfigError("The budget is written tokens:X or flops:X, for example flops:2e14.")
        return lambda progress: getattr(progress, kind) / float(amount)
    if steps is None and config.match:
        matched = [find(name, task=preset.task.name, folder=folder) for name in config.match]
        total = sum(info.meta["training"][config.match_on] for info in matched)
        return lambda progress: getattr(progress, config.match_on) / total
    total_steps = config.steps if steps is None else steps
    if total_steps < 1:
        raise ConfigError("steps must be at least 1.")
    return lambda progress: progress.step / total_steps


@contextmanager
def interrupt_held_back() -> Iterator[Event]:
    """Catch Ctrl-C in an event: a step under way is finished first, or half of its update would be saved."""
    interrupted = Event()
    if current_thread() is not main_thread():
        yield interrupted
        return
    before = signal.signal(signal.SIGINT, lambda *_: interrupted.set())
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def train(
    preset: Preset,
    *,
    seed: int = 0,
    steps: int | None = None,
    budget: str = "",
    resume: bool = False,
    device: str = "auto",
    compile_pass: bool = False,
    command: str = "",
    folder: Path = FOLDER,
    runs: Path = Path("runs"),
) -> Path:
    """Train a preset to the end and write its checkpoint; return the checkpoint's folder.

    On Ctrl-C the step is finished and the state saved before KeyboardInterrupt; `resume` goes on from there.
    """
    require(0 <= seed < 2**63, "seed must be a whole number from 0 to 2^63 - 1.")
    name = checkpoint_name(preset.name, seed)
    where = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    model = HybridLM(preset.model, generator=torch.Generator().manual_seed(seed)).to(where)
    if preset.train.init:
        earlier = load(checkpoint_name(preset.train.init, seed), task=preset.task.name, folder=folder)
        model.load_state_dict(earlier.model.state_dict())
    trainer = Trainer(preset, seed, model, where, budget_of(preset, steps, budget, folder))
    state_path = runs / name / "state.pt"
    if resume:
        trainer.load_state(state_path)
    if compile_pass:
        compiled(model)
    log_path = runs / name / "log.jsonl"
    log_path.parent.mkdir(parents=True, exist_ok=True)
    saved = time.monotonic()
    with (
        tqdm(total=100.0, unit="%", desc=name, bar_format="{l_bar}{bar}| {elapsed}<{remaining} {postfix}") as bar,
        interrupt_held_back() as interrupted,
    ):
        try:
            with log_path.open("a" if resume else "w") as log:
                for loss in trainer.steps():
                    progress = trainer.progress
                    bar.n = min(100.0, 100 * trainer.budget(progress))
                    bar.set_postfix_str(f"step {progress.step} stage {progress.stage} loss {loss:.4f}", refresh=False)
                    bar.update(0)
                    log.write(json.dumps({"loss": loss, **vars(progress)}) + "\n")
                    if time.monotonic() - saved > SAVE_EVERY_S:
                        log.flush()
                        trainer.save_state(state_path)
                        saved = time.monotonic()
                    if interrupted.is_set():
                        raise KeyboardInterrupt
        finally:
            trainer.save_state(state_path)
    if compile_pass:
        del model.run_blocks  # validation has other shapes, and compiling for them takes longer than running them
    return write_checkpoint(trainer, folder / name, command=command)


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
