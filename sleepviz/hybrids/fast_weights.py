"""add_fast_weights: turn an attention-only model (Llama, Qwen3) into one that can sleep.

The paper does so to Ouro (arXiv:2605.26099 §4.3: six layers inserted). In front of each chosen decoder
layer, h gains memory(norm(h)), with Qwen3.5's Gated DeltaNet as the memory. Its output projection
starts at zero, so the model's outputs are the same to the bit until it is trained; training then
starts from "the base model with a local window". The result saves, loads and generates as any
model of the library does, once this module is imported:

    model = add_fast_weights(AutoModelForCausalLM.from_pretrained(NAME), layers=(4, 12, 20))
    model.save_pretrained(FOLDER); AutoModelForCausalLM.from_pretrained(FOLDER)

Padding is not for such a model: S would read it.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaModel,
    PreTrainedModel,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3Model,
)
from transformers import initialization as init
from transformers.cache_utils import Cache
from transformers.masking_utils import create_causal_mask
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, LlamaRMSNorm
from transformers.models.qwen3.modeling_qwen3 import Qwen3DecoderLayer
from transformers.models.qwen3_5.modeling_qwen3_5 import Qwen3_5GatedDeltaNet

from sleepviz.config.base import ConfigError, require

LOOK_BACK = ((0, 1, 0), (1, 1, 2), (1, 1, 2), (1, 1, 2))
"""How many tokens back the q, k and v of successive heads look, in an associative start (as in Depo's presets)."""
CHOOSY_SPREAD, CHOOSY_STEP = 25.0, -8.0
"""Of a head that binds two earlier tokens, in that start: its write strength, which the library draws at a half for
every token, differs from token to token, and it forgets little (sleepviz/core/model.py does the same)."""
TIME_STEPS = (1e-3, 1e-1)  # a token forgets 0.1 to 10 % of S at first, so that several windows fit


@dataclass(kw_only=True)
class MemoryFields:
    """What the memory layers add to a configuration; the names are those of Qwen3.5's Gated DeltaNet."""

    memory_layers: list[int] | None = None
    linear_num_key_heads: int = 4
    linear_num_value_heads: int = 4
    linear_key_head_dim: int = 64
    linear_value_head_dim: int = 64
    linear_conv_kernel_dim: int = 4

    def __post_init__(self, **kwargs: Any) -> None:
        super().__post_init__(**kwargs)  # type: ignore[misc]
        chosen = set(self.memory_layers or ())
        n_layers: int = self.num_hidden_layers  # type: ignore[attr-defined]
        # "hybrid" makes the library's caches hold keys, values and S for a layer.
        self.layer_types = ["hybrid" if index in chosen else "full_attention" for index in range(n_layers)]


class ZeroLinear(nn.Linear):
    """A projection that starts at zero. A type of its own, as the library draws weights by type."""


class FastWeights(Qwen3_5GatedDeltaNet):
    """Qwen3.5's Gated DeltaNet with a silent output."""

    def __init__(self, config: Any, layer_idx: int) -> None:
        super().__init__(config, layer_idx)
        self.out_proj = ZeroLinear(self.value_dim, self.hidden_size, bias=False)

    @torch.no_grad()
    def begin_as_associative_memory(self) -> None:
        """Start with q = k, and with heads whose convolutions look back by different numbers of tokens."""
        key, value = self.head_k_dim, self.head_v_dim
        self.in_proj_qkv.weight[: self.key_dim] = self.in_proj_qkv.weight[self.key_dim : 2 * self.key_dim]
        taps = self.conv1d.weight.zero_()[:, 0]  # [channels, kernel], this token last
        q_k_v = ((0, key), (self.key_dim, key), (2 * self.key_dim, value))
        for head in range(self.num_v_heads):
            for (start, width), back in zip(q_k_v, LOOK_BACK[head % len(LOOK_BACK)], strict=True):
                taps[start + head * width : start + (head + 1) * width, -1 - back] = 1.0
            if LOOK_BACK[head % len(LOOK_BACK)][2]:
                self.in_proj_b.weight[head] *= CHOOSY_SPREAD
                self.dt_bias[head] = CHOOSY_STEP


class WithMemory:
    """A decoder layer that reads and writes fast weights before its attention."""

    def __init__(self, config: Any, layer_idx: int) -> None:
        super().__init__(config, layer_idx)  # type: ignore[call-arg]
        self.memory_norm = LlamaRMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.memory = FastWeights(config, layer_idx)

    def forward(self, hidden_states: Tensor, *, cache: Cache | None = None, **kwargs: Any) -> Tensor:
        """h [B, T, D] -> h after memory, attention and MLP."""
        chunk = {"chunk_size": kwargs["chunk_size"]} if "chunk_size" in kwargs else {}
        remembered = self.memory(self.memory_norm(hidden_states), cache=cache, **chunk)
        after: Tensor = super().forward(  # type: ignore[misc]
            hidden_states + remembered, cache=cache, **kwargs
        )
        return after


class InitialisesMemory:
    """Draws the memory's weights. Mixed into both classes of a model: the inner one draws for itself."""

    _is_stateful = True  # S cannot be rolled back

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)  # type: ignore[misc]
        if isinstance(module, FastWeights):
            low, high = map(math.log, TIME_STEPS)
            step = torch.empty_like(module.dt_bias).uniform_(low, high).exp()
            init.copy_(module.dt_bias, step + torch.log(-torch.expm1(-step)))  # softplus of it is the step
            init.zeros_(module.A_log)  # A = 1: the time step alone says how much is forgotten
        elif isinstance(module, ZeroLinear):
            init.zeros_(module.weight)


