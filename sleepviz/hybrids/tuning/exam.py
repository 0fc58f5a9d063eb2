"""What a model answers right on held-out questions, before it is tuned and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from sleepviz.config.base import require
from sleepviz.config.model import SleepPolicy
from sleepviz.hybrids.models.boundary import is_finite
from sleepviz.hybrids.tuning.config import TuneConfig
from sleepviz.hybrids.tuning.lessons import Course
from sleepviz.hybrids.tuning.reading import answered, asleep, policy_for
from sleepviz.tasks.base import NOT_ASKED
from sleepviz.training.evaluate import wilson


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
