"""Sleeping until S is still: against fixed N, one instance at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sleepviz.config.model import SleepPolicy
from sleepviz.core.halting import sleep_until_still, total_drift
from sleepviz.core.memory import Memory
from sleepviz.core.sleep import sleep, sleep_passes
from tests.builders import WINDOW, random_model, random_tokens, small_config

CONFIG = small_config()


def empty(batch: int) -> Memory:
    return Memory.empty(CONFIG, batch, dtype=torch.float64)


def states(memory: Memory, instance: int) -> list[torch.Tensor]:
    return [state[instance] for state in memory.fast_weights]


def test_total_drift_by_hand() -> None:
    """Two layers: S goes from 0 to 3 in one place and from 4 to 8 in another: |change| = 5, |S| = sqrt(73)."""

    def memory(first: float, second: float) -> Memory:
        filled = []
        for value, state in zip((first, second), empty(2).fast_weights, strict=True):
            changed = state.clone()
            changed[0, 0, 0, 0] = value
            filled.append(changed)
        return empty(2).with_fast_weights(tuple(filled))

    drift = total_drift(memory(0, 4), memory(3, 8))
    np.testing.assert_allclose(drift.numpy(), [5 / 73**0.5, 0.0], rtol=1e-12)


def by_hand(tokens: torch.Tensor, threshold: float, most: int) -> tuple[Memory, int]:
    """One instance alone: the first pass whose drift is below the threshold is the last."""
    model, before = random_model(CONFIG), empty(1)
    for done in sleep_passes(model, tokens, empty(1), SleepPolicy(most)):
        change = sum(
            float((a - b).square().sum()) for a, b in zip(done.memory.fast_weights, before.fast_weights, strict=True)
        )
        norm = sum(float(state.square().sum()) for state in done.memory.fast_weights)
        before = done.memory
        if (change / norm) ** 0.5 < threshold:
            break
    return done.memory, done.pass_index + 1


@pytest.mark.parametrize("threshold", [0.0, 0.7, 0.95, 10.0])
def test_each_instance_stops_on_its_own(threshold: float) -> None:
    model, tokens = random_model(CONFIG), random_tokens(CONFIG, 6, WINDOW)
    memory, taken = sleep_until_still(model, tokens, empty(6), SleepPolicy(5), threshold)
    for instance in range(6):
        alone, passes = by_hand(tokens[instance : instance + 1], threshold, 5)
        assert taken[instance] == passes
        for ours, theirs in zip(states(memory, instance), states(alone, 0), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)
    assert memory.position == WINDOW and max(memory.kv_tokens) == 0


def test_never_still_is_fixed_n_and_always_still_is_one_pass() -> None:
    model, tokens = random_model(CONFIG), random_tokens(CONFIG, 3, WINDOW)
    for threshold, n_passes in ((0.0, 4), (100.0, 1)):
        memory, taken = sleep_until_still(model, tokens, empty(3), SleepPolicy(4), threshold)
        fixed = sleep(model, tokens, empty(3), SleepPolicy(n_passes))
        assert taken.tolist() == [n_passes] * 3
        for ours, theirs in zip(memory.fast_weights, fixed.fast_weights, strict=True):
            assert torch.equal(ours, theirs)
        assert memory.kv_tokens == fixed.kv_tokens and memory.position == fixed.position


def test_the_thresholds_of_the_test_stop_at_different_passes() -> None:
    """So that the test above can fail: instances differ in when they are still."""
    model, tokens = random_model(CONFIG), random_tokens(CONFIG, 6, WINDOW)
    counts = {t: sleep_until_still(model, tokens, empty(6), SleepPolicy(5), t)[1].tolist() for t in (0.7, 0.95)}
    assert len({tuple(count) for count in counts.values()}) == 2 and len(set(counts[0.7])) > 1
