"""Sleep over somebody else's blocks: several passes, spans, conventions of the convolution, refusals."""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from sleepviz.config.base import ConfigError
from sleepviz.config.model import SleepPolicy
from sleepviz.hybrids.cache import SleepCache
from sleepviz.hybrids.models.capability import require_sleeper
from sleepviz.hybrids.models.families import SLEEPER_NAMES
from sleepviz.hybrids.sleep import generate, predict, sleep_hybrid, sleep_windows
from sleepviz.studies.hybrids.equivalence import masked_forward, random_tokens
from tests.hybrids.models import shared

WINDOW = 6
CONTEXT = random_tokens(16)
QUESTION = random_tokens(4, seed=1)


def slept(model: PreTrainedModel, n_passes: int, context: Tensor = CONTEXT, **settings: Any) -> SleepCache:
    """A sleep without gradients."""
    eviction = settings.pop("eviction", "hard")
    with torch.no_grad():
        return sleep_hybrid(model, context, SleepPolicy(n_passes, eviction), window=WINDOW, **settings)


def asked(model: PreTrainedModel, cache: SleepCache, question: Tensor = QUESTION) -> Tensor:
    """Logits of the question."""
    with torch.no_grad():
        return predict(model, question, cache)[0]


@torch.no_grad()
def passes_by_hand(model: PreTrainedModel, n_passes: int) -> Tensor:
    """Algorithm 1 on the library's own cache, through `inputs_embeds`, with what reaches the final norm as h.

    The keys are cut off by hand and the convolution carries on. Logits of QUESTION.
    """
    decoder, cache = model.get_decoder(), DynamicCache(config=model.config)
    norm = next(getattr(decoder, name) for name in ("norm", "final_layernorm", "norm_f") if hasattr(decoder, name))
    streams: list[Tensor] = []
    hook = norm.register_forward_pre_hook(lambda module, args: streams.append(args[0]))
    position = 0
    for tokens in CONTEXT.split(WINDOW, dim=1):
        positions = torch.arange(position, position + tokens.shape[1]).expand(2, -1)
        for pass_index in range(n_passes):
            given = {"inputs_embeds": streams[-1]} if pass_index else {"input_ids": tokens}
            decoder(**given, cache=cache, position_ids=positions, use_cache=True)
            for layer in cache.layers:
                if getattr(layer, "keys", None) is not None:
                    layer.keys, layer.values = layer.keys[:, :, :0], layer.values[:, :, :0]
        position += tokens.shape[1]
    hook.remove()
    positions = torch.arange(position, position + QUESTION.shape[1]).expand(2, -1)
    return model(input_ids=QUESTION, cache=cache, position_ids=positions, use_cache=True).logits


# Granite scales inputs_embeds at every call, Zamba2 takes them for the token embedding, and keys of Lara's sliding
# layers cannot be cut off by hand: not for this oracle.
@pytest.mark.parametrize(
    "family",
    ["Qwen3.5", "Qwen3.5 MoE", "OLMo-hybrid", "Kimi Linear", "Ling 3", "Bamba", "Falcon-H1", "Nemotron-H"],
)
def test_three_passes_equal_passes_by_hand(family: str) -> None:
    model = shared(family)

    logits = asked(model, slept(model, 3, convolution="carry"))

    assert (logits - passes_by_hand(model, 3)).abs().max() < 2e-4  # float32, amplified by depth
    assert (logits - passes_by_hand(model, 1)).abs().max() > 1e-2


def test_the_scale_of_granites_embedding_is_applied_once() -> None:
    model = shared("Granite-MoE-hybrid")
    require_sleeper(model)  # its trial calls the layers too, once a model
    streams: list[Tensor] = []
    hook = model.get_decoder().layers[0].register_forward_pre_hook(lambda module, args: streams.append(args[0]))
    (window,) = sleep_windows(model, CONTEXT[:, :WINDOW], SleepPolicy(2), window=WINDOW, observe=True)
    hook.remove()

    torch.testing.assert_close(streams[0], model.get_input_embeddings()(CONTEXT[:, :WINDOW]) * 2.0)
    assert torch.equal(streams[1], window.passes[0].h)


