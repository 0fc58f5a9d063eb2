"""HybridLM: attention and Gated DeltaNet blocks in turn; (tokens, memory) -> (logits, memory).

References: [1] Do Language Models Need Sleep?, arXiv:2605.26099 §3. [2] Gated Delta Networks,
arXiv:2412.06464. Departures from [1] are settings of `ModelConfig`, each marked there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sleepviz.config.model import ModelConfig, SleepAttention
from sleepviz.core.attention import Attention
from sleepviz.core.delta_rule import gated_delta_window
from sleepviz.core.memory import FastWeights, KVCache, Memory


@dataclass(frozen=True)
class Writing:
    """What one GDN layer wrote in one pass: k [B, H, T, K], v [B, H, T, V], log_decay, beta [B, H, T]."""

    k: Tensor
    v: Tensor
    log_decay: Tensor
    beta: Tensor


@dataclass(frozen=True)
class Observations:
    """What a pass lets one see, one entry a layer of that kind, in layer order."""

    attention: tuple[Tensor, ...]  # [B, H, T, keys] each
    writings: tuple[Writing, ...]


class ShortConvolution(nn.Module):
    """Causal depthwise convolution over time, written as shifted products (4x faster than conv1d on CPU)."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(kernel, channels))
        nn.init.ones_(self.weight[-1:].detach())

    def forward(self, x: Tensor, left: Tensor) -> tuple[Tensor, Tensor]:
        """x [B, T, C] after the left context [B, kernel - 1, C] -> (y [B, T, C], next left context)."""
        padded = torch.cat([left, x], dim=1)
        n_tokens, kernel = x.shape[1], self.weight.shape[0]
        y = sum(padded[:, tap : tap + n_tokens] * self.weight[tap] for tap in range(kernel))
        assert isinstance(y, Tensor)
        return F.silu(y), padded[:, n_tokens:]


CHOOSY_SPREAD, CHOOSY_BIAS, CHOOSY_DECAY = 4.0, -3.0, -8.0
"""Initial values for heads that bind two earlier tokens: widely spread, low logits of the write strength make writes
rare; a low logit of the decay makes them last."""


