"""sleepviz: the mechanism of "Do Language Models Need Sleep?" (arXiv:2605.26099), small enough to watch.

- `run(task, given, n_passes=...)`: one problem, asked of a trained model; returns every event and the answer
- `run_text(model, document, question, n_passes=...)`: the same of a text, for a model of the transformers library
- `load(task=...)`: a checkpoint: its task, its description and its `HybridLM`
- `HybridLM`: attention and gated delta rule layers; (tokens, memory) -> (logits, memory)
- `sleep(model, tokens, memory, policy)`: N passes over one window, then an empty cache (the paper's Algorithm 1)
- `Memory`, `SleepPolicy`: what `sleep` takes beside the model: KV caches and fast weights; N and what is evicted
- `add_fast_weights(model, layers)`: turns a Llama or Qwen3 model of the transformers library into one that can sleep

Importing sleepviz imports neither torch nor transformers: each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sleepviz.config.model import SleepPolicy
    from sleepviz.core.memory import Memory
    from sleepviz.core.model import HybridLM
    from sleepviz.core.sleep import sleep
    from sleepviz.hybrids.ask import run_text
    from sleepviz.hybrids.fast_weights import add_fast_weights
    from sleepviz.runs.ask import run
    from sleepviz.runs.checkpoint import load

__version__ = "0.2.0.dev0"
__all__ = ["HybridLM", "Memory", "SleepPolicy", "add_fast_weights", "load", "run", "run_text", "sleep"]

_HOMES = {
    "HybridLM": "sleepviz.core.model",
    "Memory": "sleepviz.core.memory",
    "SleepPolicy": "sleepviz.config.model",
    "add_fast_weights": "sleepviz.hybrids.fast_weights",
    "load": "sleepviz.runs.checkpoint",
    "run": "sleepviz.runs.ask",
    "run_text": "sleepviz.hybrids.ask",
    "sleep": "sleepviz.core.sleep",
}


if not TYPE_CHECKING:  # a type checker reads the imports above, and refuses any other name

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
