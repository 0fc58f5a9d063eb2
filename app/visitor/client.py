"""A visitor without a browser: Streamlit's own protocol over a websocket, as the page's JavaScript speaks it.

It keeps what a browser keeps: the widgets' values, the address, the messages that the server may send by their hash,
and the timers of fragments that run by themselves.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

CLOSED = "the server closed the connection"


class VisitError(RuntimeError):
    """What a visitor would see as a fault: an exception on the page, a lost connection, nothing for too long."""


@dataclass
class Screen:
    """What is on the page, as far as the messages tell."""

    elements: dict[tuple[int, ...], Element] = field(default_factory=dict)
    components: dict[str, dict[str, Any]] = field(default_factory=dict)  # the data of our own, by their names
    titles: dict[str, str] = field(default_factory=dict)  # a page's hash by its path in the address
    page: str = ""  # hash of the page that is shown
    query: str = ""
    runs: int = 0  # of the whole script, so far
    received: int = 0  # bytes

    def element(self, kind: str, key: str) -> Any:
        """The widget of this kind with this key. Raises KeyError."""
        for widget in self.of_kind(kind):
            if widget.id.endswith(f"-{key}"):
                return widget
        raise KeyError(f"{kind} {key}")

    def of_kind(self, kind: str) -> list[Any]:
        """Everything of this kind that is on the page, the latest last."""
        return [getattr(each, kind) for each in self.elements.values() if each.WhichOneof("type") == kind]


def data_of(component: Any) -> dict[str, Any]:
    """A component's data, whichever way it was sent; bytes inside stay out."""
    kind = component.WhichOneof("data")
    text = component.json if kind == "json" else component.mixed.json if kind == "mixed" else "{}"
    data: dict[str, Any] = json.loads(text)
    return data


