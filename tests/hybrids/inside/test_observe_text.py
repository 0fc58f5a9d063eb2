"""Inside a transformers model: against the recorded run, a recurrence in numpy, and the layer's own output."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from transformers import PreTrainedModel

from sleepviz.config.events import SleepPassDone
from sleepviz.config.model import SleepPolicy
from sleepviz.config.run import RunSpec
from sleepviz.hybrids.fast_weights import add_fast_weights
from sleepviz.hybrids.inside.gated import Asker, gated_layers, listening, writing_of
from sleepviz.hybrids.inside.observe import observe_text
from sleepviz.hybrids.modeling import SleepConfig, SleepForCausalLM
from sleepviz.hybrids.models.capability import require_sleeper
from sleepviz.hybrids.models.families import tiny
from sleepviz.hybrids.models.tokens import Bytes
from sleepviz.hybrids.sleep import predict, sleep_hybrid
from sleepviz.hybrids.watched import watch_text
from sleepviz.inside.seen import LayerSeen, TextSeen
from sleepviz.text.example import text_spec
from tests.builders import random_model, rule110_config

DOCUMENT, QUESTION, WINDOW = "The lamp is green; the door", "It is ", 12  # two full windows and one of three
OURS = "our own"
GATED = ("Qwen3.5", "Llama + fast weights")  # keys and values share no head in the first


def model_of(family: str) -> PreTrainedModel:
    if family != OURS:
        return tiny(family, vocab_size=256).requires_grad_(False)
    config = rule110_config(vocab_size=256, window=WINDOW)
    model = SleepForCausalLM(SleepConfig(architecture=config.to_json(), passes_trained=4))
    model.lm.load_state_dict(random_model(config, dtype=torch.float32).state_dict())
    return model.eval().requires_grad_(False)  # type: ignore[return-value]


def spec(document: str = DOCUMENT, **changes: object) -> RunSpec:
    return replace(text_spec("made", document, QUESTION, WINDOW, n_passes=3), **changes)  # type: ignore[arg-type]


def seen(family: str, document: str = DOCUMENT, **changes: object) -> list[TextSeen]:
    return list(observe_text(model_of(family), Bytes(), spec(document, **changes)))


@pytest.mark.parametrize("family", [OURS, *GATED, "Bamba"])
def test_it_is_the_run_that_the_page_shows(family: str) -> None:
    events = watch_text(model_of(family), Bytes(), spec())
    passes = [event for event in events if isinstance(event, SleepPassDone)]
    looked = seen(family)
    assert len(looked) == len(passes) == 9
    for event, look in zip(passes, looked, strict=True):
        assert (event.window_index, event.pass_index) == (look.window_index, look.pass_index)
        for measured, layer in zip(event.layers, look.layers, strict=True):
            assert measured.layer == layer.layer
            np.testing.assert_allclose(layer.state[:4, :32, :32], measured.state, atol=1e-4)
        moved = np.linalg.norm(look.h - look.h_before) / np.linalg.norm(look.h)
        assert moved == pytest.approx(event.h_drift, rel=1e-3)


def written(layer: LayerSeen) -> np.ndarray:
    """S after a pass, put together token by token from what each one wrote."""
    assert layer.writes is not None
    state = layer.before.astype(np.float64)
    for t in range(layer.writes.keys.shape[1]):
        state = state * layer.writes.decay[:, t, None, None]
        state = state + layer.writes.keys[:, t, :, None] * layer.writes.corrections[:, t, None, :]
    return np.asarray(state)


@pytest.mark.parametrize("family", [OURS, *GATED])
def test_what_the_tokens_wrote_makes_s(family: str) -> None:
    for look in seen(family):
        for layer in look.layers:
            np.testing.assert_allclose(written(layer), layer.state, atol=2e-3 * np.abs(layer.state).max())


def test_a_layer_outside_the_loop_shows_the_one_call_that_it_had() -> None:
    """Layers 1 and 2 are looped: of the two with S, layer 2 writes three times, layer 0 once."""
    given = json.loads(spec().input) | {"span": [1, 3]}
    looked = list(observe_text(model_of("Qwen3.5"), Bytes(), spec(input=json.dumps(given))))
    shown = [[layer.writes is not None for layer in look.layers] for look in looked[:3]]
    assert shown == [[True, True], [False, True], [False, True]]
    assert np.array_equal(looked[0].layers[0].state, looked[2].layers[0].state)


def test_a_layer_of_another_kind_hides_what_it_writes_and_is_not_asked() -> None:
    for look in seen("Bamba"):
        assert [layer.writes for layer in look.layers] == [None, None] and look.own == look.other == ()


def test_a_writing_that_does_not_make_the_s_of_the_model_is_not_shown() -> None:
    model = model_of("Qwen3.5")
    modules = gated_layers(model)
    assert set(modules) == {0, 2}
    require_sleeper(model)  # its trial calls come before
    tokens = torch.tensor([list(DOCUMENT.encode())[:WINDOW]])
    with torch.inference_mode(), listening(modules) as heard:
        cache = sleep_hybrid(model, tokens, SleepPolicy(1), window=WINDOW)
        after = cache.fast_weights[0]
        states = (torch.zeros_like(after), after)
        assert writing_of(modules[0], heard[0], 0, None, states) is not None
        assert writing_of(modules[0], heard[0], 0, None, (after, after)) is None
        assert writing_of(modules[0], heard[0], 1, None, states) is None  # there was one call


def test_what_a_layer_gives_is_what_it_adds_in_the_answering_pass() -> None:
    """Of the first layer with S, which here writes nothing and forgets nothing while the question is read."""
    model = model_of("Llama + fast weights")
    memory = gated_layers(model)[1]
    document, question = (torch.tensor([list(text.encode())]) for text in (DOCUMENT[:WINDOW], QUESTION))
    with torch.inference_mode():
        cache = sleep_hybrid(model, document, SleepPolicy(2), window=WINDOW, convolution="zero")
        silent = nn.Linear(memory.hidden_size, memory.num_v_heads)
        silent.weight.zero_(), silent.bias.fill_(-1e9)
        memory.in_proj_b = silent
        memory.A_log.fill_(-1e9)
        found = Asker(model, question).lens((1, 3), cache.fast_weights)
        added: list[torch.Tensor] = []
        with memory.register_forward_hook(lambda module, given, output: added.append(output)):
            predict(model, question, cache)
        expected = model.get_output_embeddings()(model.get_decoder().norm(added[0]))[0]
    torch.testing.assert_close(found[1], expected, atol=1e-3, rtol=1e-3)
    assert set(found) == {1, 3, None}


def test_memory_that_puts_out_nothing_is_not_asked() -> None:
    silent = add_fast_weights(tiny("Llama", vocab_size=256), (1,)).requires_grad_(False)
    look = next(observe_text(silent, Bytes(), spec()))
    assert look.own == () and look.layers[0].writes is not None and look.layers[0].state.any()


@pytest.mark.parametrize("family", [OURS, "Qwen3.5"])
def test_the_run_beside_reads_each_window_backwards(family: str) -> None:
    parts = [DOCUMENT[start : start + WINDOW][::-1] for start in range(0, len(DOCUMENT), WINDOW)]
    for look, turned in zip(seen(family), seen(family, "".join(parts)), strict=True):
        for other, own in zip(look.other, turned.own, strict=True):
            assert other.words == own.words
        assert any(own.words != other.words for own, other in zip(look.own, look.other, strict=True))
        assert look.question == tuple(QUESTION)
