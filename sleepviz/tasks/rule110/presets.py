"""What is trained on Rule 110. `python -m sleepviz train --preset NAME`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal

from sleepviz.config.model import ModelConfig
from sleepviz.config.training import Budget, Stage, TrainConfig
from sleepviz.tasks.family import Preset
from sleepviz.tasks.recipes import ANSWERS, HYBRID, two_a_pass
from sleepviz.tasks.rule110.paper import Rule110Paper
from sleepviz.tasks.rule110.task import Rule110


def _stages(task: Rule110) -> tuple[Stage, ...]:
    """Rows are told apart first, which two passes are enough for; then four passes, done well, stand for any number."""
    rows = Stage(passes=2, difficulty=1, windows=(task.rows_max, task.rows_max), advance_at=0.8)
    return rows, Stage(passes=4, difficulty=2, windows=(2, task.rows_max), single_window_share=0.75)


def _model(task: Rule110, **changes: Any) -> ModelConfig:
    return replace(
        ModelConfig(
            vocab_size=task.vocab_size,
            window=task.window,
            layer_types=("full_attention", "linear_attention"),
            d_model=64,
            n_heads=4,
            fast_heads=8,
            key_dim=16,
            value_dim=16,
            beta_max=2.0,
            vocabulary_feedback=True,
            window_positions=True,
        ),
        **changes,
    )


def _samba(any_n: TrainConfig) -> Preset:
    """Samba's shape (arXiv:2406.07522) in our own model: sliding-window attention and a linear recurrence in turn.

    A stand-in: Samba's recurrence is Mamba-1, whose version in the transformers library ignores its state in a call of
    several tokens; ours is the delta rule. Eviction slides too, so that one pass is the model without sleep. Always
    three rows: every window is then read at one of three positions, and compiling the pass stays cheap.
    """
    task = Rule110(row_cells=16, rows_max=3, steps_max=12)
    rows = (task.rows_max, task.rows_max)
    stages = (Stage(2, 1, rows, advance_at=0.8), Stage(4, 2, rows))
    train = replace(any_n, stages=stages, budget=Budget.steps(2_000), batch=32, grad_passes=0, eviction="sliding")
    model = _model(task, layer_types=("sliding_attention", "linear_attention"))
    return Preset("rule110-samba", task, model, train)


def _n1(task: Rule110, budget: Budget, *, uniform: bool) -> TrainConfig:
    """The ordinary hybrid, N = 1, on the same data with the same care: rows first, then steps.

    Steps come either mixed uniformly or one by one; which is better was measured, not assumed.
    """
    windows = (min(2, task.rows_max), task.rows_max)
    rows = Stage(passes=1, difficulty=1, windows=(task.rows_max, task.rows_max))
    further = Stage(1, task.steps_max, windows, single_window_share=0.7, frontier_share=0.0)
    steps = tuple(replace(further, difficulty=t, frontier_share=0.5) for t in range(2, task.steps_max + 1))
    return TrainConfig(
        stages=(rows, further) if uniform else (rows, *steps),
        budget=budget,
        loss="final",
        n_passes=1,
        sleep_attention="full",
    )


def _answers_presets(task: Rule110) -> Iterator[Preset]:
    """Found from the answers alone, two steps a pass: first rows are told apart, then a step more at a time.

    Two layers: four do six steps in one pass and the answer (docs/experiments.md), so only further steps need sleep.
    """
    model = _model(task, vocabulary_feedback=False, **ANSWERS)

    def stages(passes_at: Callable[[int], int]) -> tuple[Stage, ...]:
        rows = (task.rows_max, task.rows_max)
        return tuple(
            # Whole rows become right as the rates fall, so the bar is lower where more can go wrong.
            Stage(passes_at(t), t, rows, single_window_share=0.7, advance_at=0.8 if t <= 3 else 0.6)
            for t in range(1, task.steps_max + 1)
        )

    train = TrainConfig(
        stages(two_a_pass),
        Budget.steps(16_000),
        batch=128,
        loss="answers",
        steps_per_pass=2,
        lr_muon=0.02,
    )
    yield Preset("rule110-answers", task, model, train)
    alone = replace(train, stages=stages(lambda t: 1), n_passes=1, budget=Budget.equal_to("rule110-answers"))
    yield Preset("rule110-answers-n1", task, model, alone)


def presets() -> Iterator[Preset]:
    """The models of the page and their baselines, Samba's shape, and the paper's protocol."""
    micro = Rule110(row_cells=16, rows_max=4, steps_max=12)
    any_n = TrainConfig(
        stages=_stages(micro), budget=Budget.steps(2_400), sleep_attention="full", grad_passes=3, pass_loss=1.0
    )
    model = _model(micro)
    yield Preset("rule110-micro", micro, model, any_n)
    # Then gently, with little learning rate, as many passes as there are steps, and more windows to keep apart.
    deep = replace(
        any_n,
        stages=(Stage(14, micro.steps_max, (2, micro.rows_max), single_window_share=0.3),),
        budget=Budget.steps(350),
        lr_muon=2e-3,
        lr_adamw=4e-4,
        warmup_steps=20,
        decay_share=0.8,
        init="rule110-micro",
    )
    yield Preset("rule110-deep", micro, model, deep, default=True)
    # The same as rule110-micro, but a cell sees its right neighbour only through S of the pass before.
    yield Preset("rule110-causal", micro, model, replace(any_n, sleep_attention="causal"))
    baselines: tuple[tuple[str, bool, Literal["tokens", "flops"]], ...] = (
        ("rule110-n1-tokens", True, "tokens"),
        ("rule110-n1-curriculum", False, "tokens"),
        ("rule110-n1-flops", False, "flops"),
    )
    for name, uniform, unit in baselines:
        baseline = _n1(micro, Budget.equal_to("rule110-micro", "rule110-deep", unit=unit), uniform=uniform)
        yield Preset(name, micro, model, baseline)
        if name == "rule110-n1-curriculum":  # the better recipe at equal tokens, nothing evicted
            yield Preset("rule110-oracle", micro, model, replace(baseline, eviction="none"))
    yield _samba(any_n)
    yield from _answers_presets(micro)
    # The paper's protocol: plain carry, causal, hard eviction, final loss, t fixed, one model per N.
    paper = Rule110Paper()
    paper_model = ModelConfig(paper.vocab_size, paper.window, HYBRID * 2, d_model=256, key_dim=64, value_dim=64)
    for n_passes in (1, 2, 4):
        stage = Stage(n_passes, paper.steps, (paper.rows, paper.rows), frontier_share=1.0)
        recipe = TrainConfig(
            (stage,), Budget.steps(100_000), 512, "final", n_passes=n_passes, lr_muon=2e-3, lr_adamw=5e-5
        )
        name = "rule110-paper" if n_passes == 4 else f"rule110-paper-n{n_passes}"
        yield Preset(name, paper, paper_model, recipe)