class MemoryLlamaConfig(MemoryFields, LlamaConfig):
    """Llama with fast weights in some layers."""

    model_type = "sleepviz_llama"


class MemoryQwen3Config(MemoryFields, Qwen3Config):
    """Qwen3 with fast weights in some layers."""

    model_type = "sleepviz_qwen3"


class MemoryLlamaLayer(WithMemory, LlamaDecoderLayer):
    """A Llama layer with memory."""


class MemoryQwen3Layer(WithMemory, Qwen3DecoderLayer):
    """A Qwen3 layer with memory."""


class MemoryLlamaModel(InitialisesMemory, LlamaModel):
    """Llama's decoder, some of its layers with memory."""

    config_class = MemoryLlamaConfig

    def __init__(self, config: MemoryLlamaConfig) -> None:
        super().__init__(config)
        for index in config.memory_layers or ():
            self.layers[index] = MemoryLlamaLayer(config, index)
        self.post_init()


class MemoryQwen3Model(InitialisesMemory, Qwen3Model):
    """Qwen3's decoder, some of its layers with memory."""

    config_class = MemoryQwen3Config

    def __init__(self, config: MemoryQwen3Config) -> None:
        super().__init__(config)
        for index in config.memory_layers or ():
            self.layers[index] = MemoryQwen3Layer(config, index)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | dict[str, Tensor | None] | None = None,
        position_ids: Tensor | None = None,
        cache: Cache | None = None,
        inputs_embeds: Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        """Qwen3's own forward, which looks its masks up by layer type and knows no "hybrid"."""
        embedded = self.embed_tokens(input_ids) if inputs_embeds is None else inputs_embeds
        if position_ids is None:
            seen = cache.get_seq_length() if cache is not None else 0
            position_ids = torch.arange(seen, seen + embedded.shape[1], device=embedded.device)[None]
        if not isinstance(attention_mask, dict):
            mask = create_causal_mask(
                config=self.config,
                inputs_embeds=embedded,
                attention_mask=attention_mask,
                cache=cache,
                position_ids=position_ids,
            )
            attention_mask = {"full_attention": mask}
        masks = {**attention_mask, "hybrid": attention_mask["full_attention"]}
        return super().forward(
            inputs_embeds=embedded,
            attention_mask=masks,
            position_ids=position_ids,
            cache=cache,
            **kwargs,
        )


