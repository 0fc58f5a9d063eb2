"""What one visitor of a class does, round by round, and what each click must show.

Rounds repeat: the lecturer's link, an own question by link, another N by the slider, a broken run, another page, the
recorded question run live, Learn, a small sweep in the Lab, and back to the first page.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from app.visitor.client import Screen, VisitError, Visitor, choice, press
from sleepviz.studies.measurements import VARIANTS

Kind = Literal["shared", "live", "sweep"]  # recorded or kept runs; computed for this visitor; measured in the Lab
STEPS = 3
LECTURERS_ROW, LECTURERS_N = "0110100111010110", 5
BROKEN = "Wipe S"
SWEEP_QUESTIONS = 8


@dataclass(frozen=True)
class Click:
    """One click, and what was seen of it. A question is (row, N, control)."""

    kind: Kind
    what: str
    seconds: float
    question: tuple[str, int, str] | None = None
    shown: Any = None  # of a question: what the run on the stage says of it


@dataclass
class Student:
    """One visitor: `number` makes the row that nobody else asks about."""

    number: int
    visitor: Visitor
    think_s: tuple[float, float]
    clicks: list[Click] = field(default_factory=list)

    @property
    def row(self) -> str:
        """16 cells."""
        return f"{(self.number * 40503 + 12345) % 2**16:016b}"

    async def attend(self, rounds: int) -> None:
        """Arrive, then one act a round, thinking in between. Raises VisitError."""
        acts = (
            self._lecturers_link,
            self._own_question,
            self._slider,
            self._break,
            self._page,
            self._run_live,
            self._learn,
            self._sweep,
            self._back,
        )
        dice = random.Random(self.number)
        await self._click("shared", "arrive", is_drawn)
        for number in range(rounds):
            await self.visitor.wait(dice.uniform(*self.think_s))
            act: Callable[[int], Awaitable[None]] = acts[number % len(acts)]
            await act(number // len(acts))

    async def _lecturers_link(self, again: int) -> None:
        await self._link("shared", "open the lecturer's link", LECTURERS_ROW, LECTURERS_N)

    async def _own_question(self, again: int) -> None:
        await self._link("live", "ask by link", self.row, 2 + 3 * again)

    async def _slider(self, again: int) -> None:
        n_passes = 3 + 3 * again
        slider = self.visitor.screen.element("slider", "rule110_passes")
        wanted = (self.row, n_passes, "none")
        await self._ask("live", "change N", wanted, widget=choice(slider.id, [str(n_passes)]))

    async def _break(self, again: int) -> None:
        pills = self.visitor.screen.element("button_group", "rule110_broken")
        wanted = (self.row, 3 + 3 * again, "zero_state")
        await self._ask("live", "break the run", wanted, widget=choice(pills.id, [BROKEN]))

    async def _page(self, again: int) -> None:
        page = ("graph", "arithmetic")[again % 2]
        kind = ("hops", "values")[again % 2]
        until = lambda screen: is_drawn(screen) and stage(screen)["picture"]["kind"] == kind  # noqa: E731
        await self._click("shared", "change page", until, page=page)

    async def _run_live(self, again: int) -> None:
        button = self.visitor.screen.element("button", "run")
        until = lambda screen: is_drawn(screen) and stage(screen)["badge"].startswith("live")  # noqa: E731
        await self._click("shared", "run the recorded question", until, widget=press(button.id))

    async def _learn(self, again: int) -> None:
        await self._click("shared", "open Learn", says("heading"), page="learn")

    async def _sweep(self, again: int) -> None:
        seed = 40 * self.number + again  # at most a million
        link = {"task": "rule110", "passes": "1", "levels": "1", "n": str(SWEEP_QUESTIONS), "seed": str(seed)}
        until = lambda screen: any(f"seed {seed}" in text for text in alerts(screen))  # noqa: E731
        await self._click("sweep", "measure a setting", until, page="lab", link=link)

    async def _back(self, again: int) -> None:
        await self._click("shared", "back to the first page", is_drawn, page="")

    async def _link(self, kind: Kind, what: str, row: str, n_passes: int) -> None:
        link = {"task": "rule110", "rows": row, "t": str(STEPS), "N": str(n_passes)}
        page = "watch" if "watch" in self.visitor.screen.titles else ""  # the first page has an empty path
        await self._ask(kind, what, (row, n_passes, "none"), page=page, link=link)

    async def _ask(self, kind: Kind, what: str, question: tuple[str, int, str], **act: Any) -> None:
        """Click, wait for this very question on the stage, and keep what it says."""
        until = lambda screen: is_drawn(screen) and question_of(screen) == question  # noqa: E731
        seconds = await self._wait(what, until, **act)
        self.clicks.append(Click(kind, what, seconds, question, said(self.visitor.screen)))

    async def _click(self, kind: Kind, what: str, until: Callable[[Screen], bool], **act: Any) -> None:
        self.clicks.append(Click(kind, what, await self._wait(what, until, **act)))

    async def _wait(self, what: str, until: Callable[[Screen], bool], **act: Any) -> float:
        """What `Visitor.do` returns; what it raises says which click it was, and what the page said meanwhile."""
        try:
            return await self.visitor.do(until, **act)
        except VisitError as error:
            texts = [text[:200] for text in (*alerts(self.visitor.screen), *progress(self.visitor.screen))]
            number = len(self.clicks) + 1
            raise VisitError(f"{what}, click {number}: {error}; the page said {texts}") from error


def stage(screen: Screen) -> dict[str, Any]:
    """The run that the player was given."""
    data = screen.components.get("sleepviz_player")
    return data["run"] if data else {}


def is_drawn(screen: Screen) -> bool:
    """Whether the player shows what the controls ask."""
    data = screen.components.get("sleepviz_player")
    return data is not None and not data["stale"]


def question_of(screen: Screen) -> tuple[str, int, str] | None:
    """The row, N and the control of the run on the stage; None where it is no row of Rule 110."""
    run = stage(screen)
    if run["picture"]["kind"] != "rows" or len(run["picture"]["truth"]) != 1:
        return None
    control = "zero_state" if run["badge"].startswith(VARIANTS["zero_state"]) else "none"
    return run["picture"]["truth"][0][0], run["sleeps"][0]["passes"], control


def said(screen: Screen) -> dict[str, Any]:
    """Of the run on the stage: the row that it would answer after each pass, and how much each pass changed S."""
    run = stage(screen)
    return {"cells": [woken["cells"] for woken in run["woken"]], "drift": run["drift"]}


def alerts(screen: Screen) -> list[str]:
    """Texts of the boxes that say how something ended."""
    return [alert.body for alert in screen.of_kind("alert")]


def progress(screen: Screen) -> list[str]:
    """Texts beside the bars that say how far something is."""
    return [bar.text for bar in screen.of_kind("progress")]


def says(kind: str) -> Callable[[Screen], bool]:
    """Whether the page has an element of this kind."""
    return lambda screen: bool(screen.of_kind(kind))


async def arrive(
    url: str, number: int, *, after_s: float, rounds: int, think_s: tuple[float, float], clicks: list[Click]
) -> None:
    """A student who comes after so many seconds, attends, and leaves; each click goes into `clicks` at once."""
    await asyncio.sleep(after_s)
    async with Visitor(url) as visitor:
        await Student(number, visitor, think_s, clicks).attend(rounds)
