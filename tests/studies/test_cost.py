"""What sleep costs: against torch's own counter, and when it pays, by hand."""

from __future__ import annotations

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import sleepviz.studies.cost
from sleepviz.config.model import SleepPolicy
from sleepviz.studies.cost import Cost, cost_of, timing
from tests.builders import WINDOW, empty, random_model, random_tokens, small_config

ATTENTION_ONLY = ("full_attention", "full_attention")


def test_a_cost_breaks_even_apart_in_operations_and_in_seconds() -> None:
    cost = Cost(sleep_flops=90, wake_flops=10, reread_flops=40, sleep_s=2.0, wake_s=0.5, reread_s=1.5)
    assert (cost.break_even_flops, cost.break_even_s) == (3.0, 2.0)


def test_reading_again_is_one_pass_with_everything_kept() -> None:
    """Attention layers alone, whose every product torch counts: a model that reads the window and answers."""
    model = random_model(small_config(layer_types=ATTENTION_ONLY)).float()
    cost = cost_of(model, SleepPolicy(3), query_tokens=2)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter, torch.inference_mode():
        _, memory, _ = model.run_blocks(model.embed(random_tokens(model.config, 1, WINDOW)), empty(model))
        model(random_tokens(model.config, 1, 2), memory)
    assert cost.reread_flops == counter.get_total_flops()


@pytest.mark.parametrize("n_passes", [1, 5])
def test_sleep_grows_with_its_passes_and_waking_does_not(n_passes: int) -> None:
    model = random_model(small_config()).float()
    one, many = (cost_of(model, SleepPolicy(n), query_tokens=2) for n in (1, n_passes))
    assert many.sleep_flops == n_passes * one.sleep_flops
    assert (many.wake_flops, many.reread_flops) == (one.wake_flops, one.reread_flops)
    assert min(many.sleep_s, many.wake_s, many.reread_s) > 0


def test_times_are_quartiles_of_the_window_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock by hand: sleep takes 1, 2, 3 and so on in turn, and an answer always a tenth."""
    slept, now = iter(range(100)), [0.0]

    def sleep(model: object, tokens: torch.Tensor, *rest: object) -> object:
        assert tokens.shape == (1, 9)
        now[0] += next(slept)
        return empty(random_model(small_config(window=9), dtype=torch.float32))

    def answer(model: object, tokens: torch.Tensor, memory: object) -> None:
        assert tokens.shape == (1, 4)
        now[0] += 0.1

    monkeypatch.setattr(sleepviz.studies.cost, "sleep", sleep)
    monkeypatch.setattr(sleepviz.studies.cost.HybridLM, "forward", answer)
    monkeypatch.setattr(sleepviz.studies.cost.time, "perf_counter", lambda: now[0])
    found = timing(small_config(), SleepPolicy(3), window=9, query_tokens=4, repeats=5)
    assert (found.n_passes, found.window) == (3, 9)
    assert found.sleep_s == pytest.approx((3, 4, 5))  # 2 to 6: the first sleep makes the memory, the second warms up
    assert found.wake_s == pytest.approx((0.1, 0.1, 0.1))
