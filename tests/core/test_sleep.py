"""What sleep is: arXiv:2605.26099 Algorithm 1, point by point, on a random model in float64."""

from __future__ import annotations

import copy
import hashlib
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sleepviz.config.model import SleepPolicy
from sleepviz.core.delta_rule import gated_delta_scan
from sleepviz.core.memory import KVCache, Memory
from sleepviz.core.model import HybridLM
from sleepviz.core.sleep import Pass, evict, sleep, sleep_passes
from tests.builders import (
    WINDOW,
    conv_contexts,
    empty,
    perturbed_fast_weights,
    random_model,
    random_tokens,
    same_memory,
    small_config,
    tensors,
)


def fixture_model(**changes: Any) -> HybridLM:
    return random_model(small_config(**{"conv_kernel": 4, **changes}))


def sleep_through(model: HybridLM, tokens: Tensor, policy: SleepPolicy, memory: Memory | None = None) -> Memory:
    """Sleep over every window of tokens [B, T]."""
    memory = memory or empty(model, tokens.shape[0])
    for window in tokens.split(model.config.window, dim=1):
        memory = sleep(model, window, memory, policy)
    return memory


def passes_of(model: HybridLM, tokens: Tensor, memory: Memory, policy: SleepPolicy) -> list[Pass]:
    return list(sleep_passes(model, tokens, memory, policy, observe=True))


@contextmanager
def counted_passes(model: HybridLM) -> Iterator[list[int]]:
    """The number of tokens that each trip through the first block took."""
    trips: list[int] = []
    handle = model.blocks[0].mlp_norm.register_forward_hook(lambda _, inputs, __: trips.append(inputs[0].shape[1]))
    try:
        yield trips
    finally:
        handle.remove()


# 1. S is written N times, cumulatively, and never reset.


def test_fast_weights_are_carried_from_pass_to_pass_and_window_to_window() -> None:
    """Each layer's S after a pass is the explicit scan of what that pass wrote, from S of the pass before."""
    model = fixture_model()
    memory = empty(model, 2)
    for window in random_tokens(model.config, 2, 3 * WINDOW).split(WINDOW, dim=1):
        before = memory.fast_weights
        for done in passes_of(model, window, memory, SleepPolicy(3)):
            for old, new, writing in zip(before, done.memory.fast_weights, done.observations.writings, strict=True):
                expected, _ = gated_delta_scan(
                    old, q=writing.k, k=writing.k, v=writing.v, log_decay=writing.log_decay, beta=writing.beta
                )
                torch.testing.assert_close(new, expected, rtol=0, atol=1e-12)
            before = done.memory.fast_weights
        memory = sleep(model, window, memory, SleepPolicy(3))
        for kept, last in zip(memory.fast_weights, before, strict=True):
            assert torch.equal(kept, last)


def test_each_number_of_passes_extends_the_one_before() -> None:
    """One checkpoint serves every N: the first n passes of a longer sleep are the sleep with N = n."""
    model, policy = fixture_model(), SleepPolicy(6)
    window = random_tokens(model.config, 2, WINDOW)
    for done in passes_of(model, window, empty(model, 2), policy):
        shorter = sleep(model, window, empty(model, 2), SleepPolicy(done.pass_index + 1))
        assert same_memory(evict(done.memory, policy, WINDOW), shorter)


# 2. h is carried, so what is written differs in every pass.


@pytest.mark.parametrize("recurrence", ["carry", "reset_state"])
def test_keys_values_and_gates_differ_in_every_pass(recurrence: Any) -> None:
    model = fixture_model()
    policy = SleepPolicy(4, recurrence=recurrence)
    passes = passes_of(model, random_tokens(model.config, 1, WINDOW), empty(model), policy)
    for one, other in itertools.pairwise(passes):
        assert (one.h - other.h).abs().max() > 1e-2
        for a, b in zip(one.observations.writings, other.observations.writings, strict=True):
            for part in ("k", "v", "log_decay", "beta"):
                assert (getattr(a, part) - getattr(b, part)).abs().max() > 1e-3, part


