"""A visitor acts again before the browser has heard of their first act: the later act stays, and so does the first.

The server's messages are held back in between. So it is with every visitor who is quicker than the network.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, WebSocketRoute, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser.conftest import Server

PATIENCE_MS = 60_000
STEP_MS = 20


class Line:
    """What goes between a page and its server, which can be held back on its way to the page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.held: list[str | bytes] | None = None
        self.asked = 0
        page.route_web_socket(re.compile("_stcore/stream"), self._open)

    def _open(self, socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        self.socket = socket

        def ask(message: str | bytes) -> None:
            self.asked += 1
            server.send(message)

        def answer(message: str | bytes) -> None:
            if self.held is None:
                socket.send(message)
            else:
                self.held.append(message)

        socket.on_message(ask)
        server.on_message(answer)

    def hold(self) -> None:
        """From now on the page hears nothing."""
        self.held = []

    def wait_for_answer(self) -> None:
        """Until the server has answered in full what it was asked while the line was held."""
        self._wait(lambda: any(self._is_last(message) for message in self.held or ()))

    def wait_until_asked(self, times: int) -> None:
        """Until the page has sent so many messages in all."""
        self._wait(lambda: self.asked >= times)

    def release(self) -> None:
        """The page hears all that was held back, and again everything at once."""
        held, self.held = self.held or [], None
        for message in held:
            self.socket.send(message)

    def _wait(self, is_so: Callable[[], bool]) -> None:
        for _ in range(PATIENCE_MS // STEP_MS):
            if is_so():
                return
            self.page.wait_for_timeout(STEP_MS)
        raise AssertionError("the line stays silent")

    @staticmethod
    def _is_last(message: str | bytes) -> bool:
        return isinstance(message, bytes) and ForwardMsg.FromString(message).WhichOneof("type") == "script_finished"


@pytest.fixture
def line(browser: Browser) -> Iterator[Line]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    yield Line(context.new_page())
    context.close()


def twice(line: Line, first: Locator, second: Locator, key: str = "") -> None:
    """Two acts, the second before the page hears of the first: clicks, or presses of a key."""
    line.hold()
    for act in (first, second):
        asked = line.asked
        if key:
            act.press(key)
        else:
            act.evaluate("element => element.click()")
        line.wait_until_asked(asked + 1)
        if act is first:
            line.wait_for_answer()
    line.release()


def address(page: Page) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(page.url).query))


ROW = "0000000000000000"


def opened(line: Line, server: Server) -> Page:
    page = line.page
    page.goto(f"{server.url}/?task=rule110&rows={ROW}&t=2&N=2")
    expect(page.locator(".theatre .badge")).to_have_text(re.compile("live"), timeout=PATIENCE_MS)
    return page


def test_a_slider_goes_on_from_where_the_visitor_left_it(line: Line, server: Server) -> None:
    page = opened(line, server)
    steps = page.get_by_role("slider", name="Steps t")
    twice(line, steps, steps, "ArrowRight")
    page.wait_for_url(re.compile(r"t=4\b"), timeout=PATIENCE_MS)
    expect(steps).to_have_value("4")
    expect(page.locator(".is-stale")).to_have_count(0, timeout=PATIENCE_MS)
    assert address(page)["t"] == "4"


def test_two_clicks_on_two_cells_change_both(line: Line, server: Server) -> None:
    page = opened(line, server)
    cells = page.locator(".cells button")
    line.hold()
    cells.nth(0).click()
    line.wait_for_answer()
    cells.nth(1).click()
    line.release()  # the answer to the first click comes now
    cells.nth(2).click()
    page.wait_for_url(re.compile("rows=1110000000000000"), timeout=PATIENCE_MS)
    expect(page.locator(".is-stale")).to_have_count(0, timeout=PATIENCE_MS)
    assert "".join(cells.all_inner_texts()) == "1110000000000000"


