"""A small class by Streamlit's own protocol: no errors, right answers, nobody sees another's run, memory comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.load.classroom import Hour, hold, percentile, wrong_answers
from tests.load.lesson import LECTURERS_N, LECTURERS_ROW, Click
from tests.load.memory import BOUNDS
from tests.serving import Served, serving

STUDENTS, ROUNDS = 5, 4
GROWTH = 1.1
NO_LEASE = """
import runpy
from app.shell import runs

runs.queue().lease_s = 0.0
runpy.run_path("app/main.py", run_name="__main__")
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    log = tmp_path_factory.mktemp("load") / "server.log"
    with serving("--server.disconnectedSessionTTL", "0", log=log) as server:
        yield server
    told = log.read_text()
    assert "a run failed" not in told and "Uncaught app" not in told


@pytest.fixture(scope="module")
def hours(served: Served) -> tuple[Hour, float, Hour, float]:
    """One student alone and the server's memory after; then the class, and the memory after that."""

    async def both() -> tuple[Hour, float, Hour, float]:
        alone = await hold(served, 1, ROUNDS, (0.0, 0.0), first=900)
        warm = served.resident_mb
        return alone, warm, await hold(served, STUDENTS, ROUNDS, (0.0, 0.5)), served.resident_mb

    # In a thread of its own: the browser tests' Playwright keeps an event loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(both())).result()


def test_nothing_goes_wrong_and_every_click_shows_what_was_asked(hours: tuple[Hour, float, Hour, float]) -> None:
    alone, _, together, _ = hours
    assert alone.errors == together.errors == ()
    assert len(together.clicks) == STUDENTS * (ROUNDS + 1)


def test_every_answer_is_that_of_the_engine_and_of_the_own_question(hours: tuple[Hour, float, Hour, float]) -> None:
    _, _, together, _ = hours
    asked = [click.question for click in together.clicks if click.question is not None]
    rows = {row for row, *_ in asked}
    assert len(rows) == STUDENTS + 1 and (LECTURERS_ROW, LECTURERS_N, "none") in asked
    assert len(set(asked)) == 3 * STUDENTS + 1
    assert wrong_answers(together.clicks) == []


def test_the_server_says_what_its_caches_hold(
    hours: tuple[Hour, float, Hour, float],
) -> None:
    held = hours[2].caches[ROUNDS]
    assert {name for name, number in held.items() if 0 < number <= BOUNDS[name][1]} == set(BOUNDS)


def test_memory_comes_back(hours: tuple[Hour, float, Hour, float]) -> None:
    _, warm, _, after = hours
    assert after <= GROWTH * warm, (warm, after)


def test_no_page_needs_to_be_heard_in_time(tmp_path: Path) -> None:
    """A server that ends at once what nobody is there for: who is connected keeps the place without asking."""
    script = tmp_path / "no_lease.py"
    script.write_text(NO_LEASE)
    with serving(script=str(script)) as server, ThreadPoolExecutor(1) as thread:
        hour = thread.submit(lambda: asyncio.run(hold(server, 3, 9, (0.0, 0.5)))).result()
    assert hour.errors == () and wrong_answers(hour.clicks) == []
    assert len(hour.clicks) == 3 * (9 + 1)


def test_a_wrong_answer_is_seen(hours: tuple[Hour, float, Hour, float]) -> None:
    click = next(click for click in hours[2].clicks if click.question is not None)
    row, n_passes, control = click.question  # type: ignore[misc]
    other = Click(click.kind, click.what, click.seconds, (row[::-1], n_passes, control), click.shown)
    assert len(wrong_answers([other])) == 1


def test_the_percentile_is_one_of_the_values() -> None:
    seconds = [float(number) for number in range(20, 0, -1)]
    assert (percentile(seconds, 0.5), percentile(seconds, 0.95), percentile([3.0], 0.95)) == (10.0, 19.0, 3.0)
