"""Which models the page "Your model" may run, and how they are loaded. transformers is imported by a run only.

A model is named by one word of text: "text:NAME" (our text model, a folder like any other), "checkpoint:NAME"
(ours, through the library), "random:FAMILY" (small, untrained) or "local:FOLDER OR HUB NAME", which only a
server that allows it will load.
"""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from app.shell import messages, runs
from app.shell.jobs import Refusals, RunKey, RunQueue
from sleepviz.config.base import ConfigError, require
from sleepviz.config.events import Event
from sleepviz.config.model import SleepPolicy
from sleepviz.config.outside import MALFORMED
from sleepviz.runs.checkpoint import CheckpointError, read_info
from sleepviz.tasks.base import InputError
from sleepviz.text import example

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from sleepviz.hybrids.models.tokens import Tokenizer

ALLOWED = "SLEEPVIZ_LOCAL_MODELS"  # set to 1 by whoever runs the server
SIZE_MAX = "SLEEPVIZ_LOCAL_MODELS_GB"
SIZE_MAX_GB = 4.0
FAMILIES = ("Qwen3.5", "OLMo-hybrid", "Bamba", "Falcon-H1", "Nemotron-H", "Llama + fast weights")
RANDOM_VOCABULARY = 256  # a token a byte


def local_models_allowed() -> bool:
    """Whether this server lets a visitor name a folder or a hub model."""
    return os.environ.get(ALLOWED) == "1"


def text_models() -> tuple[str, ...]:
    """Names of the text models that ship with the app, folders that save_pretrained wrote; not of damaged ones."""
    names = sorted(path.parent.name for path in text_folder().glob("*/tokenizer.json"))
    return tuple(name for name in names if _is_whole(name))


def _is_whole(name: str) -> bool:
    try:
        text_facts(name)
    except ConfigError:
        return False
    return True


def text_folder() -> Path:
    """Where they are."""
    return runs.ASSETS / "models"


def text_facts(name: str) -> tuple[int, int, str]:
    """(window, passes trained, digest of the weights) of one of them, from its config.json. Raises ConfigError."""
    try:
        config = json.loads((text_folder() / name / "config.json").read_text(encoding="utf-8"))
        return int(config["architecture"]["window"]), int(config["passes_trained"]), str(config["digest"])
    except (OSError, *MALFORMED) as error:
        raise ConfigError(f"the model {name[:60]!r} that ships with the app is damaged.") from error


def largest_bytes() -> int:
    """The most that a model's weights may take."""
    try:
        return int(float(os.environ.get(SIZE_MAX, SIZE_MAX_GB)) * 1e9)
    except (ValueError, OverflowError):
        return int(SIZE_MAX_GB * 1e9)


@st.cache_resource(show_spinner=False)
def queue() -> RunQueue:
    """A queue of its own, which takes turns with the other pages' runs."""
    return RunQueue(
        record=record_run,
        describe=lambda key: {"name": key.spec.checkpoint, "digest": key.digest},
        refusals=Refusals((InputError, ConfigError, CheckpointError), messages.INTERNAL_ERROR, messages.TOO_MANY),
        is_warm=lambda: runs.is_imported("transformers"),
        prepare=runs.one_thread,
        who=runs.run_log().visitor,
        told=runs.run_log().tell,
        kept_bytes=32_000_000,
        turns=runs.queue().turns,
    )


def record_run(key: RunKey) -> Iterator[Event]:
    """The events of one run. Called in a worker thread."""
    from sleepviz.hybrids import watched
    from sleepviz.hybrids.modeling import SleepForCausalLM

    spec = key.spec
    trusted = spec.task == example.TASK and bool(json.loads(spec.input)["trust_remote_code"])
    model, tokenizer = _loaded(spec.checkpoint, key.digest, trusted)
    if spec.task == example.TASK:
        return watched.watch_text(model, tokenizer, spec)
    assert isinstance(model, SleepForCausalLM)
    info = read_info(runs.checkpoint_folder() / spec.checkpoint.partition(":")[2])
    question = watched.of_task(model, spec.input, info.limits)
    return watched.watch(model, question, SleepPolicy(spec.n_passes, spec.eviction), window=model.window)


@st.cache_resource(max_entries=2, show_spinner=False)
def _loaded(source: str, digest: str, trust_remote_code: bool) -> tuple[PreTrainedModel, Tokenizer]:
    """A model and its tokenizer, loaded once for all visitors. Raises ConfigError and CheckpointError."""
    import transformers

    from sleepviz.hybrids.models.tokens import Bytes

    transformers.logging.set_verbosity_error()
    kind, _, name = source.partition(":")
    tokenizer: Tokenizer = Bytes()
    if kind == "checkpoint":
        from sleepviz.hybrids.modeling import from_checkpoint

        model: PreTrainedModel = from_checkpoint(name, folder=runs.checkpoint_folder())
    elif kind == "random":
        from sleepviz.hybrids.models.families import tiny

        model = tiny(name, vocab_size=RANDOM_VOCABULARY)
    else:
        from sleepviz.hybrids.models.loading import load_sleeper, load_tokenizer

        if kind == "text":
            require(name in text_models(), f"no model named {name[:60]!r} ships with the app.")
            name = str(text_folder() / name)
        else:
            require(local_models_allowed(), "this server does not load models that a visitor names.")
            require_size(name)
        tokenizer = load_tokenizer(name, trust_remote_code=trust_remote_code)
        model = load_sleeper(name, trust_remote_code=trust_remote_code)
    model.requires_grad_(False)
    gc.collect()
    gc.freeze()
    return model, tokenizer


def require_size(name: str) -> None:
    """Refuse weights that are too large before any of them is read. Raises ConfigError."""
    from sleepviz.hybrids.models.places import weights_bytes

    most = largest_bytes()
    refusal = f"the weights take more than {most / 1e9:g} GB, the most that this server loads ({SIZE_MAX})."
    require(weights_bytes(name) <= most, refusal)
