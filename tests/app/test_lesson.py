"""The links of docs/lesson.md: each leads to a page that is there, and asks it something that it accepts."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from app.learn import learn_text
from app.shell.state import read_link
from app.stage import advanced
from app.tasks import PAGES
from sleepviz.config.model import PASSES_MAX
from sleepviz.runs.checkpoint import find
from sleepviz.tasks import build_task

ROOT = Path(__file__).resolve().parents[2]
LINKS = sorted(set(re.findall(r"\((http://localhost:8501[^)]*)\)", (ROOT / "docs" / "lesson.md").read_text())))
TASKS = {page.url: page for page in PAGES.values()}
LOOKS = {"view": "present", "lock": "1"}


def test_the_lesson_presents_locked_runs_and_lets_the_class_work() -> None:
    assert sum("view=present&lock=1" in link for link in LINKS) >= 5
    assert {urlsplit(link).path for link in LINKS} >= {"/learn", "/limits", "/watch", "/graph", "/arithmetic"}


@pytest.mark.parametrize("link", LINKS)
def test_a_link_of_the_lesson_is_accepted(link: str) -> None:
    address = urlsplit(link)
    page, given = address.path.strip("/"), dict(parse_qsl(address.query))
    assert {name: given.pop(name) for name in list(given) if name in LOOKS}.items() <= LOOKS.items()
    if page in ("learn", "limits"):
        assert (ROOT / "pages" / f"{page}.py").exists()
        assert all(name == "step" and 1 <= int(value) <= len(learn_text.STEPS) for name, value in given.items())
        return
    task = TASKS[page]
    info = find("", task=task.task)
    sized = build_task(task.task, info.meta["task_sizes"])
    limits = {**sized.limits(), **info.limits, "window": sized.window, "passes_max": PASSES_MAX}
    readers = {**task.form.readers(limits), **advanced.readers(sized.window)}
    values, problems = read_link({name: value for name, value in given.items() if name != "N"}, task.task, readers)
    assert problems == () and set(given) - {"N"} <= set(readers) and bool(values) == bool(set(given) - {"N"})
    assert 1 <= int(given.get("N", "1")) <= info.limits["passes_max"]
