"""Our own HybridLM as a citizen of the transformers library.

    import sleepviz.hybrids.modeling                               # registers the model with the Auto classes
    model = AutoModelForCausalLM.from_pretrained(FOLDER)           # a folder that save_pretrained wrote
    cache = model.sleep(context, SleepPolicy(4))                   # Algorithm 1, by sleepviz.core.sleep itself
    tokens = generate(model, question, cache, max_new_tokens=8)

`from_checkpoint(NAME)` makes one of a shipped checkpoint. `forward` runs HybridLM's own forward: a
`SleepCache` is read into a `Memory` and written back, so that logits are the lean model's to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, GenerationMixin, PreTrainedConfig, PreTrainedModel
from transformers.cache_utils import Cache
from transformers.modeling_outputs import CausalLMOutputWithPast

from sleepviz.config.base import ConfigError, require
from sleepviz.config.model import ModelConfig, SleepPolicy
from sleepviz.core.memory import FastWeights, KVCache, Memory
from sleepviz.core.model import HybridLM
from sleepviz.core.sleep import evict, sleep_passes
from sleepviz.hybrids.cache import SleepCache
from sleepviz.hybrids.layers import EvictingLayer
from sleepviz.hybrids.slept import SleptPass, SleptWindow
from sleepviz.runs.checkpoint import FOLDER, load
from sleepviz.tasks import build_task
from sleepviz.tasks.base import Problem, Task


class SleepConfig(PreTrainedConfig):
    """config.json of a HybridLM. `architecture` is the whole truth; the other shapes are read off it."""

    model_type = "sleepviz"
    architecture: dict[str, Any] | None = None  # ModelConfig.to_json()
    task: dict[str, Any] | None = None  # {"name", "sizes"} of the task that it was trained on
    sleep_attention: str = "causal"  # how it attends asleep, as in training
    passes_trained: int = 1
    digest: str = ""  # of the checkpoint's weights file that this came from

    def __post_init__(self, **kwargs: Any) -> None:
        given = self.architecture or ModelConfig(vocab_size=2, window=1).to_json()
        model = ModelConfig.from_json(dict(given))
        kwargs |= {
            "vocab_size": model.vocab_size,
            "hidden_size": model.d_model,
            "num_hidden_layers": len(model.layer_types),
            "num_attention_heads": model.n_heads,
            "layer_types": list(model.layer_types),
            "sliding_window": model.window,
            "tie_word_embeddings": False,  # HybridLM ties by itself, scaled
        }
        self.architecture = model.to_json()
        super().__post_init__(**kwargs)

    @property
    def model(self) -> ModelConfig:
        """The architecture, checked."""
        return ModelConfig.from_json(dict(self.architecture or {}))


class SleepForCausalLM(PreTrainedModel, GenerationMixin):
    """A HybridLM with the library's forward call, `generate`, `save_pretrained` and `from_pretrained`."""

    config_class = SleepConfig
    base_model_prefix = "lm"
    _is_stateful = True  # S cannot be rolled back
    _supports_sdpa = True

    def __init__(self, config: SleepConfig) -> None:
        super().__init__(config)
        self.lm = HybridLM(config.model)
        self.post_init()

    @property
    def window(self) -> int:
        """L, tokens in one window: part of what this model was trained for."""
        return self.lm.config.window

    @property
    def policy(self) -> SleepPolicy:
        """How it was trained to sleep."""
        return SleepPolicy(self.config.passes_trained, sleep_attention=self.config.sleep_attention)

    @property
    def task(self) -> Task:
        """The task that it was trained on. Raises ConfigError if its configuration names none."""
        named = self.config.task
        if not named:
            raise ConfigError("this model's configuration names no task.")
        return build_task(named["name"], named["sizes"])

    def _init_weights(self, module: nn.Module) -> None:
        """Nothing: HybridLM has drawn its own weights, with projections that start at zero."""

    def get_input_embeddings(self) -> nn.Module:
        """The token embedding."""
        return self.lm.embedding

    def set_input_embeddings(self, value: nn.Embedding) -> None:
        """Replace the token embedding."""
        self.lm.embedding = value

    def get_output_embeddings(self) -> nn.Module | None:
        """The head, or None where it is the embedding."""
        return self.lm.head

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        cache: Cache | None = None,
        labels: Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int = 0,
        **_: Any,
    ) -> CausalLMOutputWithPast:
        """One ordinary pass over input_ids [B, T]; `cache`, a SleepCache, goes on and is written to.

        Padding is refused: S would read it. Positions are those of the cache.
        """
        require(input_ids is not None, "this model needs input_ids.")
        assert input_ids is not None
        require(attention_mask is None or bool(attention_mask.all()), "this model reads no padding: S would hold it.")
        held = self._cache(cache)
        logits, memory = self.lm(input_ids, self._memory(held, input_ids))
        _write(held, memory)
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
        kept = logits[:, -logits_to_keep:] if logits_to_keep else logits
        return CausalLMOutputWithPast(loss=loss, logits=kept, cache=None if use_cache is False else held)

    def sleep(
        self, input_ids: Tensor, policy: SleepPolicy | None = None, cache: SleepCache | None = None
    ) -> SleepCache:
        """Read the context [B, T] asleep, window by window -> a new cache. `policy` None: as it was trained."""
        slept = self._cache(cache)
        for window in self.sleep_windows(input_ids, policy or self.policy, cache=slept):
            slept = window.cache
        return slept

    def sleep_windows(
        self, input_ids: Tensor, policy: SleepPolicy, *, cache: SleepCache | None = None, observe: bool = False
    ) -> Iterator[SleptWindow]:
        """The same, one window at a time, by sleepviz.core.sleep itself: every setting of the policy applies."""
        now = self._cache(cache)
        for tokens in torch.split(input_ids, self.window, dim=1):
            before = memory = self._memory(now, tokens)
            passes = []
            for done in sleep_passes(self.lm, tokens, memory, policy):
                memory = done.memory
                if observe:
                    passes.append(SleptPass(done.pass_index, done.h, memory.fast_weights))
            memory = replace(memory, position=before.position + tokens.shape[1])
            full, now = now.fork(), now.fork()
            _write(full, memory)
            _write(now, evict(memory, policy, self.window))
            yield SleptWindow(before.position, memory.position, full.kv_tokens, full.kv_bytes, tuple(passes), now)

    def answer(self, problem: Problem, policy: SleepPolicy | None = None) -> NDArray[np.float32]:
        """Sleep over a task's problem and read what was asked in parallel -> probabilities [Q, T, vocab_size].

        Each query is one chunk, one pass, from a fork of the memory: the tasks' own way of asking, and
        what `generate` gives token by token at each place of a query.
        """
        device = self.lm.embedding.weight.device
        with torch.inference_mode():
            cache = self.sleep(torch.tensor([problem.context], device=device), policy)
            queries = torch.from_numpy(problem.queries[: problem.n_asked].copy()).to(device)
            logits = self(queries, cache=cache.repeated(len(queries))).logits
        return logits.softmax(dim=-1).float().cpu().numpy()

    def _cache(self, cache: Cache | None) -> SleepCache:
        if isinstance(cache, SleepCache):
            return cache
        # `generate` opens with an empty cache of the library's own kind; it takes the one that it gets back.
        require(cache is None or cache.get_seq_length() == 0, "this model goes on from a SleepCache only.")
        return SleepCache(self.config)

    def _memory(self, cache: SleepCache, tokens: Tensor) -> Memory:
        """What a cache holds, as HybridLM takes it; zeros where it holds nothing yet."""
        weight = self.lm.embedding.weight
        empty = Memory.empty(self.lm.config, tokens.shape[0], dtype=weight.dtype, device=weight.device)
        layers: list[KVCache | FastWeights] = []
        for layer, fresh in zip(cache.layers, empty.layers, strict=True):
            if isinstance(fresh, KVCache):
                layers.append(KVCache(layer.keys, layer.values) if layer.is_initialized else fresh)
            elif (state := layer.recurrent_states[0]) is None:
                layers.append(fresh)
            else:
                conv = layer.conv_states[0]
                layers.append(FastWeights(state, None if conv is None else conv.mT))
        return Memory(tuple(layers), cache.position)


