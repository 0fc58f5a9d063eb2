"""Events -> the compact dict that the player draws; pure: no streamlit, no torch.

A frame is one event. The clock, the scrubber and the text all count frames. Lengths on the time
line are in slots: a token takes one, a sleep takes a few whatever its number of passes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.player.narration import REPLACED, count, mean_drift, milliseconds, narrate, told_from, trigger_text
from app.player.pictures import picture_of
from app.tasks.base import Picture
from sleepviz.config.events import AnswerScored, CacheEvicted, SleepPassDone, SleepStarted, TokenRead, Trace

SLEEP_SLOTS = (4, 9)  # fewest and most slots of one sleep ...
SLEEP_SHARE = 0.25  # ... unless its window is so long that it needs this share of it to be seen
ANSWER_SLOTS, ANSWER_SHARE = 3, 0.05  # the same for the answer, of all tokens
# At 1x the home run plays in under ten seconds: each kind of frame shares its part of the time, within bounds.
TOKENS_MS, TOKEN_MS = 2000, (24, 90)
PASSES_MS, PASS_MS = 4200, (90, 800)
SLEEPS_MS, FALL_ASLEEP_MS = 1200, (200, 600)
CLEARS_MS, CLEAR_MS = 1400, (250, 900)
ANSWER_MS = 600


@dataclass(frozen=True)
class Contender:
    """One of the answers shown side by side; without a trace, `missing` says why in one sentence."""

    title: str
    note: str
    trace: Trace | None
    missing: str = ""


def player_payload(
    trace: Trace, *, contenders: tuple[Contender, ...] = (), badge: str = "", terms: dict[str, str] | None = None
) -> dict[str, Any]:
    """Everything the player needs for one run: JSON values only, arrays as base64 of uint8."""
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
        "contenders": [_contender(contender) for contender in contenders],
        "badge": badge,
        "terms": terms or {},
    }
    payload["id"] = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()[:16]
    return payload


def _timeline(trace: Trace, picture: Picture) -> dict[str, Any]:
    """Frames with their place on the time line, and the spans that stand on it."""
    n_tokens = sum(isinstance(event, TokenRead) for event in trace.events)
    n_passes = sum(isinstance(event, SleepPassDone) for event in trace.events)
    token_ms = _share(TOKENS_MS, n_tokens, TOKEN_MS)
    pass_ms = _share(PASSES_MS, n_passes, PASS_MS)
    n_sleeps = sum(isinstance(event, SleepStarted) for event in trace.events)
    asleep_ms, clear_ms = _share(SLEEPS_MS, n_sleeps, FALL_ASLEEP_MS), _share(CLEARS_MS, n_sleeps, CLEAR_MS)
    answer_slots = max(ANSWER_SLOTS, round(ANSWER_SHARE * n_tokens))
    frames: list[dict[str, Any]] = []
    tokens: list[str] = []
    slots: list[int] = []
    sleeps: list[dict[str, Any]] = []
    cursor, passes_done, dropped, wide = 0, 0, 0, SLEEP_SLOTS[0]
    last: SleepPassDone | None = None
    for event, sentence in zip(trace.events, narrate(trace), strict=True):
        before = frames[-1] if frames else {"kv": [], "of": 0, "pass": 0, "window": 0}
        frame = {**before, "say": sentence, "functions": {}}
        if isinstance(event, TokenRead):
            tokens.append(picture.token(event.token))
            slots.append(cursor)
            cursor += 1
            frame |= {"kind": "token", "x": cursor - 0.5, "ms": token_ms, "kv": list(event.kv_tokens)}
            frame |= {"window": event.window_index, "pass": 0, "of": 0}
        elif isinstance(event, SleepStarted):
            wide = max(SLEEP_SLOTS[0], min(SLEEP_SLOTS[1], event.n_passes + 1))
            wide = max(wide, round(SLEEP_SHARE * (event.stop - event.start)))
            sleeps.append(
                {"start": cursor, "stop": cursor + wide, "reason": trigger_text(event.trigger), "first": event.start}
                | {"last": event.stop, "passes": event.n_passes, "window": event.window_index}
            )
            frame |= {"kind": "sleep", "x": cursor + 0.25, "ms": asleep_ms, "kv": list(event.kv_tokens)}
            frame |= {"pass": 0, "of": event.n_passes}
        elif isinstance(event, SleepPassDone):
            passes_done, last = passes_done + 1, event
            along = (event.pass_index + 1) / (frame["of"] + 1)
            frame |= {"kind": "pass", "x": cursor + along * wide, "ms": pass_ms, "pass": event.pass_index + 1}
            frame["functions"] = {"compress": f"Pass {event.pass_index + 1}: drift {mean_drift(event):.2f}"}
        elif isinstance(event, CacheEvicted):
            cursor, dropped = cursor + wide, dropped + event.tokens_dropped
            frame |= {"kind": "evict", "x": cursor - 0.25, "ms": clear_ms, "kv": list(event.kv_tokens)}
            frame |= {"cleared": _what_is_cleared(event), "functions": _cleared(event, last, trace, picture)}
        else:
            frame |= {"kind": "answer", "x": cursor + answer_slots / 2, "ms": ANSWER_MS}
        frames.append({**frame, "read": len(tokens), "dropped": dropped, "state": passes_done - 1})
    return {
        "frames": frames,
        "tokens": tokens,
        "token_slots": slots,
        "sleeps": sleeps,
        "slots": cursor + answer_slots,
        "answer_slot": cursor,
    }


def _what_is_cleared(event: CacheEvicted) -> str:
    """What becomes of the KV cache, in a few words."""
    if not event.tokens_dropped:
        return "the KV cache stays"
    return "the KV cache slides" if max(event.kv_tokens, default=0) else "the KV cache is cleared"


def _cleared(event: CacheEvicted, last: SleepPassDone | None, trace: Trace, picture: Picture) -> dict[str, str]:
    """What the second and third functions of sleep did, in figures."""
    cleared = f"{count(event.tokens_dropped, 'token')} dropped, {event.bytes_freed:,} bytes freed"
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
    card: dict[str, Any] = {"title": contender.title, "note": contender.note, "missing": contender.missing, "rows": []}
    if contender.trace is None:
        return card
    scored = next((event for event in contender.trace.events if isinstance(event, AnswerScored)), None)
    if scored is None:
        return {**card, "missing": "This run did not reach its answer."}
    passes = [event for event in contender.trace.events if isinstance(event, SleepPassDone)]
    slept, picture = sum(event.sleep_s for event in passes), picture_of(contender.trace)
    # One answer may be right by luck: where S was asked more than the person's question, the card tells of all of it.
    more = passes and len(passes[-1].woken.asked) > len(scored.answer.asked)
    return {
        **card,
        **picture.card(scored.answer),
        "whole": _told(passes[-1], contender.trace, picture) if more else "",
        "sleep_s": slept,
        "wake_s": scored.wake_s,
        "cost": f"Slept {milliseconds(slept)}, answered in {milliseconds(scored.wake_s)}",
    }


def _rounded(values: Any) -> list[float]:
    return [round(float(value), 4) for value in values]


def _share(total_ms: int, n_frames: int, bounds: tuple[int, int]) -> int:
    """An equal share of the time, within bounds."""
    return max(bounds[0], min(bounds[1], total_ms // max(n_frames, 1)))
