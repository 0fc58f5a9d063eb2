"""What is trained on GSM. `python -m sleepviz train --preset NAME`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sleepviz.config.model import ModelConfig
from sleepviz.config.training import Budget, Stage, TrainConfig
from sleepviz.tasks.family import Preset
from sleepviz.tasks.gsm.task import Gsm
from sleepviz.tasks.recipes import ANSWERS, HYBRID, ROLL_CALL, alone, fixed_n, two_a_pass


def _answers_presets() -> Iterator[Preset]:
    """Found from the answers alone: one window first, an operation more at a time, two operations a pass.

    Half of the batches end with a window of rest, without which Depo and Text never joined what two windows told. Two
    layers, as in Rule 110 from answers: what four do in one pass needs no sleep.
    """
    task = Gsm(compact=True)
    model = ModelConfig(task.vocab_size, task.window, HYBRID, key_dim=24, value_dim=24, mlp_ratio=2, **ANSWERS)

    on_one = (Stage(two_a_pass(depth), depth, (1, 1), advance_at=0.8) for depth in range(5))
    on_two = (Stage(two_a_pass(depth), depth, (1, 2), single_window_share=0.3, advance_at=0.7) for depth in range(4, 9))
    train = TrainConfig(
        (*on_one, *on_two),
        Budget.steps(10_000),
        loss="answers",
        steps_per_pass=2,
        lr_muon=0.02,
        rest_share=0.5,
    )
    yield Preset("gsm-answers", task, model, train)
    first = Stage(1, 0, (1, 1), advance_at=0.8)
    n1 = alone(train, first, range(1, task.operations_max + 1), "gsm-answers")
    yield Preset("gsm-answers-n1", task, model, n1)


def presets() -> Iterator[Preset]:
    """Trains every level at once, with earlier passes skipped (`skipped_share`); then, at a small learning rate, up to
    ten passes in a row, so that what was written is kept; then the same, mostly on two windows, with the public
    data's changes. Beside them the models with N = 1.
    """
    first, task = Gsm(change_max=3), Gsm()
    model = ModelConfig(task.vocab_size, task.window, HYBRID * 2, vocabulary_feedback=True, **ROLL_CALL)
    stage = Stage(passes=2, difficulty=task.difficulty_max, windows=(1, 2), single_window_share=0.5)
    train = TrainConfig((stage,), budget=Budget.steps(2_400), batch=32, pass_loss=1.0, skipped_share=0.75)
    yield Preset("gsm-micro", first, model, train)
    gently = replace(
        train, budget=Budget.steps(300), lr_muon=2e-3, lr_adamw=4e-4, warmup_steps=20, decay_share=0.8, grad_passes=3
    )
    ten = replace(gently, stages=(replace(stage, passes=10, single_window_share=0.3),), skipped_share=0.25)
    yield Preset("gsm-keep", first, model, replace(ten, init="gsm-micro"))
    two_windows = replace(stage, passes=10, windows=(2, 2), single_window_share=0.1)
    deep = replace(gently, stages=(two_windows,), skipped_share=0.1, init="gsm-keep")
    yield Preset("gsm-deep", task, model, deep, default=True)
    awake = fixed_n(task, ("gsm-micro", "gsm-keep", "gsm-deep"))
    yield Preset("gsm-n1-tokens", task, model, awake)
    mixed = Stage(1, task.difficulty_max, (1, 2), single_window_share=0.3, frontier_share=0.0)
    uniform = replace(awake, stages=(mixed,))
    yield Preset("gsm-n1-uniform", task, model, uniform)
    # The better of the two recipes at eight operations, at equal tokens, is the one that gets equal operations.
    yield Preset("gsm-n1-flops", task, model, replace(uniform, budget=replace(uniform.budget, unit="flops")))
    yield Preset("gsm-oracle", task, model, replace(awake, eviction="none"))
    yield from _answers_presets()