def _write(cache: SleepCache, memory: Memory) -> None:
    """Make a cache hold what a memory holds. The convolution's context is channels first there."""
    for layer, held in zip(cache.layers, memory.layers, strict=True):
        if isinstance(layer, EvictingLayer):
            assert isinstance(held, KVCache)
            layer.hold_kv(held.keys, held.values, memory.position)
        else:
            assert isinstance(held, FastWeights)
            layer.hold_state(held.state, None if held.conv is None else held.conv.mT)


def from_checkpoint(name: str = "", *, task: str = "", folder: Path = FOLDER) -> SleepForCausalLM:
    """One of our checkpoints (by name, or a task's default) as a transformers model. Raises CheckpointError."""
    checkpoint = load(name, task=task, folder=folder)
    info = checkpoint.info
    config = SleepConfig(
        architecture=checkpoint.model.config.to_json(),
        task={"name": info.task, "sizes": info.meta["task_sizes"]},
        sleep_attention=info.sleep_attention,
        passes_trained=info.limits["passes_trained"],
        digest=info.digest,
    )
    model = SleepForCausalLM(config)
    model.lm.load_state_dict(checkpoint.model.state_dict())
    return model.eval()


AutoConfig.register(SleepConfig.model_type, SleepConfig)
AutoModelForCausalLM.register(SleepConfig, SleepForCausalLM)
