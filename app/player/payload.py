"""Events -> the compact dict that the player draws; pure: no streamlit, no torch.

A frame is one event. The clock, the scrubber and the text all count frames. Lengths on the time
line are in slots: a token takes one, a sleep takes a few whatever its number of passes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.parts.units import count
from app.player.narration import (
    FULL,
    REPLACED,
    mean_drift,
    milliseconds,
    narrate,
    narrate_briefly,
    passes_taken,
    size,
    told_from,
    trigger_name,
    trigger_text,
)
from app.player.pictures import picture_of
from app.tasks.base import Picture
from sleepviz.config.events import AnswerScored, CacheEvicted, SleepPassDone, SleepStarted, TokenRead, Trace

SLEEP_SLOTS = (4, 9)  # fewest and most slots of one sleep ...
SLEEP_SHARE = 0.25  # ... unless its window is so long that it needs this share of it to be seen
ANSWER_SLOTS, ANSWER_SHARE = 4, 0.09  # the same for the answer, of all tokens; its name needs the room when presented
JUMP = 1.5  # times the drift of the pass before
LUCK = 0.5  # an answer against these odds was luck
WINDOWS_TOLD = 4  # after so many windows at least, what a cache that is never cleared would hold
# At 1x a visitor can follow the first window: each act rests while its sentence is read. Later windows go by quickly.
REST_MS, LATER_REST_MS = 3000, 700
READING_MS, LATER_READING_MS = 3000, 1000  # shared by a window's tokens
SLEEPING_MS, PASS_MS, LATER_PASS_MS = 16_000, (250, 1300), 300  # a long sleep has quicker passes
ACTS = {TokenRead: "read", SleepStarted: "full", SleepPassDone: "asleep", CacheEvicted: "clear", AnswerScored: "answer"}


@dataclass(frozen=True)
class Contender:
    """One of the answers shown side by side; without a trace, `missing` says why in one sentence."""

    title: str
    note: str
    trace: Trace | None
    missing: str = ""
    measured: str = ""  # how often such a run is right, in a sentence
    share: float | None = None  # the same as a number from 0 to 1


def player_payload(
    trace: Trace,
    *,
    contenders: tuple[Contender, ...] = (),
    badge: str = "",
    terms: dict[str, str] | None = None,
    bare: bool = False,
) -> dict[str, Any]:
    """Everything the player needs for one run: JSON values only, arrays as base64 of uint8.

    `bare` leaves out the three functions under the stage.
    """
    passes = [event for event in trace.events if isinstance(event, SleepPassDone)]
    picture = picture_of(trace)
    woken = [picture.woken(event.woken) for event in passes]
    if trace.spec["control"] in REPLACED:
        woken = [drawn and {**drawn, "unit": f"{drawn['unit']} (before S was replaced)"} for drawn in woken]
    payload: dict[str, Any] = {
        **_timeline(trace, picture),
        "attention_layers": len(next((e.kv_tokens for e in trace.events if isinstance(e, TokenRead)), ())),
        "states": _states(passes),
        "drift": [[_rounded(layer.drift) for layer in event.layers] for event in passes],
        "norm": [[_rounded(layer.norm) for layer in event.layers] for event in passes],
        "h_drift": [round(event.h_drift, 4) for event in passes],
        "pass_window": [event.window_index for event in passes],
        "woken": woken,
        "picture": picture.scene(),
        "memory": _memory(trace),
        "drift_note": _drift_note(passes),
        "chance": _chance(picture),
        "contenders": [_contender(contender) for contender in contenders],
        "bare": bare,
        "badge": badge,
        "terms": terms or {},
    }
    payload["id"] = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()[:16]
    return payload


def _timeline(trace: Trace, picture: Picture) -> dict[str, Any]:
    """Frames with their place on the time line, and the spans that stand on it."""
    n_tokens = sum(isinstance(event, TokenRead) for event in trace.events)
    answer_slots = max(ANSWER_SLOTS, round(ANSWER_SHARE * n_tokens))
    frames: list[dict[str, Any]] = []
    tokens: list[str] = []
    slots: list[int] = []
    sleeps: list[dict[str, Any]] = []
    cursor, passes_done, dropped, wide = 0, 0, 0, SLEEP_SLOTS[0]
    last: SleepPassDone | None = None
    times, taken = _times_ms(trace), passes_taken(trace)
    for event, sentence, brief, ms in zip(trace.events, narrate(trace), narrate_briefly(trace), times, strict=True):
        before = frames[-1] if frames else {"kv": [], "of": 0, "pass": 0, "window": 0}
        frame = {**before, "say": sentence, "brief": brief, "ms": ms, "act": ACTS[type(event)], "functions": {}}
        if isinstance(event, TokenRead):
            tokens.append(picture.token(event.token))
            slots.append(cursor)
            cursor += 1
            frame |= {"kind": "token", "x": cursor - 0.5, "kv": list(event.kv_tokens)}
            frame |= {"window": event.window_index, "pass": 0, "of": 0}
        elif isinstance(event, SleepStarted):
            n_passes = taken.get(event.window_index, 0)
            wide = max(SLEEP_SLOTS[0], min(SLEEP_SLOTS[1], n_passes + 1))
            wide = max(wide, round(SLEEP_SHARE * (event.stop - event.start)))
            sleeps.append(
                {"start": cursor, "stop": cursor + wide, "first": event.start, "last": event.stop}
                | {"reason": trigger_text(event.trigger), "act": trigger_name(event.trigger)}
                | {"is_full": event.trigger == FULL, "passes": n_passes, "window": event.window_index}
            )
            frame |= {"kind": "sleep", "x": cursor + 0.25, "kv": list(event.kv_tokens)}
            frame |= {"window": event.window_index, "pass": 0, "of": n_passes}
        elif isinstance(event, SleepPassDone):
            passes_done, last = passes_done + 1, event
            along = (event.pass_index + 1) / (frame["of"] + 1)
            frame |= {"kind": "pass", "x": cursor + along * wide, "pass": event.pass_index + 1}
            frame["functions"] = {"compress": f"Pass {event.pass_index + 1}: drift {mean_drift(event):.2f}"}
        elif isinstance(event, CacheEvicted):
            cursor, dropped = cursor + wide, dropped + event.tokens_dropped
            frame |= {"kind": "evict", "x": cursor - 0.25, "kv": list(event.kv_tokens)}
            frame |= {"functions": _cleared(event, last, trace, picture)}
        else:
            frame |= {"kind": "answer", "x": cursor + answer_slots / 2}
            frame |= {"replaced": {"zero_state": "zero", "shuffled_state": "other"}.get(trace.spec["control"], "")}
        frames.append({**frame, "read": len(tokens), "dropped": dropped, "state": passes_done - 1})
    return {
        "frames": frames,
        "tokens": tokens,
        "token_slots": slots,
        "sleeps": sleeps,
        "windows": 1 + max((frame["window"] for frame in frames), default=0),
        "slots": cursor + answer_slots,
        "answer_slot": cursor,
    }


def _times_ms(trace: Trace) -> list[int]:
    """How long each event stays at 1x."""
    events = trace.events
    tokens = Counter(event.window_index for event in events if isinstance(event, TokenRead))
    times, window, n_passes, taken = [], 0, 1, passes_taken(trace)
    for event in events:
        if isinstance(event, TokenRead | SleepStarted):
            window = event.window_index
        if isinstance(event, SleepStarted):
            n_passes = taken.get(event.window_index, 0)
        is_first = window == 0
        if isinstance(event, TokenRead):
            times.append((READING_MS if is_first else LATER_READING_MS) // tokens[window])
        elif isinstance(event, SleepPassDone):
            first_ms = max(PASS_MS[0], min(PASS_MS[1], SLEEPING_MS // max(n_passes, 1)))
            opens = is_first and event.pass_index == 0
            times.append(REST_MS if opens else first_ms if is_first else min(first_ms, LATER_PASS_MS))
        else:
            times.append(REST_MS if is_first else LATER_REST_MS)
    return times


def _memory(trace: Trace) -> dict[str, Any]:
    """The cache just before the first sleep, S beside it, what a full bar of either stands for, and what a cache that
    is never cleared would take.
    """
    sleeps = [event for event in trace.events if isinstance(event, SleepStarted)]
    full = sleeps[0] if sleeps else None
    fast_bytes = next((event.fast_bytes for event in trace.events if isinstance(event, CacheEvicted)), 0)
    window_bytes, most = (full.kv_bytes, max(full.kv_tokens, default=0)) if full else (0, 0)
    told, told_bytes = WINDOWS_TOLD, WINDOWS_TOLD * window_bytes
    if len(sleeps) > told and trace.spec["eviction"] == "hard":  # a sliding cache would count kept tokens twice
        told, told_bytes = len(sleeps), sum(event.kv_bytes for event in sleeps)
    compression = (
        f"S stays {size(fast_bytes)} however many windows the model reads. A cache that is never cleared would hold "
        f"{size(told_bytes)} after {told} windows."
    )
    held = [
        max(event.kv_tokens, default=0) for event in trace.events if not isinstance(event, SleepPassDone | AnswerScored)
    ]
    fullest = round(window_bytes * max(held, default=0) / max(most, 1))
    return {
        "window_bytes": window_bytes,
        "most": most,
        "fast_bytes": fast_bytes,
        "scale_bytes": max(fullest, fast_bytes, 1),
        "scale": _scale(fullest, fast_bytes),
        "compression": compression if full else "",
    }


def _scale(fullest: int, fast_bytes: int) -> str:
    """What a full bar stands for: the bars of the cache and of S share one scale."""
    most = "all of S" if fast_bytes > fullest else "the most that the cache holds in this run"
    return f"Both bars have one scale. A full bar is {size(max(fullest, fast_bytes))}, {most}."


def _drift_note(passes: list[SleepPassDone]) -> dict[str, Any]:
    """What is said of the first sleep's drift, and the pass at which that can be seen: its last one."""
    first = [event for event in passes if event.window_index == 0]
    return {"said": _jump(first), "state": len(first) - 1}


