"""A run as events: order, saw-tooth, triggers, "if woken now", controls, refusals."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import sleepviz.runs.record
from sleepviz.config.base import ConfigError
from sleepviz.config.events import (
    Answer,
    AnswerScored,
    CacheEvicted,
    Event,
    SleepPassDone,
    SleepStarted,
    TokenRead,
    Trace,
    event_to_json,
)
from sleepviz.config.model import SleepPolicy
from sleepviz.config.run import RunSpec, Trigger
from sleepviz.core.sleep import sleep
from sleepviz.runs.checkpoint import Checkpoint, CheckpointError, untrained
from sleepviz.runs.flops import pass_flops, rewrite_flops, sleep_flops, wake_flops
from sleepviz.runs.record import record, trace
from sleepviz.runs.windows import cut_windows
from sleepviz.tasks.base import InputError
from tests.builders import TASK, empty, small_checkpoint

WINDOW = TASK.window
ROWS = ("01101001", "11100010", "00010110")


def spec_of(rows: Sequence[str] = ROWS, steps: int = 2, **changes: Any) -> RunSpec:
    return RunSpec("rule110", json.dumps({"rows": list(rows), "steps": steps}), **changes)


def run(checkpoint: Checkpoint, **changes: Any) -> list[Event]:
    return list(record(spec_of(**changes), checkpoint))


def of(kind: type[Any], events: list[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def final(events: list[Event]) -> Answer:
    scored = events[-1]
    assert isinstance(scored, AnswerScored)
    return scored.answer


def same_answer(one: Answer, other: Answer, atol: float = 0.0) -> bool:
    """Equal words, and probabilities within `atol`."""
    words = [
        tuple(getattr(answer, field.name) for field in dataclasses.fields(Answer) if field.name != "confidence")
        for answer in (one, other)
    ]
    close = one.confidence.shape == other.confidence.shape and np.allclose(
        one.confidence, other.confidence, rtol=0, atol=atol
    )
    return words[0] == words[1] and close


def without_seconds(event: Event) -> dict[str, Any]:
    """An event's JSON without the times, which no two runs share."""
    return {key: value for key, value in event_to_json(event).items() if not key.endswith("_s")}


# Windows.


@given(
    n_tokens=st.integers(0, 60),
    window=st.integers(1, 20),
    trigger=st.one_of(
        st.just(Trigger()),
        st.integers(1, 30).map(lambda every: Trigger("every", every=every)),
        st.lists(st.integers(0, 70), max_size=6).map(lambda asked: Trigger("manual", asked_after=tuple(asked))),
        st.integers(1, 4).map(lambda statements: Trigger("statement", statements=statements)),
    ),
    ends=st.sets(st.integers(1, 70)).map(sorted),
)
def test_windows_tile_the_context_and_say_why_they_end(
    n_tokens: int, window: int, trigger: Trigger, ends: list[int]
) -> None:
    windows = cut_windows(n_tokens, window, trigger, ends)
    assert [position for w in windows for position in range(w.start, w.stop)] == list(range(n_tokens))
    for w in windows:
        length = w.stop - w.start
        assert 1 <= length <= window
        if length == window:
            assert w.trigger == "window full"
        elif trigger.kind == "every" and length == trigger.every:
            assert w.trigger == f"every {length} tokens"
        elif w.stop in trigger.asked_after:
            assert w.trigger == "asked for"
        elif w.stop in ends and sum(w.start < end <= w.stop for end in ends) == trigger.statements:
            plural = "a statement" if trigger.statements == 1 else f"{trigger.statements} statements"
            assert w.trigger == f"{plural} over"
        elif trigger.kind == "statement" and w.stop % window == 0:
            assert w.trigger == "a page over"
        else:
            assert w.trigger == "context over" and w.stop == n_tokens
        assert trigger.kind != "statement" or w.start // window == (w.stop - 1) // window  # on one page
    for asked in trigger.asked_after:  # whoever asks for sleep gets it
        assert not 0 < asked <= n_tokens or asked in {w.stop for w in windows}


