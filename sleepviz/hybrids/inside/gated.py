"""Qwen3.5's Gated DeltaNet, in its own models and as added memory: what a call wrote, and what S gives back.

The layer keeps neither its keys nor its gates. They follow from what its projections put out, which is listened to,
and from the tokens that its short convolution had seen before.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel

from sleepviz.core.delta_rule import gated_delta_window
from sleepviz.core.model import Writing, unit_length
from sleepviz.hybrids.cache import SleepCache
from sleepviz.hybrids.models.capability import decoder_layers
from sleepviz.hybrids.sleep import predict

PROJECTIONS = ("in_proj_qkv", "in_proj_z", "in_proj_b", "in_proj_a")
PARTS = (*PROJECTIONS, "conv1d", "A_log", "dt_bias", "norm", "out_proj")
OFF_BY = 0.02  # of S: a writing that does not make the S that the model made is not shown
Heard = Mapping[str, Sequence[Tensor]]  # a projection's outputs, call by call


def gated_layers(model: PreTrainedModel) -> dict[int, Any]:
    """The layers of this kind, by their place in the decoder."""
    found = {}
    for place, layer in enumerate(decoder_layers(model)):
        for module in layer.modules():
            if all(hasattr(module, part) for part in PARTS) and getattr(module, "activation", "") == "silu":
                found[place] = module
    return found


@contextmanager
def listening(modules: Mapping[int, Any]) -> Iterator[dict[int, dict[str, list[Tensor]]]]:
    """While this is active, what the projections of these layers put out is kept; another thread's calls are not."""
    heard: dict[int, dict[str, list[Tensor]]] = {place: {name: [] for name in PROJECTIONS} for place in modules}
    thread = threading.get_ident()

    def keep(into: list[Tensor]) -> Any:
        def hook(module: nn.Module, args: Any, output: Tensor) -> None:
            if threading.get_ident() == thread:
                into.append(output.detach())

        return hook

    with ExitStack() as hooks:
        for place, module in modules.items():
            for name in PROJECTIONS:
                hooks.callback(getattr(module, name).register_forward_hook(keep(heard[place][name])).remove)
        yield heard


def writing_of(
    module: Any, heard: Heard, call: int, left: Tensor | None, states: tuple[Tensor, Tensor]
) -> Writing | None:
    """What a layer wrote in one call over T tokens.

    left [B, C, taps] is the convolution's left context (None: nothing before), states S [B, H, K, V] before the call
    and after it. None where the layer was not called so often, or where the S after it does not follow.
    """
    if call >= len(heard["in_proj_qkv"]):
        return None
    _, k, v = _q_k_v(module, heard["in_proj_qkv"][call], left)
    step = F.softplus(heard["in_proj_a"][call].float() + module.dt_bias)
    log_decay = (-module.A_log.float().exp() * step).transpose(1, 2)  # [B, H, T]
    beta = heard["in_proj_b"][call].float().sigmoid().transpose(1, 2)
    before, after = (state.float() for state in states)
    again, _ = gated_delta_window(before, q=k, k=k, v=v, log_decay=log_decay, beta=beta)
    follows = float((again - after).norm()) <= OFF_BY * float(after.norm())
    return Writing(k, v, log_decay, beta) if follows else None


def _q_k_v(module: Any, qkv: Tensor, left: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Of the projected tokens [B, T, C]: q, k [B, H, T, K] of unit length, q scaled, and v [B, H, T, V]."""
    x = qkv.mT.float()  # [B, C, T]
    taps = module.conv1d.kernel_size[0] - 1
    before = x.new_zeros(*x.shape[:2], taps) if left is None else left[..., left.shape[-1] - taps :].float()
    bias = None if module.conv1d.bias is None else module.conv1d.bias.float()
    mixed = F.silu(F.conv1d(torch.cat([before, x], dim=-1), module.conv1d.weight.float(), bias, groups=x.shape[1])).mT
    q, k, v = torch.split(mixed, [module.key_dim, module.key_dim, module.value_dim], dim=-1)
    each = module.num_v_heads // module.num_k_heads  # heads of v that share a key
    heads = (*mixed.shape[:2], -1)
    q, k = (
        unit_length(part.reshape(*heads, module.head_k_dim).repeat_interleave(each, dim=2).transpose(1, 2))
        for part in (q, k)
    )
    return q * module.head_k_dim**-0.5, k, v.reshape(*heads, module.head_v_dim).transpose(1, 2)


class Asker:
    """A question's tokens [1, T], asked of S alone: what each layer makes of them with no S and no cache before."""

    def __init__(self, model: PreTrainedModel, question: Tensor) -> None:
        self.modules = gated_layers(model)
        self.norm, self.head = getattr(model.get_decoder(), "norm", None), model.get_output_embeddings()
        with listening(self.modules) as heard:
            predict(model, question, SleepCache(model.config))
        self.asked = {
            place: (_q_k_v(module, heard[place]["in_proj_qkv"][0], None)[0], heard[place]["in_proj_z"][0])
            for place, module in self.modules.items()
        }

    def lens(self, places: Sequence[int], states: Sequence[Tensor]) -> dict[int | None, Tensor]:
        """Logits [T, vocab_size] of what each layer's S [1, H, K, V] gives, and under None of all layers together.

        {} where a layer is of another kind, where the model has no final norm by that name, and where the layers put
        out nothing: added memory that was never trained.
        """
        if self.norm is None or self.head is None or not set(places) <= set(self.modules):
            return {}
        given = [self._given(place, state) for place, state in zip(places, states, strict=True)]
        if not any(bool(x.any()) for x in given):
            return {}
        found: dict[int | None, Tensor] = {place: self._logits(x) for place, x in zip(places, given, strict=True)}
        return {**found, None: self._logits(torch.stack(given).sum(dim=0))}

    def _given(self, place: int, state: Tensor) -> Tensor:
        """What a layer adds to the stream for S^T q, [1, T, D], by its own norm, gate and output projection."""
        module, (q, z) = self.modules[place], self.asked[place]
        o = (q @ state.float()).transpose(1, 2).to(z.dtype)  # [1, T, H, V]
        normed = module.norm(o.reshape(-1, module.head_v_dim), z.reshape(-1, module.head_v_dim))
        added: Tensor = module.out_proj(normed.reshape(*z.shape[:2], -1))
        return added

    def _logits(self, x: Tensor) -> Tensor:
        assert self.norm is not None
        logits: Tensor = self.head(self.norm(x))[0].float()
        return logits
