"""How much memory a KV cache takes: arithmetic on a model's shape, in bytes."""

from __future__ import annotations

from dataclasses import dataclass

from app.learn import learn_text
from sleepviz.runs.checkpoint import CheckpointInfo

TOKENS = (10, 1_000, 1_000_000)
UNITS = ("bytes", "KB", "MB", "GB", "TB")


@dataclass(frozen=True)
class Shape:
    """What a cache's size depends on: for each token and layer, a key and a value of heads × numbers."""

    layers: int
    heads: int
    numbers: int  # of one head's key
    bytes_each: int

    @property
    def token_bytes(self) -> int:
        """Bytes that one more token takes."""
        return 2 * self.layers * self.heads * self.numbers * self.bytes_each


# Llama 3.1 8B as published: 32 layers, 8 key-value heads of 128 numbers, two bytes each.
LLAMA = Shape(layers=32, heads=8, numbers=128, bytes_each=2)


def of_checkpoint(info: CheckpointInfo) -> Shape:
    """A model of this project; it computes in four bytes."""
    model = info.meta["model"]
    attending = sum(kind != "linear_attention" for kind in model["layer_types"])
    return Shape(attending, model["n_heads"], model["d_model"] // model["n_heads"], 4)


def written(n_bytes: int) -> str:
    """Write 131072000000 as "131 GB", in steps of a thousand."""
    amount, unit = float(n_bytes), 0
    while amount >= 1000 and unit < len(UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.0f} {UNITS[unit]}" if unit == 0 or amount >= 100 else f"{amount:.1f} {UNITS[unit]}"


def as_table(info: CheckpointInfo | None) -> str:
    """Markdown: cache sizes for a few tokens, of the small model here and of one in use today."""
    shapes = (
        {learn_text.LLAMA: LLAMA}
        if info is None
        else {learn_text.SMALL: of_checkpoint(info)} | {learn_text.LLAMA: LLAMA}
    )
    lines = [[learn_text.SIZES, *(f"{tokens:,} tokens" for tokens in TOKENS)], ["---", *("---:" for _ in TOKENS)]]
    lines += [[name, *(written(tokens * shape.token_bytes) for tokens in TOKENS)] for name, shape in shapes.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
