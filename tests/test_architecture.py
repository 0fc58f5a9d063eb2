"""Who may import whom, and what no module may do: read from the source, and once from a running process.

pages -> app -> sleepviz. Inside sleepviz each module may import only what `MAY_IMPORT` grants. Each
rule is also tried on a small tree that breaks it, so that a rule which sees nothing is noticed.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("sleepviz", "app", "pages")

# What a part may not import, anywhere in a file; the longest matching prefix rules.
FORBIDDEN = {
    "sleepviz": {"streamlit", "plotly", "app", "pages", "tests"},
    "app": {"pages", "tests"},
    "app.figures": {"pages", "tests", "streamlit", "torch"},
    "pages": {"tests", "torch", "plotly", "networkx", "transformers"},
}

# What may be reached by following imports as they run at start-up (not inside a function).
UNREACHABLE = {
    "sleepviz": {"transformers"},
    "sleepviz.runs.checkpoint": {"torch"},
    "app": {"torch", "transformers"},
    "app.figures": {"torch", "transformers", "streamlit"},
    "pages": {"torch", "transformers"},
}
OPTIONAL = ("sleepviz.hybrids", "sleepviz.studies.hybrids")  # need transformers, imported on demand only

# Inside sleepviz, from the ground up: what a package may import beside itself. The longest matching prefix
# rules. `__main__` is not named: it stands on top and may import everything.
CONFIG = {"config"}
CORE = CONFIG | {"core"}
TASKS = CONFIG | {"tasks"}
RUNS = CORE | TASKS | {"runs"}
INSIDE = RUNS | {"inside"}
TRAINING = RUNS | {"training"}
TEXT = TRAINING | {"text"}
HYBRIDS = TEXT | {"inside", "hybrids"}
STUDIES = HYBRIDS | {"studies"}
MAY_IMPORT = {
    "config": CONFIG,
    "core": CORE,
    "core.delta_rule": CONFIG,
    "core.memory": CONFIG,
    "core.attention": CONFIG | {"core.memory"},
    "core.model": CONFIG | {"core.delta_rule", "core.memory", "core.attention"},
    "core.sleep": CONFIG | {"core.delta_rule", "core.memory", "core.model"},
    "tasks": TASKS,
    "runs": RUNS,
    "runs.measures": CORE,
    "runs.checkpoint": RUNS - {"runs"},
    "inside": INSIDE,
    "training": TRAINING,
    "text": TEXT,
    "hybrids": HYBRIDS,
    "studies": STUDIES,
}

NAMED_AFTER_PROJECT = {"app", "pages", "sleepviz", "tests"}
UNSAFE_MODULES = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}


@dataclass(frozen=True)
class Import:
    """One imported module, as a dotted name."""

    module: str
    line: int
    at_start: bool  # runs when the importing module is imported


@dataclass(frozen=True)
class Tree:
    """The Python files of one checkout, parsed."""

    root: Path
    sources: dict[str, Path]  # dotted name -> file
    parsed: dict[str, ast.Module]

    def where(self, module: str, line: int) -> str:
        """FILE:LINE, for messages."""
        return f"{self.sources[module].relative_to(self.root)}:{line}"


def read_tree(root: Path) -> Tree:
    """Read every module of sleepviz, app and pages below `root`."""
    sources = {}
    for part in PARTS:
        for path in sorted((root / part).rglob("*.py")):
            names = path.relative_to(root).with_suffix("").parts
            sources[".".join(names[:-1] if names[-1] == "__init__" else names)] = path
    parsed = {module: ast.parse(path.read_text(encoding="utf-8"), str(path)) for module, path in sources.items()}
    return Tree(root, sources, parsed)


def imports(tree: Tree, module: str) -> list[Import]:
    """Every import in a module: `from a import b` counts as a, and as a.b where that is a module."""
    is_package = tree.sources[module].name == "__init__.py"
    package = module if is_package else module.rpartition(".")[0]
    found = []
    for node, at_start in walk_imports(tree.parsed[module]):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *filter(None, [base])])
            submodules = [f"{base}.{alias.name}" for alias in node.names]
            names = [base, *(name for name in submodules if name in tree.sources or base in PARTS)]
        found += [Import(name, node.lineno, at_start) for name in names]
    return found


def walk_imports(node: ast.AST, *, at_start: bool = True) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Each import statement, and whether it runs at start-up: outside functions and TYPE_CHECKING."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, at_start
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from walk_imports(child, at_start=False)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for statement in child.body:
                yield from walk_imports(ast.Module([statement], []), at_start=False)
            for statement in child.orelse:
                yield from walk_imports(ast.Module([statement], []), at_start=at_start)
        else:
            yield from walk_imports(child, at_start=at_start)


def is_within(module: str, package: str) -> bool:
    """Whether `module` is `package` or lies below it."""
    return module == package or module.startswith(f"{package}.")


def is_optional(module: str) -> bool:
    """Whether a module of the engine may import transformers when it is imported."""
    return any(is_within(module, package) for package in OPTIONAL)


def rule_for(module: str, rules: dict[str, set[str]]) -> set[str]:
    """The rule with the longest prefix of `module`."""
    matching = [package for package in rules if is_within(module, package)]
    return rules[max(matching, key=len)] if matching else set()


def check_direction(tree: Tree) -> list[str]:
    """pages -> app -> sleepviz, and no part imports a library that it must not know."""
    return [
        f"{tree.where(module, found.line)} {module} imports {found.module}"
        for module in tree.sources
        for found in imports(tree, module)
        for forbidden in rule_for(module, FORBIDDEN)
        if is_within(found.module, forbidden)
    ]


def check_layers(tree: Tree) -> list[str]:
    """Inside sleepviz, imports point down only."""
    faults = []
    for module in tree.sources:
        layer = max((rule for rule in MAY_IMPORT if is_within(module, f"sleepviz.{rule}")), key=len, default=None)
        if layer is None:
            continue
        for found in imports(tree, module):
            inside = is_within(found.module, "sleepviz") and found.module != "sleepviz" and is_ours(tree, found.module)
            if inside and not any(is_within(found.module, f"sleepviz.{each}") for each in MAY_IMPORT[layer]):
                faults.append(f"{tree.where(module, found.line)} {module} imports {found.module}")
    return faults


def check_task_homes(tree: Tree) -> list[str]:
    """Of the engine, only a task's own folder imports from that folder: everything else asks the registry."""
    faults = []
    for module in tree.sources:
        if is_within(module, "sleepviz"):
            for found in imports(tree, module):
                home = ".".join(found.module.split(".")[:3])
                is_folder = tree.sources.get(home, Path()).name == "__init__.py" and home.startswith("sleepviz.tasks.")
                if is_folder and not is_within(module, home):
                    faults.append(f"{tree.where(module, found.line)} {module} imports {found.module}")
    return faults


