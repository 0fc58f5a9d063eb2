"""The player's payload against numbers worked out by hand."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.player.narration import narrate, narrate_as_text, narrate_briefly
from app.player.payload import Contender, player_payload
from sleepviz.config.events import CacheEvicted, Event, SleepPassDone, SleepStarted, TokenRead
from sleepviz.config.run import RunSpec
from tests.app.made import made_answer, made_graph, made_pass, made_sum, made_trace


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
    # Five token slots, four for the sleep of two passes, four for the answer.
    assert payload["slots"] == 13
    assert payload["token_slots"] == [0, 1, 2, 3, 4]
    named = {"reason": "Window full", "act": "Window full", "is_full": True}
    assert payload["sleeps"] == [
        {"start": 5, "stop": 9, "first": 0, "last": 5, **named, "passes": 2, "window": 0},
    ]
    x = [frame["x"] for frame in payload["frames"]]
    assert x == pytest.approx([0.5, 1.5, 2.5, 3.5, 4.5, 5.25, 5 + 4 / 3, 5 + 8 / 3, 8.75, 11])
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
        "clear": "5 tokens dropped, 2.5 KB freed",
        "update": "From S alone: row 1 right",
    }


def test_cards(payload: dict) -> None:
    right, missing = payload["contenders"]
    assert right["right"] and right["verdict"] == "Right"
    assert right["sleep_s"] == pytest.approx(0.004) and right["answer_s"] == pytest.approx(0.001)
    assert right["cost"] == "Slept 4.0 ms, answered in 1.0 ms"
    assert right["least"] == 0.75 and right["rows"][0]["confidence"] == [0.75] * 4
    assert right["whole"] == ""  # the rows above it are all that was asked
    assert missing["rows"] == [] and missing["missing"] == "It was not run."


@pytest.mark.parametrize(
    ("passes", "eviction", "cost"),
    [
        (2, "hard", "Slept 4.0 ms, answered in 1.0 ms"),
        (1, "none", "Read in 4.0 ms, answered in 1.0 ms"),  # full attention never sleeps
        (2, "none", "Slept 4.0 ms, answered in 1.0 ms"),
        (0, "hard", "Did not sleep, answered in 1.0 ms"),
    ],
)
def test_a_card_calls_reading_reading_and_sleeping_sleeping(passes: int, eviction: Any, cost: str) -> None:
    made = made_trace()
    spec = replace(RunSpec.from_json(made.spec), n_passes=passes, eviction=eviction)
    slept = tuple(e for e in made.events if passes or not isinstance(e, SleepPassDone))
    run = Contender("this", "", replace(made, spec=spec.to_json(), events=slept))
    (card,) = player_payload(made, contenders=(run,))["contenders"]
    assert card["cost"] == cost


@pytest.mark.parametrize(
    ("share", "luck"),
    [(None, ""), (0.98, ""), (0.5, ""), (0.07, "Lucky: only 7 % of such questions are answered right.")],
)
def test_a_right_answer_against_the_odds_is_luck(share: float | None, luck: str) -> None:
    made = made_trace()
    (card,) = player_payload(made, contenders=(Contender("this", "", made, share=share),))["contenders"]
    assert card["right"] and card["luck"] == luck


def home_sized(windows: int = 2, passes: int = 8) -> dict[str, Any]:
    """Rows of 16 cells with their headers, one a window."""
    made = made_trace().events
    token, asleep, first_pass, evicted, answered = made[0], made[5], made[6], made[8], made[9]
    assert isinstance(asleep, SleepStarted) and isinstance(first_pass, SleepPassDone)
    assert isinstance(token, TokenRead)
    events: list[Event] = []
    for window in range(windows):
        events += [replace(token, window_index=window)] * 17
        start = 17 * window
        events.append(replace(asleep, start=start, stop=start + 17, n_passes=passes, window_index=window))
        events += [replace(first_pass, window_index=window, pass_index=index) for index in range(passes)]
        events.append(evicted)
    return player_payload(replace(made_trace(), events=(*events, answered)))


def test_a_visitor_can_follow_the_first_window_and_reaches_the_answer_within_40_seconds() -> None:
    frames = home_sized()["frames"]
    first = [frame for frame in frames if frame["window"] == 0]
    later = [frame for frame in frames if frame["window"] == 1]
    passes = [frame["ms"] for frame in first if frame["act"] == "asleep"]
    assert all(1200 <= ms <= 1500 for ms in passes[1:]) and passes[0] == 3000
    assert all(frame["ms"] == 300 for frame in later if frame["act"] == "asleep")
    for act in ("full", "clear"):
        assert [frame["ms"] for frame in first if frame["act"] == act] == [3000]
    assert sum(frame["ms"] for frame in first if frame["act"] == "read") == pytest.approx(3000, rel=0.02)
    assert sum(frame["ms"] for frame in frames[:-1]) < 40_000


def test_a_long_sleep_is_played_faster() -> None:
    """64 passes at 1.3 seconds would be 83 seconds."""
    assert sum(frame["ms"] for frame in home_sized(windows=1, passes=64)["frames"]) < 40_000


@pytest.mark.parametrize("control", ["none", "zero_state", "shuffled_state", "replay", "reset_state", "untrained"])
def test_what_is_read_while_it_plays_is_at_most_15_words(control: str) -> None:
    for made in (made_trace(), made_graph(), made_sum()):
        spec = replace(RunSpec.from_json(made.spec), control=control)  # type: ignore[arg-type]
        said = narrate_briefly(replace(made, spec=spec.to_json()))
        assert len(said) == len(made.events)
        for each in said:
            assert 0 < len(each.split()) <= 15, each


def test_the_acts_of_a_run_and_their_sentences() -> None:
    frames = player_payload(made_trace())["frames"]
    told = list(dict.fromkeys((frame["act"], frame["brief"]) for frame in frames))
    assert told == [
        ("read", "The model reads 5 tokens. Each one stays in the KV cache."),
        ("full", "The window is full. A longer cache would cost ever more, so the model sleeps."),
        ("asleep", "Pass 1 of 2: the model goes over the window and writes its fast weights."),
        ("asleep", "Pass 2 of 2: the model goes on from pass 1 and rewrites S."),
        ("clear", "The cache is emptied. Only the fast weights, 16 bytes, go on."),
        ("answer", "One ordinary pass answers: row 1 is right."),
    ]


def test_what_a_cache_that_is_never_cleared_would_hold() -> None:
    memory = player_payload(made_trace())["memory"]
    assert (memory["window_bytes"], memory["most"], memory["fast_bytes"]) == (2560, 5, 16)
    assert memory["compression"] == (  # four windows of 2.5 KB
        "S stays 16 bytes however many windows the model reads. A cache that is never cleared would hold 10 KB after 4 "
        "windows."
    )


def test_after_five_sleeps_the_windows_of_the_run_are_counted() -> None:
    """Cleared one by one: 2,560 bytes four times, and half of that."""
    made = made_trace()
    (asleep,) = [event for event in made.events if isinstance(event, SleepStarted)]
    sleeps = (*[asleep] * 4, replace(asleep, kv_bytes=1280))
    memory = player_payload(replace(made, events=(*made.events[:5], *sleeps, *made.events[6:])))["memory"]
    assert memory["compression"].endswith("would hold 11 KB after 5 windows.")  # 11,520 bytes


def test_both_bars_have_one_scale_on_which_neither_is_ever_longer_than_its_track() -> None:
    """Five tokens take 2,560 bytes. A cache that is kept reaches 10 tokens, and then a full bar is 5,120 bytes."""
    made = made_trace()
    memory = player_payload(made)["memory"]
    assert memory["scale_bytes"] == 2560 and memory["scale"].endswith(
        "2.5 KB, the most that the cache holds in this run."
    )
    grown = tuple(replace(e, kv_tokens=(10,)) if isinstance(e, CacheEvicted) else e for e in made.events)
    assert player_payload(replace(made, events=grown))["memory"]["scale_bytes"] == 5120
    large = tuple(replace(e, fast_bytes=4096) if isinstance(e, CacheEvicted) else e for e in made.events)
    memory = player_payload(replace(made, events=large))["memory"]
    assert memory["scale_bytes"] == 4096 and memory["scale"].endswith("A full bar is 4 KB, all of S.")


@pytest.mark.parametrize(
    ("drifts", "right_at", "note"),
    [
        ((1.0, 0.6, 0.5, 0.4), 2, ""),
        ((1.0, 0.6, 0.5, 0.8), 2, "The jump at pass 4 comes one pass after the model had the answer. Then S settles."),
        ((1.0, 0.6, 0.5, 0.8), 0, "At pass 4 S changes more than in the pass before."),
        ((1.0, 1.9), 1, ""),  # the second pass always starts from what the first has written
    ],
)
def test_a_late_jump_of_drift_is_explained(drifts: tuple[float, ...], right_at: int, note: str) -> None:
    made = made_trace()
    events = made.events[:6]
    passes = []
    for index, drift in enumerate(drifts):
        woken = made_answer("1011" if index >= right_at else "1110", reached=1)
        passes.append(made_pass(index, [[1.0, 0.0], [0.0, 1.0]], drift, woken))
    told = player_payload(replace(made, events=(*events, *passes, *made.events[8:])))
    assert told["drift_note"] == {"said": note, "state": len(passes) - 1}
    last = next(frame for frame in told["frames"] if frame["state"] == told["drift_note"]["state"])
    assert (last["kind"], last["pass"]) == ("pass", len(passes))  # it is not told before the last pass was played


def test_a_run_without_passes_has_no_states() -> None:
    trace = made_trace()
    events = tuple(event for event in trace.events if not isinstance(event, SleepPassDone))
    payload = player_payload(replace(trace, events=events))
    assert payload["states"]["shape"] == [0, 0, 0, 0, 0] and payload["woken"] == []
    assert payload["frames"][-2]["functions"]["update"] == "Nothing was slept on"


@pytest.mark.parametrize(
    ("control", "eviction", "update", "unit"),
    [
        (
            "zero_state",
            "hard",
            "Before S was replaced: row 1 right",
            "exactly step 2 of 2: right (before S was replaced)",
        ),
        ("none", "sliding", "From S and the KV cache: row 1 right", "exactly step 2 of 2: right"),
        ("replay", "hard", "From S alone: row 1 right", "exactly step 2 of 2: right"),
    ],
)
def test_what_s_answered_is_told_as_what_it_is(control: Any, eviction: Any, update: str, unit: str) -> None:
    made = made_trace()
    spec = replace(RunSpec.from_json(made.spec), control=control, eviction=eviction)
    payload = player_payload(replace(made, spec=spec.to_json()))
    assert payload["frames"][-2]["functions"]["update"] == update and payload["woken"][-1]["unit"] == unit
    for said in ("say", "brief"):
        assert payload["frames"][-1][said].startswith("S was wiped. ") == (control == "zero_state")


@pytest.mark.parametrize(
    ("dropped", "kept", "brief", "says"),
    [
        (5, 0, "The cache is emptied. Only", "5 tokens leave the KV cache, which frees 2.5 KB"),
        (1, 4, "1 token leaves the cache; 4 stay.", "1 token leaves the KV cache, which frees"),
        (0, 5, "Nothing is cleared: the cache keeps its 5 tokens.", "Nothing is cleared. The KV cache keeps 5 tokens"),
    ],
)
def test_what_becomes_of_the_cache_is_told_as_what_it_is(dropped: int, kept: int, brief: str, says: str) -> None:
    made = made_trace()
    events = tuple(
        replace(e, tokens_dropped=dropped, kv_tokens=(kept,)) if isinstance(e, CacheEvicted) else e for e in made.events
    )
    frame = player_payload(replace(made, events=events))["frames"][-2]
    assert frame["brief"].startswith(brief) and frame["say"].startswith(says)


@pytest.mark.parametrize(
    ("trigger", "reason", "act"),
    [
        ("every 5 tokens", "Every 5 tokens", "Every 5 tokens"),
        ("asked for", "Sleep was asked for", "Asked to sleep"),
        ("context over", "The input has ended", "Input ended"),
        ("a page over", "A page over", "A page over"),
        ("3 statements over", "3 statements over", "3 statements over"),
        ("a surprise, 1.6 times the usual", "A surprise, 1.6 times the usual", "A surprise"),
    ],
)
def test_a_sleep_that_begins_before_the_window_is_full_says_why(trigger: str, reason: str, act: str) -> None:
    made = made_trace()
    events = tuple(replace(e, trigger=trigger) if isinstance(e, SleepStarted) else e for e in made.events)
    payload = player_payload(replace(made, events=events))
    (sleep,) = payload["sleeps"]
    assert (sleep["reason"], sleep["act"], sleep["is_full"]) == (reason, act, False)
    asleep = next(frame for frame in payload["frames"] if frame["kind"] == "sleep")
    assert asleep["brief"] == f"{reason}: the model sleeps before it answers."
    assert asleep["say"].startswith(f"{reason}: the model falls asleep over window 1")


def test_a_sleep_that_ends_early_says_how_many_passes_it_was_allowed() -> None:
    """Eight were allowed; S was still after the second."""
    made = made_trace()
    events = tuple(replace(e, n_passes=8) if isinstance(e, SleepStarted) else e for e in made.events)
    payload = player_payload(replace(made, events=events))
    started, first, last = payload["frames"][5:8]
    assert "for at most 8 passes. The cache holds 5 tokens" in started["say"]
    assert first["say"].startswith("Pass 1 of at most 8 changed") and "S is still" not in first["say"]
    assert "of their size. S is still, so sleep ends here. If it woke now" in last["say"]
    assert last["brief"] == "Pass 2 of at most 8: S hardly changes any more, so sleep ends here."
    assert payload["sleeps"][0]["passes"] == 2 and [frame["of"] for frame in (started, first, last)] == [2, 2, 2]


def test_before_a_further_window_it_sleeps_to_read_on() -> None:
    read = tuple(TokenRead(position, "0", position // 2, (position % 2 + 1,)) for position in range(4))
    started = [SleepStarted("asked for", window, 2 * window, 2 * window + 2, (2,), 64, 1) for window in range(2)]
    said = narrate_briefly(replace(made_trace(), events=(*read[:2], started[0], *read[2:], started[1])))
    assert said[2] == "Sleep was asked for: the model sleeps before it reads on."
    assert said[5] == "Sleep was asked for: the model sleeps before it answers."


def test_narration_says_what_happened() -> None:
    said = narrate(made_trace())
    assert said[1] == "Token 2, “0”, is read. The KV cache holds 2 tokens."
    assert (
        said[5] == "Window full: the model falls asleep over window 1 for 2 passes. The cache holds 5 tokens, 2.5 KB."
    )
    assert said[6] == (
        "Pass 1 of 2 changed the fast weights by 1.00 of their size. "
        "If it woke now, it would answer row 1 exactly as it is after step 1, 1 step short."
    )
    assert said[7].endswith("If it woke now, row 1 would be right.")
    assert (
        said[8] == "5 tokens leave the KV cache, which frees 2.5 KB. What is remembered is in 16 bytes of fast weights."
    )
    assert said[9] == ("Awake, one ordinary pass answers: row 1 is right. Answering took 1.0 ms, sleeping 4.0 ms.")


def test_the_run_as_a_text_names_all_tokens_of_a_window_at_once() -> None:
    said = narrate_as_text(made_trace())
    assert said == (("The model reads 5 tokens:", "t2 0 1 1 0"), *((each, "") for each in narrate(made_trace())[5:]))
    cut = made_trace()
    assert narrate_as_text(replace(cut, events=cut.events[:3])) == (("The model reads 3 tokens:", "t2 0 1"),)


def test_a_wiped_s_is_drawn_as_wiped_once_the_model_is_awake() -> None:
    made = made_trace()
    for control, replaced in (("zero_state", "zero"), ("shuffled_state", "other"), ("replay", ""), ("none", "")):
        frames = player_payload(replace(made, spec={**made.spec, "control": control}))["frames"]
        assert frames[-1]["replaced"] == replaced
        assert not any(frame.get("replaced") for frame in frames[:-1])  # wiped between sleep and waking


def test_a_row_that_is_no_step_s_row_names_the_nearest() -> None:
    """0110 -> 1110 -> 1011; 1111 differs from 1110 in one cell."""
    made = made_trace()
    first = made.events[6]
    assert isinstance(first, SleepPassDone)
    events = (*made.events[:6], replace(first, woken=made_answer("1111", reached=1)), *made.events[7:])
    payload = player_payload(replace(made, events=events))
    assert payload["woken"][0]["unit"] == "nearest to step 1 of 2: × 1 cell off"
    assert payload["frames"][6]["say"].endswith(
        "If it woke now, its row 1 would be nearest to step 1, with 1 cell wrong."
    )


def test_chance_is_named() -> None:
    assert player_payload(made_trace())["chance"] == "a blind guess is right 1 time in 16"  # four cells of two values
    assert player_payload(made_graph())["chance"] == "a blind guess is right 1 time in 3"  # three nodes
