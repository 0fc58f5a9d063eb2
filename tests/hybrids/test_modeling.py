"""Our HybridLM under the library's manners is the same model, asleep and awake."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from sleepviz.config.base import ConfigError
from sleepviz.config.events import AnswerScored
from sleepviz.config.model import SleepPolicy
from sleepviz.config.run import RunSpec
from sleepviz.core.memory import Memory
from sleepviz.core.model import HybridLM
from sleepviz.core.sleep import sleep
from sleepviz.hybrids.cache import SleepCache
from sleepviz.hybrids.modeling import SleepConfig, SleepForCausalLM, from_checkpoint
from sleepviz.hybrids.sleep import generate, predict, sleep_hybrid
from sleepviz.runs.checkpoint import list_checkpoints, load
from sleepviz.runs.record import record
from sleepviz.tasks.digits.images import numbers as digit_numbers
from sleepviz.tasks.text.examples import drawn
from tests.builders import WINDOW, random_model, random_tokens, small_config

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "convolution": {"conv_kernel": 4},
    "hebbian": {"local_rule": "hebbian", "tie_embeddings": True},
    "recall": {"input_recall": True},
    "feedback": {"vocabulary_feedback": True, "window_positions": True},
}
POLICIES = [
    SleepPolicy(0),
    SleepPolicy(1, "sliding"),
    SleepPolicy(3),
    SleepPolicy(3, "sliding", sleep_attention="full"),
    SleepPolicy(2, "none", recurrence="replay"),
]


def wrapped(**changes: Any) -> tuple[SleepForCausalLM, HybridLM]:
    """The library's model and the lean one, with the same weights."""
    lean = random_model(small_config(**changes), dtype=torch.float32)
    model = SleepForCausalLM(SleepConfig(architecture=lean.config.to_json()))
    model.lm.load_state_dict(lean.state_dict())
    return model.eval(), lean


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_it_sleeps_and_wakes_as_the_lean_model(variant: str, policy: SleepPolicy) -> None:
    model, lean = wrapped(**VARIANTS[variant])
    context, question = random_tokens(lean.config, 2, 13), random_tokens(lean.config, 2, 4, seed=1)
    with torch.no_grad():
        memory = Memory.empty(lean.config, 2)
        for window in context.split(WINDOW, dim=1):
            memory = sleep(lean, window, memory, policy)
        expected, after = lean(question, memory)
        cache = model.sleep(context, policy)
        logits, grown = predict(model, question, cache)

    assert torch.equal(logits, expected)
    assert (cache.position, grown.position) == (13, 17) and cache.kv_tokens == memory.kv_tokens
    assert all(torch.equal(a, b) for a, b in zip(grown.fast_weights, after.fast_weights, strict=True))
    assert cache.kv_bytes == memory.kv_bytes


@pytest.mark.parametrize("variant", ["plain", "convolution"])
@pytest.mark.parametrize("eviction", ["hard", "sliding"])
def test_generate_after_sleep_is_a_loop_of_single_passes(variant: str, eviction: str) -> None:
    model, lean = wrapped(**VARIANTS[variant])
    context, new = random_tokens(lean.config, 2, 10), random_tokens(lean.config, 2, 3, seed=1)
    with torch.no_grad():
        policy = SleepPolicy(2, eviction)  # type: ignore[arg-type]
        answers = generate(model, new, model.sleep(context, policy), max_new_tokens=5, do_sample=False)
        memory, expected = Memory.empty(lean.config, 2), []
        for window in context.split(WINDOW, dim=1):
            memory = sleep(lean, window, memory, policy)
        for _ in range(5):
            logits, memory = lean(new, memory)
            new = logits[:, -1:].argmax(dim=-1)
            expected.append(new)

    assert torch.equal(answers, torch.cat(expected, dim=1))


def test_generate_without_a_sleep_is_plain_generation() -> None:
    model, lean = wrapped(conv_kernel=4)
    prompt = tokens = random_tokens(lean.config, 2, 4)
    for _ in range(4):
        logits, _ = lean(tokens, Memory.empty(lean.config, 2))
        tokens = torch.cat([tokens, logits[:, -1:].argmax(dim=-1)], dim=1)

    assert torch.equal(model.generate(prompt, max_new_tokens=4, do_sample=False), tokens)
    assert model.generate(prompt, max_new_tokens=3, do_sample=False, num_beams=2).shape == (2, 7)


def test_saved_and_loaded_by_the_auto_classes(tmp_path: Path) -> None:
    model, lean = wrapped(conv_kernel=4)
    model.save_pretrained(tmp_path)

    again = AutoModelForCausalLM.from_pretrained(tmp_path)

    assert sorted(path.suffix for path in tmp_path.glob("model*")) == [".safetensors"]
    assert isinstance(again, SleepForCausalLM) and again.lm.config == lean.config
    weights = model.state_dict()
    assert all(torch.equal(weights[name], tensor) for name, tensor in again.state_dict().items())
    assert AutoConfig.from_pretrained(tmp_path).layer_types == list(lean.config.layer_types)


def test_a_fresh_model_keeps_the_lean_models_initialisation() -> None:
    model = SleepForCausalLM(SleepConfig(architecture=small_config().to_json()))

    assert not model.lm.blocks[0].mixer.out.weight.any() and model.lm.embedding.weight.std() > 0.5
    assert AutoModelForCausalLM.from_config(model.config).lm.config == small_config()