def test_replay_writes_the_first_pass_again_against_an_explicit_scan() -> None:
    """The common mistake, as a control: N times the same k, v, here on top of an earlier window's S."""
    model = fixture_model()
    first, second = random_tokens(model.config, 2, 2 * WINDOW).split(WINDOW, dim=1)
    start = sleep(model, first, empty(model, 2), SleepPolicy(2))
    passes = passes_of(model, second, start, SleepPolicy(4, recurrence="replay"))
    for layer, written in enumerate(passes[0].observations.writings):
        k, v, log_decay, beta = (
            torch.cat([part] * 4, dim=2) for part in (written.k, written.v, written.log_decay, written.beta)
        )
        expected, _ = gated_delta_scan(start.fast_weights[layer], q=k, k=k, v=v, log_decay=log_decay, beta=beta)
        torch.testing.assert_close(passes[-1].memory.fast_weights[layer], expected, rtol=0, atol=1e-11)
        carried = passes_of(model, second, start, SleepPolicy(4))[-1].memory.fast_weights[layer]
        assert (carried - expected).abs().max() > 1e-2  # and it is another thing than sleep
    assert all(torch.equal(done.h, passes[0].h) for done in passes)


def test_reset_state_starts_every_pass_from_the_same_fast_weights() -> None:
    model = fixture_model()
    first, second = random_tokens(model.config, 2, 2 * WINDOW).split(WINDOW, dim=1)
    start = sleep(model, first, empty(model, 2), SleepPolicy(2))
    passes = passes_of(model, second, start, SleepPolicy(3, recurrence="reset_state"))
    for before, done in itertools.pairwise(passes):
        h, memory, _ = model.run_blocks(before.h, start)
        assert torch.equal(h, done.h) and same_memory(memory, done.memory)


# 3. Only S crosses the boundary.


@pytest.mark.parametrize("n_passes", [1, 3])
def test_after_hard_eviction_the_answer_depends_on_the_window_only_through_fast_weights(n_passes: int) -> None:
    model, policy = fixture_model(), SleepPolicy(n_passes)
    one, other = (random_tokens(model.config, 1, 2 * WINDOW, seed=seed) for seed in (1, 2))
    asked = random_tokens(model.config, 1, 4, seed=3)
    after_one, after_other = sleep_through(model, one, policy), sleep_through(model, other, policy)
    answer, other_answer = model(asked, after_one)[0], model(asked, after_other)[0]
    assert (answer - other_answer).abs().max() > 1e-2
    # Other tokens, the same S: the same answer, to the bit.
    swapped = after_other.with_fast_weights(after_one.fast_weights)
    assert torch.equal(model(asked, swapped)[0], answer)
    # The same tokens, another S: another answer, at the very first token.
    assert (model(asked, perturbed_fast_weights(after_one))[0] - answer).abs().amax(-1).min() > 1e-3


def test_after_sliding_eviction_the_kept_tokens_speak_too() -> None:
    """The border of the test above: with a cache that is kept, S alone does not fix the answer."""
    model, policy = fixture_model(), SleepPolicy(2, "sliding")
    one, other = (random_tokens(model.config, 1, 2 * WINDOW, seed=seed) for seed in (1, 2))
    asked = random_tokens(model.config, 1, 4, seed=3)
    after_one, after_other = sleep_through(model, one, policy), sleep_through(model, other, policy)
    swapped = after_other.with_fast_weights(after_one.fast_weights)
    assert (model(asked, swapped)[0] - model(asked, after_one)[0]).abs().max() > 1e-3


def test_a_later_window_attends_to_nothing_evicted() -> None:
    """The attention maps of the second window have no column for the first one's tokens, in any pass."""
    model = fixture_model()
    first, second = random_tokens(model.config, 1, 2 * WINDOW).split(WINDOW, dim=1)
    for eviction, columns in (("hard", WINDOW), ("sliding", 2 * WINDOW - 1), ("none", 2 * WINDOW)):
        memory = sleep(model, first, empty(model), SleepPolicy(2, eviction))  # type: ignore[arg-type]
        for done in passes_of(model, second, memory, SleepPolicy(3, eviction)):  # type: ignore[arg-type]
            assert [weights.shape[-1] for weights in done.observations.attention] == [columns, columns]


@pytest.mark.parametrize(("eviction", "kept"), [("hard", 0), ("sliding", WINDOW - 1), ("none", WINDOW)])
@pytest.mark.parametrize("n_passes", [1, 3])
def test_eviction_keeps_the_newest_keys_of_the_last_pass(eviction: Any, kept: int, n_passes: int) -> None:
    model, policy = fixture_model(), SleepPolicy(n_passes, eviction)
    window = random_tokens(model.config, 2, WINDOW)
    last = passes_of(model, window, empty(model, 2), policy)[-1].memory
    after = sleep(model, window, empty(model, 2), policy)
    assert after.kv_tokens == (kept, kept)
    for full, held in zip(last.layers, after.layers, strict=True):
        if isinstance(full, KVCache) and isinstance(held, KVCache):
            assert torch.equal(held.keys, full.keys[:, :, WINDOW - kept :])
            assert torch.equal(held.values, full.values[:, :, WINDOW - kept :])


