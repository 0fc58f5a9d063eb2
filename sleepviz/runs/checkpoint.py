"""Checkpoints: model.safetensors beside meta.json, written atomically, checked by digest.

meta.json is written last: a folder without it is not a checkpoint. Listing needs no torch.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sleepviz.config.base import ConfigError, require
from sleepviz.config.model import ModelConfig, SleepAttention
from sleepviz.config.outside import MALFORMED
from sleepviz.config.places import CHECKPOINTS, SITE
from sleepviz.config.training import with_present_names
from sleepviz.tasks import FAMILIES, build_task
from sleepviz.tasks.base import Task

if TYPE_CHECKING:  # listing checkpoints must not import torch: the first page shows before torch loads
    from torch import Tensor

    from sleepviz.core.model import HybridLM

FOLDER = CHECKPOINTS
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
WEIGHTS_MAX_BYTES = 2**30


class CheckpointError(ValueError):
    """A checkpoint is missing or damaged; the message is one sentence."""


@dataclass(frozen=True)
class CheckpointInfo:
    """What meta.json says; `digest` is the SHA-256 of the weights file."""

    name: str
    task: str
    default: bool
    digest: str
    limits: dict[str, Any]
    metrics: dict[str, Any]
    meta: dict[str, Any]  # everything: configs, command, seed, commit, date, versions

    @property
    def sleep_attention(self) -> SleepAttention:
        """The way in which it attends while asleep, as in training."""
        attention: SleepAttention = self.meta["sleep_attention"]
        return attention

    @property
    def earned(self) -> int:
        """The hardest difficulty up to which the best N solves the task (`Study.solved`), on validation instances.

        One below the easiest if that is not; the task's hardest where nothing was validated.
        """
        task = build_task(self.task, self.meta["task_sizes"])
        accuracy = self.metrics.get("validation_accuracy")  # a row for each N, a column for each difficulty
        if not accuracy:
            return task.difficulty_max
        for difficulty, best in zip(self.metrics["difficulty"], map(max, zip(*accuracy, strict=True)), strict=True):
            if best < FAMILIES[self.task].study.solved:
                return int(difficulty) - 1
        return task.difficulty_max

    @property
    def reached(self) -> int:
        """The hardest difficulty that its training's last stage asked for, or one that it has earned beyond."""
        stage = self.meta.get("training", {}).get("stage_reached", {})
        return max(int(stage.get("difficulty", self.earned)), self.earned)

    def to_json(self) -> dict[str, Any]:
        """The `checkpoints` command's entry."""
        entry = {key: getattr(self, key) for key in ("name", "task", "default", "digest", "limits", "metrics")}
        return entry | {"metrics": {**self.metrics, "earned": self.earned}}


@dataclass(frozen=True)
class Checkpoint:
    """A model ready to run, its task, and where it comes from."""

    info: CheckpointInfo
    task: Task
    model: HybridLM


def checkpoint_name(preset: str, seed: int) -> str:
    """What the checkpoint of a preset is called; a later training with the same seed begins from it."""
    return preset if seed == 0 else f"{preset}-s{seed}"


def list_checkpoints(folder: Path = FOLDER) -> tuple[CheckpointInfo, ...]:
    """Every readable checkpoint in the folder, by name; damaged ones are left out (`load` says why)."""
    found = []
    for path in sorted(folder.glob("*/meta.json")):
        try:
            found.append(read_info(path.parent))
        except CheckpointError:
            continue
    return tuple(found)


def read_info(path: Path) -> CheckpointInfo:
    """Read PATH/meta.json. Raises CheckpointError."""
    name = path.name
    try:
        meta = json.loads((path / "meta.json").read_text(encoding="utf-8"))
        task = build_task(meta["task"], meta["task_sizes"])
        for limit, example in {**task.limits(), "passes_trained": 1, "passes_max": 1}.items():
            require(
                type(meta["limits"].get(limit)) is type(example), f"the limit {limit} is missing or of the wrong type"
            )
        limits = {**meta["limits"], **task.limits()}  # a checkpoint once stated here what it had earned
        model = ModelConfig.from_json(meta["model"])
        fits = (model.vocab_size, model.window) == (task.vocab_size, task.window)
        require(fits, "the model's vocabulary or window is not the task's")
        if "train" in meta:
            meta["train"] = with_present_names(meta["train"])
        if meta["sleep_attention"] not in ("causal", "full"):
            raise ConfigError("sleep_attention must be causal or full.")
        return CheckpointInfo(
            name=name,
            task=task.name,
            default=bool(meta.get("default", False)),
            digest=str(meta["digest"]),
            limits=limits,
            metrics=dict(meta["metrics"]),
            meta=meta,
        )
    except FileNotFoundError as error:
        raise CheckpointError(f"There is no checkpoint named {name!r}.") from error
    except (OSError, *MALFORMED) as error:
        reason = str(error).rstrip(".")
        raise CheckpointError(f"The description of checkpoint {name!r} is damaged: {reason}.") from error