def test_the_common_entry_takes_it_too() -> None:
    model, lean = wrapped()
    context = random_tokens(lean.config, 1, 10)
    with torch.no_grad():
        one = sleep_hybrid(model, context, SleepPolicy(2), window=WINDOW)

    assert torch.equal(one.fast_weights[0], model.sleep(context, SleepPolicy(2)).fast_weights[0])
    for change in ({"window": 4}, {"window": WINDOW, "span": (0, 1)}):
        with pytest.raises(ConfigError):
            sleep_hybrid(model, context, SleepPolicy(2), **change)  # type: ignore[arg-type]


def test_a_sleep_leaves_the_cache_it_started_from() -> None:
    model, lean = wrapped(conv_kernel=4)
    first = model.sleep(random_tokens(lean.config, 1, 5), SleepPolicy(1, "sliding"))
    before = first.fast_weights[0].clone(), first.kv_tokens

    model.sleep(random_tokens(lean.config, 1, 5, seed=2), SleepPolicy(2), first)

    assert torch.equal(first.fast_weights[0], before[0]) and first.kv_tokens == before[1]


def test_it_can_be_trained_through_a_sleep() -> None:
    model, lean = wrapped(conv_kernel=4)
    model.requires_grad_(True)
    cache = model.sleep(random_tokens(lean.config, 2, 10), SleepPolicy(3))
    question = random_tokens(lean.config, 2, 4, seed=1)
    loss = model(question, cache=cache, labels=question).loss
    loss.backward()

    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_what_it_cannot_read_is_refused() -> None:
    model, lean = wrapped()
    tokens = random_tokens(lean.config, 1, 4)
    with pytest.raises(ConfigError, match="padding"):
        model(tokens, attention_mask=torch.tensor([[0, 1, 1, 1]]))
    with pytest.raises(ConfigError, match="names no task"):
        _ = model.task
    with pytest.raises(ConfigError, match="d_model"):
        SleepConfig(architecture={**small_config().to_json(), "d_model": 0})


def inputs_of(task: str, limits: dict[str, Any]) -> Iterator[str]:
    """Inputs as a person would type them, without end."""
    rng = np.random.default_rng(0)
    while True:
        if task == "depo":
            names = [f"n{node}" for node in rng.permutation(limits["nodes_max"])]
            edges = [[a, b] for a, b in zip(names, names[1:] + names[:1], strict=True)]
            yield json.dumps({"edges": edges, "start": names[0], "hops": int(rng.integers(1, limits["hops_max"] + 1))})
        elif task == "gsm":
            first = int(rng.integers(0, 5))
            yield json.dumps({"text": f"assign b = a + 1. assign c = b + 1. assign a = {first}.", "question": "c"})
        elif task == "digits":
            shown = rng.choice(digit_numbers("held_out"), limits["images"]).tolist()
            start, jumps = int(rng.integers(1, limits["images"] + 1)), int(rng.integers(0, limits["jumps_max"] + 1))
            yield json.dumps({"digits": shown, "start": start, "jumps": jumps})
        elif task == "rule110":
            rows = rng.integers(0, 2, (limits["rows_max"], limits["row_cells"]))
            yield json.dumps({"rows": ["".join(map(str, row)) for row in rows], "steps": limits["steps_max"]})
        elif task == "text":
            people, hops = int(rng.integers(4, limits["people_max"] + 1)), int(rng.integers(1, 4))
            yield json.dumps(drawn(people, hops, seed=int(rng.integers(1_000_000))))
        else:
            raise AssertionError(f"write inputs for {task}")


@pytest.mark.parametrize("name", [info.name for info in list_checkpoints()])
def test_a_checkpoint_answers_as_the_run_command_does(name: str, tmp_path: Path) -> None:
    from_checkpoint(name).save_pretrained(tmp_path)
    model = AutoModelForCausalLM.from_pretrained(tmp_path)
    checkpoint = load(name)

    assert model.config.digest == checkpoint.info.digest and model.task == checkpoint.task
    for text in islice(inputs_of(checkpoint.task.name, checkpoint.info.limits), 2 if checkpoint.info.default else 1):
        instance = checkpoint.task.parse(text, checkpoint.info.limits)
        spec = RunSpec(checkpoint.task.name, text, name, n_passes=model.policy.n_passes)
        scored = next(event for event in record(spec, checkpoint) if isinstance(event, AnswerScored))

        answer = checkpoint.task.answer(instance, model.answer(checkpoint.task.encode(instance)))
        for field in dataclasses.fields(answer):
            assert np.array_equal(getattr(answer, field.name), getattr(scored.answer, field.name)), field.name


def test_generate_reads_a_query_place_by_place_as_the_parallel_chunk() -> None:
    name = next((info.name for info in list_checkpoints()), None)
    if name is None:
        pytest.fail("no checkpoint is shipped")
    model, checkpoint = from_checkpoint(name), load(name)
    text = next(inputs_of(checkpoint.task.name, checkpoint.info.limits))
    problem = checkpoint.task.encode(checkpoint.task.parse(text, checkpoint.info.limits))
    with torch.inference_mode():
        cache = model.sleep(torch.tensor([problem.context]))
        query = torch.from_numpy(problem.queries[:1].copy())
        places = [
            generate(model, query[:, : stop + 1], cache, max_new_tokens=1, do_sample=False)
            for stop in range(query.shape[1])
        ]

    assert np.array_equal(torch.cat(places, dim=1).numpy()[0], model.answer(problem)[0].argmax(axis=-1))
    assert isinstance(cache, SleepCache)