def is_ours(tree: Tree, name: str) -> bool:
    """Whether a dotted name is a module of the tree, not a name inside one."""
    return name in tree.sources


def start_up(tree: Tree, module: str, *, with_packages: bool = True) -> dict[str, str]:
    """Every module that importing `module` imports in turn, each with the module that names it.

    Importing a.b.c also runs the packages a and a.b, unless `with_packages` is off.
    """
    reached: dict[str, str] = {}
    todo = [module]
    while todo:
        current = todo.pop()
        for found in imports(tree, current):
            if not found.at_start:
                continue
            steps = found.module.split(".")
            names = [".".join(steps[: i + 1]) for i in range(len(steps))]
            for name in names if with_packages else names[-1:]:
                if name not in reached:
                    reached[name] = current
                    if name in tree.sources:
                        todo.append(name)
    return reached


def check_start_up(tree: Tree) -> list[str]:
    """What importing a module brings along: the first page shows before torch is imported."""
    faults = []
    for module in tree.sources:
        if is_optional(module):
            continue
        reached = start_up(tree, module)
        forbidden = rule_for(module, UNREACHABLE) | (set(OPTIONAL) if is_within(module, "sleepviz") else set())
        faults += [f"importing {module} imports {name}, by {reached[name]}" for name in forbidden if name in reached]
    return faults


def check_cycles(tree: Tree) -> list[str]:
    """No module imports itself by way of others, at start-up."""
    return [
        f"{module} imports itself, by {reached[module]}"
        for module in tree.sources
        if module in (reached := start_up(tree, module, with_packages=False))
    ]


def check_calls(tree: Tree) -> list[str]:
    """No unpickling, no code from strings, no raw HTML."""
    faults = []
    for module in tree.sources:
        for found in imports(tree, module):
            if found.module.split(".")[0] in UNSAFE_MODULES:
                faults.append(f"{tree.where(module, found.line)} imports {found.module}")
        for node in ast.walk(tree.parsed[module]):
            if isinstance(node, ast.Call):
                faults += [f"{tree.where(module, node.lineno)} {fault}" for fault in unsafe_call(node)]
            elif isinstance(node, ast.ImportFrom) and node.module == "torch" and "load" in [n.name for n in node.names]:
                faults.append(f"{tree.where(module, node.lineno)} imports torch's load by a bare name")
    return faults


