"""One run of a transformers model as events: against our own recorder for our checkpoint, and by hand for a text."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from sleepviz.config.base import ConfigError
from sleepviz.config.events import Answer, AnswerScored, CacheEvicted, Event, SleepPassDone, SleepStarted, TokenRead
from sleepviz.config.model import SleepPolicy
from sleepviz.config.run import RunSpec
from sleepviz.hybrids.cache import SleepCache
from sleepviz.hybrids.modeling import SleepConfig, SleepForCausalLM
from sleepviz.hybrids.models.families import tiny
from sleepviz.hybrids.models.tokens import Bytes
from sleepviz.hybrids.sleep import generate, predict, sleep_hybrid
from sleepviz.hybrids.watched import Question, of_text, watch
from sleepviz.runs.checkpoint import Checkpoint
from sleepviz.runs.record import record
from tests.builders import TASK, small_checkpoint

DOCUMENT, QUESTION = "The lamp is green; the door", "It is "
WINDOW = 12  # 27 bytes: two full windows and one of three


def as_transformers(checkpoint: Checkpoint) -> SleepForCausalLM:
    config = SleepConfig(
        architecture=checkpoint.model.config.to_json(),
        task={"name": "rule110", "sizes": TASK.to_json()},
        passes_trained=4,
    )
    model = SleepForCausalLM(config)
    model.lm.load_state_dict(checkpoint.model.state_dict())
    return model.eval().requires_grad_(False)  # type: ignore[return-value]


def of_task(model: SleepForCausalLM, text: str, limits: dict[str, Any]) -> Question:
    """A task's input in its JSON form, as `sleepviz run` takes it. A checkpoint is asked as `record` asks it."""
    task = model.task
    instance = task.parse(text, limits)
    problem = task.encode(instance)

    def answer(cache: SleepCache, n_queries: int) -> Answer:
        queries = torch.from_numpy(problem.queries[:n_queries].copy())
        if not n_queries:
            return task.answer(instance, np.zeros((0, queries.shape[1], task.vocab_size), dtype=np.float32))
        logits, _ = predict(model, queries, cache.repeated(n_queries))
        return task.answer(instance, logits.softmax(dim=-1).float().numpy())

    return Question(
        context=torch.tensor([problem.context]),
        token_text=task.token_text,
        woken=lambda cache, n_read: answer(cache, sum(stop <= n_read for stop in problem.query_stops)),
        final=lambda cache: answer(cache, problem.n_asked),
    )


def kinds(events: tuple[Event, ...], kind: type) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]


def same_answer(one: AnswerScored | SleepPassDone, other: AnswerScored | SleepPassDone) -> bool:
    ours, theirs = (e.answer if isinstance(e, AnswerScored) else e.woken for e in (one, other))
    texts = all(getattr(ours, n) == getattr(theirs, n) for n in ("asked", "answers", "truths", "correct", "reached"))
    return texts and np.allclose(ours.confidence, theirs.confidence, atol=1e-5)


def test_a_span_is_looped_alone_and_its_first_layer_starts_the_stream() -> None:
    """Of four layers the middle two: what `sleep_hybrid` gives with that span, which a whole loop does not."""
    model = tiny("Qwen3.5", vocab_size=256)
    question = of_text(model, Bytes(), DOCUMENT, QUESTION)
    tokens = torch.tensor([list(DOCUMENT.encode())[:WINDOW]])

    def last_state(span: tuple[int, int] | None) -> np.ndarray:
        events = watch(model, question, SleepPolicy(3), window=WINDOW, span=span)
        return [event for event in events if isinstance(event, SleepPassDone)][2].layers[1].state

    with torch.inference_mode():
        cache = sleep_hybrid(model, tokens, SleepPolicy(3), window=WINDOW, span=(1, 3))
    expected = cache.fast_weights[1][0, :4].numpy()
    np.testing.assert_allclose(last_state((1, 3)), expected, atol=1e-5)
    assert np.abs(last_state(None) - expected).max() > 1e-2


@pytest.mark.parametrize("n_passes", [0, 1, 3])
@pytest.mark.parametrize("eviction", ["hard", "sliding"])
def test_our_checkpoint_tells_what_record_tells(n_passes: int, eviction: str) -> None:
    checkpoint = small_checkpoint()
    text = json.dumps({"rows": ["01101001", "11110000"], "steps": 2})
    spec = RunSpec("rule110", text, n_passes=n_passes, eviction=eviction)  # type: ignore[arg-type]
    expected = tuple(record(spec, checkpoint))
    model = as_transformers(checkpoint)
    question = of_task(model, text, checkpoint.info.limits)
    found = tuple(watch(model, question, SleepPolicy(n_passes, eviction), window=TASK.window))  # type: ignore[arg-type]

    assert [type(event) for event in found] == [type(event) for event in expected]
    for ours, theirs in zip(found, expected, strict=True):
        if isinstance(ours, TokenRead | CacheEvicted):
            assert ours == theirs or vars(ours) == vars(theirs)
        elif isinstance(ours, SleepStarted):
            assert isinstance(theirs, SleepStarted)
            assert replace(ours, trigger="").__dict__ == replace(theirs, trigger="").__dict__
        else:
            assert isinstance(ours, SleepPassDone | AnswerScored) and isinstance(theirs, SleepPassDone | AnswerScored)
            assert same_answer(ours, theirs)
        if isinstance(ours, SleepPassDone) and isinstance(theirs, SleepPassDone):
            assert ours.h_drift == pytest.approx(theirs.h_drift, abs=1e-5)
            for mine, other in zip(ours.layers, theirs.layers, strict=True):
                assert mine.layer == other.layer
                np.testing.assert_allclose(mine.state, other.state, atol=1e-5)
                np.testing.assert_allclose(mine.drift, other.drift, atol=1e-5)


