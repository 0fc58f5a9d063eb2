"""Fine-tune a transformers model for sleep: `python -m sleepviz tune`, arXiv:2605.26099 Algorithm 1.

For each window of the context: N passes, then eviction; then one ordinary pass over each question, and
the loss is on the answers alone; of plain text, on how it goes on. The gradient goes back through every S,
eviction and pass. Memory is that of one window at a time: a window's passes are run again when the backward
pass comes to it.
N is fixed, as in the paper. A sliding window may be warmed up under hard eviction (the paper's Ouro,
§4.3: without it, N > 1 does not help); all weights train in that time, where the paper may have meant
the fast-weight layers alone.

Two departures from the paper, for our tasks only, are what small models learn to use several passes by:
`levels_per_pass` draws N anew for every step and asks for no more than so many passes can do, and
`pass_loss` also scores what each pass puts out, which should be the window one level on.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel

from sleepviz.config.base import require
from sleepviz.config.model import Eviction
from sleepviz.config.outside import strict_json
from sleepviz.hybrids.fast_weights import WithMemory
from sleepviz.hybrids.modeling import SleepForCausalLM
from sleepviz.hybrids.overlay import base_digest, is_memory, save_overlay
from sleepviz.hybrids.tuning.config import TuneConfig
from sleepviz.hybrids.tuning.exam import examine, examine_texts
from sleepviz.hybrids.tuning.examples import Examples, ExampleSource, TaskExamples
from sleepviz.hybrids.tuning.reading import answered, policy_for, read_out, streams_asleep
from sleepviz.hybrids.tuning.texts import PlainTextCourse
from sleepviz.runs.checkpoint import provenance, write_atomically
from sleepviz.tasks.base import NOT_ASKED
from sleepviz.training import loop
from sleepviz.training.loop import TRAINING_STREAM, Optimisers, Schedule

IN_BLOCKS = re.compile(r"(^|\.)(layers|blocks|recall)\.")
NOT_MATRICES = re.compile(r"conv|gates|router|embed")


@dataclass
class Progress(loop.Progress):
    """Where a tuning stands."""

    before: str = "{}"  # the exam that was taken first, as JSON


@dataclass
class Tuning:
    """One tuning: model, source, optimisers and progress."""

    network: PreTrainedModel
    source: ExampleSource | PlainTextCourse
    config: TuneConfig
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        config = self.config
        self.trained = memory_alone(self.network) if config.only_memory else self.network
        known = self.network.config.get_text_config(decoder=True).vocab_size
        require(
            self.source.vocab_size <= known,
            f"the task has {self.source.vocab_size} tokens and the model knows {known}.",
        )
        for_tasks = bool(config.levels_per_pass or config.pass_loss)
        require(isinstance(self.source, TaskExamples) or not for_tasks, "levels_per_pass and pass_loss are for tasks.")
        named = [(name, p) for name, p in self.network.named_parameters() if p.requires_grad]
        matrices = [p for name, p in named if is_matrix(name, p)]
        rest = [p for name, p in named if not is_matrix(name, p)]
        rates = (config.lr_muon, config.lr_adamw)
        schedule = Schedule(rates, config.warmup_steps, config.decay_share, config.clip_norm)
        self.optimisers = Optimisers(matrices, (rest,), schedule)

    @property
    def model(self) -> nn.Module:
        """What is trained, and kept in a state: the whole network, or its memory."""
        return self.trained

    def share(self) -> float:
        """The share of the steps that are done."""
        return self.progress.step / self.config.steps

    def gradient(self) -> dict[str, float]:
        """Backpropagate the loss of the next step's batches, the mean over their answer tokens."""
        self.network.train()
        return {"loss": self._accumulated_gradient()}

    def advance(self) -> None:
        """Count the step."""
        self.progress.step += 1

    def description(self) -> dict[str, Any]:
        """The settings, with the seed, and what the base is where it is frozen and not part of a state."""
        return self.config.to_json() | ({"base": base_digest(self.network)} if self.config.only_memory else {})

    def with_present_names(self, saved: dict[str, Any]) -> dict[str, Any]:
        """The settings of a saved tuning."""
        base = {"base": saved.pop("base")} if "base" in saved else {}
        return dict(json.loads(json.dumps(TuneConfig.from_json(saved).to_json() | base)))

    def _accumulated_gradient(self) -> float:
        """Draw the step's batches and backpropagate through each; the loss."""
        config, device = self.config, self.network.device
        rng = np.random.default_rng((TRAINING_STREAM, config.seed, self.progress.step))
        n_passes, batches = self._drawn(rng)
        n_answers = sum(int((examples.targets != NOT_ASKED).sum()) for examples in batches)
        eviction: Eviction = "hard" if self.progress.step < config.hard_warmup_steps else config.eviction
        policy, total = policy_for(self.network, n_passes, eviction), 0.0
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(config.seed + self.progress.step)  # dropout too is the same after a resume
            for examples in batches:
                cache, streams = streams_asleep(self.network, examples.context.to(device), policy, config)
                losses = [_summed_loss(*pair) for pair in answered(self.network, examples, cache, config)]
                loss = torch.stack(losses).sum() / n_answers
                if config.pass_loss:
                    loss = loss + config.pass_loss * self._loss_of_passes(examples, streams)
                loss.backward()  # type: ignore[no-untyped-call]
                total += loss.item()
        return total

    def _drawn(self, rng: np.random.Generator) -> tuple[int, list[Examples]]:
        """(N, batches) of one step."""
        config, source = self.config, self.source
        if not isinstance(source, TaskExamples):
            return config.n_passes, source.draw(rng, config.batch)
        n_passes, hardest = config.n_passes, None
        if config.levels_per_pass:
            n_passes = int(rng.integers(1, config.n_passes + 1))
            hardest = n_passes * config.levels_per_pass
        later = n_passes if config.pass_loss else 0
        return n_passes, source.draw(rng, config.batch, hardest=hardest, later=later)

    def _loss_of_passes(self, examples: Examples, streams: list[Tensor]) -> Tensor:
        """Mean over passes and tokens: what each pass puts out, against the windows one level on."""
        pairs = zip(streams, examples.later, strict=True)
        device = self.network.device
        losses = [F.cross_entropy(read_out(self.network, h).flatten(0, 1), t.flatten().to(device)) for h, t in pairs]
        return torch.stack(losses).mean()


