"""Recorded runs: what a page shows first, made by the same code that runs live."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from sleepviz.config.events import SleepPassDone, Trace
from sleepviz.config.places import ASSETS
from sleepviz.config.run import RunSpec
from sleepviz.runs import checkpoint
from sleepviz.runs.checkpoint import CheckpointError, find, load, write_atomically
from sleepviz.runs.record import trace
from sleepviz.studies import lesson
from sleepviz.studies.measurements import baseline_names
from sleepviz.tasks import FAMILIES
from sleepviz.text import example

FOLDER = ASSETS / "recordings"
MODELS = FOLDER.parent / "models"


def recordings(checkpoints: Path = checkpoint.FOLDER) -> dict[str, RunSpec]:
    """Every recording that the checkpoints here allow: each task's own run, with N = 1, and by the N = 1 model.

    And the runs of the lesson, on the first row of its task's own run.
    """
    specs: dict[str, RunSpec] = {}
    for task, family in FAMILIES.items():
        try:
            info = find("", task=task, folder=checkpoints)
        except CheckpointError:
            continue
        given, n_passes = family.home(info.limits, info.earned)
        text = json.dumps(given)
        specs[f"{task}-home"] = RunSpec(task=task, input=text, n_passes=n_passes)
        specs[f"{task}-home-n1"] = RunSpec(task=task, input=text, n_passes=1)
        name = next((name for name in baseline_names(task) if (checkpoints / name / "meta.json").exists()), "")
        if name:
            specs[f"{task}-home-baseline"] = RunSpec(task=task, input=text, checkpoint=name, n_passes=1)
        if task == lesson.TASK:
            specs |= lesson.lesson_specs(given["rows"][0], name)
    return specs


def text_recordings(models: Path = MODELS) -> dict[str, RunSpec]:
    """Our text model on the page that it opens with, where the model is here: N passes, one, none, nothing evicted."""
    try:
        config = json.loads((models / example.MODEL / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    window = int(config["architecture"]["window"])
    spec = example.text_spec(f"text:{example.MODEL}", example.PAGE, example.QUESTION, window)
    return dict(zip(example.RECORDINGS, example.side_by_side(spec), strict=True))


def text_trace(spec: RunSpec, models: Path = MODELS) -> Trace:
    """A run of a text by our text model. transformers is imported for these runs alone."""
    from sleepviz.hybrids.models.loading import load_sleeper, load_tokenizer
    from sleepviz.hybrids.watched import watch_text

    folder = str(models / example.MODEL)
    model, tokenizer = load_sleeper(folder), load_tokenizer(folder)
    described = {"name": spec.checkpoint, "digest": model.config.digest}
    return Trace(spec.to_json(), described, tuple(watch_text(model, tokenizer, spec)))


def recording_path(name: str, folder: Path = FOLDER) -> Path:
    """The path of a recording in assets, by its name."""
    return folder / f"{name}.npz"


def read_recording(name: str, folder: Path = FOLDER) -> Trace:
    """Read a recording; torch is not needed to show it. Raises OSError or ValueError."""
    return Trace.from_npz(recording_path(name, folder).read_bytes())


def _compact(run: Trace) -> Trace:
    """The same run with S in half precision and attention to three decimals: a quarter of the bytes."""
    return replace(run, events=tuple(_compact_pass(e) if isinstance(e, SleepPassDone) else e for e in run.events))


def _compact_pass(done: SleepPassDone) -> SleepPassDone:
    layers = tuple(replace(layer, state=layer.state.astype(np.float16)) for layer in done.layers)
    attention = tuple(np.round(weights, 3).astype(np.float16) for weights in done.attention)
    return replace(done, layers=layers, attention=attention)


def record_all(folder: Path = FOLDER, checkpoints: Path = checkpoint.FOLDER, models: Path = MODELS) -> dict[str, int]:
    """Make every recording anew; return the bytes of each. One that cannot be made is left out and named."""

    def recorded(spec: RunSpec) -> Trace:
        if spec.task == example.TASK:
            return text_trace(spec, models)
        return trace(spec, load(spec.checkpoint, task=spec.task, folder=checkpoints))

    sizes = {}
    specs = recordings(checkpoints) | text_recordings(models)
    for name, spec in tqdm(specs.items(), desc="record", unit="run"):
        try:
            recorded(spec)  # the first run in a process is several times slower, and its seconds are shown
            data = _compact(recorded(spec)).to_npz()
        except ValueError as error:  # a checkpoint that is damaged, or too small for the question
            print(f"{name} was not recorded: {error}", file=sys.stderr)
            continue
        write_atomically(recording_path(name, folder), data)
        sizes[name] = len(data)
    return sizes
