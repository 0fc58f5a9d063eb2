"""docs/add-a-task.md: whoever copies its files into a checkout has a task that passes the tests of every task."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_architecture import ROOT

GUIDE = ROOT / "docs" / "add-a-task.md"
FILE = re.compile(r"^\*\*([\w./]+)\*\*\n\n```\w+\n(.*?)^```$", re.M | re.S)
CONTRACT = ("tests/tasks/test_contract.py", "tests/app/test_task_pages.py")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the checkout with the guide's files in it; the assets are not copied."""
    for name in ("app", "pages", "sleepviz", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    for path, text in FILE.findall(GUIDE.read_text(encoding="utf-8")):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def run(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=checkout, capture_output=True, text=True, timeout=300, check=False
    )


def test_the_guides_task_passes_the_tests_of_every_task(checkout: Path) -> None:
    tested = run(checkout, "pytest", "-q", "-p", "no:cacheprovider", "-k", "modsum", *CONTRACT)
    assert tested.returncode == 0, tested.stdout
    passed = re.search(r"(\d+) passed", tested.stdout)
    assert passed and int(passed[1]) >= 20, "too few tests know of the task"


def test_the_commands_know_the_guides_task(checkout: Path) -> None:
    asked = run(checkout, "sleepviz", "run", "--task", "modsum", "--input", '{"digits": "314", "after": 2}')
    assert asked.returncode == 2 and "modsum" in asked.stderr  # there is no checkpoint yet: the task itself is known
    assert "invalid choice" not in asked.stderr


def test_the_guides_code_is_in_the_style_of_the_project(checkout: Path) -> None:
    folders = ("sleepviz/tasks/modsum", "app/tasks/modsum", "pages")
    for words in (("ruff", "check", *folders), ("ruff", "format", "--check", *folders)):
        done = run(checkout, *words)
        assert done.returncode == 0, done.stdout
