"""The boundary of a model from outside: what any library raises about it becomes a ConfigError of one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from sleepviz.config.base import ConfigError, require
from sleepviz.config.outside import InputError

NAMED = 3  # tensors that a sentence names
MESSAGE_MAX_CHARACTERS = 300


@contextmanager
def from_outside(what: str) -> Iterator[None]:
    """Errors of transformers, tokenizers, safetensors, huggingface_hub and torch in here -> ConfigError.

    `what` begins the sentence, for example "small could not be loaded"; the library's first line ends it. Our own
    sentences pass unchanged.
    """
    try:
        yield
    except (ConfigError, InputError):
        raise
    except Exception as error:
        raise ConfigError(f"{what}: {first_line(error)}.") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of a Rust library, which is no Exception
            raise
        raise ConfigError(f"{what}: {first_line(error)}.") from error


def first_line(error: BaseException) -> str:
    """What an error says, in one line without a full stop; with the line after it where the first only announces it."""
    lines = [line.strip() for line in str(error).strip().splitlines()]
    said = lines[0] if lines else ""
    if said.endswith(":") and len(lines) > 1:
        said = f"{said} {lines[1]}"
    if isinstance(error, KeyError):
        said = f"there is no entry {said}"
    said = re.sub(r"[^\S ]|[\x00-\x1f\x7f-\x9f]", " ", said)[:MESSAGE_MAX_CHARACTERS]
    return said.rstrip(" .:") or type(error).__name__


def require_whole(model: PreTrainedModel, found: dict[str, Any], what: str) -> None:
    """Refuse weights that lack tensors or bring others, of other shapes, or that hold numbers which are not finite.

    `found` is what `from_pretrained` tells with `output_loading_info`. `what` begins the sentence of the ConfigError.
    The library itself would run such a model with random numbers in place of what is not there.
    """
    missing, unexpected = sorted(found["missing_keys"]), sorted(found["unexpected_keys"])
    mismatched = sorted(name for name, *_ in found["mismatched_keys"])
    require(not missing, f"{what}: its files lack {_named(missing)}.")
    require(not mismatched, f"{what}: its configuration wants other shapes of {_named(mismatched)}.")
    require(not unexpected, f"{what}: its configuration has no place for {_named(unexpected)}.")
    quantised = getattr(model.config, "quantization_config", None) is not None
    require(not quantised or hasattr(model, "hf_quantizer"), f"{what}: its kind of quantisation is not known.")
    require_finite_weights(model, what)


def require_finite_weights(model: PreTrainedModel, what: str) -> None:
    """Refuse weights that are not finite, or not even fractions. Raises ConfigError."""
    for name, tensor in model.named_parameters():
        numbers = tensor.is_floating_point() or hasattr(model, "hf_quantizer")
        require(numbers, f"{what}: {name} holds whole numbers in place of weights.")
    for name, tensor in model.state_dict().items():
        require(is_finite(tensor), f"{what}: {name} holds numbers that are not finite.")


def is_finite(tensor: Tensor) -> bool:
    """Whether every number is one; what lies on no device yet is taken to be."""
    if not tensor.is_floating_point() or tensor.is_meta:
        return True
    return bool(torch.isfinite(tensor).all())


def _named(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(name[:80] for name in names[:NAMED])}{more}"
