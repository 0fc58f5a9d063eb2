"""What `python -m sleepviz tune` does with its words: names and texts -> model, course and settings."""

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
from sleepviz.hybrids.models.loading import load_any, load_sleeper, load_tokenizer
from sleepviz.hybrids.tuning.config import TuneConfig
from sleepviz.hybrids.tuning.lessons import TaskCourse, course_of
from sleepviz.hybrids.tuning.tune import tune


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
    resume: bool = False,
    exam_size: int = 128,
    device: str = "auto",
    dtype: str = "float32",
    trust_remote_code: bool = False,
) -> dict[str, Any]:
    """Load, tune, write to `out`; return tuning.json with the folder.

    `settings` are TuneConfig's, with window None for the model's own, or the task's. `memory_layers`
    makes an attention-only model one that can sleep, and with `associative` its memory begins as look-ups.
    Raises ConfigError.
    """
    require(bool(memory_layers) or not associative, "--associative is for --add-fast-weights.")
    transformers.logging.set_verbosity_error()  # it tells of each kernel that is not installed
    transformers.utils.logging.disable_progress_bar()
    tokenizer = load_tokenizer(name, trust_remote_code=trust_remote_code) if task.endswith(".jsonl") else None
    load = load_any if memory_layers else load_sleeper
    model = load(name, trust_remote_code=trust_remote_code, dtype=getattr(torch, dtype))
    if memory_layers:
        model = add_fast_weights(model, memory_layers, associative=associative)
    course = course_of(task, sizes=_sizes(sizes), difficulties=difficulties, tokenizer=tokenizer)
    window = settings["window"]
    if window is None and isinstance(model, SleepForCausalLM):
        window = model.window
    elif window is None and isinstance(course, TaskCourse):
        window = course.task.window
    require(window is not None, "give --window, the tokens between two sleeps: a file of texts has none of its own.")
    config = TuneConfig(**{**settings, "window": window})
    where = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    described: dict[str, Any] = {"model": Path(name).name, "task": Path(task).name, "sizes": _sizes(sizes)}
    described |= {"memory_layers": list(memory_layers), "associative": associative}
    report = tune(
        model.to(where),
        course,
        config,
        out,
        tokenizer=tokenizer,
        resume=resume,
        exam_size=exam_size,
        described=described,
    )
    return {"out": str(out), **report}


def _sizes(text: str) -> dict[str, Any] | None:
    """A task's sizes as JSON; None for the usual ones."""
    if not text:
        return None
    values = json_of(text, "sizes must be a JSON object of whole numbers, but this")
    require(isinstance(values, dict), "sizes must be a JSON object of whole numbers.")
    return dict(values)
