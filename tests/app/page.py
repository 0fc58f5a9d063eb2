"""A page under AppTest: opening it, waiting for its live run, and reading what the player is given."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.state.session_state import STREAMLIT_INTERNAL_KEY_PREFIX
from streamlit.testing.v1 import AppTest

from app import tasks
from app.shell import runs
from app.shell.address import BACK

ROOT = Path(__file__).resolve().parents[2]


def opened(page: str = "rule110", **query: str) -> AppTest:
    """A page after its first run, with these query parameters."""
    app = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=60)
    trained = {info.task for info in runs.checkpoints(runs.checkpoint_folder())}
    if page != tasks.first(trained).task:
        app.run()
        app.switch_page(str(ROOT / "pages" / f"{page}.py"))
        app.query_params.clear()  # as a browser does; AppTest keeps those of the first page
    for name, value in query.items():
        app.query_params[name] = value
    return clean(app.run())


def clean(page: AppTest) -> AppTest:
    """The same page, which must not have failed."""
    assert not page.exception, [e.value for e in page.exception]
    return page


def unfolded(page: AppTest, *folds: str) -> AppTest:
    """The page with these folds open, by their keys."""
    for fold in folds:
        page.session_state[fold] = True
    return clean(page.run())


def trigger(page: AppTest, key: str, event: str, value: object = True) -> AppTest:
    """The page after a component has sent an event, as its script does in a browser."""
    (found,) = [each.proto for each in page.get("bidi_component") if each.proto.id.endswith(f"-{key}")]
    states = page._tree.get_widget_states()
    sent = WidgetState(id=f"{STREAMLIT_INTERNAL_KEY_PREFIX}_{found.id}__events")
    sent.json_trigger_value = json.dumps([{"event": event, "value": value}])
    states.widgets.append(sent)
    return clean(page._run(states))


def back(page: AppTest, **query: str) -> AppTest:
    """The page after Back or Forward has led to these query parameters."""
    page.query_params.clear()
    page.query_params.update({**query, BACK: "1"})  # as the script of the address does, and undoes
    clean(page.run())
    del page.query_params[BACK]
    return page


def players(page: AppTest) -> list[dict[str, Any]]:
    """The run that each player on the page is given."""
    given = [json.loads(each.proto.json) for each in page.get("bidi_component") if '"frames"' in each.proto.json]
    return [each["run"] for each in given]


def payload(page: AppTest) -> dict[str, Any]:
    """What the one player is given."""
    (player,) = players(page)
    return player


def live(page: AppTest, named: str = "") -> AppTest:
    """Run again, as the polling fragment does, until the live run is there, the one whose badge names this."""
    deadline = time.monotonic() + 60
    while not any("live · " in run["badge"] and named in run["badge"] for run in players(page)):
        assert time.monotonic() < deadline and not errors(page), errors(page)
        clean(page.run())
    return page


def errors(page: AppTest) -> list[str]:
    """The sentences that say what is wrong."""
    return [error.value for error in page.error]


def pressed_in_vain(page: AppTest) -> bool:
    """Whether "Run live" runs nothing while the same sentences say why. It may be pressed at any time."""
    before = errors(page)
    page.button(key="run").click()
    return errors(clean(page.run())) == before and payload(page)["badge"].startswith("recorded")
