"""Where a model lies: a folder, or a name on the hub, as people write and paste them; and how large it is there."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sleepviz.config.base import ConfigError, require
from sleepviz.config.outside import InputError, path_of, require_sound, unquoted
from sleepviz.hybrids.models.boundary import first_line

HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)
HUB_ADDRESS = re.compile(r"https?://(?:huggingface\.co|hf\.co)/([^/?#]+/[^/?#]+)(?:[/?#].*)?")
WAIT_S = 10.0  # for the hub
BESIDE_WEIGHTS = ("*.json", "*.txt", "*.model")  # configuration, tokenizer, and the list of weights files


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


def weights_bytes(name: str | Path, file: str = "") -> int:
    """What the model's safetensors files take, or its GGUF `file`, before any is read or downloaded.

    Raises ConfigError.
    """
    place = place_of(name)
    if isinstance(place, Path):
        return _in_folder(place, file)
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
        return _in_folder(kept, file)
    siblings = [(each.rfilename, each.size or 0) for each in found.siblings or ()]
    sizes = [size for name, size in siblings if (name == file if file else name.endswith(".safetensors"))]
    require(
        bool(sizes), f"this hub model has no file {file!r}." if file else "this hub model has no safetensors files."
    )
    return sum(sizes)


def fetched(name: str, file: str = "", *, tell: Callable[[int, int], None], with_code: bool = False) -> Path:
    """Download a hub model's configuration, tokenizer and weights -> the folder in the hub's cache.

    `tell` hears (bytes done, bytes in all) now and then. Code is fetched only `with_code`. Without a network, what
    the cache holds is taken. Raises ConfigError.
    """
    from huggingface_hub import snapshot_download
    from tqdm import tqdm

    class Told(tqdm):
        """A progress bar that is told, not drawn."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "file": io.StringIO(), "disable": False})

        def update(self, n: float | None = 1) -> bool | None:
            """Hear of more bytes; a bar of files is left alone."""
            done: bool | None = super().update(n)
            if self.unit == "B" and self.total:
                tell(int(self.n), int(self.total))
            return done

    weights = file or "*.safetensors"
    patterns = [weights, *BESIDE_WEIGHTS, *(["*.py"] if with_code else [])]
    try:
        return Path(snapshot_download(name, allow_patterns=patterns, tqdm_class=Told, etag_timeout=WAIT_S))
    except Exception as error:  # not found, not reachable, no room on the disk: each of another kind
        raise ConfigError(f"{name[:80]!r} could not be downloaded: {first_line(error)[:200]}.") from error


def _in_folder(folder: Path, file: str) -> int:
    files = [folder / file] if file else list(folder.glob("*.safetensors"))
    require(bool(files), "there are no safetensors files in this folder.")
    try:
        return sum(path.stat().st_size for path in files)
    except OSError as error:  # a link that leads nowhere
        raise ConfigError("a file of the weights cannot be read.") from error