@given(n_windows=st.integers(1, 4), n_passes=st.integers(0, 3), odd=st.integers(0, WINDOW - 1))
@settings(max_examples=20)
def test_the_cache_never_outgrows_the_window(n_windows: int, n_passes: int, odd: int) -> None:
    model = fixture_model()
    tokens = random_tokens(model.config, 1, n_windows * WINDOW + odd)
    for eviction, most in (("hard", 0), ("sliding", WINDOW - 1)):
        memory = sleep_through(model, tokens, SleepPolicy(n_passes, eviction))  # type: ignore[arg-type]
        assert max(memory.kv_tokens) <= most
        assert memory.position == tokens.shape[1]
    kept = sleep_through(model, tokens, SleepPolicy(n_passes, "none"))
    assert kept.kv_tokens == ((tokens.shape[1] if n_passes else 0),) * 2


def test_convolution_context_is_rewound_per_pass_and_cleared_with_the_cache() -> None:
    """Otherwise the three last tokens of a window would be seen by its own first, or cross the boundary."""
    model = fixture_model()
    first, second = random_tokens(model.config, 1, 2 * WINDOW).split(WINDOW, dim=1)
    assert all(not context.any() for context in conv_contexts(sleep(model, first, empty(model), SleepPolicy(3))))
    kept = sleep(model, first, empty(model), SleepPolicy(3, "sliding"))
    assert all(context.any() for context in conv_contexts(kept))
    # A pass of the second window starts from the context that the first window left, whatever the pass.
    for recurrence in ("carry", "reset_state"):
        passes = passes_of(model, second, kept, SleepPolicy(3, "sliding", recurrence=recurrence))  # type: ignore[arg-type]
        states = passes[0].memory.fast_weights if recurrence == "carry" else kept.fast_weights
        again, _, _ = model.run_blocks(passes[0].h, kept.with_fast_weights(states))
        assert torch.equal(again, passes[1].h)
        strange = passes[0].memory.evicted(WINDOW - 1).with_fast_weights(states)  # not rewound
        assert (model.run_blocks(passes[0].h, strange)[0] - passes[1].h).abs().max() > 1e-3


# N = 0, and waking.


@pytest.mark.parametrize("eviction", ["hard", "sliding", "none"])
def test_no_passes_forget_the_window_unread(eviction: Any) -> None:
    model = fixture_model()
    start = sleep(model, random_tokens(model.config, 2, WINDOW), empty(model, 2), SleepPolicy(2, eviction))
    with counted_passes(model) as trips:
        one = sleep(model, random_tokens(model.config, 2, WINDOW, seed=5), start, SleepPolicy(0, eviction))
        other = sleep(model, random_tokens(model.config, 2, WINDOW, seed=6), start, SleepPolicy(0, eviction))
    assert trips == [] and same_memory(one, other)
    assert one.position == start.position + WINDOW
    assert all(torch.equal(a, b) for a, b in zip(one.fast_weights, start.fast_weights, strict=True))


@pytest.mark.parametrize("n_passes", [0, 1, 2, 7])
def test_sleep_takes_n_trips_and_waking_takes_one(n_passes: int) -> None:
    model = fixture_model()
    with counted_passes(model) as trips:
        memory = sleep(model, random_tokens(model.config, 1, WINDOW), empty(model), SleepPolicy(n_passes))
        assert trips == [WINDOW] * n_passes
        trips.clear()
        model(random_tokens(model.config, 1, 3), memory)
        assert trips == [3]


def test_waking_is_causal_though_sleep_looked_both_ways() -> None:
    model = fixture_model()
    memory = sleep(model, random_tokens(model.config, 1, WINDOW), empty(model), SleepPolicy(2, sleep_attention="full"))
    asked = random_tokens(model.config, 1, 4, seed=8)
    torch.testing.assert_close(model(asked[:, :2], memory)[0], model(asked, memory)[0][:, :2], rtol=0, atol=1e-12)


