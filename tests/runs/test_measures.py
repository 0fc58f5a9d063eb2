"""Measures against cases worked out by hand; operations against torch's own counter."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from sleepviz.config.model import ModelConfig, SleepPolicy
from sleepviz.core.sleep import evict, sleep, sleep_passes
from sleepviz.runs.flops import pass_flops, recall_flops, rewrite_flops, sleep_flops, wake_flops
from sleepviz.runs.measures import cosine, effective_rank, layer_measures, relative_drift
from tests.builders import WINDOW, empty, random_model, random_tokens, small_config


def matrices(*values: list[list[float]]) -> torch.Tensor:
    return torch.tensor(values)


def test_drift_by_hand() -> None:
    before = matrices([[3.0, 0.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [3.0, 4.0]], [[0.0] * 2] * 2)
    after = matrices([[3.0, 0.0], [0.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]], [[1.0, 2.0], [3.0, 4.0]], [[0.0] * 2] * 2)
    # |(0, 4)| / |(3, 4)|; to nothing; not at all; from nothing to nothing
    torch.testing.assert_close(relative_drift(before, after), torch.tensor([0.8, 0.0, 0.0, 0.0]))
    # S started from zero: all of it is new. Turned round: twice its own length.
    torch.testing.assert_close(relative_drift(torch.zeros(1, 2, 2), after[:1]), torch.tensor([1.0]))
    torch.testing.assert_close(relative_drift(-after[:1], after[:1]), torch.tensor([2.0]))


def test_cosine_by_hand() -> None:
    one = matrices([[1.0, 0.0], [0.0, 0.0]], [[1.0, 2.0], [3.0, 4.0]], [[1.0, 1.0], [0.0, 0.0]], [[0.0] * 2] * 2)
    other = matrices([[0.0, 0.0], [0.0, 5.0]], [[-2.0, -4.0], [-6.0, -8.0]], [[1.0, 0.0], [0.0, 0.0]], [[1.0] * 2] * 2)
    torch.testing.assert_close(cosine(one, other), torch.tensor([0.0, -1.0, math.sqrt(0.5), 0.0]))


def test_effective_rank_by_hand() -> None:
    """Equal singular values count one each; 3 : 1 counts exp(H(3/4, 1/4)); rank one is 1; nothing is 0."""
    two_thirds = math.exp(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))
    assert effective_rank(torch.diag(torch.tensor([2.0, 2.0, 2.0]))) == pytest.approx(3.0)
    assert effective_rank(torch.diag(torch.tensor([3.0, -1.0, 0.0]))) == pytest.approx(two_thirds)
    assert effective_rank(torch.outer(torch.arange(1.0, 4.0), torch.arange(1.0, 6.0))) == pytest.approx(1.0, abs=1e-5)
    assert effective_rank(torch.zeros(3, 5)) == 0.0
    rotation = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(0)))[0]
    assert effective_rank(rotation @ torch.diag(torch.tensor([3.0, 1.0, 0.0]))) == pytest.approx(two_thirds, abs=1e-5)
    assert effective_rank(1e-20 * torch.eye(4)) == pytest.approx(4.0)  # it does not depend on the size


def test_layer_measures_are_those_of_numpy_on_the_first_instance() -> None:
    model, policy = random_model(small_config()), SleepPolicy(2)
    tokens = random_tokens(model.config, 3, WINDOW)
    first, second = sleep_passes(model, tokens, empty(model, 3), policy, observe=True)
    measured = layer_measures(first.memory, second.memory, second.observations)
    assert [measure.layer for measure in measured] == [1, 3]
    for i, measure in enumerate(measured):
        old, new = (memory.fast_weights[i][0].numpy() for memory in (first.memory, second.memory))
        written = second.observations.writings[i]
        for head in range(2):
            size = np.linalg.norm(new[head])
            assert measure.norm[head] == pytest.approx(size)
            assert measure.drift[head] == pytest.approx(np.linalg.norm(new[head] - old[head]) / size)
            assert measure.cosine[head] == pytest.approx(
                (new[head] * old[head]).sum() / size / np.linalg.norm(old[head])
            )
            share = np.linalg.svd(new[head], compute_uv=False)
            share = share / share.sum()
            assert measure.effective_rank[head] == pytest.approx(np.exp(-(share * np.log(share)).sum()))
            assert measure.mean_decay[head] == pytest.approx(np.exp(written.log_decay[0, head].numpy()).mean())
            assert measure.mean_beta[head] == pytest.approx(written.beta[0, head].numpy().mean())
        np.testing.assert_allclose(measure.state, new, rtol=1e-6)
    # A later pass must not change what was recorded of this one.
    kept = measured[0].state.copy()
    second.memory.fast_weights[0].zero_()
    assert np.array_equal(measured[0].state, kept)


def solve_flops(config: ModelConfig, n_tokens: int) -> int:
    """The triangular solves of one pass, which torch's counter leaves out: T^2 V a head and layer."""
    layers = sum(kind == "linear_attention" for kind in config.layer_types)
    return layers * config.fast_heads * n_tokens**2 * config.value_dim * (config.local_rule == "delta")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"local_rule": "hebbian"},
        {"conv_kernel": 4},
        {"input_recall": True, "window_positions": True},
        {"vocabulary_feedback": True},
        {"vocabulary_feedback": True, "tie_embeddings": True, "window_positions": True, "fast_heads": 5},
        {"mlp_ratio": 3, "d_model": 12, "n_heads": 3, "fast_heads": 2, "key_dim": 7, "value_dim": 2},
        {"layer_types": ("linear_attention",)},
        {"layer_types": ("full_attention",)},
    ],
)
@pytest.mark.parametrize("n_passes", [0, 1, 3])
def test_operations_equal_those_that_torch_counts(changes: dict[str, Any], n_passes: int) -> None:
    config = small_config(**changes)
    model = random_model(config)
    first, second = random_tokens(config, 1, 2 * WINDOW).split(WINDOW, dim=1)
    policy = SleepPolicy(n_passes, "sliding")
    memory = sleep(model, first, empty(model), SleepPolicy(1, "sliding"))
    cached = WINDOW - 1 if memory.kv_tokens else 0
    # The counter does not know the fused attention of CPUs; the plain one has the same two products.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        memory = sleep(model, second, memory, policy)
    stated = sleep_flops(config, n_tokens=WINDOW, n_passes=n_passes, n_cached=cached)
    assert stated - n_passes * solve_flops(config, WINDOW) == counter.get_total_flops()
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(second[:, :3], memory)
    stated = wake_flops(config, n_tokens=3, n_cached=cached)
    assert stated - solve_flops(config, 3) == counter.get_total_flops()


