"""The address bar: what a link asks, how a change is written into it, and how a page gets its own link back.

A change makes a new entry in the browser's history, so that Back undoes it. After a click in the menu the page's last
link is put in place of the bare address instead: there, a second entry would take a second Back. Streamlit itself
keeps `embed`; the ways of looking at a page in `LOOKS` are kept here.

What a visitor does is sent with the address as their browser knows it. Where they act twice quickly, that is not yet
the address that the first act has led to; `enter` reads it as if it were, unless they came there by the Back button.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlencode

import streamlit as st

LOOKS = ("view", "lock")  # of a link, the way of looking at a page: no part of what is asked

_GIVEN, _NOW, _SENT = "address_given", "address_now", "address_sent"
_LOOK = "address_look"
BACK = "back"  # what the script adds to an address that Back or Forward has led to, while Streamlit reads it

_address = st.components.v2.component(
    "sleepviz_address",
    html='<i class="address"></i>\n',
    css=".address { display: none; }\n",
    js=(Path(__file__).parent / "address.js").read_text(encoding="utf-8"),
)


def enter(page: str) -> None:
    """Begin a run of the script on the page with this path; called before the page.

    `is_same_page` tells the Back button from a way back through the menu by this.
    """
    st.session_state["came_from"], st.session_state["page"] = st.session_state.get("page"), page
    st.session_state["address"] = None
    given = known()
    went_back = BACK in st.query_params
    st.session_state[_GIVEN] = given
    st.session_state[_NOW] = _heard(given, went_back=went_back)
    for name, value in st.session_state.pop(_LOOK, {}).items():
        others = {other: held for other, held in held_looks().items() if other != name}
        st.session_state["looks"] = {**others, name: value} if value else others
        write(asked())
    looks = {name: value for name, value in _now().items() if name in LOOKS}
    held = held_looks()
    if held and not looks and not is_same_page():
        put({})
    else:
        st.session_state["looks"] = looks


def known() -> dict[str, str]:
    """The address as the browser knew it when it sent what the visitor did."""
    return {name: str(st.query_params[name]) for name in st.query_params if name != BACK}


def is_behind() -> bool:
    """Whether the browser has not heard of the address that was sent last."""
    return bool(st.session_state.get(_GIVEN) != _now())


def _heard(given: dict[str, str], *, went_back: bool) -> dict[str, str]:
    """The address: the one that was sent last where the browser had not heard of it, else the one that is given."""
    sent: list[dict[str, str]] = st.session_state.get(_SENT, [])
    is_known = is_same_page() and not went_back and given in sent
    st.session_state[_SENT] = sent[sent.index(given) :] if is_known else [given]
    now: dict[str, str] = st.session_state[_SENT][-1]
    if now != given:
        st.session_state["address"] = now  # a click in the menu on the page that is shown has left a bare address
    return now


def _now() -> dict[str, str]:
    """The address, as far as this session knows."""
    now: dict[str, str] = st.session_state.get(_NOW, {})
    return now


def _send(link: Mapping[str, str]) -> None:
    st.session_state[_NOW] = dict(link)
    st.session_state[_SENT] = [*st.session_state.get(_SENT, []), dict(link)]


def is_same_page() -> bool:
    """Whether the run of the script before this one showed this page too."""
    return bool(st.session_state.get("came_from") == st.session_state.get("page"))


def is_arrival() -> bool:
    """Whether no other page of this site has led here."""
    return st.session_state.get("came_from") is None or is_same_page()


def asked() -> dict[str, str]:
    """What the address asks of the page."""
    return {name: value for name, value in _now().items() if name not in LOOKS}


def held_looks() -> dict[str, str]:
    """How the page is looked at: as the address has it, or had it before a click in the menu."""
    held: dict[str, str] = st.session_state.get("looks", {})
    return held


def look(name: str, value: str) -> None:
    """Change one way of looking, from the next `enter` on; "" ends it."""
    st.session_state[_LOOK] = {**st.session_state.get(_LOOK, {}), name: value}


def write(link: Mapping[str, str]) -> None:
    """Make `link` the address, as a new entry in the browser's history."""
    st.session_state["address"] = None
    _send({**link, **held_looks()})
    st.query_params.from_dict(_now())


def put(link: Mapping[str, str]) -> None:
    """Make `link` the address once this run is over, in place of the entry that is there."""
    st.session_state["address"] = {**link, **held_looks()}
    st.session_state[_SENT] = [*st.session_state.get(_SENT, []), {**asked(), **link, **held_looks()}]


@dataclass(frozen=True)
class Part:
    """The values under `names`, which a page without a `Visit` keeps in its address. `page` is its own name."""

    page: str
    names: tuple[str, ...]

    def given(self) -> dict[str, str] | None:
        """What the address newly asks; None where it says what it said before, or what this session wrote.

        {} is the Back button at the visit's beginning. On the way from another page a bare address says nothing.
        """
        found, seen = self._found(), st.session_state.get(self._seen, {})
        st.session_state[self._seen] = found
        says_nothing = not found and not is_same_page()
        if says_nothing or found in (seen, st.session_state.get(self._written)):
            return None
        return found

    def write(self, values: Mapping[str, str]) -> None:
        """Make these the values: after a change as one new entry in the history, else in place of the bare address."""
        is_change = is_same_page() and values != st.session_state.get(self._written)
        st.session_state[self._written] = dict(values)
        if values == self._found():
            return
        others = {name: value for name, value in asked().items() if name not in self.names}
        if is_change:
            write({**others, **values})
            st.session_state[self._seen] = dict(values)
        else:
            put({**others, **values})

    def _found(self) -> dict[str, str]:
        return {name: value for name, value in asked().items() if name in self.names}

    @property
    def _seen(self) -> str:
        return f"{self.page}_address_seen"

    @property
    def _written(self) -> str:
        return f"{self.page}_address_written"


def lead_to(path: str) -> NoReturn:
    """Send the browser to the page with this path, with the same link, and end this run of the script.

    The page takes the place of this one in the browser's history, so that one Back leaves it.
    """
    show(leads_to=path)
    st.stop()


def show(leads_to: str = "") -> None:
    """Mount the script that does so; nothing is drawn."""
    wanted: dict[str, str] | None = st.session_state.get("address")
    search = None if wanted is None else urlencode({**asked(), **wanted})
    page, given = st.session_state.get("page", ""), urlencode(st.session_state.get(_GIVEN, {}))
    data = {"page": page, "search": search, "now": urlencode(_now()), "given": given, "leads_to": leads_to}
    _address(key="address_bar", data=data)
