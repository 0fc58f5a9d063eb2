"""GGUF files, which transformers' own reader turns into full-precision weights where its packages are installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from sleepviz.config.base import require
from sleepviz.hybrids.models.places import place_of

PACKAGES = ("gguf", "accelerate")  # beside transformers
SUFFIX = ".gguf"
EXPANDED = 8  # at most: a number of 4 bits becomes one of 32


def missing_packages() -> tuple[str, ...]:
    """The packages that reading a GGUF file needs and that are not installed."""
    return tuple(name for name in PACKAGES if importlib.util.find_spec(name) is None)


def split_gguf(name: str | Path) -> tuple[Path | str, str]:
    """(folder or hub name, GGUF file in it, or "") of what a person wrote. Raises ConfigError.

    A GGUF file is meant by its own path, by OWNER/NAME/FILE.gguf on the hub, or by a folder that holds this one
    file and no safetensors.
    """
    written = str(name).strip().strip("\"'")
    if written.lower().endswith(SUFFIX):
        folder, _, file = written.replace("\\", "/").rpartition("/")
        place = place_of(folder or ".")
        require(not isinstance(place, Path) or (place / file).is_file(), f"there is no file {file[:80]!r} there.")
        return place, file
    place = place_of(name)
    if isinstance(place, Path) and not any(place.glob("*.safetensors")):
        found = sorted(path.name for path in place.glob(f"*{SUFFIX}"))
        require(len(found) < 2, f"this folder has several GGUF files; give the path of one, such as {found[:1]}.")
        return place, "".join(found)
    return place, ""


def require_packages(file: str) -> None:
    """Refuse a GGUF file that nothing here can read. Raises ConfigError."""
    missing = missing_packages()
    require(
        not file or not missing,
        f"reading GGUF files needs {' and '.join(missing)}, which this server lacks: pip install {' '.join(missing)}.",
    )
