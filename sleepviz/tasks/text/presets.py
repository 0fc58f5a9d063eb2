"""What is trained on Text. `python -m sleepviz train --preset NAME`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from sleepviz.config.model import ModelConfig
from sleepviz.config.training import Budget, Stage, TrainConfig
from sleepviz.tasks.family import Preset
from sleepviz.tasks.recipes import ANSWERS, HYBRID, two_a_pass
from sleepviz.tasks.text.task import Text


def presets() -> Iterator[Preset]:
    """Found from the answers alone, one model for any N: two hops a pass. Beside it N = 1 at equal tokens.

    First more hops on one page. Then, from there, full pages only: two, where a chain already leads from page to page,
    and last four.
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

    def full_pages(passes_at: Callable[[int], int], *reach: tuple[int, int, float]) -> tuple[Stage, ...]:
        return tuple(
            Stage(passes_at(hops), hops, (2, pages), single_window_share=0.1, advance_at=at)
            for hops, pages, at in reach
        )

    # Half of the batches rest from the first step on: a model that had learned three hops without never took to it.
    page = TrainConfig(
        one_page(two_a_pass),
        Budget.steps(4_000),
        loss="answers",
        steps_per_pass=2,
        lr_muon=0.02,
        decay_share=0.0,
        rest_share=0.5,
    )
    yield Preset("text-answers-page", task, model, page)
    further = replace(
        page,
        stages=full_pages(two_a_pass, (3, 2, 0.8), (4, 2, 0.8), (4, 4, 0.8), (5, 4, 0.7), (6, 4, 0.7)),
        budget=Budget.steps(8_000),
        batch=32,
        lr_muon=0.01,
        decay_share=0.25,
        init="text-answers-page",
    )
    yield Preset("text-answers", task, model, further, default=True)
    whole = Budget.equal_to("text-answers-page", "text-answers")
    # Pages come before hops: N = 1 may never master the second hop, and must have read as many pages.
    stages = (
        Stage(1, 1, (1, 1)),
        Stage(1, 1, (1, 4), single_window_share=0.3),
        *full_pages(lambda hops: 1, *((hops, 4, 0.7) for hops in range(2, task.hops_max + 1))),
    )
    alone = replace(
        page, stages=stages, n_passes=1, budget=whole, batch=32, lr_muon=0.01, decay_share=0.25, rest_share=0.0
    )
    yield Preset("text-answers-n1", task, model, alone)
