"""Whether the run on screen is the one that the controls ask for, shipped recordings among them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.shell import runs
from app.stage import stage_text
from app.stage.controls import Choice
from app.stage.watch import Shown, stale
from sleepviz.config.events import Trace
from sleepviz.config.run import RunSpec, Spending, Trigger

CHANGES: list[dict[str, Any]] = [
    {"n_passes": 2},
    {"eviction": "sliding"},
    {"control": "zero_state"},
    {"trigger": Trigger("statement", statements=3)},
    {"trigger": Trigger("every", every=5)},
    {"spending": Spending("even", budget=8)},
]


def told(trace: Trace, spec: RunSpec) -> str:
    named = replace(spec, checkpoint=str(trace.checkpoint["name"]))
    choice = Choice(named, None, (), named.n_passes, 1, {}, run_pressed=False, asks="")
    return stale(Shown("recorded", trace, trace, "", "", ""), choice)


@pytest.mark.parametrize("name", ["rule110-home", "depo-home", "gsm-home"])
def test_a_recording_older_than_a_setting_is_still_what_is_asked(name: str) -> None:
    """The shipped runs name neither how passes are spent nor the later triggers."""
    trace = runs.recording(name)
    assert trace is not None
    spec = RunSpec.from_json(trace.spec)
    old = {key: value for key, value in trace.spec.items() if key != "spending"}
    old["trigger"] = {key: trace.spec["trigger"][key] for key in ("kind", "every", "asked_after")}
    assert told(replace(trace, spec=old), spec) == ""
    for change in CHANGES:
        assert told(replace(trace, spec=old), replace(spec, **change)) == stage_text.NOT_THIS
