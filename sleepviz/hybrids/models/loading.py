"""Load a model by hub name or folder and find out at once whether it can sleep.

Weights are read from safetensors and GGUF files only, never unpickled, and code that a repository brings along
is run only if the caller asks for it. Our own models and those with added fast weights load here too, the latter
also from a file of the memory alone, which is laid over its base (sleepviz.hybrids.overlay).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from sleepviz.config.base import require

# Importing these two registers their models with the Auto classes.
from sleepviz.hybrids import fast_weights as _fast_weights  # noqa: F401
from sleepviz.hybrids import modeling as _modeling  # noqa: F401
from sleepviz.hybrids.models.boundary import from_outside, require_whole
from sleepviz.hybrids.models.capability import require_sleeper
from sleepviz.hybrids.models.gguf import require_packages, split_gguf
from sleepviz.hybrids.overlay import described, is_overlay, lay_over, read_overlay


def load_sleeper(name: str | Path, *, trust_remote_code: bool = False, **settings: Any) -> PreTrainedModel:
    """The model of that hub name or folder, in evaluation mode.

    A GGUF file, or a folder of added memory, is named as `split_gguf` and `overlay` say.
    `settings` go to `from_pretrained` (dtype, revision, device_map, local_files_only). Raises ConfigError
    with one sentence: nothing there, no safetensors, a damaged file, tensors that are missing, of another shape,
    without a place or not finite, or a model that cannot sleep.
    """
    model = load_any(name, trust_remote_code=trust_remote_code, **settings)
    require_sleeper(model)
    return model


def load_any(name: str | Path, *, trust_remote_code: bool = False, **settings: Any) -> PreTrainedModel:
    """The same without asking whether it can sleep: for `add_fast_weights`."""
    refusal = f"{_called(name)} could not be loaded"
    place, file = split_gguf(name)
    require_packages(file)
    if is_overlay(place):
        memory = read_overlay(Path(place))
        base = load_any(base_of(Path(place)), trust_remote_code=trust_remote_code, **settings)
        return lay_over(base, memory, refusal)
    in_gguf = {"gguf_file": file} if file else {}
    with from_outside(refusal):
        config = AutoConfig.from_pretrained(place, trust_remote_code=trust_remote_code, **_shared(settings), **in_gguf)
        # Shapes that do not fit are told, not raised, so that the sentence names the tensors.
        model, found = AutoModelForCausalLM.from_pretrained(
            place,
            config=config,
            trust_remote_code=trust_remote_code,
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            **in_gguf,
            **settings,
        )
        require_whole(model, found, refusal)
        if file:  # the reader has made full-precision weights of it: a model like any other
            model.hf_quantizer.remove_quantization_config(model)
    loaded: PreTrainedModel = model.eval()
    return loaded


def load_tokenizer(name: str | Path, *, trust_remote_code: bool = False) -> Any:
    """The tokenizer of that hub name or folder. Raises ConfigError."""
    refusal = f"{_called(name)} has no tokenizer that can be read, and texts need one"
    place, file = split_gguf(name)
    if is_overlay(place):
        return load_tokenizer(base_of(Path(place)), trust_remote_code=trust_remote_code)
    require_packages(file)
    in_gguf = {"gguf_file": file} if file else {}
    with from_outside(refusal):
        tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=trust_remote_code, **in_gguf)
        empty = not tokenizer.encode("What is this?", add_special_tokens=False)
    require(not empty, f"{refusal}.")  # where there is no file, the library makes one without a vocabulary
    return tokenizer


def base_of(folder: Path) -> str:
    """Where the base of a folder of added memory lies. Raises ConfigError."""
    base = described(folder).base
    require(not is_overlay(split_gguf(base)[0]), f"{_called(folder)} could not be loaded: its base is memory too.")
    return base


def _called(name: str | Path) -> str:
    """The last part of its name, or all of a name such as ".", in a sentence."""
    return (Path(name).name or str(name))[:80]


def _shared(settings: dict[str, Any]) -> dict[str, Any]:
    """Those settings that say where to look; the others are about weights."""
    return {key: settings[key] for key in ("revision", "local_files_only", "cache_dir", "token") if key in settings}