def unsafe_call(call: ast.Call) -> Iterator[str]:
    """What is wrong with one call."""
    name = ast.unparse(call.func)
    arguments = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    if name == "torch.load" and arguments.get("weights_only") != "True":
        yield "calls torch.load without weights_only=True"
    if arguments.get("allow_pickle", "False") != "False":
        yield "allows pickle"
    if arguments.get("unsafe_allow_html", "False") != "False":
        yield "allows raw HTML"
    if name in ("eval", "exec"):
        yield f"calls {name}"


def check_names(tree: Tree) -> list[str]:
    """app/ is on sys.path when Streamlit runs app/main.py: a file there hides a library of the same name."""
    app = tree.root / "app"
    names = {path.name.split(".")[0] for path in app.iterdir()} if app.is_dir() else set()
    hidden = sys.stdlib_module_names | NAMED_AFTER_PROJECT | {"streamlit", "torch", "plotly", "networkx", "numpy"}
    faults = [f"app/{name} hides the module {name}" for name in sorted((names & hidden) - {"__init__", "pages"})]
    if "pages" in names:
        faults.append("app/pages makes Streamlit build a second navigation")
    return faults


CHECKS: list[Callable[[Tree], list[str]]] = [
    check_direction,
    check_layers,
    check_task_homes,
    check_start_up,
    check_cycles,
    check_calls,
    check_names,
]


@pytest.mark.parametrize("check", CHECKS)
def test_the_tree_keeps_the_rule(check: Callable[[Tree], list[str]]) -> None:
    assert check(read_tree(ROOT)) == []


VIOLATIONS = [
    (check_direction, "sleepviz/core/model.py", "import streamlit as st"),
    (check_direction, "sleepviz/tasks/depo/task.py", "from plotly import graph_objects"),
    (check_direction, "sleepviz/runs/record.py", "def late():\n    from app import theme"),
    (check_direction, "sleepviz/runs/record.py", "from ...pages import home"),
    (check_direction, "app/runs.py", "from pages.home import draw"),
    (check_direction, "app/figures/drift.py", "import streamlit"),
    (check_direction, "app/figures/drift.py", "def late():\n    import torch.nn"),
    (check_direction, "pages/home.py", "import torch"),
    (check_direction, "pages/home.py", "import plotly.graph_objects as go"),
    (check_direction, "pages/home.py", "from networkx import DiGraph"),
    (check_layers, "sleepviz/config/model.py", "from sleepviz.core.sleep import sleep"),
    (check_layers, "sleepviz/core/delta_rule.py", "from sleepviz.core import model"),
    (check_layers, "sleepviz/core/model.py", "from sleepviz.core.sleep import sleep"),
    (check_layers, "sleepviz/core/model.py", "from .sleep import sleep"),
    (check_layers, "sleepviz/core/sleep.py", "def late():\n    import sleepviz.runs.record"),
    (check_layers, "sleepviz/runs/record.py", "from sleepviz.training.train import train"),
    (check_layers, "sleepviz/training/train.py", "def late():\n    from sleepviz import hybrids"),
    (check_layers, "sleepviz/hybrids/olmo.py", "import sleepviz.studies.bench"),
    (check_layers, "sleepviz/tasks/rule110/task.py", "from sleepviz.runs.checkpoint import load"),
    (
        check_task_homes,
        "sleepviz/training/train.py",
        "def late():\n    from sleepviz.tasks.rule110.task import Rule110",
    ),
    (check_task_homes, "sleepviz/tasks/base.py", "from sleepviz.tasks import rule110"),
    (check_start_up, "sleepviz/training/train.py", "import transformers"),
    (check_start_up, "sleepviz/training/train.py", "class Adapter:\n    from sleepviz.hybrids import olmo"),
    (check_start_up, "sleepviz/runs/checkpoint.py", "import sleepviz.core.model"),
    (check_start_up, "app/runs.py", "from sleepviz.runs.record import record"),
    (check_start_up, "app/figures/drift.py", "from app import runs"),
    (check_start_up, "pages/home.py", "from sleepviz.runs import record"),
    (check_cycles, "sleepviz/config/events.py", "import sleepviz.runs.record"),
    (check_calls, "sleepviz/runs/checkpoint.py", "import torch\ntorch.load('model.pt')"),
    (check_calls, "sleepviz/runs/checkpoint.py", "import torch\ntorch.load('model.pt', weights_only=False)"),
    (check_calls, "sleepviz/runs/checkpoint.py", "from torch import load"),
    (check_calls, "sleepviz/runs/checkpoint.py", "import pickle"),
    (check_calls, "sleepviz/config/events.py", "import numpy as np\nnp.load('trace.npz', allow_pickle=True)"),
    (check_calls, "pages/home.py", "import streamlit as st\nst.markdown('<b>', unsafe_allow_html=True)"),
    (check_calls, "app/runs.py", "eval('1')"),
    (check_names, "app/queue.py", ""),
    (check_names, "app/app.py", ""),
    (check_names, "app/torch/__init__.py", ""),
    (check_names, "app/pages/home.py", ""),
]


