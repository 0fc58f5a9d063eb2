"""Softmax attention over an explicit KV cache, with rotary positions (Su et al., arXiv:2104.09864)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sleepviz.config.model import ModelConfig, SleepAttention
from sleepviz.core.memory import KVCache


def rotary_tables(positions: Tensor, head_dim: int, theta: float) -> tuple[Tensor, Tensor]:
    """Return (cos, sin), [T, head_dim] each, for absolute `positions` [T]."""
    frequencies = theta ** (-torch.arange(0, head_dim, 2, device=positions.device, dtype=torch.float64) / head_dim)
    angles = (positions[:, None].double() * frequencies).repeat(1, 2)  # [T, head_dim]
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate x [B, H, T, head_dim] by the angles of its positions (halves paired, as in Llama)."""
    first, second = x.chunk(2, dim=-1)
    return x * cos.to(x.dtype) + torch.cat([-second, first], dim=-1) * sin.to(x.dtype)


def attention_mask(
    n_tokens: int, n_cached: int, *, mode: SleepAttention, sliding: int | None, device: torch.device | str = "cpu"
) -> Tensor:
    """Return who may look at whom, bool [n_tokens, n_cached + n_tokens].

    "causal": each token sees the cache and the tokens up to itself. "full": the whole window too.
    `sliding` = w keeps only keys less than w places away, a strict mask for each token.
    """
    query = torch.arange(n_tokens, device=device)[:, None] + n_cached
    key = torch.arange(n_cached + n_tokens, device=device)[None, :]
    distance = query - key
    mask = distance >= 0 if mode == "causal" else torch.ones_like(distance, dtype=torch.bool)
    return mask if sliding is None else mask & (distance.abs() < sliding)


class Attention(nn.Module):
    """Multi-head attention; `sliding` is the strict window w, or None for full attention."""

    def __init__(self, config: ModelConfig, *, sliding: int | None) -> None:
        super().__init__()
        self.n_heads, self.head_dim, self.theta = config.n_heads, config.head_dim, config.rope_theta
        self.sliding = sliding
        self.qkv = nn.Linear(config.d_model, 3 * config.d_model, bias=False)
        self.out = nn.Linear(config.d_model, config.d_model, bias=False)

    def forward(
        self, x: Tensor, cache: KVCache, *, position: int, mode: SleepAttention, observe: bool
    ) -> tuple[Tensor, KVCache, Tensor | None]:
        """x [B, T, D] -> (o [B, T, D], cache with these tokens, attention [B, H, T, keys] if observed)."""
        batch, n_tokens, width = x.shape
        q, k, v = self.qkv(x).view(batch, n_tokens, 3, self.n_heads, self.head_dim).permute(2, 0, 3, 1, 4)
        positions = torch.arange(position, position + n_tokens, device=x.device)
        cos, sin = rotary_tables(positions, self.head_dim, self.theta)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)  # [B, H, T, head_dim]
        mask = attention_mask(n_tokens, cache.n_tokens, mode=mode, sliding=self.sliding, device=x.device)
        cache = cache.appended(k, v)
        o = F.scaled_dot_product_attention(q, cache.keys, cache.values, attn_mask=mask)
        weights = None
        if observe:
            scores = (q @ cache.keys.mT) * self.head_dim**-0.5  # [B, H, T, keys]
            weights = scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)
        return self.out(o.transpose(1, 2).reshape(batch, n_tokens, width)), cache, weights
