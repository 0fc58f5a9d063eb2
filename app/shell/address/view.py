"""How a page is looked at: ?view=present fills the window with the stage, ?lock=1 hides the controls.

Both stay through every change of settings and every click in the menu, and leave with the link that had them.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.shell import address

PRESENTED, LOCKED = "present", "1"  # what a link may hold


@dataclass(frozen=True)
class View:
    """What the link asks of the page."""

    is_presented: bool
    is_locked: bool


def current() -> View:
    """As the address has it, or had it before a click in the menu."""
    held = address.held_looks()
    return View(held.get("view") == PRESENTED, held.get("lock") == LOCKED)


def present(is_on: bool) -> None:
    """The visitor has filled the window with the stage, or left it."""
    address.look("view", PRESENTED if is_on else "")
