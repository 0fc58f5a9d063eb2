"""Fine-tune a transformers model for sleep: `python -m sleepviz tune`, arXiv:2605.26099 Algorithm 1.

For each window of the context: N passes, then eviction; then one ordinary pass over each question, and
the loss is on the answers alone. The gradient goes back through every S, eviction and pass. Memory is
that of one window at a time: a window's passes are run again when the backward pass comes to it.
N is fixed, as in the paper. A sliding window may be warmed up under hard eviction (the paper's Ouro,
§4.3: without it, N > 1 does not help); all weights train in that time, where the paper may have meant
the fast-weight layers alone.

Two departures from the paper, for our tasks only, are what small models learn to use several passes by:
`levels_per_pass` draws N anew for every step and asks for no more than so many passes can do, and
`pass_loss` also scores what each pass puts out, which should be the window one level on.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from sleepviz.config.base import ConfigError, JsonRoundTrip, require
from sleepviz.config.model import PASSES_MAX, Eviction, SleepPolicy
from sleepviz.config.outside import strict_json
from sleepviz.config.training import EARLIER_NAMES
from sleepviz.hybrids.cache import SleepCache
from sleepviz.hybrids.modeling import SleepForCausalLM
from sleepviz.hybrids.models.boundary import is_finite
from sleepviz.hybrids.sleep import Convolution, predict, sleep_windows
from sleepviz.hybrids.tuning.lessons import Course, Lesson, TaskCourse
from sleepviz.runs.checkpoint import provenance, write_atomically
from sleepviz.tasks.base import NOT_ASKED
from sleepviz.training import loop
from sleepviz.training.evaluate import wilson
from sleepviz.training.loop import TRAINING_STREAM, Optimisers, Schedule

WINDOW_MIN = 3  # so that no window need have one token
IN_BLOCKS = re.compile(r"(^|\.)(layers|blocks|recall)\.")
NOT_MATRICES = re.compile(r"conv|gates|router|embed")


@dataclass(frozen=True)
class TuneConfig(JsonRoundTrip):
    """How a model is tuned. With the model and the course it fixes every batch. Rates: the paper's for pretrained."""

    window: int
    n_passes: int
    eviction: Eviction = "hard"
    hard_warmup_steps: int = 0  # with "sliding": the first so many steps evict everything
    levels_per_pass: int = 0  # 0: N is n_passes. Else N is drawn from 1 to n_passes, difficulty up to so many a pass
    pass_loss: float = 0.0  # weight of a loss on what each pass puts out
    steps: int = 1000
    batch: int = 16
    lr_muon: float = 1e-3
    lr_adamw: float = 5e-5
    warmup_steps: int = 20
    decay_share: float = 0.25  # of the steps, at the end: linear decay to 0
    clip_norm: float = 1.0
    seed: int = 0
    convolution: Convolution = "rewind"
    span: tuple[int, int] | None = None  # layers [first, last + 1) that are looped; None: all
    chunk_size: int | None = None  # of the library's delta rule

    def __post_init__(self) -> None:
        require(self.window >= WINDOW_MIN, f"window must be at least {WINDOW_MIN} tokens.")
        require(1 <= self.n_passes <= PASSES_MAX, f"passes must be a whole number from 1 to {PASSES_MAX}.")
        require(self.eviction in ("hard", "sliding"), "eviction must be hard or sliding.")
        require(0 <= self.hard_warmup_steps <= self.steps, "the warm-up must be from 0 to all of the steps.")
        sliding = self.eviction == "sliding" or not self.hard_warmup_steps
        require(sliding, "a hard-eviction warm-up is for sliding eviction.")
        require(0 <= self.levels_per_pass <= 64, "levels_per_pass must be from 0 (N is fixed) to 64.")
        require(0 <= self.pass_loss < math.inf, "pass_loss must be a number from 0.")
        require(1 <= self.steps <= 10_000_000, "steps must be from 1 to 10000000.")
        require(1 <= self.batch <= 65_536, "batch must be from 1 to 65536.")
        rates = all(0 < rate < math.inf for rate in (self.lr_muon, self.lr_adamw))
        require(rates, "learning rates must be numbers above 0.")
        require(0 <= self.decay_share <= 1, "decay_share must be from 0 to 1.")
        require(0 <= self.seed < 2**63, "seed must be a whole number from 0 to 2^63 - 1.")

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Inverse of `to_json`; earlier names are read too. Raises ConfigError."""
        return super().from_json({EARLIER_NAMES.get(name, name): value for name, value in values.items()})


def cut(context: Tensor, window: int) -> tuple[Tensor, ...]:
    """[B, T] -> windows of `window` tokens, the last with the rest; never one of a single token.

    The library's one-token kernel of Mamba-2 writes in place, so no gradient goes through it: where one
    token is left, the window before it gives up its last.
    """
    n_tokens = context.shape[1]
    sizes = [min(window, n_tokens - start) for start in range(0, n_tokens, window)]
    if len(sizes) > 1 and sizes[-1] == 1:
        sizes[-2:] = [window - 1, 2]
    return torch.split(context, sizes, dim=1)


def asleep(model: PreTrainedModel, context: Tensor, policy: SleepPolicy, config: TuneConfig) -> SleepCache:
    """Sleep over a context [B, T]. With gradients, each window's passes are run again on the way back."""
    return streams_asleep(model, context, policy, config)[0]


