"""`generate` after a sleep: the library's settings, wherever they stand; and what cannot be asked is one sentence."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from transformers import GenerationConfig, PreTrainedModel

from sleepviz.config.base import ConfigError
from sleepviz.config.model import SleepPolicy
from sleepviz.hybrids.cache import SleepCache
from sleepviz.hybrids.models.families import tiny
from sleepviz.hybrids.sleep import generate, predict, sleep_hybrid

QUESTION = torch.tensor([[45, 70, 18, 91, 3]])
CONTEXT = torch.arange(2, 42)[None]
Slept = tuple[PreTrainedModel, SleepCache]


@pytest.fixture(scope="module")
def asleep() -> Slept:
    model = tiny("Qwen3.5")
    with torch.inference_mode():
        return model, sleep_hybrid(model, CONTEXT, SleepPolicy(2), window=16)


@pytest.fixture(autouse=True)
def _own_settings_are_put_back(asleep: Slept) -> Iterator[None]:
    model = asleep[0]
    before = copy.deepcopy(model.generation_config)
    torch.manual_seed(0)
    with torch.inference_mode():
        yield
    model.generation_config = before


@pytest.mark.parametrize(
    "settings",
    [
        {"num_beams": 2, "do_sample": False},
        {"num_beams": 3, "num_return_sequences": 2, "do_sample": False},
        {"num_return_sequences": 3, "do_sample": True},
        {"eos_token_id": [5, 14], "do_sample": False},
        {"min_new_tokens": 3, "do_sample": False},
    ],
)
@pytest.mark.parametrize("where", ["given", "own"])
def test_settings_in_a_configuration_do_what_keywords_do(asleep: Slept, settings: dict[str, Any], where: str) -> None:
    model, cache = asleep
    wanted = generate(model, QUESTION, cache, max_new_tokens=3, **settings)
    torch.manual_seed(0)
    if where == "given":
        found = generate(model, QUESTION, cache, generation_config=GenerationConfig(max_new_tokens=3, **settings))
    else:
        model.generation_config.update(max_new_tokens=3, **settings)
        found = generate(model, QUESTION, cache)

    assert torch.equal(found, wanted) and len(found) == settings.get("num_return_sequences", 1)


def test_what_is_given_goes_before_the_models_own(asleep: Slept) -> None:
    model, cache = asleep
    greedy = generate(model, QUESTION, cache, max_new_tokens=3, do_sample=False)
    model.generation_config.update(num_beams=2)

    one = GenerationConfig(num_beams=1, max_new_tokens=3, do_sample=False)
    assert torch.equal(generate(model, QUESTION, cache, generation_config=one), greedy)
    assert one.use_cache is not True  # what was given is not changed


@pytest.mark.parametrize("where", ["keyword", "given", "own"])
def test_the_librarys_result_comes_back_whole(asleep: Slept, where: str) -> None:
    model, cache = asleep
    plain = generate(model, QUESTION, cache, max_new_tokens=3, do_sample=False)
    settings: dict[str, Any] = {"max_new_tokens": 3, "do_sample": False}
    if where == "keyword":
        settings |= {"return_dict_in_generate": True, "output_scores": True}
    elif where == "given":
        settings = {"generation_config": GenerationConfig(return_dict_in_generate=True, output_scores=True, **settings)}
    else:
        model.generation_config.update(return_dict_in_generate=True, output_scores=True)
    full = generate(model, QUESTION, cache, **settings)

    assert torch.equal(full.sequences, torch.cat([QUESTION, plain], dim=1))
    assert [int(score.argmax()) for score in full.scores] == plain[0].tolist()


def test_a_model_that_has_its_cache_off_still_remembers(asleep: Slept) -> None:
    """Token by token, each from the memory: what `predict` says is the oracle."""
    model, cache = asleep
    new, said, memory = QUESTION, list[int](), cache
    for _ in range(4):
        logits, memory = predict(model, new, memory)
        new = logits[:, -1:].argmax(dim=-1)
        said.append(int(new))
    model.generation_config.use_cache = False

    assert generate(model, QUESTION, cache, max_new_tokens=4, do_sample=False)[0].tolist() == said


@pytest.mark.parametrize(
    "settings",
    [
        {"use_cache": False},
        {"generation_config": GenerationConfig(use_cache=False)},
        {"cache_implementation": "static"},
        {"prompt_lookup_num_tokens": 2},
        {"num_beams": 0},
        {"max_new_tokens": -1},
        {"temperature": -1.0, "do_sample": True},
        {"no_such_setting": 3},
    ],
)
def test_settings_that_cannot_be_met_are_one_sentence(asleep: Slept, settings: dict[str, Any]) -> None:
    model, cache = asleep
    with pytest.raises(ConfigError) as refused:
        generate(model, QUESTION, cache, **settings)
    assert str(refused.value).isprintable() and str(refused.value).endswith(".")


@pytest.mark.parametrize(
    "tokens",
    [
        torch.zeros((1, 0), dtype=torch.long),
        torch.zeros((0, 3), dtype=torch.long),
        torch.tensor([1, 2, 3]),
        torch.ones((1, 3)),
        torch.tensor([[1, 97]]),
        torch.tensor([[1, -1]]),
    ],
)
def test_what_is_no_text_is_one_sentence_wherever_it_is_read(asleep: Slept, tokens: torch.Tensor) -> None:
    model, cache = asleep
    for read in (
        lambda: sleep_hybrid(model, tokens, SleepPolicy(2), window=16),
        lambda: predict(model, tokens, cache),
        lambda: generate(model, tokens, cache, max_new_tokens=2),
    ):
        with pytest.raises(ConfigError, match=r"tokens|whole numbers"):
            read()
