"""Accuracy: intervals worked out by hand, counts against a model whose answers are known beforehand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import sleepviz.training.evaluate
from sleepviz.config.base import ConfigError
from sleepviz.config.model import SleepPolicy
from sleepviz.config.run import RunSpec, Trigger
from sleepviz.core.memory import Memory
from sleepviz.core.sleep import sleep
from sleepviz.runs.schedule import Schedule
from sleepviz.tasks.base import NOT_ASKED, Batch
from sleepviz.tasks.rule110.task import HEADER, is_held_out
from sleepviz.training.evaluate import (
    EVALUATION_STREAM,
    VALIDATION_STREAM,
    Setting,
    accuracy,
    evaluate,
    right_parts,
    wilson,
)
from sleepviz.training.train import TRAINING_STREAM
from tests.builders import TASK, at_each, empty, random_model, rule110_config, small_checkpoint

SEED = (EVALUATION_STREAM, 7)


def test_wilson_interval_by_hand() -> None:
    """Published values (Newcombe 1998, table I: 81 of 263; 15 of 148; 0 of 20; 1 of 29) and the two ends."""
    for correct, n, low, high in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:
        assert wilson(correct, n) == pytest.approx((low, high), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)
    # n = z^2, half of them right: the interval is 1/2 +- sqrt(2)/4
    four = 4
    assert wilson(2, four, z=2.0) == pytest.approx((0.5 - math.sqrt(2) / 4, 0.5 + math.sqrt(2) / 4))


@given(n=st.integers(1, 5000), share=st.floats(0, 1))
def test_wilson_interval_holds_the_share_and_is_a_mirror_image(n: int, share: float) -> None:
    correct = round(share * n)
    low, high = wilson(correct, n)
    assert 0 <= low <= correct / n + 1e-12 and correct / n - 1e-12 <= high <= 1
    assert wilson(n - correct, n) == pytest.approx((1 - high, 1 - low))
    # It solves (p - share)^2 = z^2 p (1 - p) / n at both ends.
    for p in (low, high):
        if 0 < p < 1:
            assert (p - correct / n) ** 2 == pytest.approx(1.959964**2 * p * (1 - p) / n, abs=1e-9)


class Oracle:
    """Stands in for a model that sleeps 0 passes: answers what `answers` says for each query it is asked."""

    def __init__(self, answers: Callable[[Tensor], Tensor]) -> None:
        self.config, self.answers = rule110_config(), answers

    def embed(self, tokens: Tensor) -> Tensor:
        return torch.zeros(*tokens.shape, 1)

    def __call__(self, tokens: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        return torch.nn.functional.one_hot(self.answers(tokens), TASK.vocab_size).float(), memory


def watched_batches(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Batch, str]]:
    """Every batch that the task gives from now on, with its split."""
    seen: list[tuple[Batch, str]] = []
    original = type(TASK).batch

    def batch(self: Any, rng: np.random.Generator, **options: Any) -> Batch:
        made = original(self, rng, **options)
        seen.append((made, options["split"]))
        return made

    monkeypatch.setattr(type(TASK), "batch", batch)
    return seen


@pytest.mark.parametrize("n", [5, 300])
def test_counts_equal_a_count_by_hand(monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    """A model that throws coins, biased to the truth one cell in a while: every cell is compared with the table."""
    batches = watched_batches(monkeypatch)
    generator, asked = torch.Generator().manual_seed(1), []

    def coins(tokens: Tensor) -> Tensor:
        coin = torch.randint(0, 2, tokens.shape, generator=generator)
        asked.append(tokens // 3 * 3 + coin)  # each row answers in its own 0 and 1
        return asked[-1]

    right = accuracy(
        Oracle(coins),  # type: ignore[arg-type]
        TASK,
        Setting(SleepPolicy(0)),
        difficulty=2,
        n=n,
        n_windows=3,
        seed=SEED,
    )
    assert right.shape == (n, 3, TASK.window)
    instance, answers = 0, iter(asked)
    for batch, split in batches:
        assert split == "held_out"
        given = [next(answers) for _ in range(3)]
        for b in range(len(batch.windows)):
            for query in range(3):
                for place in range(TASK.window):
                    target = batch.targets[b, query, 2, place]
                    expected = target == NOT_ASKED or int(given[query][b, place]) == target
                    assert right[instance, query, place] == expected
            instance += 1
    assert instance == n and 0.3 < right[:, :, 1:].mean() < 0.7


def test_a_model_that_is_always_right_or_always_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = watched_batches(monkeypatch)
    query = iter(range(10**6))

    def truth(tokens: Tensor) -> Tensor:
        target = batches[-1][0].targets[:, next(query) % 2, 3]
        return torch.from_numpy(np.where(target == NOT_ASKED, 0, target))

    options: dict[str, Any] = {"difficulty": 3, "n": 20, "n_windows": 2, "seed": SEED}
    assert accuracy(Oracle(truth), TASK, Setting(SleepPolicy(0)), **options).all()  # type: ignore[arg-type]
    other_cell = Oracle(lambda t: (right := truth(t)) // 3 * 3 + 1 - right % 3)
    other_row = Oracle(lambda t: (truth(t) + 3) % 9)  # the right cells in the tokens of another row
    for oracle in (other_cell, other_row):
        wrong = accuracy(oracle, TASK, Setting(SleepPolicy(0)), **options)  # type: ignore[arg-type]
        asked = batches[-1][0].targets[0, 0, 0] != NOT_ASKED
        assert not wrong[:, :, asked].any() and wrong[:, :, ~asked].all()


def test_every_n_answers_the_same_instances_and_other_seeds_others(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = watched_batches(monkeypatch)
    model = random_model(rule110_config(), dtype=torch.float32)

    def windows(n_passes: int, difficulty: int, seed: tuple[int, int], n: int = 6) -> list[Any]:
        accuracy(model, TASK, Setting(SleepPolicy(n_passes)), difficulty=difficulty, n=n, n_windows=2, seed=seed)
        return batches[-1][0].windows.tolist()

    assert windows(1, 2, SEED) == windows(3, 2, SEED)
    assert windows(1, 2, SEED) != windows(1, 2, (EVALUATION_STREAM, 8))
    assert windows(1, 2, SEED) != windows(1, 2, (VALIDATION_STREAM, 7))


def test_evaluation_and_training_never_share_a_row() -> None:
    """By their streams, and, whatever the streams, by the split."""
    assert len({TRAINING_STREAM, EVALUATION_STREAM, VALIDATION_STREAM}) == 3
    rng = np.random.default_rng(0)
    for split, held_out in (("train", False), ("held_out", True)):
        batch = TASK.batch(rng, size=64, n_windows=3, difficulty=np.zeros(64, dtype=np.int64), split=split)  # type: ignore[arg-type]
        rows = (batch.windows[..., 1:] % 3).astype(np.uint8)  # a cell, whatever its row
        assert (is_held_out(rows) == held_out).all()


# Against the engine, one instance at a time.


@pytest.mark.parametrize("eviction", ["hard", "sliding", "none"])
@pytest.mark.parametrize("trigger", ["window", "every:4"])
def test_batched_answers_equal_those_of_each_instance_alone(eviction: Any, trigger: str) -> None:
    model, policy = random_model(rule110_config(), seed=3), SleepPolicy(2, eviction)
    double = Memory.empty
    batch = TASK.batch(
        np.random.default_rng(5), size=6, n_windows=3, difficulty=np.full(6, 1, dtype=np.int64), split="held_out"
    )
    with pytest.MonkeyPatch.context() as patch:  # float64, so that no answer hangs on a rounding
        patch.setattr(sleepviz.training.evaluate, "SLICE", 4)  # two slices, of four and of two
        patch.setattr(Memory, "empty", lambda config, n: double(config, n, dtype=torch.float64))
        right = right_parts(model, TASK, batch, Setting(policy, Schedule(Trigger.parse(trigger))))
    stops = {"window": range(TASK.window, 28, TASK.window), "every:4": [*range(4, 27, 4), 27]}[trigger]
    for b in range(6):
        memory, start, context = empty(model), 0, torch.from_numpy(batch.windows[b]).reshape(1, -1)
        for stop in stops:
            memory, start = sleep(model, context[:, start:stop], memory, policy), stop
        for query in range(3):
            answer = model(torch.from_numpy(batch.queries[b, query].copy())[None], memory)[0][0].argmax(-1).numpy()
            target = batch.targets[b, query, 1]
            assert np.array_equal(right[b, query], (answer == target) | (target == NOT_ASKED))


def test_shuffled_state_gives_every_instance_anothers_fast_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """And zero_state none: seen in the memory that the model wakes with. A last batch of one is no exception."""
    model = random_model(rule110_config(), dtype=torch.float32)
    monkeypatch.setattr(sleepviz.training.evaluate, "BATCH", 4)
    woken: dict[str, list[Tensor]] = {}
    forward = type(model).forward

    def spy(self: Any, tokens: Tensor, memory: Memory) -> Any:
        woken[control].append(memory.fast_weights[0])
        return forward(self, tokens, memory)

    monkeypatch.setattr(type(model), "forward", spy)
    for control in ("none", "zero_state", "shuffled_state"):
        woken[control] = []
        setting = Setting(SleepPolicy(2), control=control)  # type: ignore[arg-type]
        accuracy(model, TASK, setting, difficulty=1, n=5, n_windows=1, seed=SEED)
    own, zero, strange = (torch.cat(woken[control]) for control in ("none", "zero_state", "shuffled_state"))
    assert own.shape[0] == 5 and not zero.any()
    for b in range(5):
        assert (own[b] - strange[b]).abs().max() > 1e-3
        assert any(torch.equal(strange[b], other) for other in own)


# The `eval` command's table.


def test_the_table_counts_rows_all_rows_and_first_cells_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four instances of two rows: one wrong first cell, one wrong other cell, both in one of them, none."""
    right = np.ones((4, 2, TASK.window), dtype=bool)
    right[0, 0, HEADER] = False
    right[1, 1, -1] = False
    right[2, 0, HEADER] = right[2, 1, -1] = False
    asked: list[tuple[int, int]] = []

    def counted(_model: Any, _task: Any, setting: Setting, *, difficulty: int, **_: Any) -> Any:
        asked.append((setting.policy.n_passes, difficulty))
        return right

    monkeypatch.setattr(sleepviz.training.evaluate, "accuracies", at_each(counted))
    monkeypatch.setattr(sleepviz.training.evaluate, "checkpoint_of", lambda spec: small_checkpoint())
    table = evaluate(RunSpec("rule110", ""), passes=[0, 3], difficulties=[4, 1, 2], n=4)
    assert asked == [(0, 4), (0, 1), (0, 2), (3, 4), (3, 1), (3, 2)]
    assert table["passes"] == [0, 3] and table["difficulty"] == [4, 1, 2] and table["n"] == 4
    assert table["accuracy"] == [[0.5] * 3] * 2  # 4 rows of 8
    assert table["all_rows"] == [[0.25] * 3] * 2  # 1 instance of 4
    assert table["first_cells"] == [[0.5] * 3] * 2  # 2 instances of 4
    assert table["ci95"][0][0] == pytest.approx(wilson(2, 4))  # n counts instances


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n": 0}, "n must be"),
        ({"n": -1}, "n must be"),
        ({"n": 10**9}, "n must be"),
        ({"difficulties": [5]}, "0 to 4"),
        ({"difficulties": [-1]}, "0 to 4"),
        ({"n_windows": 4}, "1 to 3"),
        ({"n_windows": 0}, "1 to 3"),
        ({"n_windows": -1}, "1 to 3"),
        ({"passes": [99]}, "passes must be"),
        ({"passes": [17]}, "0 to 16"),
        ({"passes": [-1]}, "passes must be"),
    ],
)
def test_settings_out_of_range_are_refused_before_anything_is_computed(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], words: str
) -> None:
    monkeypatch.setattr(sleepviz.training.evaluate, "checkpoint_of", lambda spec: small_checkpoint())
    monkeypatch.setattr(
        sleepviz.training.evaluate, "accuracies", at_each(lambda *_, **__: pytest.fail("it was computed"))
    )
    with pytest.raises(ConfigError, match=words):
        evaluate(RunSpec("rule110", ""), **{"passes": [1], "difficulties": [1], "n": 4, **changes})  # type: ignore[arg-type]