def streams_asleep(
    model: PreTrainedModel, context: Tensor, policy: SleepPolicy, config: TuneConfig
) -> tuple[SleepCache, list[Tensor]]:
    """The same, and with `pass_loss` h after each pass over the whole context, [B, T, D] each."""
    cache: SleepCache | None = None
    by_window: list[list[Tensor]] = []
    windows = cut(context, config.window)
    for index, tokens in enumerate(windows):
        read = partial(_read, model, tokens, policy, config, cache)
        # The way back comes to the last window first, so nothing is saved by running that one again.
        again = torch.is_grad_enabled() and index < len(windows) - 1
        cache, streams = checkpoint(read, use_reentrant=False) if again else read()
        by_window.append(streams)
    assert cache is not None
    return cache, [torch.cat(parts, dim=1) for parts in zip(*by_window, strict=True)]


def _read(
    model: PreTrainedModel, tokens: Tensor, policy: SleepPolicy, config: TuneConfig, cache: SleepCache | None
) -> tuple[SleepCache, list[Tensor]]:
    (done,) = sleep_windows(
        model,
        tokens,
        policy,
        window=config.window,
        cache=cache,
        convolution=config.convolution,
        span=config.span,
        chunk_size=config.chunk_size,
        observe=bool(config.pass_loss),
        to_the_end=False,
    )
    return done.cache, [one.h for one in done.passes]


def answered(
    model: PreTrainedModel, lesson: Lesson, cache: SleepCache, config: TuneConfig
) -> Iterator[tuple[Tensor, Tensor]]:
    """Ask after a sleep -> (logits [B, K, vocab_size], targets [B, K]) for each query that asks something."""
    for query, target in zip(lesson.queries.unbind(dim=1), lesson.targets.unbind(dim=1), strict=True):
        if bool((target != NOT_ASKED).any()):
            logits, _ = predict(model, query.to(model.device), cache, chunk_size=config.chunk_size)
            yield logits, target.to(model.device)


def read_out(model: PreTrainedModel, h: Tensor) -> Tensor:
    """h [B, T, D] as a pass puts it out -> logits [B, T, vocab_size], as after the last layer of an ordinary call."""
    if isinstance(model, SleepForCausalLM):
        return model.lm.logits(h)
    norm, head = getattr(model.get_decoder(), "norm", None), model.get_output_embeddings()
    if norm is None or head is None:
        raise ConfigError("pass_loss needs a model whose last norm is called norm.")
    logits: Tensor = head(norm(h))
    return logits


def policy_for(model: PreTrainedModel, n_passes: int, eviction: Eviction) -> SleepPolicy:
    """How this model sleeps: our own keep the attention with which they were trained."""
    if isinstance(model, SleepForCausalLM):
        return replace(model.policy, n_passes=n_passes, eviction=eviction)
    return SleepPolicy(n_passes, eviction)


