"""The latest few, each made once, and nothing held of those that are gone."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.stage.kept import Latest


class Key:
    """One that says when nobody holds it any more."""


def test_what_was_asked_for_last_stays_and_is_made_once() -> None:
    made: list[str] = []
    latest = Latest(2)
    for name in ("a", "b", "a", "c", "a", "b"):
        assert latest.get(name, lambda name=name: made.append(name) or f"picture of {name}") == f"picture of {name}"  # type: ignore[misc]
    assert made == ["a", "b", "c", "b"] and len(latest) == 2


def test_nothing_is_held_of_what_is_gone() -> None:
    latest, gone = Latest(3), []
    for _ in range(50):
        key = Key()
        gone.append(weakref.ref(key))
        latest.get(key, object)
    del key
    gc.collect()
    assert [ref() is None for ref in gone] == [True] * 47 + [False] * 3


def test_of_many_who_ask_at_once_the_first_makes_it() -> None:
    latest, made, together = Latest(2), [], threading.Barrier(8)

    def ask() -> object:
        together.wait(10)
        return latest.get("same", lambda: made.append(1) or object())

    with ThreadPoolExecutor(8) as threads:
        found = [thread.result() for thread in [threads.submit(ask) for _ in range(8)]]
    assert len(made) == 1 and len({id(each) for each in found}) == 1


def test_one_that_cannot_be_made_is_not_kept_and_holds_nobody_up() -> None:
    latest = Latest(2)
    with pytest.raises(ZeroDivisionError):
        latest.get("a", lambda: 1 // 0)
    assert len(latest) == 0 and latest.get("a", lambda: 1) == 1
