"""`sleepviz.run_text`: a text and a question about it, asked of a model of the transformers library, in one call."""

from __future__ import annotations

from pathlib import Path

from sleepviz.config import places
from sleepviz.config.events import Trace
from sleepviz.config.model import Eviction
from sleepviz.hybrids.fast_weights import add_fast_weights
from sleepviz.hybrids.models.loading import load_any, load_sleeper, load_tokenizer
from sleepviz.hybrids.watched import watch_text
from sleepviz.text.example import text_spec


def run_text(
    model: str | Path,
    document: str,
    question: str,
    *,
    window: int = 32,
    n_passes: int = 4,
    eviction: Eviction = "hard",
    trust_remote_code: bool = False,
    span: tuple[int, int] | None = None,
    memory_layers: tuple[int, ...] = (),
) -> Trace:
    """Let a model read a text, sleep over each window, and answer a question with an empty cache.

    `model` is the name of a text model that ships with sleepviz ("text-micro"), a folder, or a name on the hub; it
    must have linear attention layers. `window` is the number of tokens after which it sleeps; our own models keep the
    one that they were built for. `span` = (first, last + 1) loops these layers only, counted from 0. `memory_layers`
    puts silent memory before these layers of a Llama or Qwen3, which then can sleep. The result holds every event of
    the run, its passes as `.passes`, and the answer as `.answer`; how much is forgotten and how strongly is written is
    not a number there.

    Raises ConfigError for a model that cannot be loaded or cannot sleep and for settings out of range.
    """
    shipped = places.ASSETS / "models" / str(model)
    is_shipped = Path(str(model)).name == str(model) and (shipped / "config.json").is_file()
    place: str | Path = shipped if is_shipped else model
    tokenizer = load_tokenizer(place, trust_remote_code=trust_remote_code)
    load = load_any if memory_layers else load_sleeper
    loaded = load(place, trust_remote_code=trust_remote_code).requires_grad_(False)
    if memory_layers:
        loaded = add_fast_weights(loaded, memory_layers, share=True)
    spec = text_spec(
        str(model),
        document,
        question,
        window,
        n_passes=n_passes,
        eviction=eviction,
        trust_remote_code=trust_remote_code,
        span=span,
        memory_layers=memory_layers,
    )
    events = tuple(watch_text(loaded, tokenizer, spec))
    return Trace(spec.to_json(), {"name": str(model), "digest": str(getattr(loaded.config, "digest", ""))}, events)