def _jump(first: list[SleepPassDone]) -> str:
    """Where drift jumps late in a sleep, and whether the answer had been reached just before; else nothing."""
    drifts, right = [mean_drift(event) for event in first], [all(event.woken.correct) for event in first]
    late = range(2, len(first))
    jump = max(late, key=lambda i: drifts[i] / max(drifts[i - 1], 1e-9), default=0)
    if not jump or drifts[jump] < JUMP * drifts[jump - 1]:
        return ""
    if True in right and right.index(True) == jump - 1:
        return f"The jump at pass {jump + 1} comes one pass after the model had the answer. Then S settles."
    return f"At pass {jump + 1} S changes more than in the pass before."


def _chance(picture: Picture) -> str:
    """How often guessing would be right."""
    return f"a blind guess is right 1 time in {round(1 / picture.chance):,}" if picture.chance else ""


def _cleared(event: CacheEvicted, last: SleepPassDone | None, trace: Trace, picture: Picture) -> dict[str, str]:
    """What the second and third functions of sleep did, in figures."""
    cleared = f"{count(event.tokens_dropped, 'token')} dropped, {size(event.bytes_freed)} freed"
    return {"clear": cleared, "update": _told(last, trace, picture) if last else "Nothing was slept on"}


def _told(last: SleepPassDone, trace: Trace, picture: Picture) -> str:
    """What was answered after this pass, and from what."""
    said = picture.update_text(last.woken)
    return f"{told_from(trace.spec)}: {said}" if said else "Nothing can be asked yet"


