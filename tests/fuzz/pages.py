"""A case through the real page: the link is opened, a box is filled, and afterwards the page must still work."""

from __future__ import annotations

import json
import random
import time
from typing import Any

from streamlit.testing.v1 import AppTest

from tests.app.page import errors, opened, players
from tests.fuzz.cases import YOURS, Case, text
from tests.fuzz.readers import SECONDS_MAX, _said
from tests.fuzz.truth import truths_of

VISITS = 8  # cases of one visitor on one page; then another comes
BOXES = {
    "rule110": ("text_input", "rule110_row_1"),
    "depo": ("text_area", "depo_edges"),
    "gsm": ("text_area", "gsm_text"),
    "text": ("text_area", "text_document"),
    YOURS: ("text_input", "your_model_question"),
}


class Visitors:
    """One visitor a page, who follows one link after another; and a bystander, who must see none of it."""

    def __init__(self) -> None:
        self._here: dict[str, tuple[AppTest, int]] = {}

    def try_case(self, case: Case, draw: random.Random) -> None:
        """Open the link, fill a box, and go back to a plain link. Raises AssertionError."""
        page = self._visitor(case.page)
        _replace_query(page, case.link)
        _run(page, case)
        self._check(page, case)
        if case.page in BOXES:
            kind, key = BOXES[case.page]
            found = [each for each in page.get(kind) if each.key == key]
            if found:
                value = text(draw, str(found[0].value or "0101"), case.mark)
                found[0].set_value(_sendable(value))
                _run(page, case)
                self._check(page, case)
        _replace_query(page, {})
        _run(page, case)
        assert not page.exception

    def bystander(self, page: str, marks: list[str]) -> None:
        """Somebody else opens the page: nothing that was sent by the others is there."""
        fresh = opened(page)
        seen = json.dumps([str(element) for element in fresh.main]) + json.dumps(
            {str(key): str(value) for key, value in _state(fresh).items()}
        )
        found = [mark for mark in marks if mark in seen]
        assert not found, f"another visitor sees {found[:3]}"

    def _visitor(self, name: str) -> AppTest:
        page, visits = self._here.get(name, (None, 0))
        if page is None or visits >= VISITS:
            page, visits = opened(name), 0
        self._here[name] = page, visits + 1
        return page

    def _check(self, page: AppTest, case: Case) -> None:
        assert not page.exception, [f"{each.value} {each.stack_trace}" for each in page.exception]
        for sentence in errors(page):
            _said(sentence)
        _no_markup(page)
        for run in players(page):
            _true(case.page, run, page)


def _no_markup(page: AppTest) -> None:
    """What was sent is text: no tag, and no image that the reader's browser would fetch from another host."""
    for element in page.get("html"):
        assert "<b>mark" not in element.proto.body and "<script" not in element.proto.body, "HTML of a visitor's text"
    kinds = ("markdown", "caption", "title", "header", "error", "info", "warning", "success")
    said = [str(element.value) for kind in kinds for element in getattr(page, kind)]
    foreign = [each[:200] for each in said if "](https://example.org" in each or "](javascript:" in each]
    assert not foreign, f"Markdown of a visitor's text: {foreign}"


def _state(page: AppTest) -> dict[str, Any]:
    """Everything that the session holds."""
    found: dict[str, Any] = page.session_state._state.filtered_state
    return found


def _replace_query(page: AppTest, link: dict[str, list[str]]) -> None:
    page.query_params.clear()
    for name, values in link.items():
        sent = [_sendable(value) for value in values]
        page.query_params[_sendable(name)] = sent if len(sent) > 1 else sent[0]


def _sendable(value: str) -> str:
    """As a browser sends it: neither an address nor a message can hold half of a character."""
    return value.encode("utf-8", "replace").decode()


def _run(page: AppTest, case: Case) -> None:
    started = time.process_time()
    page.run()
    assert time.process_time() - started < SECONDS_MAX, "it hangs"


def _true(name: str, run: dict[str, Any], page: AppTest) -> None:
    """A card that says "right" shows the right answer to the question that the controls ask, or is greyed."""
    for card in run["contenders"]:
        for row in card["rows"]:
            if "cells" in row:  # Rule 110
                assert card["right"] == all(each["cells"] == each["truth"] for each in card["rows"]), card["verdict"]
    given = _state(page).get(f"{name}_job")
    if given is None or given.phase != "done" or not run["badge"].startswith("live"):
        return
    spec = given.keys[0].spec
    truths = truths_of(spec.task, json.loads(spec.input))
    answer = given.results[given.keys[0]].answer
    if truths is not None:
        assert list(answer.truths[: len(truths)]) == truths, f"{answer.truths} are called right, but {truths} are"
        assert list(answer.correct) == [a == t for a, t in zip(answer.answers, answer.truths, strict=True)]
