"""Small random models of every family, in float32: for the tests, the equivalence table and the app.

Sizes are such that K, V, heads and widths differ, so that a mixed-up axis fails. The weights are
random and untrained: they show that the procedure is right, never that sleep helps.
"""

from __future__ import annotations

from typing import Any

import torch
import transformers
from transformers import PreTrainedModel

from sleepviz.config.base import require
from sleepviz.hybrids.fast_weights import add_fast_weights

VOCAB_SIZE = 97

COMMON: dict[str, Any] = {
    "vocab_size": VOCAB_SIZE,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 16384,
    "bos_token_id": 1,
    "eos_token_id": None,
    "pad_token_id": 0,
    "tie_word_embeddings": False,
}
LAYER_TYPES = ["linear_attention", "full_attention"] * 2
DELTA: dict[str, Any] = {
    "layer_types": LAYER_TYPES,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 6,
    "linear_value_head_dim": 10,
    "linear_conv_kernel_dim": 4,
}
MAMBA2: dict[str, Any] = {
    "mamba_n_heads": 4,
    "mamba_d_head": 16,
    "mamba_d_state": 6,
    "mamba_n_groups": 1,
    "mamba_d_conv": 4,
    "mamba_expand": 2,
    "mamba_chunk_size": 16,
}
EXPERTS: dict[str, Any] = {
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 24,
    "shared_expert_intermediate_size": 24,
}
LATENT: dict[str, Any] = {  # multi-head latent attention, and experts with a shared one
    "num_key_value_heads": 4,
    "kv_lora_rank": 16,
    "q_lora_rank": None,
    "qk_rope_head_dim": 4,
    "qk_nope_head_dim": 8,
    "v_head_dim": 10,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 24,
    "n_group": 1,
    "topk_group": 1,
}

# family: (name on the model page, its configuration class, its model class, settings beside COMMON)
SLEEPERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "Qwen3.5": ("Qwen3_5TextConfig", "Qwen3_5ForCausalLM", DELTA),
    "Qwen3.5 MoE": ("Qwen3_5MoeTextConfig", "Qwen3_5MoeForCausalLM", DELTA | EXPERTS),
    "Qwen3-Next": ("Qwen3NextConfig", "Qwen3NextForCausalLM", DELTA | EXPERTS | {"mlp_only_layers": [0, 2]}),
    "OLMo-hybrid": ("OlmoHybridConfig", "OlmoHybridForCausalLM", DELTA | {"linear_num_key_heads": 4}),
    "Lara 4 Mini": (
        "LaraMiniConfig",
        "LaraMiniForCausalLM",
        DELTA
        | EXPERTS
        | {"layer_types": ["linear_attention", "sliding_attention", "linear_attention", "full_attention"]}
        | {"sliding_window": 6},
    ),
    "Kimi Linear": (
        "KimiLinearConfig",
        "KimiLinearForCausalLM",
        LATENT | {"layer_types": LAYER_TYPES, "linear_head_dim": 6, "linear_num_heads": 4},
    ),
    "Ling 3": ("BailingHybridConfig", "BailingHybridForCausalLM", LATENT | {"layer_types": LAYER_TYPES, "head_dim": 6}),
    "Bamba": ("BambaConfig", "BambaForCausalLM", MAMBA2 | {"attn_layer_indices": [1, 3]}),
    "Falcon-H1": ("FalconH1Config", "FalconH1ForCausalLM", MAMBA2 | {"mamba_d_ssm": 64, "embedding_multiplier": 2.0}),
    "Granite-MoE-hybrid": (
        "GraniteMoeHybridConfig",
        "GraniteMoeHybridForCausalLM",
        MAMBA2
        | {
            "layer_types": LAYER_TYPES,
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
            "shared_intermediate_size": 24,
            "embedding_multiplier": 2.0,
            "position_embedding_type": "rope",
        },
    ),
    "Zamba2": (
        "Zamba2Config",
        "Zamba2ForCausalLM",
        {
            "layers_block_type": ["mamba", "hybrid", "mamba", "hybrid"],
            "attention_head_dim": 16,
            "num_key_value_heads": 4,
            "mamba_d_state": 6,
            "mamba_ngroups": 1,
            "mamba_headdim": 16,
            "n_mamba_heads": 4,
            "mamba_d_conv": 4,
            "mamba_expand": 2,
            "chunk_size": 16,
            "num_mem_blocks": 1,
            "use_mem_rope": True,
            "adapter_rank": 4,
        },
    ),
    "Nemotron-H": (
        "NemotronHConfig",
        "NemotronHForCausalLM",
        {
            "layers_block_type": ["mamba", "attention", "mamba", "mlp"],
            "mamba_num_heads": 4,
            "mamba_head_dim": 16,
            "ssm_state_size": 6,
            "n_groups": 1,
            "conv_kernel": 4,
            "expand": 2,
            "chunk_size": 16,
        },
    ),
}