@dataclass
class Progress(loop.Progress):
    """Where a tuning stands."""

    before: str = "{}"  # the exam that was taken first, as JSON


@dataclass
class Tuning:
    """One tuning: model, course, optimisers and progress."""

    model: PreTrainedModel
    course: Course
    config: TuneConfig
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        config = self.config
        known = self.model.config.get_text_config(decoder=True).vocab_size
        require(
            self.course.vocab_size <= known,
            f"the task has {self.course.vocab_size} tokens and the model knows {known}.",
        )
        for_tasks = bool(config.levels_per_pass or config.pass_loss)
        require(isinstance(self.course, TaskCourse) or not for_tasks, "levels_per_pass and pass_loss are for tasks.")
        named = [(name, p) for name, p in self.model.named_parameters() if p.requires_grad]
        matrices = [p for name, p in named if is_matrix(name, p)]
        rest = [p for name, p in named if not is_matrix(name, p)]
        rates = (config.lr_muon, config.lr_adamw)
        schedule = Schedule(rates, config.warmup_steps, config.decay_share, config.clip_norm)
        self.optimisers = Optimisers(matrices, (rest,), schedule)

    def share(self) -> float:
        """The share of the steps that are done."""
        return self.progress.step / self.config.steps

    def gradient(self) -> dict[str, float]:
        """Backpropagate the loss of the next step's lessons, the mean over their answer tokens."""
        self.model.train()
        return {"loss": self._accumulated_gradient()}

    def advance(self) -> None:
        """Count the step."""
        self.progress.step += 1

    def description(self) -> dict[str, Any]:
        """The settings, with the seed."""
        return self.config.to_json()

    def with_present_names(self, saved: dict[str, Any]) -> dict[str, Any]:
        """The settings of a saved tuning."""
        return dict(json.loads(json.dumps(TuneConfig.from_json(saved).to_json())))

    def _accumulated_gradient(self) -> float:
        """Draw the step's lessons and backpropagate through each; the loss."""
        config, device = self.config, self.model.device
        rng = np.random.default_rng((TRAINING_STREAM, config.seed, self.progress.step))
        n_passes, lessons = self._drawn(rng)
        n_answers = sum(int((lesson.targets != NOT_ASKED).sum()) for lesson in lessons)
        eviction: Eviction = "hard" if self.progress.step < config.hard_warmup_steps else config.eviction
        policy, total = policy_for(self.model, n_passes, eviction), 0.0
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(config.seed + self.progress.step)  # dropout too is the same after a resume
            for lesson in lessons:
                cache, streams = streams_asleep(self.model, lesson.context.to(device), policy, config)
                losses = [_summed_loss(*pair) for pair in answered(self.model, lesson, cache, config)]
                loss = torch.stack(losses).sum() / n_answers
                if config.pass_loss:
                    loss = loss + config.pass_loss * self._loss_of_passes(lesson, streams)
                loss.backward()  # type: ignore[no-untyped-call]
                total += loss.item()
        return total

    def _drawn(self, rng: np.random.Generator) -> tuple[int, list[Lesson]]:
        """(N, lessons) of one step."""
        config, course = self.config, self.course
        if not isinstance(course, TaskCourse):
            return config.n_passes, course.lessons(rng, config.batch)
        n_passes, hardest = config.n_passes, None
        if config.levels_per_pass:
            n_passes = int(rng.integers(1, config.n_passes + 1))
            hardest = n_passes * config.levels_per_pass
        later = n_passes if config.pass_loss else 0
        return n_passes, course.lessons(rng, config.batch, hardest=hardest, later=later)

    def _loss_of_passes(self, lesson: Lesson, streams: list[Tensor]) -> Tensor:
        """Mean over passes and tokens: what each pass puts out, against the windows one level on."""
        pairs = zip(streams, lesson.later, strict=True)
        device = self.model.device
        losses = [F.cross_entropy(read_out(self.model, h).flatten(0, 1), t.flatten().to(device)) for h, t in pairs]
        return torch.stack(losses).mean()


