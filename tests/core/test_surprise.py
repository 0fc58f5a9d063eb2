"""Surprise: against S itself, token by token in float64, and a running level by hand."""

from __future__ import annotations

import numpy as np
import torch

from sleepviz.core.memory import Memory
from sleepviz.core.surprise import SETTLED, over_usual, surprises
from tests.builders import WINDOW, empty, perturbed_fast_weights, random_model, random_tokens, small_config

CONFIG = small_config(layer_types=("full_attention", "linear_attention") * 2)


def written_by_the_last(memory: Memory, tokens: torch.Tensor) -> torch.Tensor:
    """|S_t - a_t S_(t-1)| over all layers and heads, of the last token alone: S after it, and S after those before."""
    model = random_model(CONFIG)
    with_it = model.run_blocks(model.embed(tokens), memory)
    before = memory if tokens.shape[1] == 1 else model.run_blocks(model.embed(tokens[:, :-1]), memory)[1]
    total = torch.zeros(len(tokens), dtype=torch.float64)
    for new, old, writing in zip(with_it[1].fast_weights, before.fast_weights, with_it[2].writings, strict=True):
        kept = writing.log_decay[:, :, -1].exp()[..., None, None]  # [B, H, 1, 1]
        total += (new - kept * old).square().sum(dim=(1, 2, 3))
    return total.sqrt()


def test_the_surprise_of_a_token_is_what_it_changes_in_s() -> None:
    model, tokens = random_model(CONFIG), random_tokens(CONFIG, 3, WINDOW)
    memory = perturbed_fast_weights(empty(model, 3), size=0.5)
    found = surprises(model, tokens, memory)
    for t in range(WINDOW):
        np.testing.assert_allclose(found[:, t], written_by_the_last(memory, tokens[:, : t + 1]), rtol=1e-4)
    assert not np.allclose(found, surprises(model, tokens, empty(model, 3)), rtol=0.01)  # S before matters


def test_the_running_level_by_hand() -> None:
    """The fifth token is the first that can surprise: 6 over the mean of 1, 2, 3 and 2."""
    sizes = torch.tensor([[1.0, 2.0, 3.0, 2.0, 6.0, 2.8]], dtype=torch.float64)
    assert SETTLED == 4
    np.testing.assert_allclose(over_usual(sizes), [[0, 0, 0, 0, 3.0, 1.0]])
