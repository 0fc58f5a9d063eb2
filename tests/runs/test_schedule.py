"""Schedules: the paper's own among them, budgets that add up, statements that stay whole, and surprise one by one."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sleepviz.config.base import ConfigError
from sleepviz.config.events import CacheEvicted, SleepPassDone, SleepStarted
from sleepviz.config.model import PASSES_MAX, SleepPolicy
from sleepviz.config.run import Spending, Trigger
from sleepviz.core.memory import Memory
from sleepviz.core.sleep import sleep
from sleepviz.core.surprise import over_usual, surprises
from sleepviz.runs.checkpoint import Checkpoint, CheckpointInfo
from sleepviz.runs.schedule import Schedule, Sleeper, consolidate
from sleepviz.runs.windows import cut_windows
from sleepviz.tasks import FAMILIES
from sleepviz.tasks.base import statement_stops
from sleepviz.tasks.depo.task import Depo
from sleepviz.tasks.gsm.task import Gsm
from tests.builders import TASK, empty, random_model, same_memory, small_checkpoint, small_config
from tests.runs.test_record import of, run, without_seconds

WINDOW = TASK.window
GRAPH = Depo(nodes_max=8, window_edges=4, hops_max=3)


def graph_model(**changes: Any) -> Any:
    layers = ("full_attention", "linear_attention") * 2
    return random_model(small_config(vocab_size=GRAPH.vocab_size, window=GRAPH.window, layer_types=layers, **changes))


def contexts(size: int, seed: int = 0) -> torch.Tensor:
    """Graphs of two windows, [size, 2 L]."""
    rng, levels = np.random.default_rng(seed), np.full(size, 2)
    batch = GRAPH.batch(rng, size=size, n_windows=2, difficulty=levels, split="held_out")
    return torch.from_numpy(batch.windows).flatten(1)


# The paper's schedule.


def test_every_window_of_tokens_is_window_full_to_the_bit() -> None:
    checkpoint = small_checkpoint()
    papers = [without_seconds(event) for event in run(checkpoint, n_passes=2)]
    assert papers == [without_seconds(e) for e in run(checkpoint, n_passes=2, trigger=Trigger("every", every=WINDOW))]
    assert papers == [without_seconds(e) for e in run(checkpoint, n_passes=2, spending=Spending("even", budget=6))]

    model, context = graph_model(), contexts(3)
    memory = empty(model, 3)
    for window in context.split(GRAPH.window, dim=1):
        memory = sleep(model, window, memory, SleepPolicy(2))
    for trigger in (Trigger(), Trigger("every", every=GRAPH.window)):
        found = consolidate(Sleeper(model, GRAPH, SleepPolicy(2), Schedule(trigger)), context, empty(model, 3))
        assert same_memory(found.memory, memory)
        assert found.passes.tolist() == [2.0] * 3 and found.sleeps.tolist() == [2] * 3


# Budgets.


@given(st.data())
def test_a_budget_is_spent_exactly_and_never_exceeded(data: st.DataObject) -> None:
    """Whatever windows need: all of it where nothing is ever still, and a pass for each window where it suffices."""
    n_windows = data.draw(st.integers(1, 12))
    budget = data.draw(st.integers(0, PASSES_MAX))
    for spending in (Spending("even", budget), Spending("hardest", budget, 0.1)):
        needs = data.draw(st.lists(st.integers(1, PASSES_MAX), min_size=n_windows, max_size=n_windows))
        for asked in (needs, [PASSES_MAX] * n_windows):
            taken: list[int] = []
            for index, need in enumerate(asked):
                most = spending.allowed(99, index=index, n_windows=n_windows, spent=sum(taken))
                taken.append(most if spending.kind == "even" else min(need, most))
            assert sum(taken) <= budget
            if budget >= n_windows:
                assert min(taken) >= 1
            if spending.kind == "even" or asked != needs:
                assert sum(taken) == budget
            if spending.kind == "even":
                assert max(taken) - min(taken) <= 1
            elif sum(needs) <= budget and asked == needs and budget >= n_windows:
                assert taken == needs  # what one window saves, another can have


def passes_by_window(events: list[Any]) -> list[int]:
    counts = [0] * len(of(SleepStarted, events))
    for done in of(SleepPassDone, events):
        counts[done.window_index] += 1
    return counts


@pytest.mark.parametrize(
    ("spending", "expected"),
    [
        (Spending("even", budget=8), [3, 3, 2]),
        (Spending("hardest", budget=8, threshold=1e-9), [6, 1, 1]),
        (Spending("hardest", budget=8, threshold=100.0), [1, 1, 1]),
        (Spending("hardest", budget=2, threshold=100.0), [0, 1, 1]),
        (Spending("still", threshold=100.0), [1, 1, 1]),
        (Spending("still", threshold=1e-9), [4, 4, 4]),
    ],
)
def test_a_run_takes_the_passes_that_its_spending_allows(spending: Spending, expected: list[int]) -> None:
    """A change of S below 1e-9 never comes in four passes; one below 100 times its size comes at once."""
    events = run(small_checkpoint(), n_passes=4, spending=spending)
    assert passes_by_window(events) == expected
    allowed = [event.n_passes for event in of(SleepStarted, events)]
    assert all(most >= taken for most, taken in zip(allowed, expected, strict=True))
    assert len(of(CacheEvicted, events)) == 3


def test_instances_of_a_batch_share_no_budget() -> None:
    """Each instance spends its own passes: batched and alone they end with the same S, after as many passes."""
    model, context = graph_model(), contexts(6)
    schedule = Schedule(spending=Spending("hardest", budget=7, threshold=0.9))
    sleeper = Sleeper(model, GRAPH, SleepPolicy(1), schedule)
    together = consolidate(sleeper, context, empty(model, 6))
    assert len(set(together.passes.tolist())) > 1  # so that the test can fail
    for index in range(6):
        alone = consolidate(sleeper, context[index : index + 1], empty(model))
        assert together.passes[index] == alone.passes[0]
        for ours, theirs in zip(together.memory.fast_weights, alone.memory.fast_weights, strict=True):
            torch.testing.assert_close(ours[index], theirs[0], rtol=1e-9, atol=1e-12)


def test_a_budget_needs_windows_that_can_be_counted() -> None:
    with pytest.raises(ConfigError, match="how many windows"):
        Schedule(Trigger("surprise", ratio=2.0), Spending("even", budget=8))
    with pytest.raises(ConfigError, match="hard eviction"):
        run(small_checkpoint(), eviction="sliding", spending=Spending("still", threshold=0.1))


# Statements.


def test_statements_by_hand() -> None:
    """Depo: four edges of three tokens, then 8 names; GSM: question and first assignment, another, the roll call."""
    assert statement_stops(GRAPH, [0] * GRAPH.window) == (3, 6, 9, 12, 36)
    sums = Gsm(variables_max=4, window_statements=2, windows_max=2, operations_max=3)
    assert statement_stops(sums, [0] * 2 * sums.window) == (6, 9, 25, 31, 34, 50)
    assert statement_stops(TASK, [0] * 3 * WINDOW) == (WINDOW, 2 * WINDOW, 3 * WINDOW)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_no_statement_of_a_task_is_torn_apart(name: str) -> None:
    """Windows end at ends of statements, and each is full or holds so many statements."""
    task = FAMILIES[name].default_preset.task
    rng, levels = np.random.default_rng(0), np.full(1, task.difficulty_min)
    batch = task.batch(rng, size=1, n_windows=task.windows_min, difficulty=levels, split="held_out")
    context = batch.windows.reshape(-1).tolist()
    stops = statement_stops(task, context)
    assert list(stops) == sorted(set(stops)) and stops[-1] == len(context)
    windows = cut_windows(len(context), task.window, Trigger("statement", statements=2), stops)
    assert [w.stop for w in windows[:-1]] == [w.start for w in windows[1:]] and windows[-1].stop == len(context)
    for window in windows:
        over = sum(window.start < stop <= window.stop for stop in stops)
        is_full = window.stop - window.start == task.window
        assert is_full or window.stop in stops
        assert over == 2 or window.trigger in ("window full", "a page over")
        assert (window.trigger == "2 statements over") == (over == 2 and not is_full)


# Surprise.


def test_surprise_cuts_where_the_statement_of_the_first_surprising_token_ends() -> None:
    """Batched, against one instance at a time, cut by a loop over its tokens."""
    model, context, ratio = graph_model(), contexts(8), 1.3
    stops = statement_stops(GRAPH, context[0].tolist())
    schedule = Schedule(Trigger("surprise", ratio=ratio))
    together = consolidate(Sleeper(model, GRAPH, SleepPolicy(2), schedule), context, empty(model, 8))
    counts = set()
    for index in range(8):
        memory, start, sleeps = empty(model), 0, 0
        while start < context.shape[1]:
            ahead = context[index : index + 1, start : start + GRAPH.window]
            sizes = surprises(model, ahead, memory)[0].tolist()
            stop = (start // GRAPH.window + 1) * GRAPH.window  # the page ends there
            for t in range(4, stop - start):
                if sizes[t] > ratio * np.mean(sizes[:t]):
                    stop = min(min(s for s in stops if s > start + t), stop)
                    break
            memory = sleep(model, context[index : index + 1, start:stop], memory, SleepPolicy(2))
            start, sleeps = stop, sleeps + 1
        counts.add(sleeps)
        assert together.sleeps[index] == sleeps and together.passes[index] == 2
        for ours, theirs in zip(together.memory.fast_weights, memory.fast_weights, strict=True):
            torch.testing.assert_close(ours[index], theirs[0], rtol=1e-9, atol=1e-12)
    assert len(counts) > 1  # so that the test can fail


def test_the_event_of_a_surprise_says_by_how_much() -> None:
    model = graph_model().float()
    sizes = {**GRAPH.limits(), "passes_trained": 4, "passes_max": 16}
    info = CheckpointInfo("graph", "depo", True, "0" * 64, sizes, {}, {"sleep_attention": "causal"})
    nodes = "abcdefgh"
    edges = [[a, b] for a, b in zip(nodes, nodes[1:] + nodes[0], strict=True)]
    given_ = json.dumps({"edges": edges, "start": "a", "hops": 2})
    from sleepviz.config.run import RunSpec
    from sleepviz.runs.record import record

    spec = RunSpec("depo", given_, n_passes=1, trigger=Trigger("surprise", ratio=1.3))
    started = of(SleepStarted, list(record(spec, Checkpoint(info, GRAPH, model))))
    reasons = [event.trigger for event in started]
    assert any(reason.startswith("a surprise, ") for reason in reasons)
    context = torch.tensor([GRAPH.encode(GRAPH.parse(given_, sizes)).context])
    first = over_usual(surprises(model, context[:, : GRAPH.window], Memory.empty(model.config, 1)))[0]
    above = [float(ratio) for ratio in first if ratio > 1.3]
    assert reasons[0] == f"a surprise, {above[0]:.1f} times the usual"