class Visitor:
    """One session. `do` sends what a click sends and waits until the page shows what it should."""

    def __init__(self, url: str, patience_s: float = 300.0) -> None:
        self.screen = Screen()
        self._page_url = f"{url.rstrip('/')}/"
        self._url = f"{self._page_url.replace('http', 'ws', 1)}_stcore/stream"
        self._patience_s = patience_s
        self._widgets: dict[str, WidgetState] = {}
        self._kept: dict[str, ForwardMsg] = {}
        self._timers: dict[str, tuple[float, float]] = {}  # fragment -> (interval, when next)
        self._socket: ClientConnection

    async def __aenter__(self) -> Visitor:
        self._socket = await connect(
            self._url, subprotocols=[Subprotocol("streamlit")], max_size=None, open_timeout=self._patience_s
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._socket.close()

    async def do(
        self,
        until: Callable[[Screen], bool],
        *,
        widget: WidgetState | None = None,
        page: str | None = None,
        link: dict[str, str] | None = None,
    ) -> float:
        """Click a widget, a page (its path), or a link; return the seconds until the page is as it should be.

        Afterwards it listens on until the script has come to its end, as a browser does. Raises VisitError.
        """
        if page is not None:
            self.screen.page, self.screen.query = self.screen.titles[page], ""
        if link is not None:
            self.screen.query = urlencode(link)
        if widget is not None:
            self._widgets[widget.id] = widget
        started = time.perf_counter()
        deadline = started + self._patience_s
        await self._rerun(is_history=link is not None)
        if widget is not None and widget.WhichOneof("value") == "trigger_value":
            del self._widgets[widget.id]
        seen, is_over, runs = None, False, self.screen.runs
        while seen is None or not is_over:
            try:
                is_over = await self._hear(deadline)
            except TimeoutError as error:
                raise VisitError(f"the page did not show in {self._patience_s:g} s what it should") from error
            if seen is None and self.screen.runs > runs and until(self.screen):
                seen = time.perf_counter() - started
        return seen

    async def wait(self, seconds: float) -> None:
        """Stay on the page: its timers go on."""
        stop = time.perf_counter() + seconds
        while time.perf_counter() < stop:
            try:
                await self._hear(stop)
            except TimeoutError:
                return

    async def _rerun(self, *, fragment: str = "", is_history: bool = False) -> None:
        """Ask for a run of the script, or of a fragment alone."""
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string, asked.page_script_hash = self.screen.query, self.screen.page
        asked.widget_states.widgets.extend(self._widgets.values())
        asked.cached_message_hashes.extend(self._kept)
        asked.fragment_id, asked.is_auto_rerun = fragment, bool(fragment)
        asked.is_history_navigation = is_history
        asked.context_info.url, asked.context_info.color_scheme = self._page_url, "light"
        if not fragment:
            self._timers.clear()
        try:
            await self._socket.send(message.SerializeToString())
        except (OSError, WebSocketException) as error:
            raise VisitError(CLOSED) from error

    async def _hear(self, deadline: float) -> bool:
        """Take the next message, and let the timers ring meanwhile; True at the end of a run.

        Raises TimeoutError after the deadline, and VisitError.
        """
        while True:
            now = time.perf_counter()
            if now > deadline:
                raise TimeoutError
            for fragment, (interval, due) in list(self._timers.items()):
                if due <= now:
                    self._timers[fragment] = (interval, now + interval)
                    await self._rerun(fragment=fragment)
            rings = min((due for _, due in self._timers.values()), default=deadline)
            try:
                async with asyncio.timeout(max(0.001, min(rings, deadline) - now)):
                    data = await self._socket.recv()
            except TimeoutError:
                continue
            except (OSError, WebSocketException) as error:
                raise VisitError(CLOSED) from error
            assert isinstance(data, bytes)
            self.screen.received += len(data)
            message = ForwardMsg.FromString(data)
            return self._take(self._kept.get(message.ref_hash, message), message)

    def _take(self, message: ForwardMsg, envelope: ForwardMsg) -> bool:
        """Put one message on the screen; True where it ends a run."""
        kind, screen = message.WhichOneof("type"), self.screen
        if message.metadata.cacheable:
            self._kept[message.hash] = message
        if kind == "new_session":
            if not envelope.metadata.run.fragment_ids:
                screen.elements.clear()
                screen.components.clear()
                screen.runs += 1
            screen.page = message.new_session.page_script_hash or screen.page
        elif kind == "navigation":
            screen.page = message.navigation.page_script_hash
            screen.titles = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
        elif kind == "page_info_changed":
            screen.query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            interval = message.auto_rerun.interval
            self._timers[message.auto_rerun.fragment_id] = (interval, time.perf_counter() + interval)
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self._timers.pop(fragment, None)
        elif kind == "delta":
            self._show(message, tuple(envelope.metadata.delta_path))
        return kind == "script_finished" and message.script_finished in (0, 3)

    def _show(self, message: ForwardMsg, place: tuple[int, ...]) -> None:
        """One element, or a block in whose place what stood there goes."""
        elements = self.screen.elements
        if message.delta.WhichOneof("type") == "add_block":
            return
        element = message.delta.new_element
        if element.WhichOneof("type") == "exception":
            raise VisitError(f"the page shows {element.exception.type}: {element.exception.message}")
        elements.pop(place, None)  # so that the latest comes last
        elements[place] = element
        if element.WhichOneof("type") == "bidi_component":
            self.screen.components[element.bidi_component.component_name] = data_of(element.bidi_component)
        widget = getattr(element, str(element.WhichOneof("type")))
        if getattr(widget, "set_value", False):
            self._widgets.pop(widget.id, None)  # the server has set it: what was chosen here no longer counts


def choice(widget_id: str, values: list[str]) -> WidgetState:
    """What a slider over words, or pills, hold."""
    state = WidgetState(id=widget_id)
    state.string_array_value.data.extend(values)
    state.string_array_value.SetInParent()
    return state


def press(widget_id: str) -> WidgetState:
    """A button."""
    return WidgetState(id=widget_id, trigger_value=True)
