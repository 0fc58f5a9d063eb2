"""The tasks: every folder here is one, found by its FAMILY and listed nowhere.

A folder holds task.py (sample, parse, encode, answer), presets.py (what is trained), study.py (what is measured),
examples.py (what the page shows) and an __init__.py that joins them in FAMILY, a `TaskFamily`.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from sleepviz.config.base import ConfigError, require
from sleepviz.tasks.base import Task
from sleepviz.tasks.family import Preset, Study, TaskFamily


class IncompleteTaskError(ImportError):
    """A task's folder lacks something; the message names the folder and what is missing."""


def load_family(package: str) -> TaskFamily:
    """FAMILY of one task folder, given as a dotted name. Raises IncompleteTaskError."""
    folder = package.replace(".", "/")
    try:
        module = importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith(f"{package}."):
            raise
        file = error.name.replace(".", "/")
        raise IncompleteTaskError(f"The task in {folder} is incomplete: {file}.py is missing.") from error
    family = getattr(module, "FAMILY", None)
    if not isinstance(family, TaskFamily):
        raise IncompleteTaskError(
            f"The task in {folder} is incomplete: its __init__.py must set FAMILY = TaskFamily(...)."
        )
    for part, kind, file in (("study", Study, "study.py"), ("presets", tuple, "presets.py")):
        if not isinstance(getattr(family, part), kind) or not getattr(family, part):
            raise IncompleteTaskError(f"The task in {folder} is incomplete: FAMILY has no {part}; write {file}.")
    return family


def _discovered() -> dict[str, TaskFamily]:
    found = (load_family(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__) if module.ispkg)
    return {family.name: family for family in found}


FAMILIES: dict[str, TaskFamily] = _discovered()
TASKS: dict[str, type[Task]] = {
    task().name: task for family in FAMILIES.values() for task in (family.task, *family.variants)
}
PRESETS: dict[str, Preset] = {preset.name: preset for family in FAMILIES.values() for preset in family.presets}


def build_task(name: str, sizes: dict[str, Any]) -> Task:
    """Build a task from its name and sizes. Raises ConfigError when either is unknown."""
    require(name in TASKS, f"there is no task named {name!r}; the tasks are {', '.join(TASKS)}.")
    return TASKS[name].from_json(sizes)


def preset_named(name: str) -> Preset:
    """Look up a preset. Raises ConfigError that lists the names there are."""
    if name not in PRESETS:
        raise ConfigError(f"There is no preset named {name!r}; the presets are {', '.join(PRESETS)}.")
    return PRESETS[name]