def find(name: str, *, task: str, folder: Path = FOLDER) -> CheckpointInfo:
    """The checkpoint of that name, or the task's default for "". Raises CheckpointError."""
    if name:
        if not NAME.fullmatch(name):
            raise CheckpointError("A checkpoint's name holds only small letters, digits and hyphens.")
        info = read_info(folder / name)
        if task and info.task != task:
            raise CheckpointError(f"Checkpoint {name!r} was trained on {info.task}, not on {task}.")
        return info
    for info in list_checkpoints(folder):
        if info.task == task and info.default:
            return info
    raise CheckpointError(f"No default checkpoint is shipped for task {task!r}.")


def load(name: str = "", *, task: str = "", folder: Path = FOLDER) -> Checkpoint:
    """Load a checkpoint and check its digest. Raises CheckpointError with one clear sentence."""
    from safetensors import SafetensorError
    from safetensors.torch import load as parse_weights

    from sleepviz.core.model import HybridLM
    from sleepviz.core.weightless import weightless

    info = find(name, task=task, folder=folder)
    path = folder / info.name / "model.safetensors"
    try:
        if path.stat().st_size > WEIGHTS_MAX_BYTES:
            raise CheckpointError(f"The weights of checkpoint {info.name!r} are larger than {WEIGHTS_MAX_BYTES} bytes.")
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"The weights of checkpoint {info.name!r} are missing.") from error
    if hashlib.sha256(data).hexdigest() != info.digest:
        raise CheckpointError(
            f"The weights of checkpoint {info.name!r} do not match their digest: the file was changed."
        )
    with weightless():  # a description cannot ask for more memory than the file holds
        model = HybridLM(ModelConfig.from_json(info.meta["model"]))
    try:
        model.load_state_dict(parse_weights(data), assign=True)
    except (SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"The weights of checkpoint {info.name!r} do not fit its configuration.") from error
    model.float().requires_grad_(False)
    return Checkpoint(info, build_task(info.task, info.meta["task_sizes"]), model)


def untrained(checkpoint: Checkpoint, seed: int) -> Checkpoint:
    """The same architecture with fresh random weights: a control. Its output layers are random, not zero."""
    import torch

    from sleepviz.core.model import HybridLM

    generator = torch.Generator().manual_seed(seed)
    model = HybridLM(checkpoint.model.config, generator=generator)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2 and not parameter.any():
                parameter.normal_(std=parameter.shape[-1] ** -0.5, generator=generator)
    model.requires_grad_(False)
    return Checkpoint(checkpoint.info, checkpoint.task, model)


def save(path: Path, weights: dict[str, Tensor], meta: dict[str, Any]) -> str:
    """Write weights, then meta with the weights' digest, each atomically; return the digest."""
    from safetensors.torch import save as serialise

    path.mkdir(parents=True, exist_ok=True)
    data = serialise({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()})
    digest = hashlib.sha256(data).hexdigest()
    write_atomically(path / "model.safetensors", data)
    text = json.dumps({**meta, "digest": digest}, indent=1) + "\n"
    write_atomically(path / "meta.json", text.encode())
    return digest


def write_atomically(path: Path, data: bytes | Callable[[IO[bytes]], object]) -> None:
    """Replace PATH in one step by `data`, or what it writes: a crash leaves the old file or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            data(file) if callable(data) else file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def checkout_commit() -> str:
    """The full hash of the checkout's commit; "" in an installed wheel."""
    return _git("rev-parse", "HEAD")


def _git(*arguments: str) -> str:
    if not (SITE / ".git").exists():  # an installed wheel, perhaps inside another project's repository
        return ""
    try:
        run = subprocess.run(["git", *arguments], cwd=SITE, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return run.stdout.strip()


def provenance() -> dict[str, Any]:
    """Commit, dirty flag and versions, for meta.json and results files."""
    import numpy
    import torch

    return {
        "commit": checkout_commit(),
        "dirty": bool(_git("status", "--porcelain", "--", "sleepviz")),
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": numpy.__version__},
    }