@pytest.mark.parametrize("family", ["Qwen3.5", "Zamba2"])
def test_every_pass_rebuilds_the_cache_and_goes_on_from_s(family: str) -> None:
    model, sizes = shared(family), set()
    with torch.no_grad():
        windows = list(
            sleep_windows(model, CONTEXT, SleepPolicy(3, "sliding"), window=WINDOW, convolution="carry", observe=True)
        )

    assert [(w.start, w.stop) for w in windows] == [(0, 6), (6, 12), (12, 16)]
    assert [set(w.kv_tokens_full) for w in windows] == [{6}, {11}, {9}]  # 5 are kept; no pass adds a second copy
    for window in windows:
        states = [done.fast_weights for done in window.passes]
        assert not any(torch.equal(a, b) for one, two in pairwise(states) for a, b in zip(one, two, strict=True))
        assert torch.equal(states[-1][0], window.cache.fast_weights[0])
        sizes.add(window.cache.kv_bytes)
    assert len(sizes) == 1 and windows[0].kv_bytes_full > sizes.pop()


def test_a_span_loops_its_own_layers_only() -> None:
    model = shared("Qwen3.5")
    require_sleeper(model)  # its trial calls the layers too, once a model
    counts = [0, 0, 0, 0]
    hooks = []
    for index, layer in enumerate(model.get_decoder().layers):

        def count(module: object, args: object, index: int = index) -> None:
            counts[index] += 1

        hooks.append(layer.register_forward_pre_hook(count))
    middle = slept(model, 3, CONTEXT[:, :WINDOW], span=(1, 3))
    for hook in hooks:
        hook.remove()

    assert counts == [1, 3, 3, 0]  # layer 3 follows the last write
    once, whole = slept(model, 1, CONTEXT[:, :WINDOW]), slept(model, 3, CONTEXT[:, :WINDOW])
    assert torch.equal(middle.fast_weights[0], once.fast_weights[0])  # layer 0 is below the span
    assert not torch.equal(middle.fast_weights[1], once.fast_weights[1])  # layer 2 is in it
    assert not torch.equal(middle.fast_weights[1], whole.fast_weights[1])


def test_the_whole_decoder_as_a_span_is_no_span() -> None:
    model = shared("Bamba")

    assert torch.equal(asked(model, slept(model, 2, span=(0, 4))), asked(model, slept(model, 2)))


def _fail(*_: object) -> None:
    raise ArithmeticError


def test_hooks_are_gone_after_a_sleep_even_one_that_fails() -> None:
    model = shared("Qwen3.5")
    layer = model.get_decoder().layers[-1]
    slept(model, 1, CONTEXT)  # the trial that every model passes is over
    with layer.register_forward_hook(_fail), pytest.raises(ArithmeticError):
        slept(model, 2, CONTEXT)

    assert not layer._forward_hooks and not layer._forward_pre_hooks


def test_another_threads_calls_are_not_looped() -> None:
    model, found = shared("Qwen3.5"), dict[str, Tensor]()
    alone = masked_forward(model, CONTEXT, CONTEXT.shape[1], WINDOW, "none").detach()
    layer = model.get_decoder().layers[0]

    def read_elsewhere(module: object, args: object) -> None:
        if threading.current_thread() is threading.main_thread() and not found:
            found["busy"] = torch.zeros(0)
            other = threading.Thread(
                target=lambda: found.update(
                    logits=masked_forward(model, CONTEXT, CONTEXT.shape[1], WINDOW, "none").detach()
                )
            )
            other.start()
            other.join()

    hook = layer.register_forward_pre_hook(read_elsewhere)
    slept(model, 3)
    hook.remove()

    assert torch.equal(found["logits"], alone)


def test_conventions_of_the_convolution_differ_only_where_they_say() -> None:
    model = shared("Qwen3.5")
    once = {kind: asked(model, slept(model, 1, convolution=kind)) for kind in ("rewind", "carry", "zero")}
    thrice = {kind: asked(model, slept(model, 3, convolution=kind)) for kind in ("rewind", "carry", "zero")}

    assert torch.equal(once["rewind"], once["carry"]) and not torch.equal(once["rewind"], once["zero"])
    assert len({float(logits.sum()) for logits in thrice.values()}) == 3


@pytest.mark.parametrize("family", ["Qwen3.5", "Falcon-H1"])
@pytest.mark.parametrize(("convolution", "crosses"), [("zero", False), ("rewind", True)])
def test_with_a_cleared_convolution_s_alone_crosses(family: str, convolution: str, crosses: bool) -> None:
    model = shared(family)
    one = slept(model, 2, CONTEXT, convolution=convolution)
    other = slept(model, 2, random_tokens(16, seed=7), convolution=convolution)

    same = torch.equal(asked(model, one), asked(model, other.with_fast_weights(one.fast_weights)))

    assert same is not crosses