class GatedDeltaNet(nn.Module):
    """Fast weights with the gated delta rule [2], a per-head output norm and an output gate."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        heads, key, value = config.fast_heads, config.key_dim, config.value_dim
        self.qkv = nn.Linear(config.d_model, heads * (2 * key + value), bias=False)
        self.gates = nn.Linear(config.d_model, 2 * heads, bias=True)  # decay and write strength
        self.output_gate = nn.Linear(config.d_model, heads * value, bias=False)
        self.norm = nn.RMSNorm(value, eps=config.norm_eps)
        self.out = nn.Linear(heads * value, config.d_model, bias=False)
        self.conv = ShortConvolution(heads * (2 * key + value), config.conv_kernel) if config.conv_kernel else None

    @torch.no_grad()
    def begin_as_associative_memory(self) -> None:
        """Start with q = k, and with heads whose convolutions look back by different numbers of tokens.

        A head with q from this token and k from the one before stores "what followed this token": such a start
        spares training the search for that circuit (the shift of H3, arXiv:2212.14052; docs/experiments.md).
        A head whose v too is an earlier token binds two others, and what is left for this one is to say whether:
        such heads begin choosy, each for other tokens, and so keep apart what different tokens let in.
        """
        assert self.conv is not None
        heads, key, value = self.config.fast_heads, self.config.key_dim, self.config.value_dim
        self.qkv.weight[: heads * key] = self.qkv.weight[heads * key : 2 * heads * key]
        taps = self.conv.weight.zero_()  # [kernel, channels], this token last
        q_k_v = ((0, key), (heads * key, key), (2 * heads * key, value))
        for head in range(heads):
            look_back = [int(digit) for digit in self.config.look_back[head % len(self.config.look_back)]]
            for (start, width), back in zip(q_k_v, look_back, strict=True):
                taps[-1 - back, start + head * width : start + (head + 1) * width] = 1.0
            if look_back[2]:
                self.gates.weight[heads + head] *= CHOOSY_SPREAD
                self.gates.bias[head], self.gates.bias[heads + head] = CHOOSY_DECAY, CHOOSY_BIAS

    def forward(self, x: Tensor, fast: FastWeights) -> tuple[Tensor, FastWeights, Writing]:
        """x [B, T, D], S -> (o [B, T, D], S after the last token, what was written)."""
        config, (batch, n_tokens, _) = self.config, x.shape
        heads, key, value = config.fast_heads, config.key_dim, config.value_dim
        qkv, conv = self.qkv(x), fast.conv
        if self.conv is not None and conv is not None:
            qkv, conv = self.conv(qkv, conv)
        q, k, v = (
            part.view(batch, n_tokens, heads, -1).transpose(1, 2)  # [B, H, T, K or V]
            for part in qkv.split([heads * key, heads * key, heads * value], dim=-1)
        )
        q, k = unit_length(q) * key**-0.5, unit_length(k)
        decay_logit, beta_logit = self.gates(x).transpose(1, 2).chunk(2, dim=1)  # [B, H, T]
        writing = Writing(k, v, -F.softplus(decay_logit), config.beta_max * beta_logit.sigmoid())
        state, o = gated_delta_window(
            fast.state, q=q, k=k, v=v, log_decay=writing.log_decay, beta=writing.beta, rule=config.local_rule
        )
        gate = F.silu(self.output_gate(x))  # [B, T, H V]
        o = self.norm(o).transpose(1, 2).reshape(batch, n_tokens, heads * value)
        return self.out(o * gate), FastWeights(state, conv), writing


def unit_length(x: Tensor) -> Tensor:
    """x / |x| along the last axis, finite at 0 (the epsilon is that of Gated DeltaNet's kernels)."""
    return x * torch.rsqrt((x * x).sum(dim=-1, keepdim=True) + 1e-6)


class Block(nn.Module):
    """Pre-norm mixer and MLP, each with a residual connection."""

    def __init__(self, config: ModelConfig, layer_type: str) -> None:
        super().__init__()
        self.mixer_norm = nn.RMSNorm(config.d_model, eps=config.norm_eps)
        sliding = config.window if layer_type == "sliding_attention" else None
        self.mixer = GatedDeltaNet(config) if layer_type == "linear_attention" else Attention(config, sliding=sliding)
        self.mlp_norm = nn.RMSNorm(config.d_model, eps=config.norm_eps)
        self.up = nn.Linear(config.d_model, config.mlp_ratio * config.d_model, bias=False)
        self.down = nn.Linear(config.mlp_ratio * config.d_model, config.d_model, bias=False)

    def feed_forward(self, h: Tensor) -> Tensor:
        """h [B, T, D] -> h + MLP(norm(h))."""
        return h + self.down(F.gelu(self.up(self.mlp_norm(h)), approximate="tanh"))


class HybridLM(nn.Module):
    """The slow weights. No run's memory is ever stored here, so threads may share one model."""

    def __init__(self, config: ModelConfig, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.places = nn.Parameter(torch.empty(config.window, config.d_model)) if config.window_positions else None
        self.blocks = nn.ModuleList(Block(config, layer_type) for layer_type in config.layer_types)
        self.recall_norm = nn.RMSNorm(config.d_model, eps=config.norm_eps) if config.input_recall else None
        self.recall = nn.Linear(2 * config.d_model, config.d_model, bias=False) if config.input_recall else None
        self.norm = nn.RMSNorm(config.d_model, eps=config.norm_eps)
        self.head = None if config.tie_embeddings else nn.Linear(config.d_model, config.vocab_size, bias=False)
        self._initialise(generator)

    @torch.no_grad()
    def _initialise(self, generator: torch.Generator | None) -> None:
        """Normal embeddings, scaled normal matrices, zero output projections, slow forgetting."""
        for name, parameter in self.named_parameters():
            if name.endswith(("mixer.out.weight", "down.weight", "head.weight")):
                parameter.zero_()
            elif name.endswith("norm.weight") or "conv." in name:
                continue  # ones, and the identity tap
            elif name.endswith("gates.bias"):
                decay, beta = parameter.chunk(2)
                decay.fill_(-6.0)  # a token forgets 0.25 % of S, so that several windows fit
                beta.zero_()
            elif name in ("embedding.weight", "places"):
                parameter.normal_(generator=generator)
            else:
                parameter.normal_(std=parameter.shape[-1] ** -0.5, generator=generator)
        for block in self.blocks:
            if not isinstance(block.mixer, GatedDeltaNet) or block.mixer.conv is None:
                continue
            if self.config.look_back:
                block.mixer.begin_as_associative_memory()
            else:
                weight = block.mixer.conv.weight
                weight.add_(0.02 * torch.randn(weight.shape, generator=generator))
        if self.recall is not None:
            width = self.config.d_model
            self.recall.weight.normal_(std=0.02, generator=generator)
            self.recall.weight[:, :width] += torch.eye(width)

    def embed(self, tokens: Tensor) -> Tensor:
        """tokens [B, T], int64 -> h [B, T, D]; with `window_positions`, T is at most the window."""
        h = self.embedding(tokens)
        return h if self.places is None else h + self.places[: tokens.shape[1]]

    def recalled(self, h: Tensor, embedding: Tensor) -> Tensor:
        """The stream that a later pass starts from: h itself, as in [1]; or h mixed with the input
        (`input_recall`); or the expected embedding of the tokens that h would put out (`vocabulary_feedback`).
        """
        if self.config.vocabulary_feedback:
            h = self.logits(h).softmax(dim=-1) @ self.embedding.weight
            return h if self.places is None else h + self.places[: h.shape[1]]
        if self.recall is None or self.recall_norm is None:
            return h
        return self.recall(torch.cat([self.recall_norm(h), embedding], dim=-1))

    def run_blocks(
        self, h: Tensor, memory: Memory, *, mode: SleepAttention = "causal", observe: bool = False
    ) -> tuple[Tensor, Memory, Observations]:
        """One pass: h [B, T, D], memory -> (h before the final norm, memory with these tokens, what was seen)."""
        layers: list[KVCache | FastWeights] = []
        attention: list[Tensor] = []
        writings: list[Writing] = []
        for module, before in zip(self.blocks, memory.layers, strict=True):
            block: Block = module  # type: ignore[assignment]
            x = block.mixer_norm(h)
            after: KVCache | FastWeights
            if isinstance(before, KVCache):
                o, after, weights = block.mixer(x, before, position=memory.position, mode=mode, observe=observe)
                if weights is not None:
                    attention.append(weights)
            else:
                o, after, writing = block.mixer(x, before)
                writings.append(writing)
            h = block.feed_forward(h + o)
            layers.append(after)
        memory = replace(memory, layers=tuple(layers), position=memory.position + h.shape[1])
        return h, memory, Observations(tuple(attention), tuple(writings))

    def logits(self, h: Tensor) -> Tensor:
        """h [B, T, D] -> logits [B, T, vocab_size]."""
        h = self.norm(h)
        return h @ self.embedding.weight.T / math.sqrt(self.config.d_model) if self.head is None else self.head(h)

    def forward(self, tokens: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        """Awake: exactly one causal pass. tokens [B, T] -> (logits [B, T, vocab_size], memory)."""
        h, memory, _ = self.run_blocks(self.embed(tokens), memory)
        return self.logits(h), memory
