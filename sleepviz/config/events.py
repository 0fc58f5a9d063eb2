"""What happened, as frozen records: numbers, strings, tuples and numpy arrays, never tensors.

A run is a `Trace`: its specification, the checkpoint it used, and its events in order. Everything
that is drawn is drawn from these. Every text is bounded by the task; every array by the model.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sleepviz.config.outside import MALFORMED

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Answer:
    """What the model answers in one ordinary forward pass, against what it should answer.

    One entry a query (Rule 110: a row of cells; Depo: a node; GSM: a value).
    """

    asked: tuple[str, ...]  # the query in words, for example "row 1"
    answers: tuple[str, ...]
    truths: tuple[str, ...]
    correct: tuple[bool, ...]
    reached: tuple[int, ...]  # the difficulty (step, hop, depth) whose truth is nearest to the answer
    confidence: Array  # [queries, parts] probability that the model gives to each part of its answer


@dataclass(frozen=True, eq=False)
class LayerMeasures:
    """One Gated DeltaNet layer after one pass; every array [heads] but `state` [heads, K, V]."""

    layer: int
    drift: Array  # |S_n - S_(n-1)| / |S_n|, 0 when both are zero
    cosine: Array  # of S_n with S_(n-1), flattened
    norm: Array  # Frobenius
    effective_rank: Array  # exp of the entropy of the normalised singular values
    mean_decay: Array  # mean over tokens of a_t = exp(log_decay)
    mean_beta: Array  # mean write strength over tokens
    state: Array


@dataclass(frozen=True, eq=False)
class TokenRead:
    """A token entered the window; each attention layer now holds `kv_tokens` keys and values."""

    position: int
    token: str
    window_index: int
    kv_tokens: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class SleepStarted:
    """The model falls asleep over the tokens from `start` up to, not including, `stop`."""

    trigger: str  # "window full", "every M tokens", "asked for", "3 statements over", "a surprise, 1.6 times the usual"
    window_index: int
    start: int
    stop: int
    kv_tokens: tuple[int, ...]
    kv_bytes: int
    n_passes: int


@dataclass(frozen=True, eq=False)
class SleepPassDone:
    """One offline pass is over. `woken` is what the model would answer if woken now."""

    window_index: int
    pass_index: int
    layers: tuple[LayerMeasures, ...]
    h_drift: float  # |h_n - h_(n-1)| / |h_n| over the window
    attention: tuple[Array, ...]  # [heads, tokens, keys] for each attention layer
    woken: Answer
    sleep_s: float
    flops: int

    @property
    def mean_drift(self) -> float:
        """Relative change of S in this pass, mean over the heads of all layers; 0 where there are none."""
        drifts = [float(value) for layer in self.layers for value in layer.drift]
        return sum(drifts) / len(drifts) if drifts else 0.0


@dataclass(frozen=True, eq=False)
class CacheEvicted:
    """Keys and values were dropped; only the fast weights remember them."""

    window_index: int
    tokens_dropped: int
    bytes_freed: int
    kv_tokens: tuple[int, ...]
    fast_bytes: int


@dataclass(frozen=True, eq=False)
class AnswerScored:
    """The task's answer, in one ordinary pass a prediction chunk, after everything is evicted."""

    answer: Answer
    answer_s: float  # the fastest of a few times
    flops: int


Event = TokenRead | SleepStarted | SleepPassDone | CacheEvicted | AnswerScored
EVENT_TYPES: dict[str, type[Event]] = {
    kind.__name__: kind for kind in (TokenRead, SleepStarted, SleepPassDone, CacheEvicted, AnswerScored)
}
RENAMED = {"wake_s": "answer_s"}  # what fields are called in runs that were recorded earlier
_NESTED: dict[str, type[Any]] = {"answer": Answer, "woken": Answer, "layers": LayerMeasures}


def event_to_json(event: Event) -> dict[str, Any]:
    """Return a plain dict; arrays become {"dtype", "shape", "values"} with values rounded to 6 digits."""
    return {"type": type(event).__name__, **_plain(event)}


def event_from_json(values: dict[str, Any]) -> Event:
    """Inverse of `event_to_json`. Raises ValueError when the dict is not an event's."""
    try:
        fields = {RENAMED.get(name, name): value for name, value in dict(values).items()}
        kind = EVENT_TYPES[fields.pop("type")]
        return _build(kind, fields)
    except MALFORMED as error:
        raise ValueError(f"not an event: {error}.") from error