def test_unread_windows_leave_nothing_but_their_place() -> None:
    model = shared("OLMo-hybrid")
    cache = slept(model, 0)

    assert cache.position == 16 and cache.fast_weights == () and cache.total_bytes == 0
    fresh = SleepCache(model.config)
    assert (asked(model, cache) - asked(model, fresh)).abs().max() < 1e-5  # rotary positions are relative


def test_without_eviction_one_pass_is_full_attention() -> None:
    model = shared("Qwen3-Next")
    tokens = torch.cat([CONTEXT, QUESTION], dim=1)
    oracle = masked_forward(model, tokens, 16, WINDOW, "none")[:, 16:]

    assert (asked(model, slept(model, 1, eviction="none")) - oracle).abs().max() < 5e-5


def test_a_sleep_goes_on_from_an_earlier_one() -> None:
    model = shared("Zamba2")
    first = slept(model, 2, CONTEXT[:, :12])
    before = asked(model, first)

    both = slept(model, 2, CONTEXT[:, 12:], cache=first)

    assert torch.equal(asked(model, both), asked(model, slept(model, 2)))
    assert torch.equal(asked(model, first), before)  # and leaves it as it is


@pytest.mark.parametrize("family", ["Qwen3.5", "Bamba", "Falcon-H1"])
def test_questions_do_not_disturb_the_cache(family: str) -> None:
    model = shared(family)
    cache = slept(model, 2)
    states = [s.clone() for s in cache.fast_weights]
    before = asked(model, cache)

    asked(model, cache, QUESTION[:, :1])  # one token: fused kernels write in place
    generate(model, QUESTION, cache, max_new_tokens=3, do_sample=False)

    assert all(torch.equal(a, b) for a, b in zip(states, cache.fast_weights, strict=True))
    assert torch.equal(asked(model, cache), before)


def test_a_forked_batch_answers_as_each_of_its_instances() -> None:
    model = shared("Falcon-H1")
    cache = slept(model, 2)

    many = asked(model, cache.repeated(3), QUESTION.repeat_interleave(3, dim=0))

    torch.testing.assert_close(many, asked(model, cache).repeat_interleave(3, dim=0), rtol=0, atol=1e-5)


def test_generate_samples_several_answers() -> None:
    model = shared("Qwen3.5")
    cache = slept(model, 2, CONTEXT[:1])

    sampled = generate(model, QUESTION[:1], cache, max_new_tokens=4, do_sample=True, num_return_sequences=3)
    greedy = generate(model, QUESTION[:1], cache, max_new_tokens=1, do_sample=False)
    beams = generate(model, QUESTION[:1], cache, max_new_tokens=1, do_sample=False, num_beams=3)

    assert sampled.shape == (3, 4)
    assert torch.equal(beams, greedy)  # over one token, beam search is greedy search


SPANS = (None, (0, 2), (2, 4), (3, 4))  # the last fast weights are in layer 2: inside, after, inside and before


@pytest.mark.parametrize("family", SLEEPER_NAMES)
@pytest.mark.parametrize("n_passes", [1, 3])
def test_nothing_that_is_kept_depends_on_what_follows_the_last_write(family: str, n_passes: int) -> None:
    model = shared(family)
    for convolution in ("rewind", "carry", "zero"):
        with torch.no_grad():
            settings: dict[str, Any] = {"window": WINDOW, "convolution": convolution}
            *_, whole = sleep_windows(model, CONTEXT, SleepPolicy(n_passes), **settings)

        cut = slept(model, n_passes, convolution=convolution)

        assert cut.position == whole.cache.position == CONTEXT.shape[1] and not any(cut.kv_tokens)
        assert cut.total_bytes == whole.cache.total_bytes
        assert all(torch.equal(a, b) for a, b in zip(cut.fast_weights, whole.cache.fast_weights, strict=True))
        assert torch.equal(asked(model, cut), asked(model, whole.cache))


@pytest.mark.parametrize("span", SPANS)
def test_a_span_is_left_after_the_last_write_too(span: tuple[int, int] | None) -> None:
    model = shared("Qwen3.5")
    with torch.no_grad():
        *_, whole = sleep_windows(model, CONTEXT, SleepPolicy(3), window=WINDOW, span=span)

    assert torch.equal(asked(model, slept(model, 3, span=span)), asked(model, whole.cache))