@pytest.mark.parametrize("is_answered", [True, False], ids=["the server was done", "the server was at work"])
@pytest.mark.parametrize("first", ["preset", "cell"])
def test_what_a_click_set_stays_where_a_key_on_a_slider_follows(
    line: Line, server: Server, first: str, is_answered: bool
) -> None:
    page = opened(line, server)
    hard, cell = page.get_by_role("button", name="Hard", exact=True), page.locator(".cells button").first
    line.hold()
    asked = line.asked
    (hard if first == "preset" else cell).evaluate("element => element.click()")
    line.wait_until_asked(asked + 1)
    if is_answered:
        line.wait_for_answer()
    page.get_by_role("slider", name="Passes N").press("ArrowRight")
    line.wait_until_asked(asked + 2)
    line.release()
    page.wait_for_url(re.compile("N=3"), timeout=PATIENCE_MS)
    expect(page.locator(".is-stale")).to_have_count(0, timeout=PATIENCE_MS)
    there = address(page)
    if first == "preset":
        assert int(there["t"]) > 2
        expect(page.get_by_role("slider", name="Steps t")).to_have_value(there["t"])
    else:
        assert there["rows"] == "1000000000000000"
        expect(cell).to_have_text("1")
    expect(page.get_by_role("slider", name="Passes N")).to_have_value("3")


def test_a_value_can_be_taken_back_once_the_page_has_heard_of_it(line: Line, server: Server) -> None:
    page = opened(line, server)
    steps = page.get_by_role("slider", name="Steps t")
    page.get_by_role("button", name="Hard", exact=True).click()
    page.wait_for_url(re.compile(r"t=(?!2\b)"), timeout=PATIENCE_MS)
    expect(steps).not_to_have_value("2", timeout=PATIENCE_MS)
    expect(page.locator(".is-stale")).to_have_count(0, timeout=PATIENCE_MS)
    line.hold()
    while steps.input_value() != "2":
        steps.press("ArrowLeft")
    line.wait_for_answer()
    line.release()
    page.wait_for_url(re.compile(r"t=2\b"), timeout=PATIENCE_MS)
    expect(steps).to_have_value("2")


def test_present_and_a_cell_at_once(line: Line, server: Server) -> None:
    page = opened(line, server)
    twice(line, page.get_by_role("button", name="Present"), page.locator(".cells button").first)
    page.wait_for_url(re.compile("rows=1000000000000000"), timeout=PATIENCE_MS)
    expect(page.locator(".theatre.present:not(.is-stale)")).to_be_visible(timeout=PATIENCE_MS)
    assert address(page)["view"] == "present"


def test_back_undoes_one_act_where_two_were_quick(line: Line, server: Server) -> None:
    page = opened(line, server)
    cells = page.locator(".cells button")
    twice(line, cells.nth(0), cells.nth(1))
    page.wait_for_url(re.compile("rows=1100000000000000"), timeout=PATIENCE_MS)
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0, timeout=PATIENCE_MS)  # it has been drawn
    page.go_back()
    expect(cells.nth(1)).to_have_text("0", timeout=PATIENCE_MS)
    expect(cells.nth(0)).to_have_text("1")
    assert address(page)["rows"] == "1000000000000000"


def test_a_click_on_the_menu_of_the_same_page_keeps_question_and_address(line: Line, server: Server) -> None:
    page = opened(line, server)
    page.locator(".cells button").first.click()
    page.wait_for_url(re.compile("rows=1000000000000000"), timeout=PATIENCE_MS)
    page.get_by_role("link", name="Watch", exact=True).first.click()
    page.wait_for_url(re.compile("rows=1000000000000000"), timeout=PATIENCE_MS)
    expect(page.locator(".cells button").first).to_have_text("1")


def test_learn_stays_at_the_step_that_was_picked_last(line: Line, server: Server) -> None:
    page = line.page
    page.goto(f"{server.url}/learn?step=8")
    picked = page.locator(".st-key-learn_step_2 button, .st-key-learn_step_5 button")
    expect(picked.first).to_be_enabled(timeout=PATIENCE_MS)
    twice(line, page.get_by_role("button", name="2", exact=True), page.get_by_role("button", name="5", exact=True))
    expect(page.get_by_text("Step 5 of 10")).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_url(re.compile("step=5"), timeout=PATIENCE_MS)
