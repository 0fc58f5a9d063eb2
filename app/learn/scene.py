"""The player at one moment of a run. All that Learn knows of the player stands here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app import player
from app.player import Contender
from app.shell.architecture import Act
from sleepviz.config.events import AnswerScored, CacheEvicted, Event, SleepPassDone, SleepStarted, TokenRead, Trace

KINDS: dict[Act, type[Event]] = {
    "read": TokenRead,
    "full": SleepStarted,
    "asleep": SleepPassDone,
    "clear": CacheEvicted,
    "answer": AnswerScored,
}


@dataclass(frozen=True)
class Moment:
    """An act of a run; `number` counts from 1 which of its events: the third pass is Moment("asleep", 3)."""

    act: Act
    number: int = 1


def event_at(trace: Trace, moment: Moment) -> int:
    """The place of a moment among the run's events. Raises IndexError where the run has no such event."""
    places = [place for place, event in enumerate(trace.events) if isinstance(event, KINDS[moment.act])]
    return places[moment.number - 1]


def payload(trace: Trace, moment: Moment, contenders: tuple[Contender, ...], badge: str) -> dict[str, Any]:
    """The run as the player takes it, standing at the moment: of its frames only that one."""
    made = player.player_payload(trace, contenders=contenders, badge=badge)
    at = event_at(trace, moment)
    return {**made, "frames": made["frames"][at : at + 1], "id": f"{made['id']}-{at}"}


def show(trace: Trace, moment: Moment, *, contenders: tuple[Contender, ...] = (), badge: str, key: str) -> None:
    """Draw the run at one moment."""
    player.show(payload(trace, moment, contenders, badge), key=key)
