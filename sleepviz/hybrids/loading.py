"""Load a model by hub name or folder and find out at once whether it can sleep.

Weights are read from safetensors files only, never unpickled, and code that a repository brings along
is run only if the caller asks for it. Our own models and those with added fast weights load here too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from sleepviz.config.base import ConfigError, require

# Importing these two registers their models with the Auto classes.
from sleepviz.hybrids import fast_weights as _fast_weights  # noqa: F401
from sleepviz.hybrids import modeling as _modeling  # noqa: F401
from sleepviz.hybrids.capability import require_sleeper


def load_sleeper(name: str | Path, *, trust_remote_code: bool = False, **settings: Any) -> PreTrainedModel:
    """The model of that hub name or folder, in evaluation mode.

    `settings` go to `from_pretrained` (dtype, revision, device_map, local_files_only). Raises ConfigError
    with one sentence: nothing there, no safetensors, a damaged file, or a model that cannot sleep.
    """
    model = load_any(name, trust_remote_code=trust_remote_code, **settings)
    require_sleeper(model)
    return model


def load_any(name: str | Path, *, trust_remote_code: bool = False, **settings: Any) -> PreTrainedModel:
    """The same without asking whether it can sleep: for `add_fast_weights`."""
    try:
        config = AutoConfig.from_pretrained(name, trust_remote_code=trust_remote_code, **_shared(settings))
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            name, config=config, trust_remote_code=trust_remote_code, use_safetensors=True, **settings
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ConfigError(f"{Path(name).name} could not be loaded: {lines[0][:300].rstrip('.')}.") from error
    return model.eval()


def load_tokenizer(name: str | Path, *, trust_remote_code: bool = False) -> Any:
    """The tokenizer of that hub name or folder. Raises ConfigError."""
    refusal = f"{Path(name).name} has no tokenizer that can be read, and texts need one."
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=trust_remote_code)
        empty = not tokenizer.encode("What is this?", add_special_tokens=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(refusal) from error
    require(not empty, refusal)  # where there is no file, the library makes one without a vocabulary
    return tokenizer


def _shared(settings: dict[str, Any]) -> dict[str, Any]:
    """Those settings that say where to look; the others are about weights."""
    return {key: settings[key] for key in ("revision", "local_files_only", "cache_dir", "token") if key in settings}