def test_windows_by_hand() -> None:
    def ends(n_tokens: int, trigger: Trigger) -> list[tuple[int, str]]:
        return [(w.stop, w.trigger) for w in cut_windows(n_tokens, 10, trigger)]

    assert ends(23, Trigger()) == [(10, "window full"), (20, "window full"), (23, "context over")]
    assert ends(9, Trigger("every", every=4)) == [(4, "every 4 tokens"), (8, "every 4 tokens"), (9, "context over")]
    assert ends(20, Trigger("every", every=99)) == [(10, "window full"), (20, "window full")]
    asked = Trigger("manual", asked_after=(3, 13, 14))  # 13 is also the end of a full window
    assert ends(16, asked) == [(3, "asked for"), (13, "window full"), (14, "asked for"), (16, "context over")]
    assert ends(0, Trigger()) == []


# Order and numbers.


@pytest.mark.parametrize("eviction", ["hard", "sliding"])
@pytest.mark.parametrize("trigger", ["window", "every:4", "manual:3,20"])
@pytest.mark.parametrize("n_passes", [0, 1, 3])
def test_events_come_in_order(eviction: Any, trigger: str, n_passes: int) -> None:
    checkpoint, parsed = small_checkpoint(), Trigger.parse(trigger)
    events = run(checkpoint, eviction=eviction, trigger=parsed, n_passes=n_passes)
    expected: list[tuple[str, int]] = []
    for index, window in enumerate(cut_windows(3 * WINDOW, WINDOW, parsed)):
        expected += [("TokenRead", index)] * (window.stop - window.start)
        expected += [("SleepStarted", index), *[("SleepPassDone", index)] * n_passes, ("CacheEvicted", index)]
    found = [(type(event).__name__, getattr(event, "window_index", -1)) for event in events]
    assert found == [*expected, ("AnswerScored", -1)]
    assert [event.position for event in of(TokenRead, events)] == list(range(3 * WINDOW))
    for _, group in itertools.groupby(of(SleepPassDone, events), lambda event: event.window_index):
        assert [event.pass_index for event in group] == list(range(n_passes))


@pytest.mark.parametrize(("eviction", "kept"), [("hard", 0), ("sliding", WINDOW - 1)])
def test_occupancy_is_a_saw_tooth_in_both_attention_layers(eviction: Any, kept: int) -> None:
    """Up by one a token, down at each eviction; what is dropped and what is freed add up."""
    token_bytes = 2 * 2 * 8 * 4  # two layers, keys and values, D = 8, float32
    held = 0
    for event in run(small_checkpoint(), eviction=eviction):
        if isinstance(event, TokenRead):
            held += 1
            assert event.kv_tokens == (held, held)
        elif isinstance(event, SleepStarted):
            assert event.kv_tokens == (held, held) and event.kv_bytes == held * token_bytes
            assert event.stop - event.start == WINDOW
        elif isinstance(event, SleepPassDone):
            assert [weights.shape for weights in event.attention] == [(2, WINDOW, held)] * 2
        elif isinstance(event, CacheEvicted):
            assert event.tokens_dropped == held - kept and event.bytes_freed == (held - kept) * token_bytes
            assert event.kv_tokens == (kept, kept) and event.fast_bytes == 2 * 2 * 3 * 5 * 4
            held = kept


def test_what_is_recorded_of_a_pass_is_what_a_plain_sleep_computes() -> None:
    """S after the last pass of each window, against `sleep`; drift against S of the pass before; S = 0 at first."""
    checkpoint = small_checkpoint()
    model = checkpoint.model
    problem = TASK.encode(TASK.parse(spec_of().input, checkpoint.info.limits))
    memory = empty(model)
    done = of(SleepPassDone, run(checkpoint, n_passes=3))
    before = [np.zeros((2, 3, 5)), np.zeros((2, 3, 5))]
    for index, tokens in enumerate(torch.tensor(problem.context).split(WINDOW)):
        memory = sleep(model, tokens[None], memory, SleepPolicy(3))
        for event in done[3 * index : 3 * index + 3]:
            for layer, measures in enumerate(event.layers):
                change = np.linalg.norm(measures.state - before[layer], axis=(1, 2))
                size = np.linalg.norm(measures.state, axis=(1, 2))
                np.testing.assert_allclose(measures.norm, size, rtol=1e-4)
                np.testing.assert_allclose(measures.drift, change / size, rtol=1e-3, atol=1e-6)
                before[layer] = measures.state
            assert event.h_drift > 0
        for layer, state in enumerate(memory.fast_weights):
            np.testing.assert_allclose(before[layer], state[0].numpy(), rtol=0, atol=1e-5)


