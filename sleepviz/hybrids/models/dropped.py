"""Files of a model that a visitor drops on a page: which are taken, how large, and what is struck out of them.

A model's JSON files can name other files, other repositories and code. Nothing of that kind passes: what a visitor
drops can make the library read these files alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sleepviz.config.base import ConfigError, require
from sleepviz.config.outside import InputError, decoded, json_of

MOST_BYTES = 50_000_000  # of all files together
MOST_FILES = 32
INDEX = "model.safetensors.index.json"
CONFIG = "config.json"
SETTINGS = (CONFIG, "generation_config.json", "tokenizer_config.json", "special_tokens_map.json", INDEX)
VOCABULARIES = ("tokenizer.json", "added_tokens.json", "vocab.json", "merges.txt", "vocab.txt", "tokenizer.model")
WEIGHTS = (".safetensors", ".gguf")
_NAME = re.compile(r"[\w.-]+", re.ASCII)
# Keys whose text would name a file, a repository or code. A number under such a key names nothing.
_POINTS_ELSEWHERE = re.compile(
    r"auto_map|name_or_path|implementation|custom_|kernels?(_config)?$|(^|_)(files?|path|dir|folder|url|repo|adapters?)$"
)

Files = Sequence[tuple[str, bytes]]


def require_files(files: Files) -> None:
    """Refuse what is no model's files, or too much, before anything is parsed. Raises ConfigError."""
    names = [name for name, _ in files]
    require(len(files) <= MOST_FILES, f"drop at most {MOST_FILES} files.")
    total = sum(len(data) for _, data in files)
    most = f"{MOST_BYTES // 1_000_000} MB"
    require(total <= MOST_BYTES, f"the files take {total / 1e6:.1f} MB, and at most {most} are taken together.")
    for name in names:
        known = name in SETTINGS or name in VOCABULARIES or (_NAME.fullmatch(name) and name.endswith(WEIGHTS))
        require(bool(known), f"{name[:60]!r} is not a file that is read here; {_TAKEN}")
        require(names.count(name) == 1, f"{name[:60]!r} comes twice.")
    n_weights = sum(name.endswith(WEIGHTS) for name in names)
    require(n_weights > 0, f"the weights are missing; {_TAKEN}")
    has_gguf = any(name.endswith(WEIGHTS[1]) for name in names)
    require(not has_gguf or n_weights == 1, "drop one GGUF file, and no other weights.")
    require(has_gguf or CONFIG in names, f"config.json is missing; {_TAKEN}")


_TAKEN = "drop safetensors files with config.json and the tokenizer's files, or one GGUF file."


def digest_of(files: Files) -> str:
    """16 characters that change with any byte of any file."""
    found = hashlib.sha256()
    for name, data in sorted(files):
        found.update(f"{name}\0{len(data)}\0".encode())
        found.update(data)
    return found.hexdigest()[:16]


def lay_out(files: Files, folder: Path) -> None:
    """Write the files to an empty folder, their settings without what points elsewhere. Raises ConfigError."""
    require_files(files)
    names = {name for name, _ in files}
    for name, data in files:
        (folder / name).write_bytes(_sound_settings(name, data, names) if name in SETTINGS else data)


def _sound_settings(name: str, data: bytes, names: set[str]) -> bytes:
    """The same settings as JSON, without what points elsewhere."""
    try:
        values = json_of(decoded(data, name), name)
    except InputError as error:
        raise ConfigError(str(error)) from error
    require(isinstance(values, dict), f"{name} must be a JSON object.")
    quantised = name == CONFIG and "quantization_config" in values
    require(not quantised, "quantised safetensors cannot be dropped here; drop full or half precision, or a GGUF file.")
    if name == INDEX:
        shards = values.get("weight_map")
        sound = isinstance(shards, dict) and all(isinstance(s, str) and s in names for s in shards.values())
        require(sound, f"{INDEX} names weights that were not dropped.")
    return json.dumps(_without_pointers(values)).encode()


def _without_pointers(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_pointers(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {key: each for key, each in value.items() if _is_number(each) or not _POINTS_ELSEWHERE.search(key)}
    return {key: _without_pointers(each) for key, each in kept.items()}


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, int | float)
