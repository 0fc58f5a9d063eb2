"""What is measured of Depo beyond the common experiments: attention asleep, seeds, eviction, depth, other models."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sleepviz.config.run import Control
from sleepviz.tasks.base import Batch, Problem, Task, Tokens
from sleepviz.tasks.depo.presets import FIGURE_PASSES
from sleepviz.tasks.depo.task import Depo
from sleepviz.tasks.family import Measurement, Probed, Reader, Series, Study
from sleepviz.tasks.found import Found
from sleepviz.tasks.walks import walk

PASSES = (1, 2, 3, 4, 6, 8, 9, 10, 14, 20)
FOUND = Found("depo-answers", "depo-micro", (1, 2, 3, 4, 5, 6, 8, 10), (1, 2, 3, 4), control_passes=4)
JOINED_PASSES = (1, 2, 4, 8)
FIGURE_HOPS = tuple(range(1, 6))
MEMORY_PASSES, MEMORY_HOPS = (1, 2, 4, 8), (1, 2, 4, 6, 8)
READINGS: tuple[tuple[str, Reader, int | None, Control], ...] = (
    ("s_all", "lens", None, "none"),
    ("s_other", "lens", None, "shuffled_state"),
    ("s_layer_2", "lens", 1, "none"),
    ("s_layer_4", "lens", 3, "none"),
    ("s_answer", "answer", None, "none"),
)
PROBES: tuple[tuple[str, Reader, int | None, Control], ...] = (
    ("s_probe", "probe", None, "none"),
    ("s_probe_other", "probe", None, "shuffled_state"),
)


def series() -> Iterator[Series]:
    """Found from answers alone, for any N and for each N; causal attention; then, of `depo-small`, what needs many."""
    yield from FOUND.series()
    for kind, n in (*((f"n{n}", n) for n in FIGURE_PASSES), ("n1_flops", 1)):
        for suffix in ("", "-s1", "-s2"):
            checkpoint = f"depo-figure-{kind.replace('_', '-')}{suffix}"
            yield Series("each_n", f"each_{kind}", checkpoint, (n,), FIGURE_HOPS, n_windows=1)
    yield Series("attention_large", "causal", "depo-causal", PASSES, tuple(range(1, 9)))
    passes, hops = (1, 2, 3, 4, 5, 6, 8, 12), (1, 2, 3, 4)
    for suffix in ("", "-s1", "-s2"):
        yield Series("seeds", "any_n_small", f"depo-small{suffix}", passes, hops)
        yield Series("seeds", "n1_same_tokens", f"depo-small-n1{suffix}", (1,), hops)
    yield Series("baseline_small", "deeper", "depo-small-deeper", (1,), hops)
    for n in (2, 4):
        yield Series("baseline_small", "per_n", f"depo-small-n{n}", (n,), hops)
    yield Series("baseline_small", "hebbian", "depo-small-hebbian", passes, hops)
    yield Series("attention", "causal", "depo-small", passes, hops)
    yield Series("attention", "full", "depo-small-full", passes, hops)
    yield Series("eviction", "hard", "depo-small", passes, hops)
    yield Series("eviction", "sliding", "depo-small-sliding", passes, hops, eviction="sliding")
    yield Series("eviction", "sliding_unprepared", "depo-small", passes, hops, eviction="sliding")
    yield Series("depth", "layers_2", "depo-small-2layers", passes, hops)
    yield Series("depth", "layers_4", "depo-small", passes, hops)


def what_s_gives(task: Task, default: str) -> Iterator[Measurement]:
    """Ask the memory: how often S itself names the node that the model answers with; of the taught and the found."""
    studied = (
        ("memory", default, MEMORY_PASSES, MEMORY_HOPS, READINGS),
        # The lens reads nothing from the found model's S, so a probe reads it, too.
        ("memory_found", FOUND.checkpoint, (1, 2, 3, 4), FOUND.difficulties, READINGS + PROBES),
    )
    for experiment, checkpoint, passes, levels, readings in studied:
        for n in passes:
            for hops in levels:
                for variant, reader, layer, control in readings:
                    yield Measurement(
                        experiment, variant, checkpoint, n, hops, task.windows_max, control, reader=reader, layer=layer
                    )


def joined(task: Task, default: str) -> Iterator[Measurement]:
    """What a pass joins: chains that go on in a later window beside all others, of the found and the taught model."""
    for variant, checkpoint in (("found", FOUND.checkpoint), ("taught", default)):
        for kind in ("onward", "elsewhere"):
            for n in JOINED_PASSES:
                for hops in FOUND.difficulties:
                    yield Measurement("joined", f"{variant}_{kind}", checkpoint, n, hops, task.windows_max, kind=kind)


def goes_onward(task: Task, batch: Batch) -> NDArray[np.bool_]:
    """Whether the first question's second edge stands in a later window than its first, [B]."""
    assert isinstance(task, Depo)
    told = np.stack(
        [task.successor(batch.windows[:, [index]]) < task.unknown for index in range(batch.windows.shape[1])], axis=1
    )  # [B, W, names]
    window, instances, start = told.argmax(1), np.arange(len(told)), asked_name(task, batch)
    second = task.successor(batch.windows)[instances, start]
    return np.asarray(window[instances, start] < window[instances, second])


def goes_elsewhere(task: Task, batch: Batch) -> NDArray[np.bool_]:
    """All other instances, [B]."""
    return ~goes_onward(task, batch)


def asked_name(task: Task, batch: Batch) -> Tokens:
    """The name that each instance's first question starts from, [B]."""
    assert isinstance(task, Depo)
    return batch.queries[:, 0, task.first_part - 1] - task.called


def node_after(task: Task, batch: Batch, hops: int) -> Tokens:
    """Where each name leads after `hops` hops, [B, names]; unknown for a name that is in no edge."""
    assert isinstance(task, Depo)
    successor = task.successor(batch.windows)
    names = np.broadcast_to(np.arange(task.nodes_max), (len(successor), task.nodes_max))
    return walk(successor, names, hops)[..., hops]


def probed(task: Task, problem: Problem) -> tuple[Probed, ...]:
    """Each question asks where one name leads after some hops."""
    assert isinstance(task, Depo)
    hops = problem.queries[:, task.first_part] - task.hop
    starts = problem.queries[:, task.first_part - 1] - task.called
    return tuple(Probed(int(k), (int(start),), first_token=0) for k, start in zip(hops, starts, strict=True))


def further(task: Task, default: str) -> Iterator[Measurement]:
    """What is measured of Depo alone."""
    yield from FOUND.controls(task)
    yield from what_s_gives(task, default)
    yield from joined(task, default)


STUDY = Study(
    symbol="k",
    columns=tuple(range(1, 9)),
    passes=PASSES,
    control_passes=10,
    baselines={
        "n1-tokens": "n1_same_tokens",
        "n1-flops": "n1_same_flops",
        "causal-n1-tokens": "n1_causal_tokens",
        "causal-n1-flops": "n1_causal_flops",
        "oracle": "oracle",
    },
    second_seed=((1, 4, 9, 20), tuple(range(1, 9))),
    series=tuple(series()),
    # One pass, as many as the hardest question needs, and more (the Lab shows every N).
    series_columns=(1, 2, 4, 5, 6, 12),
    further=further,
    read_from_state=node_after,
    asked_part=asked_name,
    kinds={"onward": goes_onward, "elsewhere": goes_elsewhere},
    probed=probed,
)