@pytest.mark.parametrize(("span", "calls"), list(zip(SPANS, (2, 0, 2, 0), strict=True)))
def test_what_follows_the_last_write_of_the_last_pass_is_not_computed(span: tuple[int, int] | None, calls: int) -> None:
    model, counted = shared("Qwen3.5"), list[int]()
    require_sleeper(model)
    last = model.get_decoder().layers[3]
    hook = last.register_forward_pre_hook(lambda *_: counted.append(1))

    slept(model, 3, CONTEXT[:, :WINDOW], span=span)
    asleep = len(counted)
    slept(model, 3, CONTEXT[:, :WINDOW], span=span, eviction="sliding")  # keys of the last layer are kept
    hook.remove()

    assert asleep == calls
    assert len(counted) - asleep == (1 if span == (0, 2) else 3)


def test_resetting_s_keeps_only_what_the_last_pass_wrote() -> None:
    model, window = shared("OLMo-hybrid"), CONTEXT[:, :WINDOW]
    with torch.no_grad():
        policy = SleepPolicy(2, recurrence="reset_state")
        (reset,) = sleep_windows(model, window, policy, window=WINDOW, observe=True)
        (carried,) = sleep_windows(model, window, SleepPolicy(2), window=WINDOW, observe=True)

    assert torch.equal(reset.passes[0].fast_weights[0], carried.passes[0].fast_weights[0])
    assert not torch.equal(reset.passes[1].fast_weights[0], carried.passes[1].fast_weights[0])


def test_a_smaller_chunk_of_the_delta_rule_changes_no_result() -> None:
    model = shared("Qwen3.5")

    assert (asked(model, slept(model, 2, chunk_size=WINDOW)) - asked(model, slept(model, 2))).abs().max() < 1e-3


@pytest.mark.parametrize("family", ["Qwen3.5", "Bamba"])
@pytest.mark.parametrize("convolution", ["rewind", "carry"])
def test_gradients_reach_every_weight_through_three_passes(family: str, convolution: str) -> None:
    model = shared(family)
    cache = sleep_hybrid(model, CONTEXT, SleepPolicy(3), window=WINDOW, convolution=convolution)  # type: ignore[arg-type]
    loss = predict(model, QUESTION, cache)[0].square().mean()
    named = dict(model.named_parameters())
    gradients = dict(zip(named, torch.autograd.grad(loss, list(named.values())), strict=True))

    assert all(g.isfinite().all() for g in gradients.values())
    assert all(g.abs().sum() > 0 for name, g in gradients.items())

    step, name = 3e-5, "model.layers.0.mlp.down_proj.weight" if family == "Qwen3.5" else "model.embed_tokens.weight"
    direction = gradients[name] / gradients[name].norm()
    moved = []
    for sign in (1, -1):
        with torch.no_grad():
            named[name].add_(sign * step * direction)
            moved.append(float(asked(model, slept(model, 3, convolution=convolution)).double().square().mean()))
            named[name].sub_(sign * step * direction)
    assert (moved[0] - moved[1]) / (2 * step) == pytest.approx(float(gradients[name].norm()), rel=0.05)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"window": 0}, "at least 1 token"),
        ({"span": (2, 2)}, "4 layers"),
        ({"span": (0, 5)}, "4 layers"),
        ({"convolution": "keep"}, "rewind, zero, carry"),
        ({"chunk_size": 0}, "chunk_size"),
        ({"policy": SleepPolicy(sleep_attention="full")}, "causally"),
        ({"policy": SleepPolicy(recurrence="replay")}, "HybridLM only"),
        ({"input_ids": torch.zeros(4, dtype=torch.long)}, "[B, T]"),
        ({"input_ids": torch.zeros(1, 4)}, "whole numbers"),
    ],
)
def test_settings_out_of_range_are_refused_in_one_sentence(change: dict[str, Any], says: str) -> None:
    settings = {"input_ids": CONTEXT, "policy": SleepPolicy(), "window": WINDOW, **change}
    with pytest.raises(ConfigError) as refusal:
        sleep_hybrid(shared("Qwen3.5"), settings.pop("input_ids"), settings.pop("policy"), **settings)

    assert says in str(refusal.value)


def test_checkpointing_by_layer_is_refused_because_it_drops_the_cache() -> None:
    model = shared("Qwen3.5")
    model.activation_checkpointing_enable()
    try:
        with pytest.raises(ConfigError, match="checkpoint whole windows"):
            sleep_hybrid(model.train(), CONTEXT, SleepPolicy(), window=WINDOW)
    finally:
        model.activation_checkpointing_disable()
        model.eval()
