"""Who is still there: a page that stands on a connected screen, however late it asks."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.shell import runs
from app.shell.jobs import Job, Request
from app.shell.waiting import presence
from app.shell.waiting.presence import Screen
from app.visitor.client import Screen as Seen
from app.visitor.client import Visitor
from tests.app.page import clean, live, opened
from tests.app.shell.made_clock import Clock
from tests.serving import serving

OTHER_ROW = "1111000011110001"  # not the recorded one
SCRIPT = """
import streamlit as st
from app.shell.waiting import presence

presence.begin()


@st.cache_resource(show_spinner=False)
def watches():
    return []


watches().append(presence.here())
st.text("".join("y" if is_there() else "n" for is_there in watches()))
presence.end()
"""


@pytest.fixture
def line_is_held() -> Iterator[None]:
    """Somebody computes who does not end."""
    turns = runs.queue().turns
    place = turns.enter(Request(math.inf))
    yield
    turns.leave(place)


def made_time(monkeypatch: pytest.MonkeyPatch) -> tuple[Clock, list[bool]]:
    """The queue's clock, and whether every visitor is connected, as the test says."""
    clock, connected = Clock(), [True]
    monkeypatch.setattr(presence, "is_connected", lambda session: connected[0])
    monkeypatch.setattr(runs.queue(), "now", clock)
    return clock, connected


def test_what_is_drawn_stands_until_a_later_drawing_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    connected = {"a", "b"}
    monkeypatch.setattr(presence, "is_connected", lambda session: session in connected)
    screen, other = Screen("a"), Screen("b")
    said = []
    screen.begun += 1
    is_there, elsewhere = screen.watch(), other.watch()
    said.append(is_there())  # while it is drawn
    screen.whole = screen.begun
    said.append(is_there())
    screen.begun += 1
    said.append(is_there())  # the next drawing may be cut short by a click
    screen.whole = screen.begun
    said.append(is_there())
    assert said == [True, True, True, False]
    assert elsewhere()
    connected.remove("b")
    assert not elsewhere()


def test_a_run_waits_while_its_page_is_on_a_connected_screen_and_not_after(
    assets: Path, line_is_held: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, _ = made_time(monkeypatch)
    page = opened(rows=OTHER_ROW, t="3", N="2")
    job: Job = page.session_state["rule110_job"]
    clock.at += 600  # the page has not asked since: the server has too much to do, or the tab is hidden
    assert not job.is_abandoned() and job.phase == "waiting"
    page.switch_page(str(Path("pages/learn.py").resolve()))
    clean(page.run())
    clock.at += 9
    assert not job.is_abandoned()
    clock.at += 2
    assert job.is_abandoned() and job._finished.wait(10) and job.was_left


def test_a_visitor_who_loses_the_connection_has_the_lease_to_come_back(
    assets: Path, line_is_held: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, connected = made_time(monkeypatch)
    job: Job = opened(rows=OTHER_ROW, t="3", N="4").session_state["rule110_job"]
    clock.at += 600
    assert not job.is_abandoned()
    connected[0] = False
    clock.at += 9
    assert not job.is_abandoned()
    connected[0] = True
    assert not job.is_abandoned()
    connected[0] = False
    clock.at += 9
    assert not job.is_abandoned()
    clock.at += 2
    assert job.is_abandoned() and job._finished.wait(10) and job.was_left


def test_a_run_that_ended_while_its_visitor_was_away_starts_again_when_the_page_asks(assets: Path) -> None:
    page = live(opened(rows=OTHER_ROW, t="3", N="2"))
    left = Job(page.session_state["rule110_job"].keys, lease_s=10.0)
    left.end("cancelled")
    left.poll()  # what the page does first, before it runs again
    page.session_state["rule110_job"] = left
    page = live(clean(page.run()))
    assert not any("stopped" in info.value for info in page.info)
    assert page.session_state["rule110_job"] is not left and page.session_state["rule110_job"].phase == "done"


def test_a_run_that_ends_as_left_while_its_page_is_drawn_starts_again(
    assets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection came back a moment too late."""
    page = live(opened(rows=OTHER_ROW, t="3", N="2"))
    late = Job(page.session_state["rule110_job"].keys, lease_s=10.0)
    monkeypatch.setattr(late, "wait", lambda seconds: late.end("cancelled"))
    page.session_state["rule110_job"] = late
    page = live(clean(page.run()))
    assert not any("stopped" in info.value for info in page.info)
    assert page.session_state["rule110_job"] is not late and page.session_state["rule110_job"].phase == "done"


def test_streamlit_says_who_is_connected(tmp_path: Path) -> None:
    """Three visitors on a real server, of whom the first leaves: each drawing says who of them is there."""
    script = tmp_path / "watched.py"
    script.write_text(SCRIPT)

    def said(screen: Seen) -> str:
        texts = screen.of_kind("text")
        return str(texts[-1].body) if texts else ""

    async def visits(url: str) -> list[str]:
        found = []
        async with Visitor(url, 60) as second:
            async with Visitor(url, 60) as first:
                await first.do(lambda screen: said(screen) != "")
                await second.do(lambda screen: said(screen) != "")
                found += [said(first.screen), said(second.screen)]
            while said(second.screen)[0] == "y":
                await second.do(lambda screen: said(screen) != "")
            found.append(said(second.screen)[:2])
        return found

    with serving("--server.disconnectedSessionTTL", "0", script=str(script)) as server, ThreadPoolExecutor(1) as thread:
        found = thread.submit(lambda: asyncio.run(visits(server.url))).result(120)
    assert found[:2] == ["y", "yy"] and found[2][0] == "n"
