"""Is what S gives what the model answers? The readers against the answering pass, and against each other."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sleepviz.config.model import ModelConfig, SleepPolicy
from sleepviz.core.memory import Memory
from sleepviz.core.model import HybridLM
from sleepviz.studies.reading.memory import answered, fit_probe, read_by_lens, read_by_probe
from sleepviz.tasks.base import Batch
from sleepviz.tasks.depo.study import asked_name, goes_elsewhere, goes_onward, node_after
from sleepviz.tasks.depo.task import Depo
from sleepviz.training.evaluate import Setting, asleep, other_instances, right_awake
from tests.builders import random_model

TASK = Depo(nodes_max=8, window_edges=4, hops_max=3)


def model() -> HybridLM:
    layers = ("full_attention", "linear_attention") * 2
    config = ModelConfig(TASK.vocab_size, TASK.window, layers, d_model=16, n_heads=2, fast_heads=2, conv_kernel=4)
    return random_model(config, dtype=torch.float32)


def batch(hops: int, size: int = 12) -> Batch:
    levels = np.full(size, hops)
    return TASK.batch(np.random.default_rng(5), size=size, n_windows=2, difficulty=levels, split="held_out")


def slept(of: HybridLM, given: Batch) -> Memory:
    return asleep(of, TASK, given, Setting(SleepPolicy(2)))


def test_the_answer_is_the_one_that_evaluation_scores() -> None:
    of, given = model(), batch(2)
    memory = slept(of, given)
    answer, right = answered(of, given, memory)
    assert right.tolist() == right_awake(of, given, memory).all(axis=-1)[:, 0].tolist()
    assert answer.shape == (12,) and len(set(answer.tolist())) > 1


@pytest.mark.parametrize("layer", [1, 3, None])
def test_the_s_of_another_instance_is_that_of_the_one_before(layer: int | None) -> None:
    of, given = model(), batch(1)
    same_question = Batch(given.windows, np.repeat(given.queries[:1], 12, axis=0), given.targets, given.difficulty)
    memory = slept(of, same_question)
    own = read_by_lens(of, same_question, memory, layer)
    other = read_by_lens(of, same_question, other_instances(memory), layer)
    assert other.tolist() == np.roll(own, 1).tolist() and len(set(own.tolist())) > 1


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_the_part_that_is_asked_leads_to_the_target(hops: int) -> None:
    given = batch(hops)
    asked = asked_name(TASK, given)
    names = [int(TASK.token_text(int(token)).strip("n:")) - 1 for token in given.queries[:, 0, 1]]
    assert asked.tolist() == names
    reached = node_after(TASK, given, hops)[np.arange(12), asked]
    assert reached.tolist() == given.targets[np.arange(12), 0, given.difficulty, TASK.first_part].tolist()


def test_a_chain_goes_on_later_or_elsewhere() -> None:
    """By reading the edges of each window as text."""
    given = TASK.batch(np.random.default_rng(8), size=40, n_windows=2, difficulty=np.full(40, 2), split="held_out")
    expected = []
    for windows, query in zip(given.windows, given.queries[:, 0], strict=True):
        start = TASK.token_text(int(query[1])).strip(":")
        edges = {}
        for index, window in enumerate(windows):
            said = [TASK.token_text(int(token)) for token in window[: TASK.roll_call]]
            edges |= {said[at]: (index, said[at + 1]) for at in range(0, TASK.roll_call, 3)}
        window, onward = edges[start]
        expected.append(window < edges[onward][0])
    assert goes_onward(TASK, given).tolist() == expected and 0 < sum(expected) < 40
    assert goes_elsewhere(TASK, given).tolist() == [not later for later in expected]


def test_a_probe_reads_a_table_that_s_holds_and_guesses_one_that_it_does_not() -> None:
    rng = np.random.default_rng(0)
    tables = np.stack([rng.permutation(6) for _ in range(400)])  # [n, 6 names]: where each leads
    hidden = rng.standard_normal((36, 50))
    states = torch.from_numpy(np.eye(6)[tables].reshape(400, 36) @ hidden + 0.05 * rng.standard_normal((400, 50)))
    probe, asked = fit_probe(states[:300], tables[:300]), rng.integers(0, 6, 100)
    true = tables[300:][np.arange(100), asked]
    assert (read_by_probe(probe, states[300:], 6, asked) == true).mean() > 0.97
    strange = read_by_probe(probe, states[300:].roll(1, dims=0), 6, asked)
    assert (strange == true).mean() < 0.4  # 1 in 6 is chance
