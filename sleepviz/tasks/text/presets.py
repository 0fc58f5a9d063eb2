"""What is trained on Text. `python -m sleepviz train --preset NAME`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from sleepviz.config.model import ModelConfig
from sleepviz.config.training import Budget, Stage, TrainConfig
from sleepviz.tasks.family import Preset
from sleepviz.tasks.recipes import ANSWERS, HYBRID
from sleepviz.tasks.text.task import Text


def _stages(passes_at: Callable[[int], int]) -> tuple[Stage, ...]:
    """More hops on one page; then more pages; then, on all of them, the hops that one page has no room for."""
    on_one_page = (Stage(passes_at(hops), hops, (1, 1), advance_at=at) for hops, at in ((1, 0.9), (2, 0.7), (3, 0.7)))
    on_two = (Stage(passes_at(hops), hops, (1, 2), single_window_share=0.3, advance_at=0.7) for hops in (3, 4))
    on_four = (Stage(passes_at(hops), hops, (1, 4), single_window_share=0.3, advance_at=0.7) for hops in (4, 5, 6))
    return (*on_one_page, *on_two, *on_four)


def presets() -> Iterator[Preset]:
    """Found from the answers alone, one model for any N: two hops a pass. Beside it N = 1 at equal tokens."""
    task = Text()
    model = ModelConfig(task.vocab_size, task.window, HYBRID * 2, key_dim=24, value_dim=24, mlp_ratio=2, **ANSWERS)
    train = TrainConfig(
        _stages(lambda hops: -(-hops // 2) + 1),
        Budget.steps(8_000),
        loss="answers",
        steps_per_pass=2,
        lr_muon=0.02,
    )
    yield Preset("text-answers", task, model, train, default=True)
    alone = replace(train, stages=_stages(lambda hops: 1), n_passes=1, budget=Budget.equal_to("text-answers"))
    yield Preset("text-answers-n1", task, model, alone)
