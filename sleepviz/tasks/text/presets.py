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
    """Found from the answers alone, one model for any N: two hops a pass. Beside it N = 1 only, at equal tokens.

    First more hops on one page. Then, from there and at half the rates, two pages, where a chain leads from page to
    page, mostly before a rest. Then two pages and an index, and last up to four pages and an index.
    """
    task = Text()
    model = ModelConfig(
        task.vocab_size,
        task.window,
        HYBRID * 2,
        key_dim=48,  # for 56 names, of which a document has up to 17; 24 dimensions learned more slowly
        value_dim=24,
        mlp_ratio=2,
        tie_embeddings=True,  # one list of names to learn, in place of two: their plateau takes a third of the steps
        **ANSWERS,
    )

    def once(hops: int) -> int:
        return 1

    def stages(
        passes_at: Callable[[int], int], *reach: tuple[int, int, int, float], single_window_share: float = 0.0
    ) -> tuple[Stage, ...]:
        """Of hops, fewest and most windows, and the bar of each stage."""
        return tuple(
            Stage(passes_at(hops), hops, (fewest, most), single_window_share, advance_at)
            for hops, fewest, most, advance_at in reach
        )

    on_one_page = ((1, 1, 1, 0.9), (2, 1, 1, 0.7), (3, 1, 1, 0.7))

    # Half of the batches rest from the first step on: a model that had learned three hops without never took to it.
    page = TrainConfig(
        stages(two_a_pass, *on_one_page),
        Budget.steps(2_500),
        loss="answers",
        steps_per_pass=2,
        lr_muon=0.02,
        decay_share=0.0,
        rest_share=0.5,
    )
    yield Preset("text-answers-page", task, model, page)
    # Four layers follow four hops in one pass (docs/experiments.md). Two layers should need sleep: a hop a pass.
    shallow = replace(model, layer_types=HYBRID)
    reach = ((1, 1, 1, 0.9), *((hops, 1, 1, 0.7) for hops in (2, 3, 4)))
    hop_a_pass = replace(page, stages=stages(lambda hops: hops + 1, *reach), steps_per_pass=1)
    yield Preset("text-shallow-page", task, shallow, hop_a_pass)
    # N = 1 moves on at 0.8 of one hop: the questions about things kept another N = 1 model at 0.86.
    reach_alone = ((1, 1, 1, 0.8), *reach[1:])
    shallow_alone = replace(
        hop_a_pass,
        stages=stages(once, *reach_alone),
        n_passes=1,
        rest_share=0.0,
        budget=Budget.equal_to("text-shallow-page"),
    )
    yield Preset("text-shallow-n1-page", task, shallow, shallow_alone)
    # One page can be joined at its own sentences. On several pages S has to be joined with S, which a rest teaches.
    often = replace(task, chunks=6)
    two_pages = replace(
        page,
        stages=stages(two_a_pass, (3, 1, 1, 0.85), (2, 2, 2, 0.85), (3, 2, 2, 0.8), single_window_share=0.2),
        budget=Budget.steps(1_673),
        lr_muon=0.01,
        lr_adamw=0.001,
        rest_share=0.8,
        init="text-answers-page",
    )
    yield Preset("text-answers-two", often, model, two_pages)
    # Near its end it joined what it had read before a rest, and not what it had read before another page: 0.66 and 0.26
    # of the chains from the first page to the second and back. So now every document ends with a rest: its index, which
    # is a window, too. And it had hardly been asked about things: 0.58 at one hop.
    indexed = replace(often, index=True, thing_share=0.25)
    with_rest = replace(
        two_pages,
        stages=stages(two_a_pass, (3, 3, 3, 0.8), (4, 3, 3, 0.8)),
        budget=Budget.steps(1_500),
        rest_share=0.0,
        late_share=0.6,
        init="text-answers-two",
    )
    yield Preset("text-answers-index", indexed, model, with_rest)
    # Where a document told of two things, it took one for the other in 0.38 of the questions.
    many_things = replace(indexed, things_max=4)
    further = replace(
        with_rest,
        stages=stages(two_a_pass, (4, 3, 5, 0.75), (5, 3, 5, 0.7), (6, 3, 5, 0.7)),
        budget=Budget.steps(2_400),
        decay_share=0.6,
        init="text-answers-index",
    )
    yield Preset("text-answers", many_things, model, further, default=True)
    # N = 1 on as many tokens. Pages come before hops: it may never master the second hop, and must have read as many
    # pages.
    alone = replace(
        page, stages=stages(once, *on_one_page), n_passes=1, rest_share=0.0, budget=Budget.equal_to("text-answers-page")
    )
    yield Preset("text-answers-n1-page", task, model, alone)
    # One hop ends at 0.8: it stands at 0.86, because a quarter of the questions begin with a thing.
    hops_alone = ((1, 2, 5, 0.8), *((hops, 3, 5, 0.7) for hops in range(2, task.hops_max + 1)))
    further = replace(
        further,
        stages=stages(once, *hops_alone),
        n_passes=1,
        late_share=0.0,
        budget=Budget.equal_to("text-answers-two", "text-answers-index", "text-answers"),
        init="text-answers-n1-page",
    )
    yield Preset("text-answers-n1", many_things, model, further)
