"""Perplexity after eviction: each setting against a forward call written out by hand, and the statistics."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from sleepviz.config.base import ConfigError
from sleepviz.config.model import SleepPolicy
from sleepviz.hybrids.models.capability import require_sleeper
from sleepviz.hybrids.models.families import tiny
from sleepviz.hybrids.perplexity import continuations, losses_by_setting
from sleepviz.hybrids.sleep import predict, sleep_hybrid
from sleepviz.text.losses import Estimate, Losses, mean_estimate, perplexity, saved
from tests.hybrids.models import shared

WINDOW = 8
TEXT = torch.randint(0, 97, (1, 21), generator=torch.Generator().manual_seed(3))


def scored(logits: Tensor, tokens: Tensor) -> np.ndarray:
    """-log p of each token but the first, by cross-entropy: another way than the module's."""
    return torch.nn.functional.cross_entropy(logits[0, :-1].double(), tokens[0, 1:], reduction="none").numpy()


@pytest.fixture(scope="module")
def measured() -> dict[str, Losses]:
    model = shared("Qwen3.5")
    return {each.name: each for each in losses_by_setting(model, TEXT, window=WINDOW, length=6, passes=(0, 1, 3))}


def test_which_tokens_are_scored(measured: dict[str, Losses]) -> None:
    assert continuations(21, 8, 6) == (range(8, 14), range(16, 21))
    assert continuations(17, 8, 8) == (range(8, 16),)  # one token alone has nothing before it
    assert continuations(8, 8, 8) == ()
    assert {each.positions for each in measured.values()} == {(9, 10, 11, 12, 13, 17, 18, 19, 20)}
    assert list(measured) == ["N = 0", "N = 1", "N = 3", "full attention"]


@torch.inference_mode()
def test_full_attention_is_the_stock_forward_call(measured: dict[str, Losses]) -> None:
    logits = shared("Qwen3.5")(input_ids=TEXT, use_cache=False).logits
    places = np.array(measured["full attention"].positions)
    assert measured["full attention"].nats == pytest.approx(scored(logits, TEXT)[places - 1], abs=1e-4)


@torch.inference_mode()
def test_no_passes_is_the_continuation_alone(measured: dict[str, Losses]) -> None:
    model = shared("Qwen3.5")
    chunks = [TEXT[:, 8:14], TEXT[:, 16:21]]
    alone = [scored(model(input_ids=chunk, use_cache=False).logits, chunk) for chunk in chunks]
    assert measured["N = 0"].nats == pytest.approx(np.concatenate(alone), abs=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize("n_passes", [1, 3])
def test_each_chunk_is_read_after_a_sleep_over_all_before_it(measured: dict[str, Losses], n_passes: int) -> None:
    model = shared("Qwen3.5")
    found = []
    for start, stop in ((8, 14), (16, 21)):
        cache = sleep_hybrid(model, TEXT[:, :start], SleepPolicy(n_passes), window=WINDOW)
        assert max(cache.kv_tokens) == 0
        found.append(scored(predict(model, TEXT[:, start:stop], cache)[0], TEXT[:, start:stop]))
    assert measured[f"N = {n_passes}"].nats == pytest.approx(np.concatenate(found), abs=1e-5)
    assert np.abs(measured[f"N = {n_passes}"].nats - measured["N = 0"].nats).max() > 1e-3


def test_a_text_that_ends_with_its_first_window_is_refused() -> None:
    with pytest.raises(ConfigError, match="go on for at least 9 tokens after its first window of 8"):
        list(losses_by_setting(shared("Qwen3.5"), TEXT[:, :12], window=WINDOW))
    with pytest.raises(ConfigError, match="one window"):
        list(losses_by_setting(shared("Qwen3.5"), TEXT, window=WINDOW, length=9))


def test_statistics_by_hand() -> None:
    values = np.array([1.0, 2.0, 3.0, 6.0])  # mean 3, standard deviation sqrt(14/3), of the mean sqrt(14/12)
    half = 1.959964 * math.sqrt(14 / 12)
    found = mean_estimate(values)
    assert (found.value, found.low, found.high) == pytest.approx((3, 3 - half, 3 + half))
    four = Losses(4, values, (1, 2, 3, 4))
    assert perplexity(four).value == pytest.approx(math.exp(3))
    assert perplexity(four).high == pytest.approx(math.exp(3 + half))
    one = Losses(1, values + 0.5, (1, 2, 3, 4))
    better = saved(four, one)  # every position half a nat better: no doubt, however much the positions differ
    assert (better.value, better.low, better.high) == pytest.approx((0.5, 0.5, 0.5)) and better.sign == 1
    assert saved(one, four).sign == -1 and Estimate(0.1, -0.1, 0.3).sign == 0
    with pytest.raises(ConfigError, match="same positions"):
        saved(four, Losses(1, values, (1, 2, 3, 5)))


def test_the_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    drawn = [mean_estimate(rng.normal(2.0, 1.0, 200)) for _ in range(1000)]
    assert 0.93 <= np.mean([each.low <= 2.0 <= each.high for each in drawn]) <= 0.97


def test_a_text_whose_numbers_are_not_finite_has_no_perplexity() -> None:
    model = tiny("Qwen3.5")
    require_sleeper(model)  # a short trial may be finite where a long text is not
    with torch.no_grad():
        model.get_output_embeddings().weight[5] = float("inf")
    with pytest.raises(ConfigError, match="not finite, so it has no perplexity"):
        list(losses_by_setting(model, torch.arange(2, 60)[None], window=16))
