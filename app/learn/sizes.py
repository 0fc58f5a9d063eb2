"""How much memory a KV cache takes: arithmetic on a model's shape, in bytes."""

from __future__ import annotations

from app.learn import learn_text
from app.parts.units import in_bytes
from sleepviz.config.model import ModelConfig
from sleepviz.runs.checkpoint import CheckpointInfo
from sleepviz.studies.counted.bill import Counted, OwnModel
from sleepviz.studies.counted.shapes import LLAMA

TOKENS = (10, 1_000, 1_000_000)


def of_checkpoint(info: CheckpointInfo) -> OwnModel:
    """A model of this project."""
    return OwnModel(ModelConfig.from_json(info.meta["model"]))


def as_table(info: CheckpointInfo | None) -> str:
    """Markdown: cache sizes for a few tokens, of the small model here and of one in use today."""
    models: dict[str, Counted] = {} if info is None else {learn_text.SMALL: of_checkpoint(info)}
    models[learn_text.LLAMA] = LLAMA
    lines = [[learn_text.SIZES, *(f"{tokens:,} tokens" for tokens in TOKENS)], ["---", *("---:" for _ in TOKENS)]]
    lines += [[name, *(in_bytes(model.kv_bytes(tokens)) for tokens in TOKENS)] for name, model in models.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
