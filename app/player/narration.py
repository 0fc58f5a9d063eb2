"""Events -> one sentence each: the text equivalent of everything that the player draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.player.pictures import picture_of
from app.tasks.base import Picture
from sleepviz.config.events import AnswerScored, CacheEvicted, Event, SleepPassDone, SleepStarted, TokenRead, Trace

REPLACED = {
    "zero_state": "S is set to zero",
    "shuffled_state": "S of another sequence takes the place of this one's",
}
"""Controls that act between the last sleep and waking, so that what S answered before tells nothing of the answer."""


def narrate(trace: Trace) -> tuple[str, ...]:
    """One sentence for each event, in order; each can be read alone."""
    n_passes, slept_s, picture = 0, 0.0, picture_of(trace)
    replaced = REPLACED.get(trace.spec["control"], "")
    sentences = []
    for event in trace.events:
        if isinstance(event, SleepStarted):
            n_passes = event.n_passes
        if isinstance(event, SleepPassDone):
            slept_s += event.sleep_s
        sentence = _sentence(event, picture, n_passes, slept_s)
        sentences.append(f"{replaced}. {sentence}" if replaced and isinstance(event, AnswerScored) else sentence)
    return tuple(sentences)


def told_from(spec: Mapping[str, Any]) -> str:
    """Where the answers after a sleep come from, to be followed by a colon."""
    if spec["control"] in REPLACED:
        return "Before S was replaced"
    return "From S alone" if spec["eviction"] == "hard" else "From S and the KV cache"


def _sentence(event: Event, picture: Picture, n_passes: int, slept_s: float) -> str:
    if isinstance(event, TokenRead):
        return (
            f"Awake: token {event.position + 1}, “{picture.token(event.token)}”, is read; "
            f"{count(max(event.kv_tokens, default=0), 'token')} in the KV cache."
        )
    if isinstance(event, SleepStarted):
        held = count(event.stop - event.start, "token")
        return (
            f"{trigger_text(event.trigger)}: the model falls asleep over window {event.window_index + 1}, {held}, "
            f"for {count(n_passes, 'pass', 'passes')}; the KV cache holds {event.kv_bytes:,} bytes."
        )
    if isinstance(event, SleepPassDone):
        return (
            f"Asleep, pass {event.pass_index + 1} of {n_passes}: the fast weights change by "
            f"{mean_drift(event):.2f} of their size. {picture.woken_text(event.woken)}"
        )
    if isinstance(event, CacheEvicted) and not event.tokens_dropped:
        kept = count(max(event.kv_tokens, default=0), "token")
        return f"Nothing is evicted: {kept} stay in the KV cache, beside {event.fast_bytes:,} bytes of fast weights."
    if isinstance(event, CacheEvicted):
        return (
            f"Cleared: {count(event.tokens_dropped, 'token')} leave the KV cache, {event.bytes_freed:,} bytes are "
            f"freed; what is remembered is in {event.fast_bytes:,} bytes of fast weights."
        )
    return (
        f"Awake, in one ordinary pass: {picture.answer_text(event.answer)}. Answering took "
        f"{milliseconds(event.wake_s)}, sleeping {milliseconds(slept_s)}."
    )


def trigger_text(trigger: str) -> str:
    """Why the sleep began, to start a sentence."""
    return {"asked for": "Sleep was asked for", "context over": "The context is over"}.get(
        trigger, trigger[:1].upper() + trigger[1:]
    )


def mean_drift(event: SleepPassDone) -> float:
    """Relative change of S in this pass, mean over layers and heads."""
    return event.mean_drift


def milliseconds(seconds: float) -> str:
    """Seconds as text with the precision that a short run deserves."""
    return f"{1000 * seconds:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def count(number: int, singular: str, plural: str = "") -> str:
    """“1 token”, “18 tokens”."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