class MemoryLlamaForCausalLM(InitialisesMemory, LlamaForCausalLM):
    """Llama that can sleep."""

    config_class = MemoryLlamaConfig

    def __init__(self, config: MemoryLlamaConfig) -> None:
        super().__init__(config)
        self.model = MemoryLlamaModel(config)
        self.post_init()


class MemoryQwen3ForCausalLM(InitialisesMemory, Qwen3ForCausalLM):
    """Qwen3 that can sleep."""

    config_class = MemoryQwen3Config

    def __init__(self, config: MemoryQwen3Config) -> None:
        super().__init__(config)
        self.model = MemoryQwen3Model(config)
        self.post_init()


FAMILIES: dict[str, tuple[type, type]] = {
    "llama": (MemoryLlamaConfig, MemoryLlamaForCausalLM),
    "qwen3": (MemoryQwen3Config, MemoryQwen3ForCausalLM),
}
AutoConfig.register(MemoryLlamaConfig.model_type, MemoryLlamaConfig)
AutoConfig.register(MemoryQwen3Config.model_type, MemoryQwen3Config)
AutoModelForCausalLM.register(MemoryLlamaConfig, MemoryLlamaForCausalLM)
AutoModelForCausalLM.register(MemoryQwen3Config, MemoryQwen3ForCausalLM)


def add_fast_weights(
    model: PreTrainedModel,
    layers: Sequence[int],
    *,
    heads: int | None = None,
    key_dim: int | None = None,
    value_dim: int | None = None,
    conv_kernel: int = 4,
    associative: bool = False,
    seed: int = 0,
    share: bool = False,
) -> PreTrainedModel:
    """A copy of `model` with silent, trainable fast weights in front of `layers` (counted from 0).

    Heads and their width are the attention's unless given. `associative` lets each head begin as a memory of
    what stood next to what, as our own models do (sleepviz/core/model.py): a start that spares the search for look-ups.
    The given model stays as it is; with `share` the copy has its very tensors, for a model that is not trained or
    whose base is frozen. Raises ConfigError for a family other than Llama and Qwen3, and for settings
    that do not fit the model.
    """
    base = model.config
    if base.model_type not in FAMILIES:
        raise ConfigError(f"add_fast_weights knows {' and '.join(FAMILIES)} models, not {base.model_type!r}.")
    chosen, n_layers = sorted(set(layers)), base.num_hidden_layers
    require(bool(chosen), "choose at least one layer to put fast weights in front of.")
    require(chosen[0] >= 0 and chosen[-1] < n_layers, f"layers must be from 0 to {n_layers - 1}.")
    require(not getattr(base, "sliding_window", None), "a model whose attention slides by itself is not supported.")
    heads, head_dim = heads or base.num_attention_heads, base.head_dim
    require(heads >= 1 and conv_kernel >= 2, "heads must be at least 1, and conv_kernel at least 2.")
    require(conv_kernel >= 3 or not associative, "an associative start needs a conv_kernel of at least 3.")
    config_class, model_class = FAMILIES[base.model_type]
    inherited = {k: v for k, v in base.to_dict().items() if k not in ("model_type", "architectures", "layer_types")}
    config = config_class(
        **inherited,
        memory_layers=chosen,
        linear_num_key_heads=heads,
        linear_num_value_heads=heads,
        linear_key_head_dim=key_dim or head_dim,
        linear_value_head_dim=value_dim or head_dim,
        linear_conv_kernel_dim=conv_kernel,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # the library draws its weights from the global generator
        config._attn_implementation = base._attn_implementation
        extended: PreTrainedModel = model_class(config)
    extended = extended.to(device=model.device, dtype=model.dtype)
    missing, unexpected = extended.load_state_dict(model.state_dict(), strict=False, assign=share)
    if share:
        extended.tie_weights()
    assert not unexpected and all(".memory" in name for name in missing)
    if associative:
        for layer in chosen:
            extended.get_decoder().layers[layer].memory.begin_as_associative_memory()
    extended.generation_config = copy.deepcopy(model.generation_config)
    return extended.train(model.training)
