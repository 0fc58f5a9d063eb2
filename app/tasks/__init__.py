"""The tasks' halves of the app: every folder here is one, found by its PAGE and listed nowhere.

A folder holds form.py (the controls), picture.py and picture.js (what is drawn of a run), words.py (everything that
is said of the task) and an __init__.py that joins them in PAGE, a `TaskPage`. The page itself is pages/TASK.py.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection

from app.tasks.base import TaskPage

__all__ = ["PAGES", "IncompletePageError", "TaskPage", "first", "load_page"]


class IncompletePageError(ImportError):
    """A task's folder lacks something; the message names the folder and what is missing."""


def load_page(package: str) -> TaskPage:
    """PAGE of one task's folder, given as a dotted name. Raises IncompletePageError."""
    folder = package.replace(".", "/")
    try:
        page = getattr(importlib.import_module(package), "PAGE", None)
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith(f"{package}."):
            raise
        file = error.name.replace(".", "/")
        raise IncompletePageError(f"The page in {folder} is incomplete: {file}.py is missing.") from error
    if not isinstance(page, TaskPage):
        raise IncompletePageError(f"The page in {folder} is incomplete: its __init__.py must set PAGE = TaskPage(...).")
    if page.task != package.rpartition(".")[2]:
        raise IncompletePageError(f"The page in {folder} is that of the task {page.task!r}; name both alike.")
    return page


def _discovered() -> dict[str, TaskPage]:
    """Each task's page by the task's name, in the order of the navigation."""
    found = [load_page(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__) if module.ispkg]
    return {page.task: page for page in sorted(found, key=lambda page: (page.place, page.task))}


PAGES: dict[str, TaskPage] = _discovered()


def first(trained: Collection[str]) -> TaskPage:
    """The page at the bare address: the first of the menu whose task has a model; without a model, the first."""
    return next((page for name, page in PAGES.items() if name in trained), next(iter(PAGES.values())))
