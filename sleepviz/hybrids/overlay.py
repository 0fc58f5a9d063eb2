"""Added memory by itself: a folder with a few MB of memory weights, which is laid over its base model again.

memory.json           the base (a folder or a hub name), its digest, where the memory stands and how large it is
memory.safetensors    the weights of the memory, and nothing of the base
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel

from sleepviz.config.base import ConfigError, JsonRoundTrip, require
from sleepviz.config.outside import InputError, decoded, json_of, strict_json
from sleepviz.hybrids.fast_weights import add_fast_weights
from sleepviz.hybrids.models.boundary import from_outside, is_finite

DESCRIPTION, WEIGHTS = "memory.json", "memory.safetensors"
PARTS = (".memory.", ".memory_norm.")  # in the name of every tensor of the memory


@dataclass(frozen=True)
class Overlay(JsonRoundTrip):
    """What memory.json says."""

    base: str
    base_digest: str
    memory_layers: tuple[int, ...]
    heads: int
    key_dim: int
    value_dim: int
    conv_kernel: int

    @classmethod
    def of(cls, model: PreTrainedModel, base: str) -> Self:
        """The description of a model's memory. Raises ConfigError where it has none."""
        config = model.config
        layers = tuple(getattr(config, "memory_layers", None) or ())
        require(bool(layers), f"{type(model).__name__} has no added memory.")
        return cls(
            base=base,
            base_digest=base_digest(model),
            memory_layers=layers,
            heads=config.linear_num_key_heads,
            key_dim=config.linear_key_head_dim,
            value_dim=config.linear_value_head_dim,
            conv_kernel=config.linear_conv_kernel_dim,
        )


def is_memory(name: str) -> bool:
    """Whether a tensor of this name belongs to the added memory."""
    return any(part in name for part in PARTS)


def memory_tensors(model: PreTrainedModel) -> dict[str, Tensor]:
    """The memory's weights, by their names in the model."""
    return {name: tensor for name, tensor in model.state_dict().items() if is_memory(name)}


def base_digest(model: PreTrainedModel) -> str:
    """16 characters that change with any bit of the base's weights; the memory's do not count."""
    found = hashlib.sha256()
    for name, parameter in sorted(model.named_parameters()):  # a tied weight counts once
        if not is_memory(name):
            found.update(f"{name} {tuple(parameter.shape)} {parameter.dtype}\n".encode())
            found.update(parameter.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()[:16]


def save_overlay(model: PreTrainedModel, folder: Path, base: str) -> None:
    """Write the memory alone. `base` is where its base lies, a folder or a hub name. Raises ConfigError, OSError."""
    described = Overlay.of(model, base)
    folder.mkdir(parents=True, exist_ok=True)
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in memory_tensors(model).items()}
    save_file(kept, folder / WEIGHTS, metadata={"format": "pt"})
    (folder / DESCRIPTION).write_text(strict_json(asdict(described), indent=1) + "\n", encoding="utf-8")


def is_overlay(place: Path | str) -> bool:
    """Whether a folder holds memory for another model."""
    return isinstance(place, Path) and (place / DESCRIPTION).is_file()


def described(folder: Path) -> Overlay:
    """What its memory.json says. Raises ConfigError."""
    try:
        values = json_of(decoded((folder / DESCRIPTION).read_bytes(), DESCRIPTION), DESCRIPTION)
    except (InputError, OSError) as error:
        raise ConfigError(f"{DESCRIPTION} cannot be read: {error}") from error
    require(isinstance(values, dict), f"{DESCRIPTION} must be a JSON object.")
    return Overlay.from_json(dict(json.loads(json.dumps(values))))


def read_overlay(folder: Path) -> tuple[Overlay, dict[str, Tensor]]:
    """The memory in a folder that `save_overlay` wrote. Raises ConfigError."""
    found = described(folder)
    with from_outside(f"{WEIGHTS} cannot be read"):
        tensors = load_file(folder / WEIGHTS)
    return found, tensors


def lay_over(base: PreTrainedModel, memory: tuple[Overlay, dict[str, Any]], what: str) -> PreTrainedModel:
    """The base with this memory. `what` begins the sentence of the ConfigError where the two do not fit."""
    told, tensors = memory
    same = base_digest(base) == told.base_digest
    require(same, f"{what}: its base has other weights than the memory was trained with.")
    model = add_fast_weights(
        base,
        told.memory_layers,
        heads=told.heads,
        key_dim=told.key_dim,
        value_dim=told.value_dim,
        conv_kernel=told.conv_kernel,
        share=True,
    )
    wanted = memory_tensors(model)
    fits = wanted.keys() == tensors.keys() and all(tensors[name].shape == t.shape for name, t in wanted.items())
    require(fits, f"{what}: {WEIGHTS} does not hold the tensors that {DESCRIPTION} describes.")
    require(all(map(is_finite, tensors.values())), f"{what}: {WEIGHTS} holds numbers that are not finite.")
    model.load_state_dict(tensors, strict=False)
    return model.eval()