def is_matrix(name: str, parameter: Tensor) -> bool:
    """Whether Muon trains it: the matrices of the decoder's layers; AdamW trains the rest."""
    inside = IN_BLOCKS.search(name) is not None and NOT_MATRICES.search(name) is None
    return inside and parameter.ndim == 2 and min(parameter.shape) > 1


def _summed_loss(logits: Tensor, target: Tensor) -> Tensor:
    flat = logits.float().flatten(0, 1)
    return F.cross_entropy(flat, target.flatten(), ignore_index=NOT_ASKED, reduction="sum")


@torch.inference_mode()
def examine(
    model: PreTrainedModel, course: Course, config: TuneConfig, n: int, *, passes: Sequence[int] = ()
) -> dict[str, Any]:
    """Share of held-out questions answered exactly, by passes and difficulty, with Wilson intervals.

    `passes` are 0, 1 and the tuning's unless given; 0 evicts everything unread: what can be guessed. Intervals count
    instances, of which a file may have fewer than `n`.
    """
    was_training = model.training
    model.eval()
    passes = list(passes) or sorted({0, 1, config.n_passes})
    table: dict[str, Any] = {"passes": passes, "difficulty": list(course.difficulties), "n": []}
    table |= {"accuracy": [], "ci95": []}
    for n_passes in passes:
        policy = policy_for(model, n_passes, config.eviction)
        cells = [_marks(model, course, config, policy, level, n) for level in course.difficulties]
        table["n"] = [count for _, count in cells]
        table["accuracy"].append([share for share, _ in cells])
        table["ci95"].append([list(wilson(share * count, count)) for share, count in cells])
    model.train(was_training)
    return table


def _marks(
    model: PreTrainedModel, course: Course, config: TuneConfig, policy: SleepPolicy, level: int, n: int
) -> tuple[float, int]:
    """(share of the questions of one difficulty that are right, how many instances)."""
    right, instances = list[Tensor](), 0
    for lesson in course.exam(level, n, config.seed):
        instances += len(lesson.context)
        cache = asleep(model, lesson.context.to(model.device), policy, config)
        for logits, target in answered(model, lesson, cache, config):
            require(is_finite(logits), "the model answers with numbers that are not finite.")
            wrong = (logits.argmax(dim=-1) != target) & (target != NOT_ASKED)  # [B, K]
            right.append(~wrong.any(dim=-1))
    return float(torch.cat(right).float().mean()), instances


def tune(
    model: PreTrainedModel,
    course: Course,
    config: TuneConfig,
    out: Path,
    *,
    tokenizer: Any = None,
    resume: bool = False,
    exam_size: int = 128,
    described: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Tune to the end and write model, tokenizer and tuning.json to `out`; return what tuning.json says.

    On Ctrl-C the state is saved before KeyboardInterrupt; `resume` goes on from there. `described` is kept in
    tuning.json beside the settings.

    Raises DivergedError where a loss or a gradient is not finite, and ConfigError where an answer is not: then no
    model is written, and the last state that was saved stays.
    """
    require(exam_size >= 1, "the exams need at least 1 instance.")
    tuning = Tuning(model, course, config)
    if resume:
        loop.load_state(tuning, out / "state.pt")
    else:
        tuning.progress.before = json.dumps(examine(model, course, config, exam_size))
    figures = loop.run(tuning, out, title="tune", resume=resume)
    report = {
        **(described or {}),
        "settings": config.to_json(),
        "loss": figures["loss"],
        "seconds": round(tuning.progress.seconds, 1),
        "before": json.loads(tuning.progress.before),
        "after": examine(model, course, config, exam_size),
        **provenance(),
    }
    if isinstance(model, SleepForCausalLM):
        model.config.passes_trained = config.n_passes
    model.eval().save_pretrained(out)
    if tokenizer is not None:
        tokenizer.save_pretrained(out)
    write_atomically(out / "tuning.json", (strict_json(report, indent=1) + "\n").encode())
    (out / "state.pt").unlink(missing_ok=True)
    return report
