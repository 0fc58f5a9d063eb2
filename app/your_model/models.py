"""Which models the page "Your model" may run, and how they are loaded. transformers is imported by a run only.

A model is named by one word of text: "text:NAME" (our text model, a folder like any other), "random:FAMILY"
(small, untrained), "local:FOLDER OR HUB NAME" or "dropped:DIGEST" (files that a visitor dropped). What the last two
may be is said by `allowed`.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.shell import messages, runs
from app.shell.jobs import Refusals, RunKey, RunQueue
from app.your_model import allowed
from app.your_model.shelf import shelf
from sleepviz.config.base import ConfigError, require
from sleepviz.config.events import Event
from sleepviz.config.outside import MALFORMED
from sleepviz.runs.checkpoint import CheckpointError
from sleepviz.tasks.base import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from sleepviz.hybrids.models.tokens import Tokenizer
    from sleepviz.inside.seen import TextSeen

FAMILIES = ("Qwen3.5", "OLMo-hybrid", "Bamba", "Falcon-H1", "Nemotron-H", "Llama + fast weights")
RANDOM_VOCABULARY = 256  # a token a byte
Tell = Callable[[int, int], None]  # (bytes done, bytes in all)


def is_own(source: str) -> bool:
    """Whether a visitor brought it."""
    return source.startswith(("local:", "dropped:"))


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

    model, tokenizer = loaded_for(key)
    return watched.watch_text(model, tokenizer, key.spec)


def look_into(key: RunKey) -> Iterator[TextSeen]:
    """Every pass of one run, with what it wrote and what S gives back. Called in a worker thread."""
    from sleepviz.hybrids.inside.observe import observe_text

    model, tokenizer = loaded_for(key)
    return observe_text(model, tokenizer, key.spec)


def loaded_for(key: RunKey) -> tuple[PreTrainedModel, Tokenizer]:
    """The model of a run, with the memory that the run adds, and its tokenizer. Raises ConfigError."""
    asked = json.loads(key.spec.input)
    memory_layers = tuple(asked.get("memory_layers", ()))
    return loaded(key.spec.checkpoint, key.digest, bool(asked["trust_remote_code"]), memory_layers)


def loaded(
    source: str, digest: str, trust_remote_code: bool, memory_layers: tuple[int, ...] = ()
) -> tuple[PreTrainedModel, Tokenizer]:
    """A model and its tokenizer, with silent memory before `memory_layers`; loaded once for all visitors.

    Raises ConfigError. A model that a visitor brought may be one that cannot sleep.
    """
    if source.startswith("local:"):
        require_place(source.partition(":")[2], allowed.for_server(), trust_remote_code=trust_remote_code)
    if memory_layers:
        return _with_memory(source, digest, trust_remote_code, memory_layers)
    return _loaded(source, digest, trust_remote_code)


@st.cache_resource(max_entries=2, show_spinner=False)
def _loaded(source: str, digest: str, trust_remote_code: bool) -> tuple[PreTrainedModel, Tokenizer]:
    import transformers

    from sleepviz.hybrids.models.tokens import Bytes

    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    kind, _, name = source.partition(":")
    tokenizer: Tokenizer = Bytes()
    if kind == "random":
        from sleepviz.hybrids.models.families import tiny

        model = tiny(name, vocab_size=RANDOM_VOCABULARY)
    else:
        from sleepviz.hybrids.models.loading import load_any, load_tokenizer

        place: str | Path = name
        if kind == "text":
            require(name in text_models(), f"no model named {name[:60]!r} ships with the app.")
            place = text_folder() / name
        elif kind == "dropped":
            place = shelf().folder(name)
        else:
            place = on_disk(name, with_code=trust_remote_code)
        tokenizer = load_tokenizer(place, trust_remote_code=trust_remote_code)
        model = load_any(place, trust_remote_code=trust_remote_code)
    model.requires_grad_(False)
    gc.collect()
    gc.freeze()
    return model, tokenizer


@st.cache_resource(max_entries=2, show_spinner=False)
def _with_memory(
    source: str, digest: str, trust_remote_code: bool, memory_layers: tuple[int, ...]
) -> tuple[PreTrainedModel, Tokenizer]:
    from sleepviz.hybrids.fast_weights import add_fast_weights

    base, tokenizer = _loaded(source, digest, trust_remote_code)
    model = add_fast_weights(base, memory_layers, share=True)
    model.requires_grad_(False)
    return model, tokenizer


def require_place(name: str, allowance: allowed.Allowance, *, trust_remote_code: bool = False) -> None:
    """Refuse a folder, a hub name or code that is not allowed, and the base of added memory too. Raises ConfigError."""
    from sleepviz.hybrids.models.gguf import split_gguf
    from sleepviz.hybrids.models.loading import base_of
    from sleepviz.hybrids.overlay import is_overlay

    require(allowance.anything or not trust_remote_code, "this server runs no code that a model brings along.")
    allowed.require_allowed(name, allowance)
    place, _ = split_gguf(name)
    if is_overlay(place):
        allowed.require_allowed(base_of(Path(place)), allowance)


def on_disk(name: str, *, tell: Tell = lambda done, total: None, with_code: bool = False) -> Path:
    """The folder, or GGUF file, that a name stands for; downloaded where it is a hub's. Raises ConfigError."""
    from sleepviz.hybrids.models.gguf import split_gguf
    from sleepviz.hybrids.models.places import fetched

    place, file = split_gguf(name)
    folder = place if isinstance(place, Path) else fetched(place, file, tell=tell, with_code=with_code)
    return folder / file


def room(source: str) -> Any:
    """What a model takes, a `Room`: refused here where there is none. Raises ConfigError."""
    from sleepviz.hybrids.models.gguf import require_packages, split_gguf
    from sleepviz.hybrids.models.loading import base_of
    from sleepviz.hybrids.models.room import require_disk, require_room, room_for
    from sleepviz.hybrids.overlay import is_overlay

    kind, _, name = source.partition(":")
    place, file = split_gguf(shelf().folder(name) if kind == "dropped" else name)
    if is_overlay(place):
        place, file = split_gguf(base_of(Path(place)))
    require_packages(file)
    found = room_for(place, file)
    require_room(found)
    if not isinstance(place, Path):
        from huggingface_hub import constants

        require_disk(found.files, Path(constants.HF_HUB_CACHE))
    return found
