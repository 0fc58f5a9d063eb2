"""Where a model lies: a folder, or a name on the hub, as people write and paste them; and how large it is there."""

from __future__ import annotations

import re
from pathlib import Path

from sleepviz.config.base import ConfigError, require
from sleepviz.config.outside import InputError, path_of, require_sound, unquoted
from sleepviz.hybrids.models.boundary import first_line

HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)
HUB_ADDRESS = re.compile(r"https?://(?:huggingface\.co|hf\.co)/([^/?#]+/[^/?#]+)(?:[/?#].*)?")
WAIT_S = 10.0  # for the hub


def place_of(name: str | Path) -> Path | str:
    """The folder or the hub name that is meant. Raises ConfigError where it is neither."""
    try:
        require_sound(str(name), "the model's name")
    except InputError as error:
        raise ConfigError(str(error)) from error
    require(bool(str(name).strip()), "give a folder, or a name on the hub (OWNER/NAME).")
    path = path_of(str(name))
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except (OSError, ValueError):  # too long for the name of a file
        is_folder = is_file = False
    if is_folder:
        return path
    require(not is_file, f"{path.name[:80]!r} is a file; give the folder that it is in.")
    written = unquoted(str(name))
    address = HUB_ADDRESS.fullmatch(written)
    hub = address[1] if address else written
    known = HUB_NAME.fullmatch(hub) is not None
    require(known, f"{written[:80]!r} is neither a folder here nor a name on the hub (OWNER/NAME).")
    return hub


def weights_bytes(name: str | Path) -> int:
    """What the model's safetensors files take, before any of them is read or downloaded. Raises ConfigError."""
    place = place_of(name)
    if isinstance(place, Path):
        return _in_folder(place)
    from huggingface_hub import HfApi, snapshot_download

    try:
        found = HfApi().model_info(place, files_metadata=True, timeout=WAIT_S)
    except Exception as error:  # not found, not reachable, switched off: each of another kind
        try:
            kept = Path(snapshot_download(place, local_files_only=True))
        except Exception:
            raise ConfigError(
                f"{place[:80]!r} is neither a folder here nor was it found on the hub: {first_line(error)[:200]}."
            ) from error
        return _in_folder(kept)
    sizes = [each.size or 0 for each in found.siblings or () if each.rfilename.endswith(".safetensors")]
    require(bool(sizes), "this hub model has no safetensors files.")
    return sum(sizes)


def _in_folder(folder: Path) -> int:
    files = list(folder.glob("*.safetensors"))
    require(bool(files), "there are no safetensors files in this folder.")
    return sum(file.stat().st_size for file in files)
