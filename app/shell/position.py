"""Where a link starts the player: at an event of the run, and how fast it plays."""

from __future__ import annotations

from dataclasses import dataclass

from app.shell.state import Reader, Visit, one_of, whole_number

SPEEDS = ("0.25", "0.5", "1", "2", "4")
EVENT_MAX = 9999


@dataclass(frozen=True)
class Position:
    """`event` counts from 0 and None is the beginning, from which the run plays by itself."""

    event: int | None = None
    speed: float = 1.0

    def link(self) -> dict[str, str]:
        """What differs from the beginning at the usual speed, as a link's values."""
        at = {} if self.event is None else {"event": str(self.event)}
        return at if self.speed == 1 else {**at, "speed": f"{self.speed:g}"}


def readers() -> dict[str, Reader]:
    """?event=12&speed=0.5"""
    return {
        "event": whole_number("event", "event", 0, EVENT_MAX),
        "speed": one_of("speed", "speed", SPEEDS),
    }


def of(visit: Visit) -> Position:
    """Where the link that this visitor follows starts; after a change, the beginning."""
    event, speed = visit.get("event"), visit.get("speed") or "1"
    return Position(event, float(speed))