def test_sleep_attention_full_lets_an_earlier_token_see_a_later_one() -> None:
    """And "causal" does not: change the last token of the window and look at h of the first."""
    model = fixture_model()
    window = random_tokens(model.config, 1, WINDOW)
    other = window.clone()
    other[0, -1] = (window[0, -1] + 1) % model.config.vocab_size
    moved = {
        mode: (
            next(sleep_passes(model, window, empty(model), SleepPolicy(1, sleep_attention=mode))).h[:, 0]  # type: ignore[arg-type]
            - next(sleep_passes(model, other, empty(model), SleepPolicy(1, sleep_attention=mode))).h[:, 0]  # type: ignore[arg-type]
        )
        .abs()
        .max()
        for mode in ("causal", "full")
    }
    assert moved["causal"] == 0 and moved["full"] > 1e-3


# 4. Nothing else moves.


@pytest.mark.parametrize("recurrence", ["carry", "replay", "reset_state"])
@pytest.mark.parametrize("eviction", ["hard", "sliding", "none"])
def test_neither_memory_nor_model_is_changed(recurrence: Any, eviction: Any) -> None:
    model, policy = fixture_model(), SleepPolicy(3, eviction, recurrence=recurrence)
    start = sleep(model, random_tokens(model.config, 2, WINDOW), empty(model, 2), policy)
    held = [tensor.clone() for tensor in tensors(start)]
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    attributes = {name: sorted(vars(module)) for name, module in model.named_modules()}
    after = sleep(model, random_tokens(model.config, 2, WINDOW, seed=7), start, policy)
    model(random_tokens(model.config, 2, 3), after)
    assert start.position == WINDOW
    assert all(torch.equal(a, b) for a, b in zip(tensors(start), held, strict=True))
    assert model.state_dict().keys() == weights.keys()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())
    assert {name: sorted(vars(module)) for name, module in model.named_modules()} == attributes


def test_six_threads_on_one_model_disturb_nothing() -> None:
    """Each thread's runs give, to the bit, what they give alone."""
    model = fixture_model()

    def digest(seed: int) -> str:
        tokens = random_tokens(model.config, 2, 3 * WINDOW, seed=seed)
        policy = SleepPolicy(1 + seed % 4, "sliding" if seed % 2 else "hard")
        with torch.inference_mode():
            logits, _ = model(tokens[:, :3], sleep_through(model, tokens, policy))
        return hashlib.sha256(logits.numpy().tobytes()).hexdigest()

    alone = {seed: digest(seed) for seed in range(12)}
    assert len(set(alone.values())) == 12
    found: list[dict[int, str]] = [{} for _ in range(6)]
    barrier = threading.Barrier(6)

    def work(thread: int) -> None:
        barrier.wait()
        for seed in range(12):  # each thread in another order, so that different runs meet
            seed = (seed * 5 + thread) % 12
            found[thread][seed] = digest(seed)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [alone] * 6


# Gradients.


def test_gradient_reaches_the_first_window_through_fast_weights() -> None:
    """A token that stands only in window 1 gets a gradient from an answer after window 3, and the right one."""
    model, policy = fixture_model(), SleepPolicy(2)
    tokens = random_tokens(model.config, 1, 3 * WINDOW + 2) % 10
    tokens[0, 1] = 10  # nowhere else
    weight = model.embedding.weight.requires_grad_()

    def loss(*, cut: bool = False) -> Tensor:
        memory = empty(model)
        for window in tokens[:, : 3 * WINDOW].split(WINDOW, dim=1):
            memory = sleep(model, window, memory, policy)
            if cut:
                memory = memory.with_fast_weights(tuple(state.detach() for state in memory.fast_weights))
        return model(tokens[:, 3 * WINDOW :], memory)[0].logsumexp(-1).sum()

    gradient = torch.autograd.grad(loss(), weight)[0][10]
    assert gradient.abs().min() > 0
    with torch.no_grad():
        for i in range(model.config.d_model):
            values = []
            for step in (1e-6, -2e-6):
                weight[10, i] += step
                values.append(loss())
            weight[10, i] += 1e-6
            slope = float(values[0] - values[1]) / 2e-6
            assert abs(slope - float(gradient[i])) <= 1e-6 * max(1.0, abs(slope))
    # S is the only way there: with S detached between windows nothing is left.
    assert not torch.autograd.grad(loss(cut=True), weight)[0][10].any()


