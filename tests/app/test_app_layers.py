"""Inside app/ imports go one way too, and a task's folder knows no other task."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.test_architecture import ROOT, Tree, imports, read_tree, write

# What each folder may import of app/, beside itself. app/main.py stands on top.
SHELL = {"shell"}
PARTS = SHELL | {"parts"}
EXPLAIN = PARTS | {"explain"}
TASKS = EXPLAIN | {"tasks"}
PLAYER = TASKS | {"player"}
STAGE = PLAYER | {"sharing", "figures", "stage"}
MAY_IMPORT = {
    "visitor": {"visitor"},
    "shell": SHELL,
    "parts": PARTS,
    "explain": EXPLAIN,
    "figures": SHELL | {"figures"},
    "tasks": TASKS,
    "player": PLAYER,
    "sharing": PLAYER | {"sharing"},
    "stage": STAGE,
    "cost": STAGE | {"cost"},
    "inside": STAGE | {"your_model", "inside"},
    "lab": STAGE | {"lab"},
    "your_model": STAGE | {"your_model"},
    "learn": PLAYER | {"figures", "learn"},
}


def check_folders(tree: Tree) -> list[str]:
    """shell <- parts <- explain <- tasks <- player <- sharing <- stage <- lab and your_model; figures on shell."""
    faults = []
    for module in tree.sources:
        part, _, inside = module.partition(".")
        folder = inside.split(".")[0]
        if part != "app" or module == "app.main" or not folder:
            continue
        for found in imports(tree, module):
            target = found.module.removeprefix("app.").split(".")[0]
            if found.module.startswith("app.") and target not in MAY_IMPORT[folder]:
                faults.append(f"{tree.where(module, found.line)} {module} imports {found.module}")
    return faults


def task_of(tree: Tree, package: str, module: str) -> str:
    """The task whose folder in `package` a module belongs to; "" where it is none's."""
    name = module.removeprefix(f"{package}.").split(".")[0] if module.startswith(f"{package}.") else ""
    path = tree.sources.get(f"{package}.{name}")
    return name if path is not None and path.name == "__init__.py" else ""


def check_tasks(tree: Tree) -> list[str]:
    """Of all tasks, app/tasks/X knows X alone; and nothing else in the app knows any."""
    return [
        f"{tree.where(module, found.line)} {module} imports {found.module}"
        for module in tree.sources
        if module.startswith(("app", "pages"))
        for found in imports(tree, module)
        for package in ("sleepviz.tasks", "app.tasks")
        if (target := task_of(tree, package, found.module)) and target != task_of(tree, "app.tasks", module)
    ]


@pytest.mark.parametrize("check", [check_folders, check_tasks])
def test_the_app_keeps_the_rule(check: Callable[[Tree], list[str]]) -> None:
    assert check(read_tree(ROOT)) == []


SOUND = {
    "sleepviz/__init__.py": "",
    "sleepviz/tasks/__init__.py": "",
    "sleepviz/tasks/base.py": "",
    "sleepviz/tasks/depo/__init__.py": "",
    "sleepviz/tasks/depo/task.py": "",
    "sleepviz/tasks/gsm/__init__.py": "",
    "app/__init__.py": "",
    "app/main.py": "from app import tasks\nfrom app.lab import page",
    "app/shell/__init__.py": "",
    "app/tasks/__init__.py": "from app.tasks.base import Form",
    "app/tasks/base.py": "from app.shell import state\nfrom sleepviz.tasks.base import Task",
    "app/tasks/depo/__init__.py": "from app.tasks.depo.form import DepoForm",
    "app/tasks/depo/form.py": "from sleepviz.tasks.depo.task import Depo\nfrom app.tasks.base import Form",
    "app/tasks/gsm/__init__.py": "",
    "app/lab/__init__.py": "",
    "app/lab/page.py": "from app.tasks import PAGES",
}
VIOLATIONS = [
    (check_folders, "app/shell/state.py", "from app.tasks import PAGES"),
    (check_folders, "app/tasks/depo/form.py", "from app.lab import page"),
    (check_folders, "app/shell/state.py", "def late():\n    from app import lab"),
    (check_tasks, "app/tasks/gsm/form.py", "from sleepviz.tasks.depo.task import Depo"),
    (check_tasks, "app/tasks/gsm/form.py", "from app.tasks.depo.form import DepoForm"),
    (check_tasks, "app/tasks/base.py", "from sleepviz.tasks import depo"),
    (check_tasks, "app/lab/page.py", "from sleepviz.tasks.gsm.text import read_statements"),
    (check_tasks, "pages/depo.py", "from app.tasks.depo.form import DepoForm"),
]


@pytest.mark.parametrize(("check", "path", "source"), VIOLATIONS)
def test_a_planted_violation_is_seen(
    check: Callable[[Tree], list[str]], path: str, source: str, tmp_path: Path
) -> None:
    for name, text in SOUND.items():
        write(tmp_path / name, text)
    assert check_folders(read_tree(tmp_path)) + check_tasks(read_tree(tmp_path)) == []

    write(tmp_path / path, source)

    assert check(read_tree(tmp_path)) != []
