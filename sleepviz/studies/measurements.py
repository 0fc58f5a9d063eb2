"""What is measured: every entry of the published evidence on a task, the smallest that decides a question first."""

from __future__ import annotations

from collections.abc import Iterator

from sleepviz.config.run import CONTROLS, Control
from sleepviz.runs.checkpoint import checkpoint_name
from sleepviz.tasks import FAMILIES
from sleepviz.tasks.base import Task
from sleepviz.tasks.family import Measurement, Series

THRESHOLDS = (0.5, 0.2, 0.1, 0.05, 0.02)
HALTING_PASSES_MAX = 16
PROBED = (1, 4, 8, 12)  # passes, and levels read from S after them
PAPER, STILLNESS = "schedule_full", "schedule_still"  # the paper's schedule, and the one whose N is not set
MIXED = -1  # as a difficulty: all of them, equally often

VARIANTS = {
    "any_n": "this model",
    "any_n_small": "trained for any N",
    "n1_same_tokens": "N = 1 only, same tokens",
    "n1_same_flops": "N = 1 only, same FLOPs",
    "n1_curriculum": "N = 1 only, one difficulty after another",
    "n1_uniform": "N = 1 only, same tokens, difficulties mixed",
    "n1_causal_tokens": "N = 1 only, same tokens, causal asleep",
    "n1_causal_flops": "N = 1 only, same FLOPs, causal asleep",
    "found": "found from answers alone, any N",
    "found_n1": "answers alone, N = 1 only, same tokens",
    "found_n1_flops": "answers alone, N = 1 only, same FLOPs",
    "taught": "taught each step, any N",
    "each_n1": "trained with N = 1",
    "each_n2": "trained with N = 2",
    "each_n4": "trained with N = 4",
    "each_n1_flops": "trained with N = 1, as many FLOPs as N = 4",
    "found_onward": "found; the chain goes on later",
    "found_elsewhere": "found; any other chain",
    "taught_onward": "taught; the chain goes on later",
    "taught_elsewhere": "taught; any other chain",
    "none": "the run as it is",
    "zero_state": "S wiped before waking",
    "shuffled_state": "another run's S",
    "replay": "pass 1 replayed",
    "reset_state": "S reset before each pass",
    "untrained": "untrained weights",
    "oracle": "full attention, nothing evicted",
    "deeper": "deeper, no passes, same FLOPs a window",
    "per_n": "trained for this N only",
    "hebbian": "Hebbian rule instead of the delta rule",
    "hard": "hard: the whole cache is cleared",
    "sliding": "sliding: the newest L − 1 tokens stay",
    "sliding_unprepared": "sliding, but trained with hard eviction only",
    "causal": "causal attention asleep",
    "full": "full attention asleep",
    "layers_2": "2 layers",
    "layers_4": "4 layers",
    "fixed_n": "a fixed N",
    "drift_halting": "stops when S is still",
    "schedule_full": "when the window is full (the paper)",
    "schedule_half": "after every half window",
    "schedule_statements": "after every 3 statements",
    "schedule_surprise": "at a surprise",
    "schedule_hardest": "when full, most passes where hardest",
    "schedule_still": "when full, until S is still",
    "linear": "a linear probe",
    "s_all": "what S gives, all layers together",
    "s_other": "what another run's S gives",
    "s_layer_2": "what S of layer 2 gives",
    "s_layer_4": "what S of layer 4 gives",
    "s_probe": "what a probe reads from S",
    "s_probe_other": "what the probe reads from another run's S",
    "s_answer": "the answer itself is right",
}
"""A results file's variants in words, for every table and plot."""


def baseline_names(task: str) -> tuple[str, ...]:
    """The N = 1 models that a run may be compared with, the one that knows most first."""
    return tuple(
        f"{task}-{suffix}" for suffix in ("causal-n1-tokens", "n1-flops", "n1-uniform", "n1-tokens", "answers-n1")
    )


def measurements_of(task: Task, default: str) -> Iterator[Measurement]:
    """Every measurement of one task, the smallest that decides a question first; `default` is its any-N checkpoint."""
    study, most = FAMILIES[task.name].study, task.windows_max
    difficulties = range(task.difficulty_min, task.difficulty_max + 1)
    beyond = tuple(difficulty for difficulty in study.columns_beyond if difficulty > task.difficulty_max)
    for n_passes in study.passes:
        for difficulty in difficulties:
            yield Measurement("accuracy", "any_n", default, n_passes, difficulty, most)
        for difficulty in beyond:
            sizes = tuple(study.sizes_beyond.items())
            yield Measurement("accuracy", "any_n", default, n_passes, difficulty, most, sizes=sizes)
    for suffix, variant in study.baselines.items():
        alone: Control = "oracle" if variant == "oracle" else "none"
        for difficulty in difficulties:
            yield Measurement("baseline", variant, f"{task.name}-{suffix}", 1, difficulty, most, control=alone)
    for control in CONTROLS:
        for difficulty in study.control_difficulties:
            if difficulty <= task.difficulty_max:
                yield Measurement("control", control, default, study.control_passes, difficulty, most, control=control)
    for n_passes in study.passes:
        yield Measurement("halting", "fixed_n", default, n_passes, MIXED, most)
    for threshold in THRESHOLDS:
        yield Measurement("halting", "drift_halting", default, HALTING_PASSES_MAX, MIXED, most, threshold=threshold)
    for n_passes in study.passes:
        yield Measurement("cost", "any_n", default, n_passes, task.difficulty_max, most)
    passes, asked = study.second_seed
    levels = tuple(difficulty for difficulty in asked if difficulty <= task.difficulty_max)
    for checkpoint in (checkpoint_name(default, seed) for seed in (0, 1)):
        yield from Series("second_seed", "any_n", checkpoint, passes, levels).measurements(most)
    for series in study.series:
        yield from series.measurements(most)
    if study.read_from_state is not None:
        for n_passes in PROBED:
            for level in PROBED:
                if level <= task.difficulty_max:
                    yield Measurement("probe", "linear", default, n_passes, level, study.probe_windows or most)
    yield from study.further(task, default)
