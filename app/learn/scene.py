"""The player at one moment of a run. All that Learn knows of the player stands here."""

from __future__ import annotations

from dataclasses import dataclass

from app import player
from app.explain.architecture import Act
from app.player import Contender
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


def show(trace: Trace, moment: Moment, *, contenders: tuple[Contender, ...] = (), badge: str, key: str) -> None:
    """Draw the run, standing at one moment; the visitor may go on from there with the player's own keys."""
    made = player.player_payload(trace, contenders=contenders, badge=badge, bare=True)
    player.show(made, start=player.Start(event=event_at(trace, moment), paused=True), key=key)