@pytest.mark.parametrize("recurrence", ["carry", "replay"])
def test_every_slow_weight_of_a_sleeping_layer_gets_a_finite_gradient(recurrence: Any) -> None:
    model = fixture_model(input_recall=True, window_positions=True).requires_grad_()
    tokens = random_tokens(model.config, 2, 3 * WINDOW)
    memory = sleep_through(model, tokens, SleepPolicy(3, recurrence=recurrence))
    model(tokens[:, :3], memory)[0].square().mean().backward()
    for name, parameter in model.named_parameters():
        if recurrence == "replay" and name.startswith("recall"):
            continue  # replay never mixes h with the embedding
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def test_gradient_passes_cut_the_gradient_before_the_last_k_passes_and_change_no_value() -> None:
    """Against N - k passes without gradient, then k passes by hand."""
    model = fixture_model(input_recall=True).requires_grad_()
    window = random_tokens(model.config, 2, WINDOW)
    full = passes_of(model, window, empty(model, 2), SleepPolicy(4))[-1]
    cut = list(sleep_passes(model, window, empty(model, 2), SleepPolicy(4), grad_passes=2))
    assert [done.h.requires_grad for done in cut] == [False, False, True, True]
    assert torch.equal(cut[-1].h, full.h) and same_memory(cut[-1].memory, full.memory)
    with torch.no_grad():
        early = passes_of(model, window, empty(model, 2), SleepPolicy(2))[-1]
    h, states = early.h, early.memory.fast_weights
    for _ in range(2):
        h = model.recalled(h, model.embed(window))
        h, memory, _ = model.run_blocks(h, empty(model, 2).with_fast_weights(states))
        states = memory.fast_weights
    weights = [model.embedding.weight, model.blocks[1].mixer.qkv.weight]

    def gradients(h: Tensor, memory: Memory) -> tuple[Tensor, ...]:
        total = h.square().sum() + sum(state.square().sum() for state in memory.fast_weights)
        return torch.autograd.grad(total, weights)

    expected = gradients(h, memory)
    for found, by_hand, whole in zip(
        gradients(cut[-1].h, cut[-1].memory), expected, gradients(full.h, full.memory), strict=True
    ):
        torch.testing.assert_close(found, by_hand, rtol=1e-9, atol=1e-9)
        assert (found - whole).abs().max() > 1e-3 * whole.abs().max()


# Batches and forks.


def test_each_instance_alone_equals_the_batch() -> None:
    model, policy = fixture_model(), SleepPolicy(3, "sliding")
    tokens = random_tokens(model.config, 4, 3 * WINDOW)
    together = sleep_through(model, tokens, policy)
    answers, _ = model(tokens[:, :3], together)
    for b in range(4):
        alone = sleep_through(model, tokens[b : b + 1], policy)
        for whole, part in zip(tensors(together), tensors(alone), strict=True):
            torch.testing.assert_close(part[0], whole[b], rtol=0, atol=1e-11)
        torch.testing.assert_close(model(tokens[b : b + 1, :3], alone)[0][0], answers[b], rtol=0, atol=1e-11)


def test_forks_do_not_disturb_each_other() -> None:
    """Queries asked side by side, or one after another from the same memory, get the same answers."""
    model = fixture_model()
    memory = sleep_through(model, random_tokens(model.config, 1, 2 * WINDOW), SleepPolicy(3))
    queries = random_tokens(model.config, 3, 4, seed=11)
    together, after = model(queries, memory.repeated(3))
    for order in ((0, 1, 2), (2, 0, 1)):
        for query in order:
            alone, _ = model(queries[query : query + 1], memory)
            torch.testing.assert_close(alone[0], together[query], rtol=0, atol=1e-12)
    # A fork that goes on reading differs from one that does not: forks are forks, not one memory.
    assert (model(queries[:1], memory)[0] - model(queries, after)[0][:1]).abs().max() > 1e-3


def test_a_deep_copy_of_the_memory_goes_on_the_same_way() -> None:
    """Memory holds all there is: nothing of a run lives in the model or elsewhere."""
    model, policy = fixture_model(), SleepPolicy(2, "sliding")
    tokens = random_tokens(model.config, 1, 2 * WINDOW)
    memory = sleep(model, tokens[:, :WINDOW], empty(model), policy)
    copied, clone = copy.deepcopy(memory), copy.deepcopy(model)
    sleep(model, random_tokens(model.config, 1, WINDOW, seed=9), memory, policy)  # something in between
    assert same_memory(
        sleep(model, tokens[:, WINDOW:], memory, policy), sleep(clone, tokens[:, WINDOW:], copied, policy)
    )
