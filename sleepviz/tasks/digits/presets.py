"""What is trained on Digits. `python -m sleepviz train --preset NAME`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from sleepviz.config.model import ModelConfig
from sleepviz.config.training import Budget, Stage, TrainConfig
from sleepviz.tasks.digits.task import Digits
from sleepviz.tasks.family import Preset
from sleepviz.tasks.recipes import ANSWERS, HYBRID, two_a_pass


def presets() -> Iterator[Preset]:
    """Found from the answers alone, one model for any N: two jumps a pass. Beside it N = 1 at equal tokens.

    First what each image shows, then one jump more at a time. Half of the batches rest from the first step on.
    """
    task = Digits()
    model = ModelConfig(task.vocab_size, task.window, HYBRID * 2, key_dim=24, value_dim=24, mlp_ratio=2, **ANSWERS)

    def stages(passes_at: Callable[[int], int]) -> tuple[Stage, ...]:
        return tuple(
            Stage(passes_at(jumps), jumps, (2, 2), advance_at=0.7 if jumps else 0.85)
            for jumps in range(task.jumps_max + 1)
        )

    train = TrainConfig(
        stages(two_a_pass),
        Budget.steps(8_000),
        loss="answers",
        steps_per_pass=2,
        lr_muon=0.02,
        rest_share=0.5,
    )
    yield Preset("digits-answers", task, model, train, default=True)
    equal = Budget.equal_to("digits-answers")
    alone = replace(train, stages=stages(lambda jumps: 1), n_passes=1, rest_share=0.0, budget=equal)
    yield Preset("digits-answers-n1", task, model, alone)
