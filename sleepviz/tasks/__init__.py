"""Task families: each samples, parses, encodes, solves and scores its own problems."""

from __future__ import annotations

from typing import Any

from sleepviz.config.base import require
from sleepviz.tasks.base import Task
from sleepviz.tasks.depo.task import Depo
from sleepviz.tasks.gsm.task import Gsm
from sleepviz.tasks.rule110.paper import Rule110Paper
from sleepviz.tasks.rule110.task import Rule110

TASKS: dict[str, type[Rule110 | Rule110Paper | Depo | Gsm]] = {
    task.name: task for task in (Rule110, Depo, Gsm, Rule110Paper)
}


def build_task(name: str, sizes: dict[str, Any]) -> Task:
    """Build a task from its name and sizes. Raises ConfigError when either is unknown."""
    require(name in TASKS, f"there is no task named {name!r}; the tasks are {', '.join(TASKS)}.")
    return TASKS[name].from_json(sizes)
