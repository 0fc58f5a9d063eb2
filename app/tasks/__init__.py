"""The tasks' halves of the app, found and not listed: every folder here that exports a PAGE."""

from __future__ import annotations

import importlib
import pkgutil

from app.tasks.base import TaskPage

__all__ = ["PAGES", "TaskPage"]


def _found() -> dict[str, TaskPage]:
    """Each task's page by the task's name, in the order of the navigation."""
    folders = [
        importlib.import_module(f"{__name__}.{each.name}") for each in pkgutil.iter_modules(__path__) if each.ispkg
    ]
    pages: list[TaskPage] = [folder.PAGE for folder in folders if hasattr(folder, "PAGE")]
    return {page.task: page for page in sorted(pages, key=lambda page: (page.place, page.task))}


PAGES = _found()
