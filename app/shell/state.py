"""Where the visitor stands on a task's page: the widgets' values, by name, and the same as the page's URL.

Only positions live in session_state; results live in jobs. The URL is read when it differs from
what this session last wrote (a deep link, the Back button) and written only on a change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from app.shell import address
from app.shell.jobs import Job

START = ("event", "speed")  # of a link, where the player starts: gone with the first change
Reader = Callable[[str], dict[str, Any]]  # a link's text -> widget values; raises LinkError


class LinkError(ValueError):
    """A link's value cannot be used; the message is one sentence that says what is allowed."""


@dataclass(frozen=True)
class Unheard:
    """What the page has changed of its widgets since the browser knew the address `known`: the values `before`.

    With each act a browser sends the values of all its widgets. One that is slower than its visitor still sends those
    from before a preset or a click, as if the visitor had taken that back.
    """

    known: Mapping[str, str]
    before: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    is_drawn: bool = False


@dataclass(frozen=True)
class Visit:
    """One visitor on one task's page. Every key carries the task's name, so that pages stay apart."""

    task: str

    def of_session(self, name: str) -> str:
        """The session's key of one value."""
        return f"{self.task}_{name}"

    def key(self, name: str) -> str:
        """The key of the widget that is about to be drawn; it starts with the value that was kept for it."""
        key = self.of_session(name)
        if key not in st.session_state and name in self._kept:
            st.session_state[key] = self._kept[name]
        return key

    @property
    def _kept(self) -> Mapping[str, Any]:
        """The controls' values. Streamlit forgets those of a widget once it is not drawn."""
        kept: Mapping[str, Any] = st.session_state.get(self.of_session("kept"), {})
        return kept

    def get(self, name: str, default: Any = None) -> Any:
        """A value, or `default` where there is none."""
        return st.session_state.get(self.of_session(name), self._kept.get(name, default))

    def set(self, values: Mapping[str, Any]) -> None:
        """Replace values of this page, by name."""
        kept = {name: value for name, value in values.items() if name in self._kept}
        if kept:
            st.session_state[self.of_session("kept")] = {**self._kept, **kept}
        for name, value in values.items():
            key = self.of_session(name)
            if name not in kept or key in st.session_state:
                st.session_state[key] = value

    def hold(self, values: Mapping[str, Any]) -> None:
        """Set what the page itself works out, where it is not so already.

        A value that is written again would go to the browser, and overrule what the visitor has done there since.
        """
        self.set({name: value for name, value in values.items() if not self._is(name, value)})

    def hold_number(self, name: str, least: int, most: int) -> None:
        """Bring a number within its widget's bounds. To Streamlit, a slider with other bounds is another widget."""
        value, bounds = min(max(int(self.get(name)), least), most), (least, most)
        if self.get(f"{name}_bounds", bounds) == bounds:
            self.hold({name: value})
        else:
            self.set({name: value})
        self.set({f"{name}_bounds": bounds})

    def _is(self, name: str, value: Any) -> bool:
        has_it = name in self._kept or self.of_session(name) in st.session_state
        return bool(has_it and self.get(name) == value)

    def set_missing(self, values: Mapping[str, Any]) -> None:
        """Give every control its first value; values that are there stay."""
        now = {name: self.get(name, value) for name, value in values.items()}
        st.session_state[self.of_session("kept")] = {**self._kept, **now}

    def change(self, values: Mapping[str, Any]) -> None:
        """The visitor has changed something (a preset, a click): the link no longer counts."""
        said = self._unheard if self._unheard.known == address.known() else Unheard(address.known())
        before = {name: (*said.before.get(name, ()), self.get(name)) for name in values if name in self._kept}
        self.set(values)
        self.set({"unheard": replace(said, before={**said.before, **before}, is_drawn=False)})
        self.forget_link_problems()

    @property
    def _unheard(self) -> Unheard:
        held: Unheard = self.get("unheard", Unheard({}))
        return held

    def drawn(self) -> None:
        """The controls are drawn: what was changed is on its way to the browser."""
        self.set({"unheard": replace(self._unheard, is_drawn=True)})

    def _silence_echoes(self) -> None:
        """Take back what the browser repeats because it has not heard of a change. What it says anew stays.

        Either is sent to the browser: it has still to hear of the change, which must not be the last that it hears.
        """
        said = self._unheard
        if said.known != address.known() or (said.is_drawn and not address.is_behind()):
            self.set({"unheard": Unheard({})})
            return
        for name, before in said.before.items():
            key = self.of_session(name)
            if key in st.session_state:
                sent = st.session_state[key]
                st.session_state[key] = self._kept[name] if sent in before else sent

    @property
    def passes(self) -> int:
        """N, the passes of one sleep, as the slider stands."""
        return int(self.get("passes"))

    @property
    def link_problems(self) -> tuple[str, ...]:
        """What was wrong in the link that opened the page, one sentence each."""
        return tuple(self.get("link_problems", ()))

    def forget_link_problems(self) -> None:
        """The visitor has changed something: the link no longer counts."""
        self.set({"link_problems": ()})

    @property
    def asked_live(self) -> bool:
        """Whether the visitor has asked for a live run of what was recorded."""
        return bool(self.get("asked_live", False))

    def ask_live(self) -> None:
        """Remember that the visitor pressed "Run live"."""
        self.set({"asked_live": True})
        if self.job is not None and self.job.phase in ("cancelled", "failed"):
            self.set({"job": None})

    @property
    def job(self) -> Job | None:
        """This visitor's latest job on this page."""
        job: Job | None = self.get("job")
        return job

    def set_job(self, job: Job) -> None:
        """Replace this visitor's job; the one before is not wanted any more.

        A click may end this run of the script at each of these lines. The job that the page knows stays wanted: a page
        with a cancelled one says that its visitor stopped it, and waits.
        """
        before = self.job
        self.set({"job": job})
        if before is not None:
            before.cancel()

    @property
    def latest(self) -> Job | None:
        """The latest job that was done: it stays on screen while the next one computes."""
        job: Job | None = self.get("latest")
        return job

    def set_latest(self, job: Job) -> None:
        """Remember a job that is done."""
        self.set({"latest": job})

    def adopt_url(self, readers: Mapping[str, Reader], first: Mapping[str, Any]) -> bool:
        """Take over what the address asks, when it is not what this session wrote last; True where it asks something.

        A link says it all: what it leaves out has its `first` value. A bare address on the same page is the Back
        button at the visit's beginning. On the way from another page it says nothing: what was set there is set
        again, and the page's last link is put into the address.
        """
        self._silence_echoes()
        given = address.asked()
        if not address.is_same_page():
            if self.job is not None and self.job.was_left:
                self.set({"job": None})  # it stopped when the visitor left the page: it starts again
            if not given and self.has_url:
                address.put(self.get("url"))
                self.set({"is_bare": True})
        if given == self.get("url", {}) or (not given and self.get("is_bare")):
            self.set({"is_followed": False, "is_bare": not given and bool(self.get("is_bare"))})
            return False
        values, problems = read_link(given, self.task, readers)
        self.set_missing(first)
        self.set({**first, **dict.fromkeys(START), **values, "link_problems": problems})
        self.set({"url": given, "is_followed": bool(given), "is_bare": False})
        if not given:
            self.set({"asked_live": False})
        return bool(values)

    @property
    def has_url(self) -> bool:
        """Whether the address bar holds a question."""
        return bool(self.get("url", {}))

    def write_url(self, link: Mapping[str, str]) -> None:
        """Put the question into the address, if it is not there already.

        A link that was followed, perhaps by the Back button, stays as it was written until something is changed.
        """
        wanted = {"task": self.task, **link}
        if self.get("is_followed"):
            self.set({"stands_for": wanted, "is_followed": False})
        if wanted not in (self.get("url"), self.get("stands_for")):
            self.set({"url": wanted, "stands_for": wanted, "is_bare": False, **dict.fromkeys(START)})
            address.write(wanted)


