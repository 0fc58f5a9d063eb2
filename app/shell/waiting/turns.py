"""One computes at a time: a line in which everybody knows their place, and which who leaves it does not hold up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

LOOK_UP_S = 0.1  # how often whoever waits asks whether they are still wanted
PASSED_MOST = 4  # runs go before a sweep's settings, but not for ever


class AbandonedError(Exception):
    """Nobody waits for the work any more."""


class Waiting(Protocol):
    """Somebody in the line."""

    ahead: int  # how many come first, the one that computes included

    def is_abandoned(self) -> bool:
        """Whether nobody waits for it any more."""


class Place:
    """A place in the line."""

    def __init__(self, who: Waiting, gives_way: bool) -> None:
        self.who, self.gives_way, self.passed = who, gives_way, 0


class Turns:
    """The line. The first in it computes."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._line: list[Place] = []

    def enter(self, who: Waiting, *, gives_way: bool = False) -> Place:
        """Stand in line; return the place. `gives_way`: whoever does not give way stands before, a few times."""
        place = Place(who, gives_way)
        with self._changed:
            behind = len(self._line)
            while not gives_way and behind > 1 and self._may_pass(self._line[behind - 1]):
                behind -= 1
            for passed in self._line[behind:]:
                passed.passed += 1
            self._line.insert(behind, place)
            self._tell()
        return place

    @staticmethod
    def _may_pass(place: Place) -> bool:
        return place.gives_way and place.passed < PASSED_MOST

    def leave(self, place: Place) -> None:
        """Give the place up."""
        with self._changed:
            self._line.remove(place)
            self._tell()
            self._changed.notify_all()

    @contextmanager
    def turn(self, place: Place) -> Iterator[None]:
        """Wait until the place is the first, keep it meanwhile, and leave the line. Raises AbandonedError."""
        try:
            with self._changed:
                while self._line[0] is not place:
                    self._changed.wait(LOOK_UP_S)
                    if place.who.is_abandoned():
                        raise AbandonedError
            if place.who.is_abandoned():
                raise AbandonedError
            yield
        finally:
            self.leave(place)

    def _tell(self) -> None:
        for ahead, place in enumerate(self._line):
            place.who.ahead = ahead
