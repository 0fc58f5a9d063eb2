"""What tokens wrote: a delta rule worked by hand, and S put together from it against the engine's parallel form."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sleepviz.core.delta_rule import gated_delta_window
from sleepviz.core.model import unit_length
from sleepviz.inside.writing import corrections, kept_to_end, put_together, wrote

# One head, keys along two axes, values of one number. Token 1 writes 6 under the first key with full strength; token 2
# lets half of it fade and writes 1 under the same key with strength 1/2: it finds 3, so it adds (1 - 3) / 2 = -1.
KEYS = np.array([[[1.0, 0.0], [1.0, 0.0]]])
VALUES = np.array([[[6.0], [1.0]]])
DECAY = np.array([[1.0, 0.5]])
STRENGTH = np.array([[1.0, 0.5]])
NOTHING = np.zeros((1, 2, 1))


def test_a_delta_rule_by_hand() -> None:
    written = corrections(NOTHING, KEYS, VALUES, DECAY, STRENGTH)
    assert written.tolist() == [[[6.0], [-1.0]]]
    assert wrote(KEYS, written, 0).tolist() == [[[6.0], [0.0]]]
    assert wrote(KEYS, written, 1).tolist() == [[[-1.0], [0.0]]]
    assert kept_to_end(DECAY).tolist() == [[0.5, 1.0]]
    assert put_together(NOTHING, KEYS, written, DECAY).tolist() == [[[2.0], [0.0]]]


def test_a_hebbian_rule_by_hand() -> None:
    written = corrections(NOTHING, KEYS, VALUES, DECAY, STRENGTH, "hebbian")
    assert written.tolist() == [[[6.0], [0.5]]]
    assert put_together(NOTHING, KEYS, written, DECAY).tolist() == [[[3.5], [0.0]]]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), tokens=st.integers(1, 9), rule=st.sampled_from(["delta", "hebbian"]))
def test_the_outer_products_of_all_tokens_make_the_state_of_the_parallel_form(
    seed: int, tokens: int, rule: str
) -> None:
    draw = torch.Generator().manual_seed(seed)
    k = unit_length(torch.randn(1, 2, tokens, 3, generator=draw, dtype=torch.float64))
    v = torch.randn(1, 2, tokens, 5, generator=draw, dtype=torch.float64)
    log_decay = -torch.rand(1, 2, tokens, generator=draw, dtype=torch.float64)
    beta = 2 * torch.rand(1, 2, tokens, generator=draw, dtype=torch.float64)
    before = torch.randn(1, 2, 3, 5, generator=draw, dtype=torch.float64)
    after, _ = gated_delta_window(before, q=k, k=k, v=v, log_decay=log_decay, beta=beta, rule=rule)  # type: ignore[arg-type]

    keys, values, decay, strength = (x[0].numpy() for x in (k, v, log_decay.exp(), beta))
    written = corrections(before[0].numpy(), keys, values, decay, strength, rule)  # type: ignore[arg-type]
    again = put_together(before[0].numpy(), keys, written, decay)

    assert again == pytest.approx(after[0].numpy(), abs=1e-9)
