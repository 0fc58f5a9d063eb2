"""Training the text model: Algorithm 1 of arXiv:2605.26099 on pages of text, resumable.

Asleep, nothing is predicted. Awake there are two chunks for each page, each read in one pass from the memory
that is left after eviction: questions, scored on their answers alone, and how the document goes on, scored
on every token, in some of the steps, so that the model can be asked for the perplexity of a text. N is drawn
anew for every batch, or fixed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sleepviz.config.base import JsonRoundTrip
from sleepviz.config.model import ModelConfig, SleepPolicy
from sleepviz.config.training import Stage
from sleepviz.core.memory import Memory
from sleepviz.core.model import HybridLM
from sleepviz.core.sleep import evict, sleep_passes
from sleepviz.tasks.base import NOT_ASKED, Tokens
from sleepviz.text.lessons import TextBatch, Writer
from sleepviz.training import loop
from sleepviz.training.loop import TRAINING_STREAM, Optimisers, Schedule
from sleepviz.training.train import is_muon_matrix

MODEL = ModelConfig(
    vocab_size=920,  # the tokenizer has fewer
    window=64,
    layer_types=("full_attention", "linear_attention") * 2,
    d_model=64,
    fast_heads=8,
    key_dim=24,
    value_dim=24,
    mlp_ratio=2,
    conv_kernel=4,
    # The distances between what a sentence is about, what it says of it, and a question's end, as four taps reach.
    look_back=("230", "220", "130", "130", "130", "120", "120", "010"),
    beta_max=2.0,
    tie_embeddings=True,
)


@dataclass(frozen=True)
class TextTraining(JsonRoundTrip):
    """How the text model is trained; with a seed it fixes every batch."""

    stages: tuple[Stage, ...]  # difficulty: the most hops
    steps: int
    batch: int = 32
    fixed_passes: int = 0  # 0: from 1 to the stage's passes, drawn for every batch
    one_hop_share: float = 0.75  # of the questions, at least
    onward_share: float = 0.25  # of the steps are scored on the document's next words as well
    lr_muon: float = 0.01
    lr_adamw: float = 2e-3
    lr_embedding: float = 2e-2  # random vectors of 330 words in 64 dimensions: kinds of words must form first
    warmup_steps: int = 100
    decay_share: float = 0.25  # of the steps, at the end: linear decay to 0
    clip_norm: float = 1.0


STAGES = (
    Stage(passes=1, difficulty=1, windows=(1, 1), advance_at=0.93),
    Stage(passes=2, difficulty=1, windows=(1, 3), advance_at=0.9),
    Stage(passes=2, difficulty=2, windows=(1, 4), advance_at=0.95),
    Stage(passes=4, difficulty=3, windows=(1, 6), advance_at=1.0),
)
FURTHER_STAGES = (Stage(passes=2, difficulty=3, windows=(1, 4), advance_at=1.0),)
FURTHER_ONE_HOP_SHARE = 0.3
"""Of a training that goes on from a finished one: most questions have several hops."""


@dataclass
class Progress(loop.Progress):
    """Where a training stands."""

    stage: int = 0
    accuracy: float = 0.0  # running, of the answers of the stage
    tokens: int = 0  # context tokens read


@dataclass(frozen=True)
class StepResult:
    """Losses of the two chunks, and whether each scored answer token is right."""

    asked_loss: Tensor
    onward_loss: Tensor | None
    right: Tensor  # [scored answer tokens]


def training_step(model: HybridLM, batch: TextBatch, policy: SleepPolicy, *, onward: bool) -> StepResult:
    """Sleep through every window, then read the chunk of questions awake, and the other from the same memory."""

    def restarted(memory: Memory) -> Memory:
        # Hard eviction leaves no key, and rotary attention sees only distances: one compiled pass fits all windows.
        return replace(memory, position=0)

    memory = Memory.empty(model.config, len(batch.windows))
    for window in torch.from_numpy(batch.windows).unbind(dim=1):
        for done in sleep_passes(model, window, restarted(memory), policy):
            memory = done.memory
        memory = evict(memory, policy, model.config.window)

    def read(tokens: Tokens, targets: Tokens) -> tuple[Tensor, Tensor]:
        wanted = torch.from_numpy(targets)
        logits, _ = model(torch.from_numpy(tokens), restarted(memory))
        right = (logits.argmax(dim=-1) == wanted)[wanted != NOT_ASKED]
        return F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=NOT_ASKED), right

    asked_loss, right = read(batch.asked, batch.asked_targets)
    return StepResult(asked_loss, read(batch.onward, batch.onward_targets)[0] if onward else None, right)


@dataclass
class TextTrainer:
    """A training of the text model: model, writer of pages, optimisers and progress."""

    config: TextTraining
    seed: int
    model: HybridLM
    writer: Writer
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        config, named = self.config, list(self.model.named_parameters())
        matrices = [p for name, p in named if is_muon_matrix(name, p)]
        words = [p for name, p in named if name == "embedding.weight"]
        rest = [p for name, p in named if not is_muon_matrix(name, p) and name != "embedding.weight"]
        rates = (config.lr_muon, config.lr_adamw, config.lr_embedding)
        schedule = Schedule(rates, config.warmup_steps, config.decay_share, config.clip_norm)
        self.optimisers = Optimisers(matrices, (rest, words), schedule)
        self._computed = (0.0, 0)  # share of right answers, context tokens

    def share(self) -> float:
        """The share of the steps that are done."""
        return self.progress.step / self.config.steps

    def gradient(self) -> dict[str, float]:
        """Draw the next batch and backpropagate its losses -> losses and share of right answers."""
        config, progress = self.config, self.progress
        stage = config.stages[progress.stage]
        rng = np.random.default_rng((TRAINING_STREAM, self.seed, progress.step))
        n_passes = config.fixed_passes or int(rng.integers(1, stage.passes + 1))
        n_windows = int(rng.integers(stage.windows[0], stage.windows[1] + 1))
        batch = self.writer.batch(
            rng,
            size=config.batch,
            n_windows=n_windows,
            hops=stage.difficulty,
            split="train",
            one_hop_share=config.one_hop_share,
        )
        result = training_step(self.model, batch, SleepPolicy(n_passes), onward=rng.random() < config.onward_share)
        losses = [loss for loss in (result.asked_loss, result.onward_loss) if loss is not None]
        torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
        # Half of the scored tokens are the end after an answer, which is always the same.
        right = 2 * float(result.right.float().mean()) - 1
        self._computed = right, batch.windows.size
        onward = losses[-1].item() if losses[1:] else float("nan")
        return {"asked": losses[0].item(), "onward": onward, "right": right}

    def advance(self) -> None:
        """Count the step, and go to the next stage when this one is mastered."""
        right, n_tokens = self._computed
        progress, stages = self.progress, self.config.stages
        progress.step += 1
        progress.tokens += n_tokens
        progress.accuracy += 0.05 * (right - progress.accuracy)
        if progress.accuracy > stages[progress.stage].advance_at and progress.stage < len(stages) - 1:
            progress.stage += 1
            progress.accuracy = 0.0

    def description(self) -> dict[str, Any]:
        """The seed alone: a training may go on with other settings."""
        return {"seed": self.seed}

    def with_present_names(self, saved: dict[str, Any]) -> dict[str, Any]:
        """The seed alone."""
        return {"seed": saved["seed"]}
