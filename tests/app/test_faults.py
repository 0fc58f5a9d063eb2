"""What goes wrong under a serving app: the visitor reads one sentence, and the next run works."""

from __future__ import annotations

import copy
import json
import random
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from app.learn import limits
from app.shell import messages, runs
from app.shell.jobs import Refusals, RunKey, RunQueue
from app.shell.results import Results, ResultsError, read_results
from app.your_model import own_text
from sleepviz.config.events import Event, TokenRead
from sleepviz.config.places import ASSETS
from sleepviz.config.run import RunSpec
from tests.app.made import BASELINE, DEFAULT, HOME_ROW
from tests.app.page import clean, errors, live, opened, payload

STRANGE = (None, True, -1, 0, 10**400, 1e308, float("inf"), float("nan"), "", "1", "x" * 1000, "\ud800", [], [[]], {})


def damaged(values: Any, draw: random.Random) -> Any:
    """The same JSON with one value, somewhere, replaced, removed or doubled."""
    found = copy.deepcopy(values)
    parent, key = None, None
    here = found
    while isinstance(here, dict | list) and here and (parent is None or draw.random() < 0.9):
        parent, key = here, draw.choice(list(here) if isinstance(here, dict) else range(len(here)))
        here = here[key]
    if parent is None or draw.random() < 0.05:
        return draw.choice(STRANGE)
    if draw.random() < 0.2:
        del parent[key]
    else:
        parent[key] = draw.choice(STRANGE)
    return found


FILES = ("rule110", "depo", "gsm", "text-micro")
SHIPPED = {name: json.loads((ASSETS / "results" / f"{name}.json").read_text()) for name in FILES}


@given(name=st.sampled_from(FILES), seed=st.integers(0, 2**32), cut=st.floats(0, 1))
@settings(max_examples=120)
def test_a_results_file_that_is_damaged_anywhere_is_refused_or_read(
    name: str, seed: int, cut: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Half of them are cut short instead, as by a full disk."""
    path = tmp_path_factory.mktemp("results") / f"{name}.json"
    few = {**SHIPPED[name], "entries": SHIPPED[name]["entries"][:40]}
    text = json.dumps(few)
    path.write_text(json.dumps(damaged(few, random.Random(seed))) if seed % 2 else text[: int(cut * len(text))])

    found: dict[str, Results] = {}
    with suppress(ResultsError):
        found[name] = read_results(path)
    evidence = limits.Evidence(found, limits.read_text_model(path))
    for topic in limits.TOPICS:
        assert all(isinstance(sentence, str) for sentence in topic.sentences(evidence))
    assert isinstance(own_text.measured(path, str(few.get("digest")), 1), str)


def key(name: str) -> RunKey:
    return RunKey(RunSpec("rule110", name), "digest")


def test_a_worker_that_dies_in_mid_run_ends_its_job_with_a_sentence_and_the_next_one_runs() -> None:
    def record(run: RunKey) -> Iterator[Event]:
        yield TokenRead(0, "0", 0, (0,))
        if run.spec.input == "dies":
            raise SystemExit  # a thread that is told to exit; no Exception, so easily overlooked

    queue = RunQueue(record, lambda run: {}, Refusals((), messages.INTERNAL_ERROR, messages.TOO_MANY))
    first, second = queue.submit((key("dies"),)), queue.submit((key("lives"),))
    assert first.wait(10) and second.wait(10)
    assert (first.phase, first.message) == ("failed", messages.INTERNAL_ERROR)
    assert second.phase == "done"


def test_a_host_without_threads_to_spare_refuses_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = RunQueue(lambda run: iter(()), lambda run: {}, Refusals((), messages.INTERNAL_ERROR, messages.TOO_MANY))
    with monkeypatch.context() as patched:

        def refuse(self: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        patched.setattr(threading.Thread, "start", refuse)
        job = queue.submit((key("first"),))
    assert (job.phase, job.message) == ("failed", messages.TOO_MANY)
    job = queue.submit((key("second"),))
    assert job.wait(10) and job.phase == "done"


def test_a_clock_that_jumps_ends_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that wakes up sets its clock by hours: leases and turns must not go by it."""
    jumping = iter(range(0, 10**12, 10**8))
    monkeypatch.setattr(time, "time", lambda: float(next(jumping)))
    monkeypatch.setattr(time, "time_ns", lambda: next(jumping) * 10**9)

    def record(run: RunKey) -> Iterator[Event]:
        for position in range(5):
            time.sleep(0.01)
            yield TokenRead(position, "0", 0, (0,))

    queue = RunQueue(record, lambda run: {}, Refusals((), messages.INTERNAL_ERROR, messages.TOO_MANY))
    jobs = [queue.submit((key(name),)) for name in "abc"]
    assert all(job.wait(10) for job in jobs)
    assert [job.phase for job in jobs] == ["done"] * 3


def asked_again(page: AppTest, passes: int) -> AppTest:
    """Run live with another N."""
    page.select_slider(key="rule110_passes").set_value(passes)
    page.button(key="run").click()
    return clean(page.run())


def settled(page: AppTest) -> AppTest:
    """Run until the page says what is wrong."""
    deadline = time.monotonic() + 60
    while not errors(page):
        assert time.monotonic() < deadline
        clean(page.run())
    return page


def answered(page: AppTest, passes: int) -> AppTest:
    """Run until the stage shows the run with so many passes."""
    deadline = time.monotonic() + 60
    while payload(page)["sleeps"][0]["passes"] != passes:
        assert time.monotonic() < deadline and not errors(page), errors(page)
        clean(page.run())
    return page


def test_a_checkpoint_that_goes_or_is_cut_short_while_serving_is_one_sentence(assets: Path) -> None:
    weights = assets / "checkpoints" / DEFAULT / "model.safetensors"
    whole = weights.read_bytes()
    page = live(opened(rows=HOME_ROW, t="2", N="2"))
    runs._loaded.clear()  # as if the server had not used these weights yet
    weights.write_bytes(whole[: len(whole) // 2])
    (said,) = errors(settled(asked_again(page, 5)))
    assert "do not match their digest" in said
    weights.unlink()
    (said,) = errors(settled(asked_again(page, 6)))
    assert "are missing" in said
    weights.write_bytes(whole)
    clean(asked_again(page, 7))
    assert payload(answered(page, 7))["badge"].startswith("live")

    shutil.rmtree(weights.parent)  # its weights are loaded; what is said about the run is not
    (said,) = errors(settled(asked_again(page, 8)))
    assert said == f"There is no checkpoint named '{DEFAULT}'."
    runs.checkpoints.clear()  # a minute later
    assert errors(clean(page.run())) == [messages.no_checkpoint("rule110")]


def test_weights_that_are_replaced_while_serving_never_answer_under_the_old_digest(assets: Path) -> None:
    page = live(opened(rows=HOME_ROW, t="2", N="2"))
    old = payload(page)["badge"]
    shutil.rmtree(assets / "checkpoints" / DEFAULT)
    shutil.copytree(assets / "checkpoints" / BASELINE, assets / "checkpoints" / DEFAULT)
    meta = assets / "checkpoints" / DEFAULT / "meta.json"
    meta.write_text(json.dumps({**json.loads(meta.read_text()), "default": True}))
    runs._loaded.clear()  # as if the server had not used these weights yet, though the page knows their digest

    (said,) = errors(settled(asked_again(page, 9)))

    assert said == messages.OTHER_WEIGHTS_NOW.format(name=DEFAULT)
    after = payload(answered(asked_again(page, 10), 10))["badge"]
    assert after.split(" · ")[1] != old.split(" · ")[1]  # the new digest
