"""Small models, checkpoints and problems for the engine's tests.

`HybridLM` starts with output projections of zero, under which no mixer changes anything. Every
model built here has all its parameters drawn at random, so that a wrong mixer shows.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from sleepviz.config.model import ModelConfig
from sleepviz.core.memory import FastWeights, KVCache, Memory
from sleepviz.core.model import HybridLM
from sleepviz.runs.checkpoint import Checkpoint, CheckpointInfo
from sleepviz.tasks.base import Task
from sleepviz.tasks.rule110.task import Rule110

WINDOW = 5


def small_config(**changes: Any) -> ModelConfig:
    """All three kinds of layer; K, V, H and head_dim all different, so that a mixed-up axis fails."""
    settings: dict[str, Any] = {
        "vocab_size": 11,
        "window": WINDOW,
        "layer_types": ("full_attention", "linear_attention", "sliding_attention", "linear_attention"),
        "d_model": 8,
        "n_heads": 2,
        "fast_heads": 2,
        "key_dim": 3,
        "value_dim": 5,
        "mlp_ratio": 2,
    }
    return ModelConfig(**{**settings, **changes})


def random_model(config: ModelConfig, seed: int = 0, dtype: torch.dtype = torch.float64) -> HybridLM:
    """A model in which no parameter is zero, one or shared between heads."""
    generator = torch.Generator().manual_seed(seed)
    model = HybridLM(config, generator=generator).to(torch.float64)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(generator=generator)
            if name.endswith("norm.weight"):
                parameter.mul_(0.3).add_(1.0)
            elif name.endswith("gates.bias"):
                parameter[: config.fast_heads] -= 2.0  # some forgetting, not all of it
            elif parameter.ndim == 2 and "conv" not in name and name not in ("embedding.weight", "places"):
                parameter.mul_(1.3 * parameter.shape[-1] ** -0.5)
    return model.to(dtype).requires_grad_(False)


def random_tokens(config: ModelConfig, batch: int, n_tokens: int, seed: int = 0) -> Tensor:
    """Uniform tokens, [batch, n_tokens]."""
    return torch.randint(config.vocab_size, (batch, n_tokens), generator=torch.Generator().manual_seed(seed))


def empty(model: HybridLM, batch: int = 1) -> Memory:
    """An empty memory in the model's own dtype."""
    return Memory.empty(model.config, batch, dtype=model.embedding.weight.dtype)


def tensors(memory: Memory) -> list[Tensor]:
    """Every tensor of a memory, in a fixed order."""
    found = []
    for layer in memory.layers:
        if isinstance(layer, KVCache):
            found += [layer.keys, layer.values]
        else:
            found += [layer.state] if layer.conv is None else [layer.state, layer.conv]
    return found


def same_memory(one: Memory, other: Memory) -> bool:
    """Equal to the bit, position and shapes included."""
    pairs = zip(tensors(one), tensors(other), strict=True)
    return one.position == other.position and all(torch.equal(a, b) for a, b in pairs)


def perturbed_fast_weights(memory: Memory, size: float = 0.1, seed: int = 99) -> Memory:
    """The same memory with noise added to every S."""
    generator = torch.Generator().manual_seed(seed)
    return memory.with_fast_weights(
        tuple(s + size * torch.randn(s.shape, generator=generator, dtype=s.dtype) for s in memory.fast_weights)
    )


def conv_contexts(memory: Memory) -> list[Tensor]:
    """Left context of each short convolution."""
    return [layer.conv for layer in memory.layers if isinstance(layer, FastWeights) and layer.conv is not None]


TASK = Rule110(row_cells=8, rows_max=3, steps_max=4)


def rule110_config(**changes: Any) -> ModelConfig:
    """A model that can read `TASK`; all its attention is over the whole window, as shipped ones are."""
    layers = ("full_attention", "linear_attention", "full_attention", "linear_attention")
    return small_config(**{"vocab_size": TASK.vocab_size, "window": TASK.window, "layer_types": layers, **changes})


def meta_of(config: ModelConfig, **changes: Any) -> dict[str, Any]:
    """A valid meta.json for `TASK` and a model of this shape, without its digest."""
    meta: dict[str, Any] = {
        "task": "rule110",
        "task_sizes": TASK.to_json(),
        "model": config.to_json(),
        "sleep_attention": "causal",
        "default": True,
        "limits": {**TASK.limits(), "passes_trained": 4, "passes_max": 16},
        "metrics": {"loss": 0.5},
    }
    return copy.deepcopy({**meta, **changes})


def small_checkpoint(seed: int = 0, dtype: torch.dtype = torch.float32, **changes: Any) -> Checkpoint:
    """A checkpoint of `TASK` that was never trained, in memory only."""
    model = random_model(rule110_config(**changes), seed, dtype)
    meta = {**meta_of(model.config), "digest": "0" * 64}
    info = CheckpointInfo("small", "rule110", True, meta["digest"], meta["limits"], meta["metrics"], meta)
    return Checkpoint(info, TASK, model)


def untrained_checkpoint(task: Task) -> Checkpoint:
    """A small checkpoint that can read `task` and was never trained, in memory only."""
    config = ModelConfig(task.vocab_size, task.window, d_model=16, n_heads=2, fast_heads=2, key_dim=4, value_dim=4)
    limits = {**task.limits(), "passes_trained": 2, "passes_max": 8}
    meta = meta_of(config, task=task.name, task_sizes=task.to_json(), digest="0" * 64, limits=limits)
    info = CheckpointInfo("small", task.name, True, meta["digest"], limits, {}, meta)
    return Checkpoint(info, task, random_model(config).float())


def at_each(accuracy: Callable[..., Any]) -> Callable[..., list[Any]]:
    """`evaluate.accuracies` from a stand-in for `evaluate.accuracy`."""

    def accuracies(*arguments: Any, difficulties: Sequence[int], **options: Any) -> list[Any]:
        return [accuracy(*arguments, difficulty=difficulty, **options) for difficulty in difficulties]

    return accuracies
