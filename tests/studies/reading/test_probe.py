"""The linear probe against closed forms, and on states whose content is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sleepviz.config.model import SleepPolicy
from sleepviz.core.memory import Memory
from sleepviz.core.sleep import sleep
from sleepviz.studies.reading.probe import PENALTY, Ridge, probe_accuracy, states
from tests.builders import TASK, random_model, rule110_config

GENERATOR = np.random.default_rng(0)


@pytest.mark.parametrize(("n", "features"), [(40, 6), (12, 30)])
def test_ridge_equals_the_normal_equations(n: int, features: int) -> None:
    """The primal solution, with numpy: (X'X + lambda I)^-1 X'Y on centred data."""
    x, y = GENERATOR.normal(size=(n, features)), GENERATOR.normal(size=(n, 3))
    centred = x - x.mean(0)
    penalty = PENALTY * (centred**2).sum(1).mean()
    weight = np.linalg.solve(centred.T @ centred + penalty * np.eye(features), centred.T @ (y - y.mean(0)))
    ridge = Ridge.fit(torch.from_numpy(x), torch.from_numpy(y))
    np.testing.assert_allclose(ridge.weight.numpy(), weight, rtol=1e-8, atol=1e-10)
    new = GENERATOR.normal(size=(5, features))
    np.testing.assert_allclose(ridge(torch.from_numpy(new)).numpy(), (new - x.mean(0)) @ weight + y.mean(0), rtol=1e-8)


def test_a_probe_reads_what_is_written_and_nothing_else() -> None:
    """States that hold the first of two parts linearly and nothing of the second."""
    answers = GENERATOR.integers(0, 3, (600, 2))
    x = torch.from_numpy(
        np.eye(3)[answers[:, 0]] @ GENERATOR.normal(size=(3, 20)) + 0.01 * GENERATOR.normal(size=(600, 20))
    )
    found = probe_accuracy((x[:400], answers[:400]), (x[400:], answers[400:]))
    first = probe_accuracy((x[:400], answers[:400, :1]), (x[400:], answers[400:, :1]))
    assert first.mean() == 1.0
    assert found.shape == (200,) and 0.5 + 0.5 * (1 / 3 - 0.12) < found.mean() < 0.5 + 0.5 * (1 / 3 + 0.12)


def test_states_are_those_after_eviction() -> None:
    model = random_model(rule110_config()).float()
    batch = TASK.batch(np.random.default_rng(1), size=3, n_windows=2, difficulty=np.full(3, 2), split="held_out")
    flat = states(model, batch, SleepPolicy(2))
    memory = Memory.empty(model.config, 3)
    for index in range(2):
        memory = sleep(model, torch.from_numpy(batch.windows[:, index]), memory, SleepPolicy(2))
    assert flat.dtype == torch.float64
    for instance in range(3):
        by_hand = torch.cat([state[instance].reshape(-1) for state in memory.fast_weights]).double()
        torch.testing.assert_close(flat[instance], by_hand)
