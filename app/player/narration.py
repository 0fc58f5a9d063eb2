"""Events -> sentences: one in full for each event, and a short one for each act of a run.

The full sentences are the text equivalent of everything that the player draws. A short one has at most
15 words, so that it can be read while the run plays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.parts.units import count
from app.player.pictures import picture_of
from app.tasks.base import Picture
from sleepviz.config.events import AnswerScored, CacheEvicted, Event, SleepPassDone, SleepStarted, TokenRead, Trace

BRIEF_WORDS = 15
EMPTY = "·"  # a token that stands for nothing
FULL = "window full"  # the paper's trigger, as an event says it
REPLACED = {
    "zero_state": "S was wiped",
    "shuffled_state": "Another run's S took its place",
}
"""Controls that act between the last sleep and waking, so that what S answered before tells nothing of the answer."""
PASS_SAID = {
    "replay": "Pass {n} of {of}: the model only writes the first pass's keys and values again.",
    "reset_state": "Pass {n} of {of}: S is reset, then written anew from the window.",
    "untrained": "Pass {n} of {of}: untrained weights read the window and rewrite S.",
}
"""What a control makes of a pass."""
STILL_PASS = "Pass {n} of {of}: S hardly changes any more, so sleep ends here."
STILL = "S is still, so sleep ends here. "
FIRST_FULL = "The window is full. A longer cache would cost ever more, so the model sleeps."
FIRST_PASS = "Pass {n} of {of}: the model goes over the window and writes its fast weights."
LATER_PASS = "Pass {n} of {of}: the model goes on from pass {before} and rewrites S."


@dataclass(frozen=True)
class Sleep:
    """The passes that one sleep was allowed, and those that it took: fewer where S was still before."""

    allowed: int = 0
    taken: int = 0

    @property
    def is_early(self) -> bool:
        """Whether it ended before its last pass."""
        return self.taken < self.allowed

    @property
    def most(self) -> str:
        """Its length as one of its passes names it."""
        return f"{'at most ' * self.is_early}{self.allowed}"

    def ends_early_with(self, done: SleepPassDone) -> bool:
        """Whether this pass was its last, though it was allowed more."""
        return self.is_early and done.pass_index + 1 == self.taken


def narrate(trace: Trace) -> tuple[str, ...]:
    """One sentence or two for each event, in order; each can be read alone."""
    sleep, slept_s, picture, taken = Sleep(), 0.0, picture_of(trace), passes_taken(trace)
    replaced = REPLACED.get(trace.spec["control"], "")
    said = []
    for event in trace.events:
        if isinstance(event, SleepStarted):
            sleep = Sleep(event.n_passes, taken.get(event.window_index, 0))
        if isinstance(event, SleepPassDone):
            slept_s += event.sleep_s
        sentence = _sentence(event, picture, sleep, slept_s)
        said.append(f"{replaced}. {sentence}" if replaced and isinstance(event, AnswerScored) else sentence)
    return tuple(said)


def narrate_briefly(trace: Trace) -> tuple[str, ...]:
    """What happens at each event, in at most `BRIEF_WORDS` words: the tokens of a window share one sentence."""
    picture, control, sleep, taken = picture_of(trace), str(trace.spec["control"]), Sleep(), passes_taken(trace)
    read = Counter(event.window_index for event in trace.events if isinstance(event, TokenRead))
    said = []
    for event in trace.events:
        if isinstance(event, SleepStarted):
            sleep = Sleep(event.n_passes, taken.get(event.window_index, 0))
        said.append(_brief(event, picture, control, read, sleep))
    return tuple(said)


def narrate_as_text(trace: Trace) -> tuple[tuple[str, str], ...]:
    """The run to be read in one go: as `narrate`, but one sentence for the tokens of a window, which follow it."""
    picture = picture_of(trace)
    said: list[tuple[str, str]] = []
    tokens: list[str] = []
    for event, sentence in zip(trace.events, narrate(trace), strict=True):
        if isinstance(event, TokenRead):
            tokens.append(picture.token(event.token))
            continue
        if tokens:
            said.append(_read(tokens))
            tokens = []
        said.append((sentence, ""))
    return (*said, *([_read(tokens)] if tokens else []))


def _read(tokens: list[str]) -> tuple[str, str]:
    return f"The model reads {count(len(tokens), 'token')}:", " ".join(tokens)


def passes_taken(trace: Trace) -> Mapping[int, int]:
    """How many passes each window's sleep took: fewer than it was allowed where S was still before."""
    return Counter(done.window_index for done in trace.passes)


def told_from(spec: Mapping[str, Any]) -> str:
    """Where the answers after a sleep come from, to be followed by a colon."""
    if spec["control"] in REPLACED:
        return "Before S was replaced"
    return "From S alone" if spec["eviction"] == "hard" else "From S and the KV cache"


