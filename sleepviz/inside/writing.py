"""What each token of a window wrote into S, and S put together again from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sleepviz.config.model import LocalRule

Floats = NDArray[np.float64]


def corrections(
    before: Floats, keys: Floats, values: Floats, decay: Floats, write_strength: Floats, rule: LocalRule = "delta"
) -> Floats:
    """What every token adds under its key, [H, T, V].

    u_t = beta_t (v_t - a_t S_(t-1)^T k_t) for the delta rule, beta_t v_t for the Hebbian one, in float64.
    before [H, K, V], keys [H, T, K], values [H, T, V], decay and write_strength [H, T].
    """
    state = before.astype(np.float64)
    written = np.empty(values.shape, dtype=np.float64)
    for t in range(keys.shape[1]):
        state = state * decay[:, t, None, None]
        found = np.einsum("hk,hkv->hv", keys[:, t], state) if rule == "delta" else 0.0
        written[:, t] = write_strength[:, t, None] * (values[:, t] - found)
        state = state + keys[:, t, :, None] * written[:, t, None, :]
    return written


def kept_to_end(decay: Floats) -> Floats:
    """Share of each token's write that is left at the end of the pass, [H, T]: what the later tokens keep of it."""
    later = np.ones_like(decay, dtype=np.float64)
    later[:, :-1] = np.cumprod(decay[:, :0:-1].astype(np.float64), axis=1)[:, ::-1]
    return later


def wrote(keys: Floats, written: Floats, token: int) -> Floats:
    """The outer product that one token added to S, [H, K, V], before later tokens let it fade."""
    return keys[:, token, :, None] * written[:, token, None, :]


def put_together(before: Floats, keys: Floats, written: Floats, decay: Floats) -> Floats:
    """S after the pass, [H, K, V]: what is left of S before it, and of every token's outer product."""
    kept = kept_to_end(decay)
    faded = decay.astype(np.float64).prod(axis=1)[:, None, None] * before
    return faded + np.einsum("ht,htk,htv->hkv", kept, keys, written)