REFUSED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "Jamba": (
        "JambaConfig",
        "JambaForCausalLM",
        {"attn_layer_period": 2, "attn_layer_offset": 1, "mamba_d_state": 6, "use_mamba_kernels": False}
        | {"num_experts": 2, "num_experts_per_tok": 1},
    ),
    "Zamba": (
        "ZambaConfig",
        "ZambaForCausalLM",
        {"layers_block_type": ["mamba", "hybrid", "mamba", "hybrid"], "attention_head_dim": 16}
        | {"num_key_value_heads": 4, "n_mamba_heads": 2, "mamba_d_state": 6, "use_mamba_kernels": False},
    ),
    "Mamba": ("MambaConfig", "MambaForCausalLM", {"state_size": 6}),
    "Falcon-Mamba": ("FalconMambaConfig", "FalconMambaForCausalLM", {"state_size": 6}),
    "RecurrentGemma": (
        "RecurrentGemmaConfig",
        "RecurrentGemmaForCausalLM",
        {"lru_width": 32, "attention_window_size": 16, "block_types": ["recurrent", "attention"]},
    ),
    "Mamba-2": (
        "Mamba2Config",
        "Mamba2ForCausalLM",
        {"num_heads": 4, "head_dim": 16, "state_size": 6, "n_groups": 1, "chunk_size": 16},
    ),
    "xLSTM": ("xLSTMConfig", "xLSTMForCausalLM", {"num_heads": 4}),
    "MiniMax": (
        "MiniMaxConfig",
        "MiniMaxForCausalLM",
        {"layer_types": LAYER_TYPES, "block_size": 8, "num_local_experts": 4, "num_experts_per_tok": 2},
    ),
    "Zaya": (
        "ZayaConfig",
        "ZayaForCausalLM",
        {"num_experts": 4, "num_experts_per_tok": 1, "moe_intermediate_size": 24, "router_hidden_size": 8},
    ),
    "Qwen4-Exp": (
        "Qwen4ExpTextConfig",
        "Qwen4ExpForCausalLM",
        DELTA
        | EXPERTS
        | {"layer_types": ["linear_attention", "indexed_attention"] * 2, "hc_lowrank": 8, "indexer_n_heads": 2}
        | {"indexer_kv_heads": 1, "indexer_head_dim": 8, "indexer_budget": 8, "indexer_compress_ratio": 4},
    ),
    "LFM2": ("Lfm2Config", "Lfm2ForCausalLM", {"layer_types": ["conv", "full_attention"] * 2}),
    "Llama": ("LlamaConfig", "LlamaForCausalLM", {}),
    "Qwen3": ("Qwen3Config", "Qwen3ForCausalLM", {}),
}


ADDED = {"Llama + fast weights": "Llama", "Qwen3 + fast weights": "Qwen3"}  # by add_fast_weights
SLEEPER_NAMES = (*SLEEPERS, *ADDED)


def tiny(family: str, *, seed: int = 0, **changes: Any) -> PreTrainedModel:
    """A random model of this family, about 50 000 parameters, in evaluation mode. Raises ConfigError.

    `changes` are settings of the family's configuration.
    """
    known = SLEEPERS | REFUSED
    require(family in known or family in ADDED, f"there is no family {family!r}; there are {', '.join(SLEEPER_NAMES)}.")
    if family in ADDED:
        base = tiny(ADDED[family], seed=seed, **changes)
        model = add_fast_weights(base, (1, 3), heads=2, key_dim=6, value_dim=10)
        _spread(model, seed)  # awake, as if trained: fresh ones are silent
        return model
    config_class, model_class, settings = known[family]
    state = torch.get_rng_state()
    torch.manual_seed(seed)  # the library draws its weights from the global generator
    try:
        config = getattr(transformers, config_class)(**{**COMMON, **settings, **changes})
        model = getattr(transformers, model_class)(config)
    finally:
        torch.set_rng_state(state)
    _spread(model, seed)
    return model.eval()


@torch.no_grad()
def _spread(model: PreTrainedModel, seed: int) -> None:
    """Make every part count: the library's initial weights leave a mixer near silent and S soon forgotten."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if name.endswith("dt_bias"):
            parameter.normal_(mean=-2.0, generator=generator)  # a time step of 0.1: some of S outlives a window
        elif name.endswith("A_log"):
            parameter.normal_(mean=-0.5, std=0.5, generator=generator)
        elif parameter.ndim >= 2:
            parameter.normal_(std=parameter.shape[-1] ** -0.5, generator=generator)
