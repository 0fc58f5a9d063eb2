"""Events -> one sentence each: the text equivalent of everything that the player draws."""

from __future__ import annotations

from sleepviz.events import (
    Answer,
    AnswerScored,
    CacheEvicted,
    Event,
    SleepPassDone,
    SleepStarted,
    TokenRead,
    Trace,
)


def narrate(trace: Trace) -> tuple[str, ...]:
    """One sentence for each event, in order; each can be read alone."""
    n_passes, slept_s = 0, 0.0
    sentences = []
    for event in trace.events:
        if isinstance(event, SleepStarted):
            n_passes = event.n_passes
        if isinstance(event, SleepPassDone):
            slept_s += event.sleep_s
        sentences.append(_sentence(event, n_passes, slept_s))
    return tuple(sentences)


def _sentence(event: Event, n_passes: int, slept_s: float) -> str:
    if isinstance(event, TokenRead):
        return (
            f"Awake: token {event.position + 1}, “{event.token}”, is read; "
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
            f"{mean_drift(event):.2f} of their size. {woken_text(event.woken)}"
        )
    if isinstance(event, CacheEvicted):
        return (
            f"Cleared: {count(event.tokens_dropped, 'token')} leave the KV cache, {event.bytes_freed:,} bytes are "
            f"freed; what is remembered is in {event.fast_bytes:,} bytes of fast weights."
        )
    return _answer_text(event, slept_s)


def _answer_text(event: AnswerScored, slept_s: float) -> str:
    scored = "; ".join(
        f"{asked} is {'right' if correct else f'wrong in {wrong_cells(answer, truth)} of {len(truth)} cells'}"
        for asked, answer, truth, correct in _queries(event.answer)
    )
    return (
        f"Awake, in one ordinary pass: {scored}. Answering took {milliseconds(event.wake_s)}, "
        f"sleeping {milliseconds(slept_s)}."
    )


def woken_text(woken: Answer) -> str:
    """What the newest row would be answered as, if the model were woken now."""
    if not woken.asked:
        return "No row is complete yet, so there is nothing to ask."
    row, answer, truth, reached = woken.asked[-1], woken.answers[-1], woken.truths[-1], woken.reached[-1]
    if woken.correct[-1]:
        return f"If woken now, {row} is answered right."
    missed = wrong_cells(answer, truth)
    return f"If woken now, {row} is wrong in {missed} of {len(truth)} cells; nearest is the true row at step {reached}."


def trigger_text(trigger: str) -> str:
    """Why the sleep began, to start a sentence."""
    return {"asked for": "Sleep was asked for", "context over": "The context is over"}.get(
        trigger, trigger[:1].upper() + trigger[1:]
    )


def mean_drift(event: SleepPassDone) -> float:
    """Relative change of S in this pass, mean over layers and heads."""
    drifts = [float(value) for layer in event.layers for value in layer.drift]
    return sum(drifts) / len(drifts) if drifts else 0.0


def wrong_cells(answer: str, truth: str) -> int:
    """Places at which two rows differ."""
    return sum(a != b for a, b in zip(answer, truth, strict=True))


def milliseconds(seconds: float) -> str:
    """Seconds as text with the precision that a short run deserves."""
    return f"{1000 * seconds:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def count(number: int, singular: str, plural: str = "") -> str:
    """“1 token”, “18 tokens”."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def _queries(answer: Answer) -> tuple[tuple[str, str, str, bool], ...]:
    return tuple(zip(answer.asked, answer.answers, answer.truths, answer.correct, strict=True))