def read_link(
    given: Mapping[str, str], task: str, readers: Mapping[str, Reader]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The link's valid values as widget values, and one sentence for each that is not valid."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    if given.get("task", task) != task:
        problems.append(f"The link asks for a task that is not here; this page shows {task}.")
    for name, read in readers.items():
        if name in given:
            try:
                if any("\ud800" <= character <= "\udfff" for character in given[name]):
                    raise LinkError(f"The link's {name} holds half a character.")
                values |= read(given[name])
            except LinkError as error:
                problems.append(str(error))
    return values, tuple(problems)


def whole_number(key: str, what: str, least: int, most: int) -> Reader:
    """A reader of one number from `least` to `most`."""

    def read(text: str) -> dict[str, Any]:
        digits = text.removeprefix("-") if least < 0 else text
        if digits.isascii() and digits.isdigit() and len(digits) <= 4 and least <= int(text) <= most:
            return {key: int(text)}
        raise LinkError(f"The link's {what} must be a whole number from {least} to {most}.")

    return read


def one_of(key: str, what: str, options: Sequence[str]) -> Reader:
    """A reader of one of these words."""

    def read(text: str) -> dict[str, Any]:
        if text in options:
            return {key: text}
        raise LinkError(f"The link's {what} is not here; there are: {', '.join(options) or 'none'}.")

    return read


def one_number_of(key: str, what: str, options: Sequence[int]) -> Reader:
    """A reader of one of these numbers."""

    def read(text: str) -> dict[str, Any]:
        if text in map(str, options):
            return {key: int(text)}
        raise LinkError(f"The link's {what} must be one of {', '.join(map(str, options))}.")

    return read


def short_text(key: str, what: str, most: int) -> Reader:
    """A reader of text up to `most` characters; what it says is checked where it is used."""

    def read(text: str) -> dict[str, Any]:
        if len(text) <= most:
            return {key: text}
        raise LinkError(f"The link's {what} must have at most {most} characters.")

    return read