@dataclass(frozen=True, eq=False)
class Trace:
    """One run: `spec` is RunSpec's JSON, `checkpoint` its name, digest and how it was made."""

    spec: dict[str, Any]
    checkpoint: dict[str, Any]
    events: tuple[Event, ...]

    @property
    def answer(self) -> Answer:
        """What the model answered at the end of the run. Raises ValueError for a run that ended before it answered."""
        last = self.events[-1] if self.events else None
        if not isinstance(last, AnswerScored):
            raise ValueError("this run ended before it answered.")
        return last.answer

    @property
    def is_right(self) -> bool:
        """Whether everything that was asked is answered right. Raises ValueError for a run that never answered."""
        return all(self.answer.correct)

    @property
    def passes(self) -> tuple[SleepPassDone, ...]:
        """Every pass of every window, in order."""
        return tuple(event for event in self.events if isinstance(event, SleepPassDone))

    @cached_property
    def computed_in_s(self) -> float:
        """Seconds that its passes and its answer took: two runs of one specification differ in this."""
        scored = (event.answer_s for event in self.events if isinstance(event, AnswerScored))
        return sum(event.sleep_s for event in self.passes) + sum(scored)

    @cached_property
    def nbytes(self) -> int:
        """Bytes of all its arrays."""
        return sum(array.nbytes for array in self._arrays())

    def protected(self) -> Trace:
        """The same run, whose arrays nobody can change any more: several readers may share it."""
        for array in self._arrays():
            array.flags.writeable = False
        return self

    def _arrays(self) -> Iterable[Array]:
        arrays: dict[str, Array] = {}
        _plain(self.events, arrays)
        return arrays.values()

    def to_json(self) -> dict[str, Any]:
        """Return the whole run as plain JSON values."""
        events = [event_to_json(event) for event in self.events]
        return {"spec": self.spec, "checkpoint": self.checkpoint, "events": events}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Trace:
        """Inverse of `to_json`. Raises ValueError when the JSON is not a trace's."""
        try:
            events = tuple(event_from_json(event) for event in values["events"])
            return cls(dict(values["spec"]), dict(values["checkpoint"]), events)
        except MALFORMED as error:
            raise ValueError(f"not a recorded run: {error}.") from error

    def to_npz(self) -> bytes:
        """Return a compressed .npz: one JSON text whose arrays stand beside it, none pickled."""
        arrays: dict[str, Array] = {}
        events = [{"type": type(event).__name__, **_plain(event, arrays)} for event in self.events]
        text = json.dumps({"spec": self.spec, "checkpoint": self.checkpoint, "events": events})
        buffer = io.BytesIO()
        np.savez_compressed(buffer, text=np.frombuffer(text.encode(), dtype=np.uint8), **arrays)  # type: ignore[arg-type]
        return buffer.getvalue()

    @classmethod
    def from_npz(cls, data: bytes) -> Trace:
        """Inverse of `to_npz`. Raises ValueError when the file is not a recorded run."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as stored:
                values = json.loads(stored["text"].tobytes().decode())
                arrays = {name: stored[name] for name in stored.files if name != "text"}
            values = _restore(values, arrays)
        except Exception as error:  # zipfile, numpy and json each raise their own kinds
            raise ValueError("not a recorded run: the file is damaged.") from error
        return cls.from_json(values)


def _plain(record: Any, arrays: dict[str, Array] | None = None) -> Any:
    """Dataclasses to dicts, tuples to lists; arrays inline, or as {"array": name} put into `arrays`."""
    if dataclasses.is_dataclass(record):
        return {field.name: _plain(getattr(record, field.name), arrays) for field in dataclasses.fields(record)}
    if isinstance(record, tuple):
        return [_plain(item, arrays) for item in record]
    if isinstance(record, np.ndarray):
        if arrays is None:
            values = np.round(record.astype(np.float64), 6).tolist()
            return {"dtype": str(record.dtype), "shape": list(record.shape), "values": values}
        name = f"a{len(arrays)}"
        arrays[name] = record
        return {"array": name}
    return record


def _restore(value: Any, arrays: dict[str, Array]) -> Any:
    """Put the arrays of an .npz back in place of their {"array": name} references."""
    if isinstance(value, dict):
        return arrays[value["array"]] if set(value) == {"array"} else {k: _restore(v, arrays) for k, v in value.items()}
    return [_restore(item, arrays) for item in value] if isinstance(value, list) else value


def _build(kind: type[Any], fields: dict[str, Any]) -> Any:
    """Build a record of `kind` from plain values, nested records and arrays included."""
    names = {field.name for field in dataclasses.fields(kind)}
    if set(fields) != names:
        raise ValueError(f"not a {kind.__name__}: its fields must be {', '.join(sorted(names))}.")
    return kind(**{name: _value(name, value) for name, value in fields.items()})


def _value(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"dtype", "shape", "values"}:
            dtype = np.dtype(value["dtype"])
            if dtype.kind not in "biuf":
                raise ValueError(f"an array of {dtype} is not one of numbers.")
            return np.array(value["values"], dtype=dtype).reshape(value["shape"])
        return _build(_NESTED[name], value)
    if isinstance(value, list):
        return tuple(_value(name, item) for item in value)
    return value
