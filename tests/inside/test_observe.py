"""A look inside a run: against the recorded run, numpy, a recurrence written out, and what must not depend on what."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from sleepviz.config.base import ConfigError
from sleepviz.config.events import SleepPassDone
from sleepviz.config.model import SleepPolicy
from sleepviz.config.run import RunSpec, Trigger
from sleepviz.core.memory import Memory
from sleepviz.core.sleep import sleep_passes
from sleepviz.inside.observe import observe
from sleepviz.inside.seen import PASSES_MAX, LayerSeen, PassSeen
from sleepviz.runs.record import record
from tests.builders import TASK, small_checkpoint

INPUT = json.dumps({"rows": ["01101001", "11100101"], "steps": 2})
SPEC = RunSpec("rule110", INPUT, n_passes=3)


def seen(spec: RunSpec = SPEC, **changes: object) -> list[PassSeen]:
    return list(observe(spec, small_checkpoint(**changes)))


def state_again(layer: LayerSeen, values: np.ndarray, log_decay: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """S after the pass, one token after another in float64, from the recorded k, v, decay and write strength."""
    states = layer.before.astype(np.float64)
    assert layer.writes is not None
    for head in range(len(states)):
        for t in range(values.shape[1]):
            k, v = layer.writes.keys[head, t].astype(np.float64), values[head, t]
            states[head] *= np.exp(log_decay[head, t])
            states[head] += beta[head, t] * np.outer(k, v - states[head].T @ k)
    return states


def test_it_is_the_recorded_run() -> None:
    checkpoint = small_checkpoint()
    passes = [event for event in record(SPEC, checkpoint) if isinstance(event, SleepPassDone)]
    looked = list(observe(SPEC, checkpoint))
    assert len(looked) == len(passes) == 6
    for event, look in zip(passes, looked, strict=True):
        assert (event.window_index, event.pass_index) == (look.window_index, look.pass_index)
        assert event.woken.answers == look.woken.answers
        for measured, layer in zip(event.layers, look.layers, strict=True):
            assert measured.layer == layer.layer
            assert np.array_equal(measured.state, layer.state)
            assert layer.writes is not None
            assert layer.writes.decay.mean(axis=1) == pytest.approx(measured.mean_decay, abs=1e-6)
            assert layer.writes.strength.mean(axis=1) == pytest.approx(measured.mean_beta, abs=1e-6)
            assert np.linalg.norm(layer.state - layer.before, axis=(1, 2)) / measured.norm == pytest.approx(
                measured.drift, abs=1e-5
            )
        for weights, recorded in zip(look.attention, event.attention, strict=True):
            assert weights == pytest.approx(recorded, abs=1e-3)
            assert weights.sum(axis=-1) == pytest.approx(1, abs=1e-2)


@torch.inference_mode()
@pytest.mark.parametrize("rule", ["delta", "hebbian"])
def test_the_state_follows_from_what_every_token_wrote(rule: str) -> None:
    checkpoint = small_checkpoint(local_rule=rule, beta_max=2.0)
    tokens = torch.tensor([TASK.encode(TASK.parse(INPUT, TASK.limits())).context[: TASK.window]])
    memory = Memory.empty(checkpoint.model.config, 1)
    passes = list(sleep_passes(checkpoint.model, tokens, memory, SleepPolicy(SPEC.n_passes), observe=True))
    for done, look in zip(passes, observe(SPEC, checkpoint), strict=False):
        for layer, writing in zip(look.layers, done.observations.writings, strict=True):
            assert layer.writes is not None
            kept = np.cumprod(layer.writes.decay[:, ::-1], axis=1)[
                :, ::-1
            ]  # of each token's own decay and the later ones
            later = np.concatenate([kept[:, 1:], np.ones((len(kept), 1))], axis=1)
            total = kept[:, :1, None] * layer.before + np.einsum(
                "ht,htk,htv->hkv", later, layer.writes.keys, layer.writes.corrections
            )
            assert layer.state == pytest.approx(total, abs=1e-4)
            if rule == "delta":
                v, decay, beta = (x[0].double().numpy() for x in (writing.v, writing.log_decay, writing.beta))
                assert layer.state == pytest.approx(state_again(layer, v, decay, beta), abs=1e-4)


def test_the_singular_values_are_numpy_s() -> None:
    for look in seen():
        for layer in look.layers:
            for head, state in enumerate(layer.state):
                expected = np.sqrt(np.clip(np.linalg.eigvalsh(state.astype(np.float64) @ state.T)[::-1], 0, None))
                assert layer.singular[head] == pytest.approx(expected[: len(layer.singular[head])], abs=1e-3)


def test_a_pass_starts_where_the_one_before_ended_unless_s_is_reset() -> None:
    for control in ("none", "replay", "reset_state"):
        first, second, third, *_ = seen(replace(SPEC, control=control))
        for one, two, three in zip(first.layers, second.layers, third.layers, strict=True):
            assert not one.before.any()
            expected = (np.zeros_like(one.state),) * 2 if control == "reset_state" else (one.state, two.state)
            assert np.array_equal(two.before, expected[0]) and np.array_equal(three.before, expected[1])


def test_what_s_gives_does_not_depend_on_the_cache_and_another_s_gives_something_else() -> None:
    hard, kept = (seen(replace(SPEC, eviction=eviction)) for eviction in ("hard", "sliding"))
    for one, other in zip(hard[:3], kept[:3], strict=True):  # the first window: its S is the same
        for a, b in zip(one.own, other.own, strict=True):
            assert np.array_equal(a.scores, b.scores)
    assert any(
        mine.answer.answers != theirs.answer.answers
        for look in hard
        for mine, theirs in zip(look.own, look.other, strict=True)
    )


def test_a_reader_a_layer_and_one_of_all_together() -> None:
    for look in seen():
        assert [reading.layer for reading in look.own] == [1, 3, None]
        assert len(look.own[0].answer.answers) == look.window_index + 1  # only rows that have been read
        for reading in look.own:
            assert (np.diff(reading.scores, axis=-1) <= 0).all() and reading.scores.max() <= 1


def test_a_window_that_ends_early_is_looked_into_too() -> None:
    spec = replace(SPEC, trigger=Trigger.parse("every:4"))
    looked = seen(spec)
    assert len(looked) == 3 * 5
    assert [len(look.tokens) for look in looked[::3]] == [4, 4, 4, 4, 2]


@pytest.mark.parametrize("n_passes", [0, PASSES_MAX + 1])
def test_a_number_of_passes_that_cannot_be_shown_is_refused_in_one_sentence(n_passes: int) -> None:
    with pytest.raises(ConfigError, match=f"Inside shows from 1 to {PASSES_MAX} passes"):
        seen(replace(SPEC, n_passes=n_passes))
