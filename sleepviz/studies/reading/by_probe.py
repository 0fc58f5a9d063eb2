"""Ask the memory by a probe: other instances sleep as one run does, and a linear map of their S reads that run's S.

S may say little through the model's own unembedding, and yet hold the answer in another form.
The probe is fitted to the answers of other instances after the same pass, and tested on instances that it never saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sleepviz.config.base import require
from sleepviz.config.events import Answer
from sleepviz.config.run import RunSpec, Trigger
from sleepviz.core.memory import Memory
from sleepviz.core.sleep import Pass, sleep, sleep_passes
from sleepviz.inside.reading import answer_parts
from sleepviz.inside.seen import PROBE_SLICE, PROBE_SLICES, ProbeSeen
from sleepviz.runs.checkpoint import Checkpoint
from sleepviz.runs.record import policy_of
from sleepviz.studies.reading.probe import scores_of
from sleepviz.tasks import FAMILIES
from sleepviz.tasks.base import Problem, Task, Tokens
from sleepviz.tasks.family import Probed
from sleepviz.training.evaluate import EVALUATION_STREAM, held_out

TESTED = 256  # of the other instances; the rest is fitted on
PROBE_STREAM = 71
"""Second word of the seed, so that no measurement draws the same instances."""


@dataclass(frozen=True)
class Others:
    """Other instances of a task that fill as many windows: the first TESTED of them test, `fitted` fit."""

    windows: Tensor  # [n, W, L]
    fitted: Tensor  # [n] bool: the last window of these is none that tests, and not the run's
    answers: Mapping[int, Tokens]  # level -> [n, parts]


@torch.inference_mode()  # entered anew for each step
def probe_passes(spec: RunSpec, checkpoint: Checkpoint) -> Iterator[ProbeSeen | None]:
    """Yield what the probe of each pass over the last window reads, and None after every other step.

    Raises ConfigError before the first step where no probe can be fitted.
    """
    task, model, policy = checkpoint.task, checkpoint.model, policy_of(spec, checkpoint)
    probed = FAMILIES[task.name].study.probed
    require(probed is not None, "No probe is fitted for this task.")
    require(spec.trigger == Trigger(), "A probe is fitted only where sleep begins when the window is full.")
    assert probed is not None
    instance = task.parse(spec.input, checkpoint.info.limits)
    problem = task.encode(instance)
    places = probed(task, problem)
    others = _others(task, problem, places)
    own = torch.tensor([problem.context]).view(1, -1, task.window)
    sleeping: list[Iterator[Pass]] = []
    for windows in (own, *torch.split(others.windows, PROBE_SLICE)):
        memory = Memory.empty(model.config, len(windows))
        for window in windows[:, :-1].unbind(dim=1):
            memory = sleep(model, window, memory, policy)
        sleeping.append(sleep_passes(model, windows[:, -1], memory, policy))
        if windows is not own:
            yield None
    for pass_index in range(policy.n_passes):
        states = []
        for each in sleeping:
            states.append(torch.cat([state.flatten(1) for state in next(each).memory.fast_weights], dim=1))
            if each is not sleeping[0]:
                yield None
        x = torch.cat(states).double()
        read = _read(x[:1], x[1:], others)
        own_read, other_read = ({level: values[i] for level, values in read.items()} for i in range(2))
        tested = {level: values[1:] for level, values in read.items()}
        yield ProbeSeen(
            pass_index=pass_index,
            own=_answer(task, instance, problem, places, own_read),
            other=_answer(task, instance, problem, places, other_read),
            levels=tuple(place.level if place else None for place in places),
            right=_shares(tested, others),
            right_other=_shares({level: np.roll(values, 1, axis=0) for level, values in tested.items()}, others),
            n_fitted=int(others.fitted.sum()),
            n_tested=TESTED,
        )


def _others(task: Task, problem: Problem, places: Sequence[Probed | None]) -> Others:
    """Held-out instances; where the windows show the difficulty, they ask what the run asks."""
    levels = sorted({place.level for place in places if place})
    difficulty = levels[-1] if task.difficulty_in_windows else task.difficulty_max
    n, n_windows = PROBE_SLICES * PROBE_SLICE, len(problem.context) // task.window
    seed = (EVALUATION_STREAM, PROBE_STREAM)
    batches = list(held_out(task, difficulty=difficulty, n=n, n_windows=n_windows, seed=seed))
    windows = np.concatenate([batch.windows for batch in batches])
    read = FAMILIES[task.name].study.read_from_state
    assert read is not None
    answers = {level: np.concatenate([read(task, batch, level) for batch in batches]) for level in levels}
    own = np.array(problem.context[-task.window :])
    kept_out = {each.tobytes() for each in (own, *windows[:TESTED, -1])}
    fitted = torch.tensor([each.tobytes() not in kept_out for each in windows[:, -1]])
    return Others(torch.from_numpy(windows), fitted, answers)


def _read(own: Tensor, states: Tensor, others: Others) -> dict[int, Tokens]:
    """Level -> the values that the probe reads, [1 + TESTED, parts]: of this run's S, then of those that test."""
    outputs = {level: torch.nn.functional.one_hot(torch.from_numpy(each)) for level, each in others.answers.items()}
    y = torch.cat([each.flatten(1) for each in outputs.values()], dim=1).double()
    scores = scores_of(states[others.fitted], y[others.fitted], torch.cat([own, states[:TESTED]]))
    each_level = torch.split(scores, [each[0].numel() for each in outputs.values()], dim=1)
    return {
        level: np.asarray(part.view(len(part), *each.shape[1:]).argmax(dim=-1).numpy())
        for (level, each), part in zip(outputs.items(), each_level, strict=True)
    }


def _shares(read: Mapping[int, Tokens], others: Others) -> dict[int, float]:
    """Level -> the share of the parts that are read right, of values [TESTED, parts]."""
    return {level: float((values == others.answers[level][:TESTED]).mean()) for level, values in read.items()}


def _answer(
    task: Task, instance: object, problem: Problem, places: Sequence[Probed | None], read: Mapping[int, Tokens]
) -> Answer:
    """The values that were read, [parts] of each level, as the task words its answers."""
    certain: NDArray[np.float32] = np.zeros((*problem.queries.shape, task.vocab_size), dtype=np.float32)
    for question, place in enumerate(places):
        if place is not None:
            tokens = place.first_token + read[place.level][list(place.parts)]
            certain[question, answer_parts(task), tokens] = 1.0
    return task.answer(instance, certain)