def memory_alone(network: PreTrainedModel) -> nn.ModuleList:
    """The added memory of a model, whose other weights are frozen from now on. Raises ConfigError."""
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(is_memory(name))
    layers = [layer for layer in network.get_decoder().layers if isinstance(layer, WithMemory)]
    require(bool(layers), "only added memory can be trained alone, and this model has none.")
    return nn.ModuleList(nn.ModuleList([layer.memory_norm, layer.memory]) for layer in layers)


def is_matrix(name: str, parameter: Tensor) -> bool:
    """Whether Muon trains it: the matrices of the decoder's layers; AdamW trains the rest."""
    inside = IN_BLOCKS.search(name) is not None and NOT_MATRICES.search(name) is None
    return inside and parameter.ndim == 2 and min(parameter.shape) > 1


def _summed_loss(logits: Tensor, target: Tensor) -> Tensor:
    flat = logits.float().flatten(0, 1)
    return F.cross_entropy(flat, target.flatten(), ignore_index=NOT_ASKED, reduction="sum")


def tune(
    model: PreTrainedModel,
    source: ExampleSource | PlainTextCourse,
    config: TuneConfig,
    out: Path,
    *,
    base: str = "",
    tokenizer: Any = None,
    resume: bool = False,
    exam_size: int = 128,
    described: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Tune to the end and write model, tokenizer and tuning.json to `out`; return what tuning.json says.

    With `only_memory` the memory alone is written, for `base`: where the model lies that it was added to.
    On Ctrl-C the state is saved before KeyboardInterrupt; `resume` goes on from there. `described` is kept in
    tuning.json beside the settings.

    Raises DivergedError where a loss or a gradient is not finite, and ConfigError where an answer is not: then no
    model is written, and the last state that was saved stays.
    """
    require(exam_size >= 1, "the exams need at least 1 instance.")
    tuning = Tuning(model, source, config)

    def exam() -> dict[str, Any]:
        if isinstance(source, PlainTextCourse):
            return examine_texts(model, source, config, exam_size)
        return examine(model, source, config, exam_size)

    if resume:
        loop.load_state(tuning, out / "state.pt")
    else:
        tuning.progress.before = json.dumps(exam())
    figures = loop.run(tuning, out, title="tune", resume=resume)
    report = {
        **(described or {}),
        "settings": config.to_json(),
        "loss": figures["loss"],
        "seconds": round(tuning.progress.seconds, 1),
        "before": json.loads(tuning.progress.before),
        "after": exam(),
        **provenance(),
    }
    if isinstance(model, SleepForCausalLM):
        model.config.passes_trained = config.n_passes
    model.eval()
    if config.only_memory:
        save_overlay(model, out, base)
    else:
        model.save_pretrained(out)
        if tokenizer is not None:
            tokenizer.save_pretrained(out)
    write_atomically(out / "tuning.json", (strict_json(report, indent=1) + "\n").encode())
    (out / "state.pt").unlink(missing_ok=True)
    return report