def test_attention_maps_are_rows_of_probabilities_that_look_back_only() -> None:
    for event in of(SleepPassDone, run(small_checkpoint(), eviction="sliding", n_passes=2)):
        for weights in event.attention:
            np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)
            cached = weights.shape[-1] - WINDOW
            assert not np.triu(weights, 1 + cached).any()


@pytest.mark.parametrize("n_passes", [0, 1, 4])
def test_operations_add_up(n_passes: int) -> None:
    checkpoint = small_checkpoint(input_recall=True)
    config = checkpoint.model.config
    events = run(checkpoint, n_passes=n_passes)
    per_window = sleep_flops(config, n_tokens=WINDOW, n_passes=n_passes)
    assert sum(event.flops for event in of(SleepPassDone, events)) == 3 * per_window
    awake = wake_flops(config, n_tokens=WINDOW)
    assert events[-1].flops == 3 * awake  # type: ignore[union-attr]
    assert awake > pass_flops(config, n_tokens=WINDOW)


def test_a_replay_costs_one_pass_and_the_rewritings() -> None:
    checkpoint = small_checkpoint(input_recall=True)
    config = checkpoint.model.config
    events = of(SleepPassDone, run(checkpoint, n_passes=3, control="replay", eviction="sliding"))
    cached = [0, WINDOW - 1, WINDOW - 1]  # tokens that a window's first pass attends to, besides its own
    later = rewrite_flops(config, n_tokens=WINDOW)
    firsts = [pass_flops(config, n_tokens=WINDOW, n_cached=n) for n in cached]
    assert [event.flops for event in events] == [flops for first in firsts for flops in (first, later, later)]


# If it woke now.


@pytest.mark.parametrize("eviction", ["hard", "sliding"])
@pytest.mark.parametrize("sleep_attention", ["causal", "full"])
def test_woken_after_pass_n_equals_a_run_with_n_passes(eviction: Any, sleep_attention: Any) -> None:
    """On one row, where nothing but this sleep has N passes."""
    checkpoint = small_checkpoint()
    options = {"rows": ROWS[:1], "eviction": eviction, "sleep_attention": sleep_attention}
    longest = of(SleepPassDone, run(checkpoint, n_passes=5, **options))
    assert len(longest) == 5
    for event in longest:
        shorter = run(checkpoint, n_passes=event.pass_index + 1, **options)
        assert same_answer(event.woken, final(shorter))
    for one, other in itertools.pairwise(longest):  # or else nothing would be compared
        assert np.abs(one.woken.confidence - other.woken.confidence).max() > 1e-4


def test_woken_in_the_first_window_equals_a_run_that_ends_there() -> None:
    """After n passes over window 1 the model is asked for row 1 alone; later windows ask for all rows read so far."""
    checkpoint = small_checkpoint()
    passes = of(SleepPassDone, run(checkpoint, n_passes=3))
    alone = of(SleepPassDone, run(checkpoint, rows=ROWS[:1], n_passes=3))
    assert all(same_answer(one.woken, other.woken) for one, other in zip(passes, alone, strict=False))
    assert [len(event.woken.answers) for event in passes] == [1] * 3 + [2] * 3 + [3] * 3
    assert passes[-1].woken.asked == ("row 1", "row 2", "row 3")


@pytest.mark.parametrize("control", ["none", "replay", "reset_state"])
@pytest.mark.parametrize("eviction", ["hard", "sliding"])
@pytest.mark.parametrize("trigger", ["window", "every:4"])
def test_the_scored_answer_is_the_last_woken_one(control: Any, eviction: Any, trigger: str) -> None:
    events = run(small_checkpoint(), n_passes=3, control=control, eviction=eviction, trigger=Trigger.parse(trigger))
    assert same_answer(final(events), of(SleepPassDone, events)[-1].woken, atol=1e-6)


