"""The player's payload against numbers worked out by hand."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.player.narration import narrate
from app.player.payload import Contender, player_payload
from sleepviz.config.events import CacheEvicted, Event, SleepPassDone, SleepStarted
from sleepviz.config.run import RunSpec
from tests.app.made import made_trace


@pytest.fixture
def payload() -> dict:
    trace = made_trace()
    cards = (Contender("this", "note", trace), Contender("other", "note", None, "It was not run."))
    return player_payload(trace, contenders=cards, badge="recorded", terms={"drift": "Drift: change."})


def test_it_is_plain_json_and_its_id_is_its_content(payload: dict) -> None:
    assert json.loads(json.dumps(payload)) == payload
    again = player_payload(made_trace(), badge="live")
    assert again["id"] != payload["id"]
    assert again["id"] == player_payload(made_trace(), badge="live")["id"]


def test_one_frame_an_event_in_order(payload: dict) -> None:
    kinds = [frame["kind"] for frame in payload["frames"]]
    assert kinds == ["token"] * 5 + ["sleep", "pass", "pass", "evict", "answer"]
    assert [frame["say"] for frame in payload["frames"]] == list(narrate(made_trace()))


def test_the_cache_fills_token_by_token_and_is_empty_after_eviction(payload: dict) -> None:
    assert [frame["kv"] for frame in payload["frames"]] == [[1], [2], [3], [4], [5], [5], [5], [5], [0], [0]]
    assert [frame["dropped"] for frame in payload["frames"]] == [0] * 8 + [5, 5]


def test_places_on_the_time_line(payload: dict) -> None:
    # Five token slots, four for the sleep of two passes, three for the answer.
    assert payload["slots"] == 12
    assert payload["token_slots"] == [0, 1, 2, 3, 4]
    assert payload["sleeps"] == [
        {"start": 5, "stop": 9, "reason": "Window full", "first": 0, "last": 5, "passes": 2, "window": 0}
    ]
    x = [frame["x"] for frame in payload["frames"]]
    assert x == pytest.approx([0.5, 1.5, 2.5, 3.5, 4.5, 5.25, 5 + 4 / 3, 5 + 8 / 3, 8.75, 10.5])
    assert x == sorted(x)


def test_states_share_one_scale_over_all_passes(payload: dict) -> None:
    states = payload["states"]
    assert states["shape"] == [2, 1, 1, 2, 2]
    assert states["scale"] == 4.0
    levels = np.frombuffer(base64.b64decode(states["data"]), dtype=np.uint8)
    # 127 / 4 a unit around 128: 1 -> 160, -2 -> 64 (63.5 rounds to even), 4 -> 255, -1 -> 96.
    assert levels.tolist() == [160, 128, 128, 64, 255, 128, 128, 96]


def test_drift_and_norm_of_each_pass(payload: dict) -> None:
    assert payload["drift"] == [[[1.0]], [[0.25]]]
    assert payload["norm"] == [[[2.0]], [[3.0]]]
    assert payload["h_drift"] == [0.5, 0.5]


def test_woken_rows_are_compared_with_the_nearest_true_row(payload: dict) -> None:
    # Rule 110 on a ring of four: 0110 -> 1110 -> 1011.
    assert payload["picture"]["truth"] == [["0110", "1110", "1011"]]
    first, second = payload["woken"]
    assert first["cells"] == "1110" and first["reached"] == 1
    assert first["wrong"] == [] and first["wrong_asked"] == [1, 3] and not first["correct"]
    assert second["wrong_asked"] == [] and second["correct"]


def test_the_three_functions_are_named_when_they_happen(payload: dict) -> None:
    named = [sorted(frame["functions"]) for frame in payload["frames"]]
    assert named == [[]] * 6 + [["compress"], ["compress"], ["clear", "update"], []]
    frames = payload["frames"]
    assert frames[7]["functions"]["compress"] == "Pass 2: drift 0.25"
    assert frames[8]["functions"] == {
        "clear": "5 tokens dropped, 2,560 bytes freed",
        "update": "From S alone: row 1 right",
    }


def test_cards(payload: dict) -> None:
    right, missing = payload["contenders"]
    assert right["right"] and right["verdict"] == "Right: every cell"
    assert right["sleep_s"] == pytest.approx(0.004) and right["wake_s"] == pytest.approx(0.001)
    assert right["cost"] == "Slept 4.0 ms, answered in 1.0 ms"
    assert right["least"] == 0.75 and right["rows"][0]["confidence"] == [0.75] * 4
    assert right["whole"] == ""  # the rows above it are all that was asked
    assert missing["rows"] == [] and missing["missing"] == "It was not run."


def test_a_home_sized_run_plays_in_under_ten_seconds() -> None:
    """Two rows of 16 cells with their headers, eight passes each."""
    made = made_trace().events
    token, asleep, first_pass, evicted, answered = made[0], made[5], made[6], made[8], made[9]
    assert isinstance(asleep, SleepStarted) and isinstance(first_pass, SleepPassDone)
    events: list[Event] = []
    for window in range(2):
        events += [token] * 17
        events.append(replace(asleep, start=17 * window, stop=17 * window + 17, n_passes=8, window_index=window))
        events += [replace(first_pass, window_index=window, pass_index=index) for index in range(8)]
        events.append(evicted)
    frames = player_payload(replace(made_trace(), events=(*events, answered)))["frames"]
    assert 5_000 < sum(frame["ms"] for frame in frames) < 10_000


def test_a_run_without_passes_has_no_states() -> None:
    trace = made_trace()
    events = tuple(event for event in trace.events if not isinstance(event, SleepPassDone))
    payload = player_payload(replace(trace, events=events))
    assert payload["states"]["shape"] == [0, 0, 0, 0, 0] and payload["woken"] == []
    assert payload["frames"][-2]["functions"]["update"] == "Nothing was slept on"


@pytest.mark.parametrize(
    ("control", "eviction", "update", "unit"),
    [
        ("zero_state", "hard", "Before S was replaced: row 1 right", "right: step 2 (before S was replaced)"),
        ("none", "sliding", "From S and the KV cache: row 1 right", "right: step 2"),
        ("replay", "hard", "From S alone: row 1 right", "right: step 2"),
    ],
)
def test_what_s_answered_is_told_as_what_it_is(control: Any, eviction: Any, update: str, unit: str) -> None:
    made = made_trace()
    spec = replace(RunSpec.from_json(made.spec), control=control, eviction=eviction)
    payload = player_payload(replace(made, spec=spec.to_json()))
    assert payload["frames"][-2]["functions"]["update"] == update and payload["woken"][-1]["unit"] == unit
    assert payload["frames"][-1]["say"].startswith("S is set to zero. Awake") == (control == "zero_state")


@pytest.mark.parametrize(
    ("dropped", "kept", "phase", "says"),
    [
        (5, 0, "the KV cache is cleared", "Cleared: 5 tokens leave"),
        (1, 4, "the KV cache slides", "Cleared: 1 token leave"),
        (0, 5, "the KV cache stays", "Nothing is evicted: 5 tokens stay"),
    ],
)
def test_what_becomes_of_the_cache_is_told_as_what_it_is(dropped: int, kept: int, phase: str, says: str) -> None:
    made = made_trace()
    events = tuple(
        replace(e, tokens_dropped=dropped, kv_tokens=(kept,)) if isinstance(e, CacheEvicted) else e for e in made.events
    )
    frame = player_payload(replace(made, events=events))["frames"][-2]
    assert frame["cleared"] == phase and frame["say"].startswith(says)


def test_narration_says_what_happened() -> None:
    said = narrate(made_trace())
    assert said[1] == "Awake: token 2, “0”, is read; 2 tokens in the KV cache."
    assert said[5].startswith("Window full: the model falls asleep over window 1, 5 tokens, for 2 passes")
    assert "wrong in 2 of 4 cells; nearest is the true row at step 1" in said[6]
    assert said[7].endswith("If woken now, row 1 is answered right.")
    assert "2,560 bytes are freed" in said[8] and "16 bytes of fast weights" in said[8]
    assert said[9] == "Awake, in one ordinary pass: row 1 is right. Answering took 1.0 ms, sleeping 4.0 ms."