@pytest.mark.parametrize(("check", "path", "source"), VIOLATIONS)
def test_a_planted_violation_is_seen(
    check: Callable[[Tree], list[str]], path: str, source: str, tmp_path: Path
) -> None:
    for name, text in SOUND.items():
        write(tmp_path / name, text)
    assert [fault for each in CHECKS for fault in each(read_tree(tmp_path))] == []

    write(tmp_path / path, source)

    assert check(read_tree(tmp_path)) != []


SOUND = {
    "sleepviz/__init__.py": "",
    "sleepviz/config/model.py": "",
    "sleepviz/config/events.py": "import numpy",
    "sleepviz/tasks/__init__.py": "import pkgutil",
    "sleepviz/tasks/rule110/__init__.py": "from sleepviz.tasks.rule110.task import Rule110",
    "sleepviz/tasks/rule110/task.py": "from sleepviz.config.base import require",
    "sleepviz/core/model.py": "import torch\nfrom sleepviz.config.model import ModelConfig",
    "sleepviz/core/sleep.py": "from sleepviz.core.model import HybridLM",
    "sleepviz/runs/checkpoint.py": (
        "from typing import TYPE_CHECKING\nfrom sleepviz import tasks\n"
        "if TYPE_CHECKING:\n    import torch\n"
        "def load():\n    from sleepviz.core.model import HybridLM\n    import torch\n"
        "    torch.load('model.pt', weights_only=True)"
    ),
    "sleepviz/runs/record.py": (
        "from sleepviz.config.events import Trace\nfrom sleepviz.core.sleep import sleep\n"
        "from sleepviz.runs.checkpoint import load"
    ),
    "sleepviz/training/train.py": "from sleepviz.runs.record import record",
    "sleepviz/__main__.py": "def late():\n    from sleepviz import hybrids",
    "sleepviz/hybrids/__init__.py": "",
    "sleepviz/hybrids/olmo.py": "import transformers",
    "sleepviz/studies/bench.py": "",
    "app/__init__.py": "",
    "app/main.py": "import streamlit\nfrom app import theme",
    "app/theme.py": "",
    "app/runs.py": "import streamlit\ndef live():\n    from sleepviz.runs.record import record",
    "app/figures/__init__.py": "",
    "app/figures/drift.py": "import plotly.graph_objects as go\nfrom sleepviz.config.events import Trace",
    "pages/home.py": "import streamlit as st\nfrom app import runs\nfrom app.figures.drift import figure",
}


def write(path: Path, text: str) -> None:
    """Write a file and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def run_python(code: str) -> str:
    """Run a program in a fresh interpreter at the repository root; return what it prints last."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


LOADED = "print('loaded:', *sorted({'torch', 'transformers', 'streamlit', 'plotly'} & set(sys.modules)))"


def test_importing_every_engine_module_brings_no_transformers_and_no_view() -> None:
    modules = [name for name in read_tree(ROOT).sources if is_within(name, "sleepviz")]
    names = [name for name in modules if not is_optional(name) and not name.endswith("__main__")]

    assert run_python(f"import sys, {', '.join(names)}\n{LOADED}") == "loaded: torch"


def test_listing_checkpoints_needs_no_torch() -> None:
    code = f"import sys\nfrom sleepviz.runs.checkpoint import list_checkpoints\nlist_checkpoints()\n{LOADED}"

    assert run_python(code) == "loaded:"


def test_the_checkpoints_command_imports_no_torch_and_no_transformers() -> None:
    code = (
        "import runpy, sys\nsys.argv = ['sleepviz', 'checkpoints', '--json']\n"
        "try:\n    runpy.run_module('sleepviz', run_name='__main__')\n"
        f"except SystemExit as end:\n    assert not end.code, end.code\n{LOADED}"
    )

    assert run_python(code) == "loaded:"
