"""What `python -m sleepviz tune` does with its words: names and texts -> model, examples and settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers

from sleepviz.config.base import require
from sleepviz.config.outside import json_of
from sleepviz.hybrids.fast_weights import add_fast_weights
from sleepviz.hybrids.modeling import SleepForCausalLM
from sleepviz.hybrids.models.gguf import split_gguf
from sleepviz.hybrids.models.loading import base_of, load_any, load_sleeper, load_tokenizer
from sleepviz.hybrids.overlay import is_overlay
from sleepviz.hybrids.tuning.config import TuneConfig
from sleepviz.hybrids.tuning.examples import ExampleSource, TaskExamples, source_of
from sleepviz.hybrids.tuning.texts import PlainTextCourse, plain_text_course
from sleepviz.hybrids.tuning.tune import tune

NO_WINDOW = "give --window, the tokens between two sleeps: texts have none of their own."


def tune_by_name(
    name: str,
    task: str,
    settings: dict[str, Any],
    *,
    out: Path,
    sizes: str = "",
    difficulties: Sequence[int] = (),
    memory_layers: Sequence[int] = (),
    associative: bool = False,
    texts: Sequence[str] = (),
    resume: bool = False,
    exam_size: int = 128,
    device: str = "auto",
    dtype: str = "float32",
    trust_remote_code: bool = False,
) -> dict[str, Any]:
    """Load, tune, write to `out`; return tuning.json with the folder.

    `settings` are TuneConfig's, with window None for the model's own, or the task's. `memory_layers`
    makes an attention-only model one that can sleep, and with `associative` its memory begins as look-ups.
    `task` is "" where `texts` are given, files of plain text. Raises ConfigError.
    """
    only_memory = bool(settings.get("only_memory"))
    require(bool(task) != bool(texts), "give --task or --text, one of them.")
    for_tasks = bool(sizes or difficulties)
    require(not texts or not for_tasks, "--sizes and --difficulty are for tasks, and plain text has none.")
    require(not texts or settings["window"] is not None, NO_WINDOW)
    require(bool(memory_layers) or not associative, "--associative is for --add-fast-weights.")
    transformers.logging.set_verbosity_error()  # it tells of each kernel that is not installed
    transformers.utils.logging.disable_progress_bar()
    needs_tokenizer = bool(texts) or task.endswith(".jsonl")
    tokenizer = load_tokenizer(name, trust_remote_code=trust_remote_code) if needs_tokenizer else None
    place, file = split_gguf(name)
    base = base_of(Path(place)) if is_overlay(place) else _kept_name(place, file)
    added = bool(memory_layers) or is_overlay(place)
    require(added or not only_memory, "--only-memory needs memory: give --add-fast-weights, or a folder of memory.")
    load = load_any if memory_layers else load_sleeper
    model = load(name, trust_remote_code=trust_remote_code, dtype=getattr(torch, dtype))
    if memory_layers:
        model = add_fast_weights(model, memory_layers, associative=associative)
    source: ExampleSource | PlainTextCourse
    window = settings["window"]
    if texts:
        source = plain_text_course(texts, tokenizer, TuneConfig(**settings).window)
    else:
        source = source_of(task, sizes=_sizes(sizes), difficulties=difficulties, tokenizer=tokenizer)
    if window is None and isinstance(model, SleepForCausalLM):
        window = model.window
    elif window is None and isinstance(source, TaskExamples):
        window = source.task.window
    require(window is not None, NO_WINDOW)
    config = TuneConfig(**{**settings, "window": window})
    where = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    told: dict[str, Any] = {"model": Path(name).name, "task": Path(task).name, "sizes": _sizes(sizes)}
    told |= {"texts": len(texts)} if texts else {}
    told |= {"memory_layers": list(memory_layers), "associative": associative}
    report = tune(
        model.to(where),
        source,
        config,
        out,
        base=base,
        tokenizer=tokenizer,
        resume=resume,
        exam_size=exam_size,
        described=told,
    )
    return {"out": str(out), **report}


def _kept_name(place: Path | str, file: str) -> str:
    """Where a base lies, in words that are right from any folder."""
    if isinstance(place, Path):
        return str((place / file).resolve())
    return f"{place}/{file}" if file else place


def _sizes(text: str) -> dict[str, Any] | None:
    """A task's sizes as JSON; None for the usual ones."""
    if not text:
        return None
    values = json_of(text, "sizes must be a JSON object of whole numbers, but this")
    require(isinstance(values, dict), "sizes must be a JSON object of whole numbers.")
    return dict(values)