def test_an_unfinished_row_is_not_asked_for() -> None:
    events = run(small_checkpoint(), trigger=Trigger.parse("every:4"), n_passes=1)
    asked = [len(event.woken.answers) for event in of(SleepPassDone, events)]
    stops = [event.stop for event in of(SleepStarted, events)]
    assert asked == [stop // WINDOW for stop in stops]


@pytest.mark.parametrize("eviction", ["hard", "sliding"])
def test_asking_disturbs_nothing(eviction: Any) -> None:
    """A run whose "if woken now" is not computed ends in the same answer, each query asked on its own."""
    checkpoint = small_checkpoint()
    model = checkpoint.model
    problem = TASK.encode(TASK.parse(spec_of().input, checkpoint.info.limits))
    memory = empty(model)
    for tokens in torch.tensor(problem.context).split(WINDOW):
        memory = sleep(model, tokens[None], memory, SleepPolicy(3, eviction))
    expected = torch.cat([model(torch.from_numpy(query)[None], memory)[0] for query in problem.queries]).softmax(-1)
    answer = TASK.answer(TASK.parse(spec_of().input, checkpoint.info.limits), expected.numpy())
    assert same_answer(final(run(checkpoint, n_passes=3, eviction=eviction)), answer, atol=1e-6)


# Controls.


def test_without_passes_or_with_zero_state_the_answer_knows_nothing_of_the_rows() -> None:
    checkpoint = small_checkpoint()
    flipped = tuple(row.translate(str.maketrans("01", "10")) for row in ROWS)
    for changes in ({"n_passes": 0}, {"control": "zero_state"}):
        one, other = (final(run(checkpoint, rows=rows, **changes)) for rows in (ROWS, flipped))
        assert one.answers == other.answers and np.array_equal(one.confidence, other.confidence)
    one, other = (final(run(checkpoint, rows=rows)) for rows in (ROWS, flipped))
    assert not np.allclose(one.confidence, other.confidence, atol=1e-3)  # and with S it does know


def test_shuffled_state_is_another_instances_fast_weights() -> None:
    checkpoint = small_checkpoint()
    flipped = tuple(row.translate(str.maketrans("01", "10")) for row in ROWS)
    one, other = (final(run(checkpoint, rows=rows, control="shuffled_state", seed=3)) for rows in (ROWS, flipped))
    assert np.array_equal(one.confidence, other.confidence)  # hard eviction: own rows leave no trace
    third = final(run(checkpoint, control="shuffled_state", seed=4))
    zero = final(run(checkpoint, control="zero_state"))
    assert not np.allclose(one.confidence, third.confidence, atol=1e-4)
    assert not np.allclose(one.confidence, zero.confidence, atol=1e-4)


def test_controls_leave_the_sleep_before_them_as_it_was() -> None:
    """zero_state and shuffled_state swap S at waking: every event before is that of the ordinary run."""
    checkpoint = small_checkpoint()
    ordinary = [without_seconds(event) for event in run(checkpoint)[:-1]]
    for control in ("zero_state", "shuffled_state"):
        assert [without_seconds(event) for event in run(checkpoint, control=control)[:-1]] == ordinary


def test_replay_and_reset_state_differ_from_sleep_after_the_first_pass_only() -> None:
    checkpoint = small_checkpoint()
    carry, replay, reset = (
        of(SleepPassDone, run(checkpoint, rows=ROWS[:1], n_passes=3, control=control))
        for control in ("none", "replay", "reset_state")
    )
    for other in (replay, reset):
        assert without_seconds(other[0]) == without_seconds(carry[0])
        assert not np.allclose(other[1].layers[0].state, carry[1].layers[0].state, atol=1e-3)
    # Replay: the same k, v, so h, attention and gates stand still while S moves.
    assert [event.h_drift for event in replay[1:]] == [0.0, 0.0]
    assert np.array_equal(replay[1].layers[0].mean_beta, replay[0].layers[0].mean_beta)
    assert (replay[1].layers[0].drift > 0).all()


def test_oracle_evicts_nothing() -> None:
    events = run(small_checkpoint(), control="oracle", n_passes=1)
    assert [event.tokens_dropped for event in of(CacheEvicted, events)] == [0, 0, 0]
    assert [event.kv_tokens for event in of(CacheEvicted, events)] == [(WINDOW * n,) * 2 for n in (1, 2, 3)]


def test_which_checkpoint_a_control_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint, asked = small_checkpoint(), []

    def load(name: str = "", *, task: str = "") -> Checkpoint:
        asked.append(name)
        return checkpoint

    monkeypatch.setattr(sleepviz.runs.record, "load", load)
    for control, name in [("none", "mine"), ("oracle", "rule110-oracle"), ("untrained", "mine")]:
        list(record(spec_of(checkpoint="mine", control=control, seed=5)))  # type: ignore[arg-type]
        assert asked.pop() == name and not asked
    random = final(list(record(spec_of(checkpoint="mine", control="untrained", seed=5))))
    assert same_answer(random, final(run(untrained(checkpoint, 5))))
    assert not same_answer(random, final(run(checkpoint)))


# Many runs, and none.


def test_two_runs_in_turns_do_not_disturb_each_other() -> None:
    """Two visitors on one shared model: each gets, to the bit, what they get alone."""
    checkpoint = small_checkpoint()
    specs = [spec_of(n_passes=3), spec_of(ROWS[::-1], 4, n_passes=2, eviction="sliding")]
    alone = [[without_seconds(event) for event in record(spec, checkpoint)] for spec in specs]
    running, together = [record(spec, checkpoint) for spec in specs], [[], []]  # type: ignore[var-annotated]
    for events in itertools.zip_longest(*running):
        for events_of_one, event in zip(together, events, strict=True):
            if event is not None:
                events_of_one.append(without_seconds(event))
        assert not torch.is_inference_mode_enabled()  # nor do they leave their mode to whoever reads them
    assert together == alone


def test_a_run_left_in_the_middle_changes_nothing_for_the_next() -> None:
    checkpoint = small_checkpoint()
    weights = {name: tensor.clone() for name, tensor in checkpoint.model.state_dict().items()}
    expected = [without_seconds(event) for event in run(checkpoint)]
    for stop in (1, 2 * WINDOW, 2 * WINDOW + 3):
        left = record(spec_of(), checkpoint)
        for _ in range(stop):
            next(left)
        left.close()  # type: ignore[attr-defined]
    assert not torch.is_inference_mode_enabled()
    assert [without_seconds(event) for event in run(checkpoint)] == expected
    assert all(torch.equal(tensor, weights[name]) for name, tensor in checkpoint.model.state_dict().items())


def test_a_whole_run_survives_json_and_npz() -> None:
    checkpoint = small_checkpoint()
    kept = trace(spec_of(n_passes=2), checkpoint)
    for read in (Trace.from_npz(kept.to_npz()), Trace.from_json(json.loads(json.dumps(kept.to_json())))):
        assert RunSpec.from_json(read.spec) == spec_of(n_passes=2)
        assert read.checkpoint["digest"] == checkpoint.info.digest
        assert [event_to_json(event) for event in read.events] == [event_to_json(event) for event in kept.events]


def holds_no_tensor(value: Any) -> bool:
    if dataclasses.is_dataclass(value):
        return all(holds_no_tensor(getattr(value, field.name)) for field in dataclasses.fields(value))
    if isinstance(value, tuple):
        return all(map(holds_no_tensor, value))
    return isinstance(value, (int, float, str, np.ndarray)) and not isinstance(value, np.generic)


def test_events_hold_numbers_tuples_and_arrays_never_tensors() -> None:
    assert all(holds_no_tensor(event) for event in run(small_checkpoint(), n_passes=2))


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"n_passes": 17}, ConfigError, "from 0 to 16"),  # the checkpoint's own limit
        ({"steps": 99}, InputError, "Steps"),
        ({"rows": ["01"]}, InputError, "yours has 2"),
        ({"rows": ROWS + ROWS}, InputError, "rows"),
        ({"checkpoint": "../secret"}, CheckpointError, "small letters"),
        ({"checkpoint": "never-trained"}, CheckpointError, "no checkpoint named"),
        ({"checkpoint": "x", "control": "oracle"}, InputError, "exactly 16"),  # limits of the oracle itself
    ],
)
def test_a_run_that_cannot_be_is_refused_before_its_first_event(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], kind: type[Exception], words: str
) -> None:
    events = record(spec_of(**changes), None if "checkpoint" in changes else small_checkpoint())
    with pytest.raises(kind, match=words) as refusal:
        next(events)
    assert str(refusal.value).endswith(".") and "\n" not in str(refusal.value)


def test_a_context_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sleepviz.runs.record, "CONTEXT_MAX_TOKENS", 3 * WINDOW - 1)
    with pytest.raises(InputError, match=f"longer than {3 * WINDOW - 1} tokens"):
        next(record(spec_of(), small_checkpoint()))
    assert len(run(small_checkpoint(), rows=ROWS[:2])) > 0
