"""What was set on a page is there after a click in the menu, and no address is overwritten."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.made import HOME_ROW
from tests.app.page import ROOT, back, clean, errors, opened, payload

OWN_TEXT = "assign zz = 4. assign yy = zz + 1."


def clicked(page: AppTest, name: str) -> AppTest:
    """A click in the menu: the page changes, and its address is bare."""
    page.switch_page(str(ROOT / "pages" / f"{name}.py"))
    page.query_params.clear()
    return clean(page.run())


def address(page: AppTest) -> dict[str, str]:
    """What stands in the address, but for what the page's script puts there in the browser."""
    given = {name: page.query_params[name] for name in page.query_params}
    return {name: value[0] if isinstance(value, list) else value for name, value in given.items()}


def put(page: AppTest) -> dict[str, str] | None:
    """What that script is to put into the address; None where it stays as it is."""
    (data,) = (json.loads(each.proto.json) for each in page.get("bidi_component") if '"search"' in each.proto.json)
    return None if data["search"] is None else dict(parse_qsl(data["search"]))


@pytest.mark.parametrize("typed", [OWN_TEXT, "what is this?", "assign a = 5.\n\n  assign b=a"])
def test_a_typed_text_is_still_there_after_another_page(assets: Path, typed: str) -> None:
    """Whether it can be run or not."""
    page = opened("gsm")
    page.text_area(key="gsm_text").set_value(typed)
    clean(page.run())

    clicked(page, "depo")
    clicked(page, "gsm")

    assert page.text_area(key="gsm_text").value == typed


def test_the_page_s_last_link_is_put_back_into_the_bare_address(assets: Path) -> None:
    page = opened()
    page.button(key="preset_hard").click()
    clean(page.run())
    link = address(page)
    assert link["t"] == "12"

    clicked(page, "depo")
    assert put(page) is None
    clicked(page, "rule110")

    assert put(page) == link
    assert page.slider(key="rule110_steps").value == 12
    page.query_params.update(link)  # as the script in the browser does
    assert put(clean(page.run())) is None
    page.query_params.clear()  # the Back button, to the beginning of the visit
    assert clean(page.run()).slider(key="rule110_steps").value == 3


def test_the_next_run_of_the_script_may_come_before_the_address_is_put(assets: Path) -> None:
    page = opened()
    page.button(key="preset_hard").click()
    clean(page.run())
    clicked(page, "depo")
    clicked(page, "rule110")

    assert clean(page.run()).slider(key="rule110_steps").value == 12


def test_back_to_a_page_by_the_browser_keeps_what_was_set(assets: Path) -> None:
    page = opened()
    page.button(key="preset_hard").click()
    clean(page.run())
    link = address(page)
    clicked(page, "depo")

    page.switch_page(str(ROOT / "pages" / "rule110.py"))
    page.query_params.clear()
    page.query_params.update(link)
    clean(page.run())

    assert page.slider(key="rule110_steps").value == 12
    assert address(page) == link
    assert put(page) is None


@pytest.mark.parametrize(
    ("name", "link"),
    [("lab", {"task": "depo"}), ("learn", {"step": "3"})],
)
def test_a_page_without_a_question_gets_its_link_back_in_place_of_the_bare_address(
    assets: Path, name: str, link: dict[str, str]
) -> None:
    """A second entry in the history would take a second Back."""
    page = opened(name, **link)
    clicked(page, "limits")
    clicked(page, name)

    assert put(page) == link
    assert address(page) == {}
    assert put(clean(page.run())) == link  # the script may run again before the browser has put it
    page.query_params.update(link)
    assert put(clean(page.run())) is None
    assert address(page) == link


def test_a_change_on_a_page_without_a_question_is_one_entry(assets: Path) -> None:
    page = opened("learn", step="3")
    clean(page.run())
    page.button(key="learn_back").click()
    clean(page.run())
    assert address(page) == {"step": "2"}
    assert put(page) is None


@pytest.mark.parametrize("link", [{"t": "5"}, {"N": "2", "rows": HOME_ROW}, {"t": "5", "event": "7", "speed": "0.5"}])
def test_a_link_stays_as_it_was_written_until_something_is_changed(assets: Path, link: dict[str, str]) -> None:
    """An old link says less than a new one; written anew, the Back button would never leave it."""
    page = opened(**link)
    assert address(page) == link
    assert address(clean(page.run())) == link

    page.slider(key="rule110_steps").set_value(9)
    changed = address(clean(page.run()))
    assert changed["t"] == "9"
    assert "event" not in changed  # of another run
    assert address(back(page, **link)) == link
    assert page.slider(key="rule110_steps").value == int(link.get("t", 3))
    assert address(back(page, **changed)) == changed  # and Forward
    assert page.slider(key="rule110_steps").value == 9


def test_a_link_says_it_all(assets: Path) -> None:
    """What a link leaves out is as on a first visit, whatever this visitor had set."""
    page = opened()
    page.button(key="preset_hard").click()
    clean(page.run())

    page.query_params.clear()
    page.query_params["t"] = "5"
    clean(page.run())

    assert page.slider(key="rule110_steps").value == 5
    assert page.select_slider(key="rule110_passes").value == 4


@pytest.mark.parametrize("looks", [{"lock": "1"}, {"view": "present"}, {"view": "present", "lock": "1"}])
def test_the_way_of_looking_survives_changes_and_the_menu(assets: Path, looks: dict[str, str]) -> None:
    page = opened(**looks)
    page.slider(key="rule110_steps").set_value(5)
    assert looks.items() <= address(clean(page.run())).items()

    clicked(page, "depo")
    assert put(page) == looks
    clicked(page, "rule110")

    wanted = put(page)
    assert wanted is not None
    assert looks.items() <= wanted.items()
    assert wanted["t"] == "5"


def test_a_link_starts_the_player_where_it_says(assets: Path) -> None:
    page = opened(t="3", event="7", speed="0.5")

    def start() -> dict[str, object]:
        (player,) = (
            json.loads(each.proto.json) for each in page.get("bidi_component") if '"frames"' in each.proto.json
        )
        return dict(player["start"])

    assert start() == {"event": 7, "speed": 0.5, "paused": True}
    page.slider(key="rule110_steps").set_value(5)
    clean(page.run())
    assert start() == {"act": "read", "window": 0, "pass": 1, "speed": 1.0, "paused": False}


@pytest.mark.parametrize(("link", "says"), [({"event": "-1"}, "event must be"), ({"speed": "9"}, "there are: 0.25")])
def test_a_bad_place_is_one_sentence(assets: Path, link: dict[str, str], says: str) -> None:
    page = opened(**link)

    (sentence,) = errors(page)
    assert says in sentence
    assert payload(page)["badge"].startswith("recorded")
