"""What a model answers right on held-out questions, or how well it guesses how a held-out text goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from sleepviz.config.base import require
from sleepviz.config.model import SleepPolicy
from sleepviz.hybrids.cache import SleepCache
from sleepviz.hybrids.models.boundary import is_finite
from sleepviz.hybrids.perplexity import PASSES, nats_of
from sleepviz.hybrids.sleep import predict
from sleepviz.hybrids.tuning.config import TuneConfig
from sleepviz.hybrids.tuning.examples import Examples, ExampleSource
from sleepviz.hybrids.tuning.reading import answered, asleep, policy_for
from sleepviz.hybrids.tuning.texts import PlainTextCourse
from sleepviz.tasks.base import NOT_ASKED
from sleepviz.text.losses import Losses, perplexity, saved
from sleepviz.training.evaluate import wilson


@torch.inference_mode()
def examine(
    model: PreTrainedModel, source: ExampleSource, config: TuneConfig, n: int, *, passes: Sequence[int] = ()
) -> dict[str, Any]:
    """Share of held-out questions answered exactly, by passes and difficulty, with Wilson intervals.

    `passes` are 0, 1 and the tuning's unless given; 0 evicts everything unread: what can be guessed. Intervals count
    instances, of which a file may have fewer than `n`.
    """
    was_training = model.training
    model.eval()
    passes = list(passes) or sorted({0, 1, config.n_passes})
    table: dict[str, Any] = {"passes": passes, "difficulty": list(source.difficulties), "n": []}
    table |= {"accuracy": [], "ci95": []}
    for n_passes in passes:
        policy = policy_for(model, n_passes, config.eviction)
        cells = [_marks(model, source, config, policy, level, n) for level in source.difficulties]
        table["n"] = [count for _, count in cells]
        table["accuracy"].append([share for share, _ in cells])
        table["ci95"].append([list(wilson(share * count, count)) for share, count in cells])
    model.train(was_training)
    return table


def _marks(
    model: PreTrainedModel, source: ExampleSource, config: TuneConfig, policy: SleepPolicy, level: int, n: int
) -> tuple[float, int]:
    """(share of the questions of one difficulty that are right, how many instances)."""
    right, instances = list[Tensor](), 0
    for examples in source.exam(level, n, config.seed):
        instances += len(examples.context)
        cache = asleep(model, examples.context.to(model.device), policy, config)
        for logits, target in answered(model, examples, cache, config):
            require(is_finite(logits), "the model answers with numbers that are not finite.")
            wrong = (logits.argmax(dim=-1) != target) & (target != NOT_ASKED)  # [B, K]
            right.append(~wrong.any(dim=-1))
    return float(torch.cat(right).float().mean()), instances


@torch.inference_mode()
def examine_texts(model: PreTrainedModel, source: PlainTextCourse, config: TuneConfig, n: int) -> dict[str, Any]:
    """Perplexity of how `n` held-out passages go on after eviction, by N, and with the whole context in view.

    The same tokens are scored under every N; N = 0 drops the context unread. `saved` is what an N saves against
    N = 0, in nats a token. Intervals are of 95 %, over tokens taken as independent.
    """
    was_training = model.training
    model.eval()
    passages = list(source.passages(n, config.seed))
    found = [_losses(model, passages, config, n_passes) for n_passes in (*sorted({*PASSES, config.n_passes}), None)]
    model.train(was_training)
    values = [perplexity(each) for each in found]
    gains = [saved(each, found[0]) for each in found]
    return {
        "passes": [each.n_passes for each in found[:-1]],
        "tokens": len(found[0].nats),
        "perplexity": [each.value for each in values[:-1]],
        "ci95": [[each.low, each.high] for each in values[:-1]],
        "saved": [[each.value, each.low, each.high] for each in gains[:-1]],
        "full_context": {"perplexity": values[-1].value, "ci95": [values[-1].low, values[-1].high]},
    }


def _losses(model: PreTrainedModel, passages: Sequence[Examples], config: TuneConfig, n_passes: int | None) -> Losses:
    """Nats of every scored token; `n_passes` None keeps the context in view."""
    found = []
    for passage in passages:
        context, heard = passage.context.to(model.device), passage.queries[:, 0].to(model.device)
        if n_passes is None:
            logits, _ = predict(model, torch.cat([context, heard], dim=1), SleepCache(model.config))
            logits = logits[:, context.shape[1] :]
        else:
            cache = asleep(model, context, policy_for(model, n_passes, config.eviction), config)
            logits, _ = predict(model, heard, cache, chunk_size=config.chunk_size)
        found.append(nats_of(logits[0], passage.targets[0, 0].to(model.device)))
    nats = np.concatenate(found)
    return Losses(n_passes, nats, tuple(range(len(nats))))