def _states(passes: list[SleepPassDone]) -> dict[str, Any]:
    """S of every pass as uint8 around 128, on one scale over the whole run."""
    if not passes or not passes[0].layers:
        return {"shape": [0, 0, 0, 0, 0], "scale": 0.0, "layers": [], "data": ""}
    stacked = np.stack([np.stack([layer.state for layer in event.layers]) for event in passes]).astype(np.float64)
    scale = float(np.abs(stacked).max())
    levels = np.round(stacked / (scale or 1.0) * 127) + 128
    return {
        "shape": list(stacked.shape),  # passes, layers, heads, K, V
        "scale": round(scale, 4),
        "layers": [layer.layer + 1 for layer in passes[0].layers],
        "data": base64.b64encode(levels.astype(np.uint8).tobytes()).decode("ascii"),
    }


def _contender(contender: Contender) -> dict[str, Any]:
    """One card: the answer, where it is wrong, how sure it is, and what it cost."""
    card: dict[str, Any] = {"title": contender.title, "note": contender.note, "missing": contender.missing}
    card |= {"measured": contender.measured, "rows": []}
    if contender.trace is None:
        return card
    scored = next((event for event in contender.trace.events if isinstance(event, AnswerScored)), None)
    if scored is None:
        return {**card, "missing": "This run did not reach its answer."}
    passes = [event for event in contender.trace.events if isinstance(event, SleepPassDone)]
    slept, picture = sum(event.sleep_s for event in passes), picture_of(contender.trace)
    # Where S was asked more than the person's question, the card tells of all of it: other, maybe easier questions.
    is_as_woken = contender.trace.spec["control"] not in REPLACED
    more = bool(passes) and is_as_woken and len(passes[-1].woken.asked) > len(scored.answer.asked)
    whole = passes[-1].woken if more else None
    answered = picture.card(scored.answer)
    return {
        **card,
        **answered,
        "whole": picture.update_text(whole) if whole else "",
        "luck": _luck(answered, contender.share),
        "sleep_s": slept,
        "answer_s": scored.answer_s,
        "cost": _cost(contender.trace.spec, len(passes), slept, scored.answer_s),
    }


def _luck(answered: dict[str, Any], share: float | None) -> str:
    """One answer against the measured share of such questions; nothing where it is as expected, or not measured."""
    right = answered["right"]
    if share is None or right is None or len(answered["rows"]) != 1 or right == (share >= LUCK):
        return ""
    return f"{'Lucky: only' if right else 'Unlucky:'} {100 * share:.0f} % of such questions are answered right."


def _cost(spec: Mapping[str, Any], n_passes: int, slept_s: float, answer_s: float) -> str:
    """What the run took. Where nothing is cleared after one pass, that pass is reading and no sleep."""
    answered = f"answered in {milliseconds(answer_s)}"
    if not n_passes:
        return f"Did not sleep, {answered}"
    is_reading = spec["eviction"] == "none" and spec["n_passes"] == 1
    return f"{'Read' if is_reading else 'Slept'} {'in ' * is_reading}{milliseconds(slept_s)}, {answered}"


def _rounded(values: Any) -> list[float]:
    return [round(float(value), 4) for value in values]
