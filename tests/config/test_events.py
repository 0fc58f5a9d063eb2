"""Events and traces survive JSON and npz; a damaged file ends in one ValueError, and nothing is unpickled."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import pickle
import zipfile
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from sleepviz.config.events import (
    Answer,
    AnswerScored,
    CacheEvicted,
    Event,
    LayerMeasures,
    SleepPassDone,
    SleepStarted,
    TokenRead,
    Trace,
    event_from_json,
    event_to_json,
)

counts = st.integers(0, 10**6)
seconds = st.floats(0, 1e4, allow_nan=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def arrays(dims: int) -> st.SearchStrategy[Any]:
    """float32 and float64 arrays of up to 3 a side, one side sometimes 0."""
    return st.sampled_from([np.float32, np.float64]).flatmap(
        lambda dtype: nps.arrays(
            dtype,
            nps.array_shapes(min_dims=dims, max_dims=dims, min_side=0, max_side=3),
            elements=st.floats(-1000, 1000, width=32),
        )
    )


def tuples_of(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(values, max_size=3).map(tuple)


answers = st.builds(
    Answer,
    asked=tuples_of(texts),
    answers=tuples_of(texts),
    truths=tuples_of(texts),
    correct=tuples_of(st.booleans()),
    reached=tuples_of(counts),
    confidence=arrays(2),
)
layers = st.builds(
    LayerMeasures,
    layer=counts,
    drift=arrays(1),
    cosine=arrays(1),
    norm=arrays(1),
    effective_rank=arrays(1),
    mean_decay=arrays(1),
    mean_beta=arrays(1),
    state=arrays(3),
)
events = st.one_of(
    st.builds(TokenRead, position=counts, token=texts, window_index=counts, kv_tokens=tuples_of(counts)),
    st.builds(
        SleepStarted,
        trigger=texts,
        window_index=counts,
        start=counts,
        stop=counts,
        kv_tokens=tuples_of(counts),
        kv_bytes=counts,
        n_passes=counts,
    ),
    st.builds(
        SleepPassDone,
        window_index=counts,
        pass_index=counts,
        layers=tuples_of(layers),
        h_drift=seconds,
        attention=tuples_of(arrays(3)),
        woken=answers,
        sleep_s=seconds,
        flops=counts,
    ),
    st.builds(
        CacheEvicted,
        window_index=counts,
        tokens_dropped=counts,
        bytes_freed=counts,
        kv_tokens=tuples_of(counts),
        fast_bytes=counts,
    ),
    st.builds(AnswerScored, answer=answers, answer_s=seconds, flops=counts),
)
traces = st.builds(
    Trace,
    spec=st.dictionaries(texts, st.one_of(counts, texts), max_size=3),
    checkpoint=st.dictionaries(texts, st.one_of(counts, texts), max_size=3),
    events=st.lists(events, max_size=4).map(tuple),
)


def assert_same(one: Any, other: Any, atol: float) -> None:
    """Same types, same values, arrays of the same dtype and shape within `atol`."""
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype and one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=0 if atol == 0 else 1e-6, atol=atol)
    elif isinstance(one, tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b, atol)
    elif dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name), atol)
    else:
        assert one == other


@given(event=events)
@settings(max_examples=60)
def test_events_survive_json_to_six_digits(event: Event) -> None:
    assert_same(event_from_json(json.loads(json.dumps(event_to_json(event)))), event, 1e-6)


def test_an_answer_that_was_recorded_under_an_old_name_is_read() -> None:
    nothing = Answer((), (), (), (), (), np.zeros((0, 1), dtype=np.float32))
    values = event_to_json(AnswerScored(nothing, 0.25, 7))
    values["wake_s"] = values.pop("answer_s")
    read = event_from_json(values)
    assert isinstance(read, AnswerScored) and (read.answer_s, read.flops) == (0.25, 7)


@given(trace=traces)
@settings(max_examples=40)
def test_traces_survive_json_to_six_digits_and_npz_exactly(trace: Trace) -> None:
    assert_same(Trace.from_json(json.loads(json.dumps(trace.to_json()))).events, trace.events, 1e-6)
    read = Trace.from_npz(trace.to_npz())
    assert_same(read.events, trace.events, 0)
    assert (read.spec, read.checkpoint) == (trace.spec, trace.checkpoint)


def small_trace() -> Trace:
    answer = Answer(("row 1",), ("01",), ("11",), (False,), (3,), np.array([[0.5, 0.75]], dtype=np.float32))
    layer = LayerMeasures(1, *(np.ones(2, dtype=np.float32) for _ in range(6)), np.ones((2, 3, 5), dtype=np.float32))
    attention = (np.full((2, 3, 3), 1 / 3, dtype=np.float32),)
    return Trace(
        {"task": "rule110"},
        {"digest": "0" * 64},
        (
            TokenRead(0, "t1", 0, (1,)),
            SleepStarted("window full", 0, 0, 1, (1,), 64, 2),
            SleepPassDone(0, 0, (layer,), 0.5, attention, answer, 0.01, 1000),
            CacheEvicted(0, 1, 64, (0,), 240),
            AnswerScored(answer, 0.01, 500),
        ),
    )


@pytest.mark.parametrize("kind", range(5))
def test_an_event_with_a_missing_extra_or_renamed_field_is_refused(kind: int) -> None:
    good = event_to_json(small_trace().events[kind])
    event_from_json(good)
    for name in good:
        without = {key: value for key, value in good.items() if key != name}
        for wrong in (without, {**good, "extra": 1}, {**without, name + "s": good[name]}):
            with pytest.raises(ValueError):  # noqa: PT011  any message will do: the file is not ours
                event_from_json(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        5,
        "TokenRead",
        [],
        {},
        {"type": "Reboot"},
        {"type": ["TokenRead"]},
        {"type": None},
        {**event_to_json(small_trace().events[0]), "kv_tokens": {"dtype": "object", "shape": [1], "values": [1]}},
        {**event_to_json(small_trace().events[0]), "kv_tokens": {"dtype": "int64", "shape": [7], "values": [1]}},
        {**event_to_json(small_trace().events[0]), "kv_tokens": {"dtype": "no", "shape": [1], "values": [1]}},
        {**event_to_json(small_trace().events[0]), "kv_tokens": {"dtype": "int64", "shape": "x", "values": [1]}},
        {**event_to_json(small_trace().events[0]), "token": {"a": 1}},
        {**event_to_json(small_trace().events[4]), "answer": {"a": 1}},
    ],
)
def test_what_is_not_an_event_is_a_value_error(wrong: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        event_from_json(wrong)
    with pytest.raises(ValueError):  # noqa: PT011
        Trace.from_json({"spec": {}, "checkpoint": {}, "events": [wrong]})


@pytest.mark.parametrize("wrong", [None, 5, [], "x", {}, {"events": 5}, {"events": []}, {"spec": {}, "events": [None]}])
def test_what_is_not_a_trace_is_a_value_error(wrong: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Trace.from_json(wrong)


@given(where=st.floats(0, 1), how=st.sampled_from(["cut", "flip", "zero"]))
@settings(max_examples=120)
def test_a_damaged_npz_is_refused_or_harmless(where: float, how: str) -> None:
    """Cut short or with a changed byte: a ValueError, or (a byte that means nothing) a trace."""
    data = bytearray(small_trace().to_npz())
    place = min(int(where * len(data)), len(data) - 1)
    if how == "cut":
        data = data[:place]
    else:
        data[place] = data[place] ^ 0xFF if how == "flip" else 0
    with contextlib.suppress(ValueError):
        assert len(Trace.from_npz(bytes(data)).events) == 5


def npz_of(text: str, **members: bytes) -> bytes:
    """An .npz with this JSON text, and raw members beside it."""
    buffer = io.BytesIO()
    np.savez(buffer, text=np.frombuffer(text.encode(), dtype=np.uint8))
    with zipfile.ZipFile(buffer, "a") as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return buffer.getvalue()


def trace_text(**event: Any) -> str:
    return json.dumps({"spec": {}, "checkpoint": {}, "events": [{"type": "TokenRead", **event}]})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        b"{}",
        npz_of("not JSON"),
        npz_of("[]"),
        npz_of("null"),
        npz_of("[" * 100_000),
        npz_of(trace_text(position={"array": "a0"})),  # an array that is not there
        npz_of(trace_text(position={"array": ["a0"]})),
        npz_of(trace_text(position=0)),
        npz_of("{}", a0=b"\x93NUMPY"),
    ],
)
def test_other_files_are_refused_with_one_sentence(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a") as refusal:
        Trace.from_npz(data)
    assert "\n" not in str(refusal.value)


class Bomb:
    """Unpickling it sets a flag."""

    went_off = False

    def __reduce__(self) -> Any:
        return (setattr, (Bomb, "went_off", True))


def test_nothing_is_unpickled() -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    with pytest.raises(ValueError, match="not a recorded run"):
        Trace.from_npz(npz_of("{}", a0=header.getvalue() + pickle.dumps(np.array([Bomb()], dtype=object))))
    assert not Bomb.went_off


def test_text_in_a_recording_stays_text() -> None:
    """Hostile words in an input come back as they were, never as structure."""
    trace = dataclasses.replace(small_trace(), spec={"input": '{"array": "a0"}</script>\u2028\x00😴'})
    assert Trace.from_npz(trace.to_npz()).spec == trace.spec
    assert Trace.from_json(json.loads(json.dumps(trace.to_json()))).spec == trace.spec
