"""What leaves the page as a file: every run in JSON, a row a pass in CSV, and Python that makes the runs again."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.sharing import exports
from app.shell import runs
from app.stage import stage_text
from app.tasks import PAGES
from app.your_model.text_runs import call_of
from sleepviz.config.events import SleepPassDone, Trace
from sleepviz.config.run import RunSpec
from sleepviz.runs.checkpoint import list_checkpoints
from tests.app.made import made_trace
from tests.app.stage.test_links_round_trip import drawn_state, run_of

ROOT = Path(__file__).resolve().parents[3]
LIVE, RECORDED = 1e-6, 1e-4  # what may differ: of the same machine, and of another one
DRAWN = {"rule110": 12, "gsm": 6, "depo": 4}  # states: a pass of Depo takes longest
PASSES_MAX = 3
ASKS = """
import json, sys
found = []
for snippet in json.load(sys.stdin):
    scope = {}
    exec(snippet, scope)
    found.append({
        title: {
            "answers": run.answer.answers,
            "correct": run.answer.correct,
            "drift": [done.mean_drift for done in run.passes],
            "woken": [done.woken.answers for done in run.passes],
        }
        for title, run in scope["runs"].items()
    })
json.dump(found, open(sys.argv[1], "w"))
"""
HOSTILE = (
    "'); import os; os.abort(); ('",
    '"""\nraise SystemExit(3)\n"""',
    "{__import__('os').abort()}",
    "%s {0} \\",
    "\ud800 half a pair",
    "a\x00b\x1b[31m\u202e\u2028",
    "<script>alert(1)</script>",
    "# \r\nraise SystemExit(4)",
)


def live_screen(task: str, place: int) -> dict[str, Trace]:
    """The run of a drawn state and the same unbroken with one pass, made as the app makes them.

    Controls and N take turns, so that each of them is there; the rest is drawn.
    """
    visit, info = drawn_state(task, random.Random(place))
    control = tuple(stage_text.CONTROLS)[place % len(stage_text.CONTROLS)]
    spec = replace(run_of(task, visit), n_passes=place % (PASSES_MAX + 1), control=control)  # type: ignore[arg-type]
    beside = replace(spec, n_passes=1, control="none")
    keys = {title: runs.key_of(each, info) for title, each in (("chosen", spec), ("one pass", beside))}
    return {
        title: Trace(key.spec.to_json(), runs.describe_checkpoint(key), tuple(runs.record_run(key)))
        for title, key in keys.items()
    }


def recorded_screen(*names: str) -> dict[str, Trace]:
    """What ships with the app."""
    found = {name: runs.recording(name) for name in names}
    return {name: trace for name, trace in found.items() if trace is not None}


def executed(snippets: list[str], folder: Path) -> list[dict[str, dict[str, Any]]]:
    """What each snippet leaves in `runs`, all of them run by one fresh Python."""
    out = folder / "found.json"
    done = subprocess.run(
        [sys.executable, "-c", ASKS, str(out)],
        input=json.dumps(snippets),
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text())


def assert_same(found: dict[str, dict[str, Any]], screen: dict[str, Trace], tolerance: float) -> None:
    """The snippet's runs are those on screen: every answer, every verdict and every pass's drift."""
    assert list(found) == list(screen)
    for title, trace in screen.items():
        made = found[title]
        assert made["answers"] == list(trace.answer.answers), title
        assert made["correct"] == list(trace.answer.correct), title
        assert made["woken"] == [list(done.woken.answers) for done in trace.passes], title
        np.testing.assert_allclose(made["drift"], [done.mean_drift for done in trace.passes], atol=tolerance, rtol=0)


def test_snippets_make_the_runs_on_screen_again(tmp_path: Path) -> None:
    tasks = [task for task, n in DRAWN.items() for _ in range(n)]
    screens = [live_screen(task, place) for place, task in enumerate(tasks)]
    chosen = [RunSpec.from_json(screen["chosen"].spec) for screen in screens]
    assert len(screens) >= 20
    assert {spec.control for spec in chosen} == set(stage_text.CONTROLS)
    assert {spec.eviction for spec in chosen} == {"hard", "sliding", "none"}
    assert {spec.trigger.kind for spec in chosen} == {"window", "every", "manual", "statement", "surprise"}
    assert {spec.spending.kind for spec in chosen} == {"fixed", "still", "even", "hardest"}
    assert {spec.n_passes for spec in chosen} == {0, 1, 2, 3}
    assert len({spec.checkpoint for spec in chosen}) > 8

    snippets = [exports.as_python(screen, exports.task_call) or "" for screen in screens]

    for found, screen in zip(executed(snippets, tmp_path), screens, strict=True):
        assert_same(found, screen, LIVE)


def test_snippets_make_the_recordings_again(tmp_path: Path) -> None:
    with_one = [task for task in PAGES if runs.recording(f"{task}-home") is not None]
    tasks = [recorded_screen(f"{task}-home", f"{task}-home-n1", f"{task}-home-baseline") for task in with_one]
    text = recorded_screen("words-home", "words-home-n1", "words-home-n0", "words-home-full")
    screens = [*tasks, text]
    assert [len(screen) for screen in screens] == [3, 3, 3, 3, 4]

    snippets = [exports.as_python(screen, exports.task_call) or "" for screen in tasks]
    snippets.append(exports.as_python(text, call_of) or "")

    for found, screen in zip(executed(snippets, tmp_path), screens, strict=True):
        assert_same(found, screen, RECORDED)


@pytest.mark.parametrize("typed", HOSTILE)
def test_what_was_typed_is_a_value_of_the_snippet(typed: str) -> None:
    asked = {"document": typed, "question": typed, "window": 8, "trust_remote_code": False}
    spec = RunSpec("words", json.dumps(asked), "text:a", 2)
    trace = Trace(spec.to_json(), {"name": typed, "digest": typed}, ())
    seen: list[tuple[Any, ...]] = []

    snippet = exports.as_python({typed: trace}, call_of)

    assert snippet is not None
    scope: dict[str, Any] = {"__builtins__": {"__import__": lambda name, *_: Recorder(seen), "print": lambda *_: None}}
    exec(snippet.partition("for title, run")[0], scope)
    assert scope["given"] == asked
    assert list(scope["runs"]) == [typed]
    assert seen == [("run_text", ("a", typed, typed), {"window": 8, "n_passes": 2})]


class Recorder:
    """In place of the package: notes each call."""

    def __init__(self, seen: list[tuple[Any, ...]]) -> None:
        self.seen = seen

    def __getattr__(self, name: str) -> Any:
        return lambda *given, **settings: self.seen.append((name, given, settings))


@pytest.mark.parametrize("typed", HOSTILE)
def test_what_was_typed_is_text_in_json_and_csv(typed: str) -> None:
    trace = made_trace()
    spec = {**trace.spec, "input": json.dumps({"rows": [typed]})}
    screen = {typed: Trace(spec, trace.checkpoint, trace.events)}

    (run,) = json.loads(exports.as_json("live", screen))["runs"]
    rows = list(csv.reader(io.StringIO(exports.as_csv(screen))))

    assert run["title"] == typed
    assert json.loads(run["spec"]["input"]) == {"rows": [typed]}
    assert [len(row) for row in rows] == [len(exports.COLUMNS)] * 3


@pytest.mark.parametrize(
    ("typed", "cell"), [("=1+1", "'=1+1"), ("@x", "'@x"), ("+a", "'+a"), ("-2", "-2"), ("+3", "+3")]
)
def test_a_spreadsheet_computes_nothing(typed: str, cell: str) -> None:
    (_, first, _) = csv.reader(io.StringIO(exports.as_csv({typed: made_trace()})))

    assert first[0] == cell


def test_json_holds_every_run_whole() -> None:
    screen = {"one": made_trace(), "other": made_trace()}

    values = json.loads(exports.as_json("recorded", screen))

    assert values["source"] == "recorded"
    assert [run.pop("title") for run in values["runs"]] == ["one", "other"]
    for run in values["runs"]:
        again = Trace.from_json(run)
        assert [type(event) for event in again.events] == [type(event) for event in made_trace().events]
        assert again.answer.answers == ("1011",)


def test_a_row_of_the_table_is_a_pass() -> None:
    """By hand: two passes with drift 1 and 1/4, |S| 2 and 3; after the first the row is wrong in two cells."""
    lines = exports.as_csv({"this run": made_trace()}).splitlines()

    assert lines == [
        "run,window,pass,drift,norm,asked,answer,truth,right",
        "this run,1,1,1,2,row 1,1110,1011,wrong",
        "this run,1,2,0.25,3,row 1,1011,1011,right",
    ]


def test_answers_for_the_picture_alone_are_left_out() -> None:
    """Of three answers if woken now, only the first was the visitor's question."""
    trace = made_trace()
    events = list(trace.events)
    for place, event in enumerate(events):
        if isinstance(event, SleepPassDone):
            more = {
                name: getattr(event.woken, name) * 3 for name in ("asked", "answers", "truths", "correct", "reached")
            }
            events[place] = replace(event, woken=replace(event.woken, **more))

    longer = exports.as_csv({"this run": Trace(trace.spec, trace.checkpoint, tuple(events))})

    assert longer == exports.as_csv({"this run": trace})


def test_without_a_known_truth_nothing_is_called_wrong() -> None:
    trace = made_trace()
    events = [
        replace(event, woken=replace(event.woken, truths=("",), correct=(False,)))
        if isinstance(event, SleepPassDone)
        else event
        for event in trace.events
    ]

    _, first, _ = csv.reader(io.StringIO(exports.as_csv({"a": Trace(trace.spec, trace.checkpoint, tuple(events))})))

    assert first[-3:] == ["1110", "", ""]


@pytest.mark.parametrize("source", ["random:Bamba", "checkpoint:rule110-micro"])
def test_runs_that_no_public_function_makes_have_no_script(source: str) -> None:
    trace = made_trace()
    spec = {**trace.spec, "checkpoint": source}

    assert exports.as_python({"a": Trace(spec, trace.checkpoint, ())}, call_of) is None


def test_every_shipped_checkpoint_is_named_as_the_snippet_names_it() -> None:
    """`sleepviz.run` looks for a checkpoint by the name that the page's runs carry."""
    infos = list_checkpoints()

    assert {info.to_json()["name"] for info in infos} == {info.name for info in infos}
