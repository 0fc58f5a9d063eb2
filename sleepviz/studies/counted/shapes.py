"""Shapes of published models: layers, heads and widths, each with its source. Bytes and operations follow from them.

Counted are the products of matrices, 2 m k n for [m, k] and [k, n]; attention over the pairs that a causal kernel
computes; and the fast weights token by token: reading, recalling and writing a state of n numbers takes 6 n operations
a token. Norms, activations and short convolutions are left out. A number takes two bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from sleepviz.config.base import require
from sleepviz.studies.counted.pairs import causal_pairs

BYTES = 2  # bfloat16


@dataclass(frozen=True)
class FastLayer:
    """One layer with fast weights: weights in its products of matrices, and the numbers of its state."""

    weights: int
    state: int


def delta_layer(hidden: int, key_heads: int, heads: int, key_dim: int, value_dim: int, extra: int = 0) -> FastLayer:
    """A Gated DeltaNet layer: q, k, v, output gate, decay, write strength and output; `extra` weights beside these."""
    keys, values = key_heads * key_dim, heads * value_dim
    return FastLayer(
        hidden * (2 * keys + 2 * values + 2 * heads) + values * hidden + extra, heads * key_dim * value_dim
    )


def mamba_layer(hidden: int, expand: int, state: int, rank: int) -> FastLayer:
    """A Mamba layer (Gu and Dao, arXiv:2312.00752): in, x, step and out projections, a state for each channel."""
    inner = expand * hidden
    return FastLayer(hidden * 2 * inner + inner * (rank + 2 * state) + rank * inner + inner * hidden, inner * state)


@dataclass(frozen=True)
class Shape:
    """What the counts need to know of a model. `source` says where the numbers stand."""

    name: str
    source: str
    published: float  # parameters, in billions, as its makers state them; 0: not stated
    hidden: int
    full_layers: int
    heads: int
    kv_heads: int
    head_dim: int
    mlp: int  # inner width of a gated MLP, three matrices
    vocabulary: int
    tied: bool  # whether the output shares the embedding's matrix
    sliding_layers: int = 0
    sliding_window: int = 0
    fast_layers: int = 0
    fast: FastLayer = FastLayer(0, 0)
    gated_query: bool = False  # the query's projection also makes an output gate
    loops: int = 1  # times that an ordinary pass runs through all layers, each with a cache of its own

    def __post_init__(self) -> None:
        counts = (self.hidden, self.heads, self.kv_heads, self.head_dim, self.mlp, self.vocabulary, self.loops)
        require(all(1 <= each <= 2**20 for each in counts), "every width and count must be from 1 to 1048576.")
        layers = (self.full_layers, self.sliding_layers, self.fast_layers)
        require(all(0 <= each <= 512 for each in layers) and sum(layers) > 0, "a model has from 1 to 512 layers.")
        require(not self.sliding_layers or self.sliding_window > 0, "sliding layers need a window of at least 1 token.")

    @property
    def _attention_weights(self) -> int:
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        return self.hidden * (queries * (2 if self.gated_query else 1) + 2 * keys) + queries * self.hidden

    @property
    def _layer_weights(self) -> int:
        """Weights in the products of matrices of all layers."""
        attending = self.full_layers + self.sliding_layers
        mlp = 3 * self.hidden * self.mlp * (attending + self.fast_layers)
        return attending * self._attention_weights + self.fast_layers * self.fast.weights + mlp

    @property
    def parameters(self) -> int:
        """Weights of all matrices, the embedding and the output included."""
        return self._layer_weights + self.vocabulary * self.hidden * (1 if self.tied else 2)

    def kv_bytes(self, n_tokens: int) -> int:
        """A sliding layer holds no more than its window."""
        token = 2 * self.kv_heads * self.head_dim * BYTES
        sliding = self.sliding_layers * min(n_tokens, self.sliding_window)
        return token * self.loops * (self.full_layers * n_tokens + sliding)

    @property
    def fast_bytes(self) -> int:
        """The state of every layer with fast weights."""
        return self.fast_layers * self.fast.state * BYTES

    def reading_flops(self, n_tokens: int) -> int:
        """One ordinary pass."""
        return self._pass_flops(n_tokens, 0)

    def sleep_flops(self, n_tokens: int, n_passes: int) -> int:
        """Each pass costs as much as reading the window."""
        return n_passes * self.reading_flops(n_tokens)

    def answer_flops(self, n_tokens: int, n_cached: int) -> int:
        """One ordinary pass, and the output projection at every token."""
        return self._pass_flops(n_tokens, n_cached) + 2 * n_tokens * self.hidden * self.vocabulary

    def _pass_flops(self, n_tokens: int, n_cached: int) -> int:
        pairs = self.full_layers * causal_pairs(n_tokens, n_cached)
        pairs += self.sliding_layers * causal_pairs(n_tokens, n_cached, self.sliding_window)
        attention = 4 * pairs * self.heads * self.head_dim
        rule = 6 * n_tokens * self.fast_layers * self.fast.state
        return self.loops * (2 * n_tokens * self._layer_weights + attention + rule)


LLAMA = Shape(
    name="Llama 3.1 8B",
    source="arXiv:2407.21783, table 3. Its vocabulary with the special tokens: the model's config.json",
    published=8.0,
    hidden=4096,
    full_layers=32,
    heads=32,
    kv_heads=8,
    head_dim=128,
    mlp=14_336,
    vocabulary=128_256,
    tied=False,
)
"""Full attention alone: it has no fast weights, and stands for the models that never clear anything."""

_JET_VALUES = 12 * 256  # 12 heads of int(96 * 2.6667) values
PUBLISHED: tuple[Shape, ...] = (
    Shape(
        name="Qwen3.5 9B",
        source="transformers, Qwen3_5TextConfig: its defaults are this model's text part",
        published=9.0,
        hidden=4096,
        full_layers=8,
        heads=16,
        kv_heads=4,
        head_dim=256,
        mlp=12_288,
        vocabulary=248_320,
        tied=False,
        fast_layers=24,
        fast=delta_layer(4096, key_heads=16, heads=32, key_dim=128, value_dim=128),
        gated_query=True,
    ),
    Shape(
        name="Jet-Nemotron 2B",
        source="github.com/NVlabs/Jet-Nemotron, jetai/modeling/configs/jetlm_2B.json and modeling/hf/jet_block.py",
        published=2.0,
        hidden=1536,
        full_layers=2,
        heads=12,
        kv_heads=2,
        head_dim=128,
        mlp=8960,
        vocabulary=151_936,
        tied=True,
        sliding_layers=2,
        sliding_window=1152,
        fast_layers=24,
        # Its convolution over v is made by two matrices, from the token and by an eighth of the width.
        fast=delta_layer(
            1536,
            key_heads=12,
            heads=12,
            key_dim=96,
            value_dim=256,
            extra=1536 * _JET_VALUES // 8 + _JET_VALUES // 8 * _JET_VALUES * 4,
        ),
    ),
    Shape(
        name="Ouro 1.4B",
        source="huggingface.co/ByteDance/Ouro-1.4B, config.json at 574fa66c",
        published=1.4,
        hidden=2048,
        full_layers=24,
        heads=16,
        kv_heads=16,
        head_dim=128,
        mlp=5632,
        vocabulary=49_152,
        tied=False,
        loops=4,
    ),
    Shape(
        name="Samba 1.3B",
        source="github.com/microsoft/Samba, lit_gpt/config.py (Samba_1.3B) and lit_gpt/model.py",
        published=1.3,
        hidden=2304,
        full_layers=0,
        heads=18,
        kv_heads=18,
        head_dim=128,
        mlp=6144,
        vocabulary=32_000,
        tied=True,
        sliding_layers=9,
        sliding_window=2048,
        fast_layers=9,
        fast=mamba_layer(2304, expand=2, state=16, rank=144),
    ),
    LLAMA,
)
"""Samba 3.8B is not here: no file of its makers with its shape was found."""
