"""What `python -m tests.load` says while it works: how long it will take, and how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from tests.load import __main__ as command
from tests.load.classroom import Hour
from tests.serving import Served


def test_how_long_it_takes_by_hand() -> None:
    """16.75 s alone, 90 s of class, 25 s of leaving after each, 15 s to compare; a larger class: 25 + 10 + 24 s."""
    said = "30 students, 20 rounds: about 3 min."
    assert command.minutes(30, 20, ceiling=False) == said
    assert command.minutes(30, 20, ceiling=True) == (
        f"{said} Each larger class after that: about 1 min, and more where it waits."
    )
    assert command.minutes(30, 60, ceiling=False) == "30 students, 60 rounds: about 6 min."


def test_the_bar_goes_with_the_clicks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    hour = Hour((), (), 0.0, 0.0, (), {})

    async def hold(served: Served, *asked: object) -> Hour:
        told = cast(Callable[[int], Any], asked[-1])
        for done in (0, 3, 3, 8):
            told(done)
        return hour

    monkeypatch.setattr(command, "hold", hold)
    attended = command.attended(cast(Served, None), 2, 4, (0.0, 0.0), 1, "two students")
    with ThreadPoolExecutor(1) as other_thread:  # in this one a browser's event loop may already run
        assert other_thread.submit(asyncio.run, attended).result() is hour
    assert "two students" in (bar := capsys.readouterr().err) and "8/10" in bar