def test_a_text_is_read_slept_on_and_answered_from_what_is_left() -> None:
    model = tiny("Qwen3.5", vocab_size=256)
    question = of_text(model, Bytes(), DOCUMENT, QUESTION)
    events = tuple(watch(model, question, SleepPolicy(2), window=WINDOW))

    assert "".join(event.token for event in kinds(events, TokenRead)) == DOCUMENT  # type: ignore[attr-defined]
    assert [event.kv_tokens for event in kinds(events, TokenRead)][10:14] == [(11, 11), (12, 12), (1, 1), (2, 2)]  # type: ignore[attr-defined]
    starts = [(e.start, e.stop, e.kv_tokens, e.trigger) for e in kinds(events, SleepStarted)]  # type: ignore[attr-defined]
    assert starts == [
        (0, 12, (12, 12), "window full"),
        (12, 24, (12, 12), "window full"),
        (24, 27, (3, 3), "context over"),
    ]
    freed = [event.bytes_freed for event in kinds(events, CacheEvicted)]  # type: ignore[attr-defined]
    a_token = 2 * 2 * 2 * 8 * 4  # layers, keys and values, heads, width, bytes
    assert freed == [12 * a_token, 12 * a_token, 3 * a_token]

    context = torch.tensor([list(DOCUMENT.encode())])
    with torch.inference_mode():
        cache = sleep_hybrid(model, context, SleepPolicy(2), window=WINDOW)
        asked = torch.tensor([list(QUESTION.encode())])
        said = generate(model, asked, cache, max_new_tokens=16, do_sample=False)[0].tolist()
        first, _ = predict(model, asked, cache)
    final, woken = events[-1], kinds(events, SleepPassDone)[-1]
    assert isinstance(final, AnswerScored) and final.answer.answers == (Bytes().decode(said),)
    assert isinstance(woken, SleepPassDone) and woken.woken.answers == (Bytes().decode(said[:1]),)
    assert float(woken.woken.confidence[0, 0]) == pytest.approx(float(first[0, -1].softmax(-1).max()), abs=1e-5)


def test_a_window_that_gives_up_its_last_token_does_not_end_the_context() -> None:
    model = tiny("Qwen3.5", vocab_size=256)
    question = of_text(model, Bytes(), DOCUMENT[: 2 * WINDOW + 1], QUESTION)
    starts = kinds(tuple(watch(model, question, SleepPolicy(1), window=WINDOW)), SleepStarted)
    assert [(e.start, e.stop, e.trigger) for e in starts] == [  # type: ignore[attr-defined]
        (0, 12, "window full"),
        (12, 23, "window full"),
        (23, 25, "context over"),
    ]


def test_unread_and_full_attention_differ_from_sleep_in_what_they_hold() -> None:
    model = tiny("Falcon-H1", vocab_size=256)
    question = of_text(model, Bytes(), DOCUMENT, QUESTION)
    unread = tuple(watch(model, question, SleepPolicy(0), window=WINDOW))
    full = tuple(watch(model, question, SleepPolicy(1, "none"), window=WINDOW))

    assert not kinds(unread, SleepPassDone) and {e.fast_bytes for e in kinds(unread, CacheEvicted)} == {0}  # type: ignore[attr-defined]
    assert [e.tokens_dropped for e in kinds(full, CacheEvicted)] == [0, 0, 0]  # type: ignore[attr-defined]
    assert kinds(full, CacheEvicted)[-1].kv_tokens == (27,) * 4  # type: ignore[attr-defined]
    forgetful = of_text(model, Bytes(), DOCUMENT[::-1], QUESTION)
    other = tuple(watch(model, forgetful, SleepPolicy(0), window=WINDOW))
    assert other[-1].answer.answers == unread[-1].answer.answers  # type: ignore[union-attr]  # nothing was read


def test_drift_starts_from_the_stream_that_enters_the_first_layer() -> None:
    """Falcon-H1 scales its embedding: the first drift is measured from the scaled one."""
    model = tiny("Falcon-H1", vocab_size=256)
    question = of_text(model, Bytes(), DOCUMENT[:8], QUESTION)
    first = kinds(tuple(watch(model, question, SleepPolicy(1), window=WINDOW)), SleepPassDone)[0]
    tokens = torch.tensor([list(DOCUMENT[:8].encode())])
    streams = []
    hook = model.model.final_layernorm.register_forward_pre_hook(lambda _, args: streams.append(args[0]))
    with torch.inference_mode():
        model(tokens)
        hook.remove()
        entered = 2.0 * model.get_input_embeddings()(tokens)
        after = streams[0]
    expected = float((after - entered).norm() / after.norm())

    assert isinstance(first, SleepPassDone) and first.h_drift == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("document", "question"), [("x", "why"), ("x" * 2049, "why"), ("ab", "")])
def test_texts_out_of_range_are_refused(document: str, question: str) -> None:
    with pytest.raises(ConfigError, match="must have from"):
        of_text(tiny("Qwen3.5", vocab_size=256), Bytes(), document, question)


def test_a_byte_tokenizer_is_its_own_inverse() -> None:
    assert Bytes().decode(Bytes().encode("Mira’s key, 12 €")) == "Mira’s key, 12 €"
