"""Samba's shape (arXiv:2406.07522) as a configuration of our own model: a stand-in, not Samba itself.

Sliding-window attention and a gated linear recurrence in turn, each with an MLP. Samba's recurrence is
Mamba-1, whose transformers version ignores its state in a call of several tokens; ours is the delta
or the hebbian rule.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sleepviz.config.model import SleepPolicy
from sleepviz.core.memory import Memory
from sleepviz.core.sleep import sleep
from sleepviz.hybrids.modeling import SleepConfig, SleepForCausalLM
from sleepviz.hybrids.sleep import generate, predict
from sleepviz.runs.checkpoint import load
from tests.builders import WINDOW, empty, random_model, random_tokens, small_config

SAMBA = ("linear_attention", "sliding_attention") * 2


@pytest.mark.parametrize("rule", ["delta", "hebbian"])
@pytest.mark.parametrize("conv_kernel", [0, 4])
def test_one_pass_with_sliding_eviction_is_the_model_without_sleep(rule: str, conv_kernel: int) -> None:
    lean = random_model(small_config(layer_types=SAMBA, local_rule=rule, conv_kernel=conv_kernel))
    model = SleepForCausalLM(SleepConfig(architecture=lean.config.to_json())).double().eval()
    model.lm.load_state_dict(lean.state_dict())
    tokens, n_context = random_tokens(lean.config, 2, 4 * WINDOW + 2), 3 * WINDOW
    unslept, _ = lean(tokens, empty(lean, 2))
    with torch.no_grad():
        cache = model.sleep(tokens[:, :n_context], SleepPolicy(1, "sliding"))
        logits, _ = predict(model, tokens[:, n_context:], cache)
        answers = generate(model, tokens[:, n_context:], cache, max_new_tokens=3, do_sample=False)

    assert (logits - unslept[:, n_context:]).abs().max() < 1e-12
    assert torch.equal(answers, model.generate(tokens, max_new_tokens=3, do_sample=False)[:, -3:])
    assert max(cache.kv_tokens) == WINDOW - 1


def test_the_shipped_checkpoint_too_is_with_one_pass_the_model_without_sleep() -> None:
    """Trained weights, held-out rows: asleep causally, with sliding eviction, every logit is that of plain reading, in
    which nothing is evicted and the layers' own sliding windows alone limit what is seen.
    """
    checkpoint = load("rule110-samba")
    task, lean = checkpoint.task, checkpoint.model.double()
    levels = np.full(4, 1)
    batch = task.batch(np.random.default_rng(3), size=4, n_windows=3, difficulty=levels, split="held_out")
    context, query = torch.from_numpy(batch.windows).flatten(1), torch.from_numpy(batch.queries[:, 0].copy())
    memory = unslept = Memory.empty(lean.config, 4, dtype=torch.float64)
    with torch.no_grad():
        for window in torch.split(context, task.window, dim=1):
            _, unslept = lean(window, unslept)
            memory = sleep(lean, window, memory, SleepPolicy(1, "sliding"))
        expected, _ = lean(query, unslept)
        logits, _ = lean(query, memory)
    assert memory.kv_tokens == (task.window - 1,) and unslept.kv_tokens == (3 * task.window,)
    assert (logits - expected).abs().max() < 1e-9
    assert checkpoint.info.meta["train"]["eviction"] == "sliding"
    assert set(lean.config.layer_types) == {"sliding_attention", "linear_attention"}
