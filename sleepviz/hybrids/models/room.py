"""Is there room for a model? What its files take, what its configuration asks for, and what this machine has left."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PretrainedConfig

from sleepviz.config.base import require
from sleepviz.hybrids.models.boundary import from_outside
from sleepviz.hybrids.models.gguf import EXPANDED
from sleepviz.hybrids.models.places import weights_bytes

MODULES_MAX = 4096  # layers, experts, heads: each may be an object of its own
GROUPS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/memory"))  # control groups, of either kind


@dataclass(frozen=True)
class Room:
    """What a model's files take, what its weights take once loaded, and what is free, in bytes."""

    files: int
    loaded: int
    free: int | None  # None: this system does not say


def available_bytes() -> int | None:
    """Memory that this process may still take; None where the system does not say."""
    found = [free for folder in GROUPS if (free := _left_in_group(folder)) is not None]
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    except (OSError, ValueError, IndexError):
        with suppress(ValueError, OSError, AttributeError):
            found.append(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(found, default=None)


def _left_in_group(folder: Path) -> int | None:
    """What a control group, which may have less than the machine, leaves; files that are only cached do not count."""
    names = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
    for most, used in names:
        with suppress(OSError, ValueError, IndexError):  # "max": no bound
            stat = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
            cached = sum(int(line.split()[1]) for line in stat if line.startswith("inactive_file "))
            return max(0, int((folder / most).read_text()) - int((folder / used).read_text()) + cached)
    return None


def room_for(place: str | Path, file: str, *, with_memory: bool = False) -> Room:
    """What a model at this place takes; `file` is its GGUF file, if it is one. Raises ConfigError.

    Nothing is read but sizes. Weights are kept as precise as they are stored; added memory needs room for a second
    copy while it is added.
    """
    files = weights_bytes(place, file)
    return Room(files, files * (EXPANDED if file else 1) * (1 + with_memory), available_bytes())


def require_room(room: Room) -> None:
    """Refuse a model before any of its weights is read. Raises ConfigError."""
    require(
        room.free is None or room.loaded <= room.free,
        f"the model needs about {size(room.loaded)} of memory, and {size(room.free or 0)} are free.",
    )


def require_disk(n_bytes: int, folder: Path) -> None:
    """Refuse a download that does not fit on the disk of `folder`, which may not be there yet. Raises ConfigError."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    require(n_bytes <= free, f"the download takes {size(n_bytes)}, and the disk has {size(free)} free.")


def require_modest(folder: Path, files_bytes: int, *, file: str = "", trust_remote_code: bool = False) -> None:
    """Refuse a configuration that asks for far more than its files hold. Raises ConfigError.

    The library fills what is missing before anybody can say that it is missing: a few lines of JSON could ask for
    all memory. The model is built without memory (torch's meta device) and its numbers are counted.
    """
    with from_outside("the configuration could not be read"):
        in_gguf = {"gguf_file": file} if file else {}
        config = AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code, **in_gguf)
        for name, value in _numbers(config):
            require(
                value <= MODULES_MAX or not _counts_modules(name),
                f"the configuration asks for {value:,} of {name}, and at most {MODULES_MAX:,} are built.",
            )
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config, trust_remote_code=trust_remote_code)
        numbers = sum(t.numel() for t in (*model.parameters(), *model.buffers()))
    # Half a byte a number is the smallest that is stored, and buffers come on top.
    most = 4 * files_bytes + 10_000_000
    require(numbers <= most, f"the configuration asks for {numbers:,} numbers, and the files hold far fewer.")


def _numbers(config: PretrainedConfig) -> list[tuple[str, int]]:
    whole = config.to_dict()
    nested = [whole, *(value for value in whole.values() if isinstance(value, dict))]
    return [(str(k), v) for each in nested for k, v in each.items() if isinstance(v, int) and not isinstance(v, bool)]


def _counts_modules(name: str) -> bool:
    return any(word in name for word in ("layer", "expert", "head", "depth", "block")) and "dim" not in name


def size(n_bytes: float) -> str:
    """For example "538 MB"."""
    unit, name = (1e9, "GB") if n_bytes >= 1e9 else (1e6, "MB") if n_bytes >= 1e6 else (1e3, "kB")
    return f"{n_bytes / unit:.3g} {name}"
