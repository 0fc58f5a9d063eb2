"""The local learning rule of a fast-weight layer, twice: token by token, and one window at once.

    S_t = a_t S_{t-1} + beta_t k_t (v_t - a_t S_{t-1}^T k_t)^T      o_t = S_t^T q_t

is the gated delta rule (Yang et al., arXiv:2412.06464) with a_t = exp(log_decay_t), written for
S in [K, V]. Dropping the recalled term a_t S_{t-1}^T k_t gives the gated outer product that
arXiv:2605.26099 §3 uses for illustration ("hebbian"). Both forms compute in the dtype of `state`.

Shapes: state [B, H, K, V]; q, k [B, H, T, K]; v [B, H, T, V]; log_decay, beta [B, H, T].
q is already scaled and k has unit length; `log_decay` <= 0.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sleepviz.config.model import LocalRule


def gated_delta_step(
    state: Tensor, *, q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, beta: Tensor, rule: LocalRule = "delta"
) -> tuple[Tensor, Tensor]:
    """One token: q, k [B, H, K], v [B, H, V], log_decay, beta [B, H] -> (new state, o [B, H, V])."""
    state = state * log_decay.exp()[..., None, None]  # [B, H, K, V]  forget
    if rule == "delta":
        v = v - torch.einsum("bhk,bhkv->bhv", k, state)  # [B, H, V]  what k does not find yet
    state = state + torch.einsum("bhk,bhv->bhkv", k, beta[..., None] * v)
    return state, torch.einsum("bhk,bhkv->bhv", q, state)


def gated_delta_scan(
    state: Tensor, *, q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, beta: Tensor, rule: LocalRule = "delta"
) -> tuple[Tensor, Tensor]:
    """The readable reference: `gated_delta_step` for each token -> (state, o [B, H, T, V])."""
    outputs = []
    for t in range(q.shape[2]):
        state, o = gated_delta_step(
            state, q=q[:, :, t], k=k[:, :, t], v=v[:, :, t], log_decay=log_decay[:, :, t], beta=beta[:, :, t], rule=rule
        )
        outputs.append(o)
    return state, torch.stack(outputs, dim=2) if outputs else v


def gated_delta_window(
    state: Tensor, *, q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, beta: Tensor, rule: LocalRule = "delta"
) -> tuple[Tensor, Tensor]:
    """The same result for a whole window with one triangular solve -> (state, o [B, H, T, V])."""
    decay, grown = _decays(log_decay)
    u = _corrections(state, k, v, beta, decay, grown, rule)
    o = grown * (q @ state) + ((q @ k.mT) * decay) @ u  # [B, H, T, V]
    to_end = decay[..., -1, :, None]  # [B, H, T, 1]  exp(g_T - g_i)
    state = grown[..., -1:, :] * state + (k * to_end).mT @ u
    return state, o


def corrections(
    state: Tensor, *, k: Tensor, v: Tensor, log_decay: Tensor, beta: Tensor, rule: LocalRule = "delta"
) -> Tensor:
    """What each token writes under its key, beta_t (v_t - a_t S_{t-1}^T k_t), [B, H, T, V]."""
    return _corrections(state, k, v, beta, *_decays(log_decay), rule)


def _decays(log_decay: Tensor) -> tuple[Tensor, Tensor]:
    """What is left at token t of token i's write, [B, H, T, T] (0 for i > t), and of the first S, [B, H, T, 1]."""
    n_tokens = log_decay.shape[-1]
    g = log_decay.cumsum(dim=-1)  # [B, H, T]
    lower = torch.ones(n_tokens, n_tokens, dtype=torch.bool, device=log_decay.device).tril()
    # exp() of the masked upper half could overflow and poison the gradient, so mask before exp.
    return (g[..., :, None] - g[..., None, :]).masked_fill(~lower, -torch.inf).exp(), g.exp()[..., None]


def _corrections(
    state: Tensor, k: Tensor, v: Tensor, beta: Tensor, decay: Tensor, grown: Tensor, rule: LocalRule
) -> Tensor:
    """The correction u_t that token t writes depends on the corrections before it, linearly:

    (I + A) U = beta (V - exp(g) K S_0), with g the cumulative log decay and
    A_ti = beta_t exp(g_t - g_i) k_t.k_i for i < t. No exponent is positive, so nothing overflows.
    """
    u = beta[..., None] * v  # [B, H, T, V]
    if rule == "delta":
        a = (beta[..., None] * (k @ k.mT) * decay).tril(-1)  # [B, H, T, T]
        u = u - beta[..., None] * grown * (k @ state)
        u = torch.linalg.solve_triangular(a, u, upper=False, unitriangular=True)
    return u
