"""What is trained on Text. `python -m sleepviz train --preset NAME`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from sleepviz.config.model import ModelConfig
from sleepviz.config.training import Budget, Stage, TrainConfig
from sleepviz.tasks.family import Preset
from sleepviz.tasks.recipes import ANSWERS, HYBRID
from sleepviz.tasks.text.task import Text


def presets() -> Iterator[Preset]:
    """Found from the answers alone, one model for any N: two hops a pass. Beside it N = 1 at equal tokens.

    First more hops on one page; then, from there, more pages, which have room for more people and so for more hops.
    """
    task = Text()
    model = ModelConfig(
        task.vocab_size,
        task.window,
        HYBRID * 2,
        key_dim=24,
        value_dim=24,
        mlp_ratio=2,
        tie_embeddings=True,  # one list of names to learn, in place of two: their plateau takes a third of the steps
        **ANSWERS,
    )

    def one_page(passes_at: Callable[[int], int]) -> tuple[Stage, ...]:
        return tuple(Stage(passes_at(hops), hops, (1, 1), advance_at=at) for hops, at in ((1, 0.9), (2, 0.7), (3, 0.7)))

    def four_pages(passes_at: Callable[[int], int]) -> tuple[Stage, ...]:
        return tuple(
            Stage(passes_at(hops), hops, (1, 4), single_window_share=0.3, advance_at=0.7) for hops in (3, 4, 5, 6)
        )

    def any_n(hops: int) -> int:
        return -(-hops // 2) + 1

    page = TrainConfig(
        one_page(any_n), Budget.steps(2_280), loss="answers", steps_per_pass=2, lr_muon=0.02, decay_share=0.0
    )
    yield Preset("text-answers-page", task, model, page)
    further = replace(
        page, stages=four_pages(any_n), budget=Budget.steps(4_000), batch=32, decay_share=0.25, init="text-answers-page"
    )
    yield Preset("text-answers", task, model, further, default=True)
    both = Budget.equal_to("text-answers-page", "text-answers")
    stages = (*one_page(lambda hops: 1), *four_pages(lambda hops: 1))
    alone = replace(page, stages=stages, n_passes=1, budget=both, decay_share=0.25)
    yield Preset("text-answers-n1", task, model, alone)