@pytest.mark.parametrize("changes", [{}, {"local_rule": "hebbian"}, {"conv_kernel": 4, "fast_heads": 5, "key_dim": 7}])
def test_operations_of_a_replay_equal_those_that_torch_counts(changes: dict[str, Any]) -> None:
    """Each pass by itself: the first is a whole one, the later ones only write S again."""
    config = small_config(**changes)
    model, counted = random_model(config), []
    policy = SleepPolicy(3, recurrence="replay")
    passes = sleep_passes(model, random_tokens(config, 1, WINDOW), empty(model), policy)
    for _ in range(3):
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            next(passes)
        counted.append(counter.get_total_flops() + solve_flops(config, WINDOW))
    later = rewrite_flops(config, n_tokens=WINDOW)
    assert counted == [pass_flops(config, n_tokens=WINDOW), later, later]
    assert later < pass_flops(config, n_tokens=WINDOW)


def test_operations_by_hand() -> None:
    """One attention layer, D = 2, one head, two tokens: each product written out."""
    config = ModelConfig(
        vocab_size=5, window=2, layer_types=("full_attention",), d_model=2, n_heads=1, mlp_ratio=3, input_recall=True
    )
    qkv, out, scores, mixing, mlp = 2 * 2 * 2 * 6, 2 * 2 * 2 * 2, 2 * 2 * 2 * 2, 2 * 2 * 2 * 2, 2 * (2 * 2 * 2 * 6)
    assert pass_flops(config, n_tokens=2) == qkv + out + scores + mixing + mlp
    assert recall_flops(config, n_tokens=2) == 2 * 2 * 4 * 2
    through_vocabulary = replace(config, input_recall=False, vocabulary_feedback=True)
    assert recall_flops(through_vocabulary, n_tokens=2) == 2 * 2 * 2 * 5 + 2 * 2 * 5 * 2  # out, and in again
    assert recall_flops(replace(config, input_recall=False), n_tokens=2) == 0
    assert wake_flops(config, n_tokens=2) == pass_flops(config, n_tokens=2) + 2 * 2 * 2 * 5


@pytest.mark.parametrize("eviction", ["hard", "sliding", "none"])
def test_cache_is_constant_in_context_length_unless_nothing_is_evicted(eviction: Any) -> None:
    model, policy = random_model(small_config()), SleepPolicy(2, eviction)
    memory, sizes, fast = empty(model), [], set()
    for window in random_tokens(model.config, 1, 40 * WINDOW).split(WINDOW, dim=1):
        memory = sleep(model, window, memory, policy)
        sizes.append(memory.kv_bytes)
        fast.add(memory.fast_bytes)
    one_token = 2 * 2 * 8 * 8  # two layers, keys and values, D = 8, float64
    assert fast == {2 * 2 * 3 * 5 * 8}
    if eviction == "none":
        assert sizes == [one_token * WINDOW * (i + 1) for i in range(40)]
    else:
        assert set(sizes) == {one_token * (WINDOW - 1 if eviction == "sliding" else 0)}


def test_eviction_none_returns_the_same_memory() -> None:
    model = random_model(small_config())
    _, memory = model(random_tokens(model.config, 1, 3), empty(model))
    assert evict(memory, SleepPolicy(1, "none"), WINDOW) is memory
