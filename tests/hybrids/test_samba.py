"""Samba's shape (arXiv:2406.07522) as a configuration of our own model: a stand-in, not Samba itself.

Sliding-window attention and a gated linear recurrence in turn, each with an MLP. Samba's recurrence is
Mamba-1, whose transformers version ignores its state in a call of several tokens; ours is the delta
or the hebbian rule.
"""

from __future__ import annotations

import pytest
import torch

from sleepviz.config import SleepPolicy
from sleepviz.hybrids.modeling import SleepConfig, SleepForCausalLM
from sleepviz.hybrids.sleep import generate, predict
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