def _brief(event: Event, picture: Picture, control: str, read: Mapping[int, int], sleep: Sleep) -> str:
    if isinstance(event, TokenRead):
        tokens, window = count(read[event.window_index], "token"), event.window_index + 1
        again = f"The model reads on, in window {window}: {tokens}."
        return again if window > 1 else f"The model reads {tokens}. Each one stays in the KV cache."
    if isinstance(event, SleepStarted):
        if event.trigger != FULL:
            ahead = "reads on" if event.window_index < max(read, default=0) else "answers"
            return f"{trigger_text(event.trigger)}: the model sleeps before it {ahead}."
        again = f"Window {event.window_index + 1} is full. The model sleeps again."
        return again if event.window_index else FIRST_FULL
    if isinstance(event, SleepPassDone):
        usual = LATER_PASS if event.pass_index else FIRST_PASS
        place = {"n": event.pass_index + 1, "of": sleep.most, "before": event.pass_index}
        if sleep.ends_early_with(event):
            return STILL_PASS.format(**place)
        return PASS_SAID.get(control, usual).format(**place)
    if isinstance(event, CacheEvicted):
        kept = max(event.kv_tokens, default=0)
        if not event.tokens_dropped:
            return f"Nothing is cleared: the cache keeps its {count(kept, 'token')}."
        if kept:
            return f"{_leave(event)} the cache; {kept} stay."
        return f"The cache is emptied. Only the fast weights, {size(event.fast_bytes)}, go on."
    replaced = f"{REPLACED[control]}. " if control in REPLACED else ""
    n_right, n = sum(event.answer.correct), len(event.answer.correct)
    right = f"{n_right} of {n} are right" if n > 1 else "right" if n_right else "wrong"
    said = f"{replaced}One ordinary pass answers: {picture.answer_text(event.answer)}."
    return said if len(said.split()) <= BRIEF_WORDS else f"{replaced}One ordinary pass answers: {right}."


def _sentence(event: Event, picture: Picture, sleep: Sleep, slept_s: float) -> str:
    if isinstance(event, TokenRead):
        held = count(max(event.kv_tokens, default=0), "token")
        token = picture.token(event.token)
        named = "an empty place" if token == EMPTY else f"“{token}”"
        return f"Token {event.position + 1}, {named}, is read. The KV cache holds {held}."
    if isinstance(event, SleepStarted):
        held = count(event.stop - event.start, "token")
        return (
            f"{trigger_text(event.trigger)}: the model falls asleep over window {event.window_index + 1} for "
            f"{'at most ' * sleep.is_early}{count(sleep.allowed, 'pass')}. "
            f"The cache holds {held}, {size(event.kv_bytes)}."
        )
    if isinstance(event, SleepPassDone):
        ended = STILL * sleep.ends_early_with(event)
        return (
            f"Pass {event.pass_index + 1} of {sleep.most} changed the fast weights by {mean_drift(event):.2f} of their "
            f"size. {ended}{picture.woken_text(event.woken)}"
        )
    if isinstance(event, CacheEvicted) and not event.tokens_dropped:
        kept = count(max(event.kv_tokens, default=0), "token")
        return f"Nothing is cleared. The KV cache keeps {kept}, beside {size(event.fast_bytes)} of fast weights."
    if isinstance(event, CacheEvicted):
        return (
            f"{_leave(event)} the KV cache, which frees {size(event.bytes_freed)}. What is remembered is in "
            f"{size(event.fast_bytes)} of fast weights."
        )
    return (
        f"Awake, one ordinary pass answers: {picture.answer_text(event.answer)}. Answering took "
        f"{milliseconds(event.answer_s)}, sleeping {milliseconds(slept_s)}."
    )


def _leave(event: CacheEvicted) -> str:
    return f"{count(event.tokens_dropped, 'token')} {'leaves' if event.tokens_dropped == 1 else 'leave'}"


def trigger_text(trigger: str) -> str:
    """Why the sleep began, to start a sentence."""
    return {"asked for": "Sleep was asked for", "context over": "The input has ended"}.get(
        trigger, trigger[:1].upper() + trigger[1:]
    )


def trigger_name(trigger: str) -> str:
    """The same in one to three words, as the name of an act: how great a surprise was is left out."""
    named = {"asked for": "Asked to sleep", "context over": "Input ended"}
    return named.get(trigger, trigger_text(trigger.partition(",")[0]))


def mean_drift(event: SleepPassDone) -> float:
    """Relative change of S in this pass, mean over layers and heads."""
    return event.mean_drift


def milliseconds(seconds: float) -> str:
    """Seconds as text with the precision that a short run deserves."""
    return f"{1000 * seconds:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def size(n_bytes: int) -> str:
    """“16 bytes”, “8.5 KB”, “34 KB”."""
    kilobytes = n_bytes / 1024
    if kilobytes < 1:
        return count(n_bytes, "byte")
    return f"{kilobytes:.1f}".removesuffix(".0") + " KB" if kilobytes < 10 else f"{kilobytes:,.0f} KB"
