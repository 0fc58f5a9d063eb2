"""What is trained on Depo. `python -m sleepviz train --preset NAME`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sleepviz.config.model import ModelConfig
from sleepviz.config.training import Budget, Stage, TrainConfig
from sleepviz.tasks.depo.task import Depo
from sleepviz.tasks.family import Preset
from sleepviz.tasks.recipes import ANSWERS, HYBRID, ROLL_CALL, alone, fixed_n, two_a_pass

FIGURE_PASSES = (1, 2, 4)  # as in the paper


def _large_presets() -> Iterator[Preset]:
    """Trains all hop counts at once (`skipped_share`), and teaches the model not to overwrite earlier tables of hops
    (`repeats`). Most heads are initialised as selective key-value writers. The curriculum then raises the passes.
    """
    task = Depo(nodes_max=18, window_edges=9, hops_max=8)
    heads = {**ROLL_CALL, "look_back": ("010",) * 4 + ("112",) * 12}
    model = ModelConfig(task.vocab_size, task.window, HYBRID * 2, vocabulary_feedback=True, **heads)
    # By few passes at a time: where later passes overwrite a table, the model learns to be unsure before it learns
    # to keep it, and stays there.
    reach = (2, 3, 4, 5, 6, 8, 10)
    stages = tuple(
        Stage(n, min(n - 1, 8), (1, 2), single_window_share=0.5, advance_at=0.9 if n == 2 else 0.6) for n in reach
    )
    train = TrainConfig(
        stages,
        Budget.steps(1_200),
        batch=32,
        pass_loss=1.0,
        skipped_share=0.6,
        repeats=5,
        grad_passes=3,
        decay_share=0.2,
    )
    full = replace(train, sleep_attention="full", budget=Budget.equal_to("depo-causal"))
    yield Preset("depo-micro", task, model, full, default=True)
    awake = replace(fixed_n(task, ("depo-micro",)), sleep_attention="full")
    yield Preset("depo-n1-tokens", task, model, awake)
    yield Preset("depo-n1-flops", task, model, replace(awake, budget=replace(awake.budget, unit="flops")))
    # As in the paper: asleep too, a token attends to those before it alone. The oracle never sleeps: it always does.
    yield Preset("depo-causal", task, model, train)
    causal = fixed_n(task, ("depo-causal",))
    yield Preset("depo-causal-n1-tokens", task, model, causal)
    yield Preset("depo-causal-n1-flops", task, model, replace(causal, budget=replace(causal.budget, unit="flops")))
    yield Preset("depo-oracle", task, model, replace(causal, eviction="none"))


def _answers_presets() -> Iterator[Preset]:
    """The paper's protocol in small: causal, hard eviction, plain carry, the loss on the answers alone.

    One model for any N, whose difficulty grows with N: two hops a pass (arXiv:2605.26099 has one model for each N).
    Hops come before windows. Half of the batches end with a window of rest, which tells nothing, so that a pass has to
    work on what S holds. Five hops did not begin in 2,600 steps, so four are the most.
    """
    task = Depo(nodes_max=18, window_edges=9, hops_max=8, compact=True)
    model = ModelConfig(task.vocab_size, task.window, HYBRID * 2, key_dim=24, value_dim=24, mlp_ratio=2, **ANSWERS)
    reach = range(1, 5)

    one_window = tuple(Stage(two_a_pass(hops), hops, (1, 1), advance_at=0.85) for hops in reach)
    train = TrainConfig(
        (*one_window, Stage(two_a_pass(reach[-1]), reach[-1], (1, 2), single_window_share=0.3, advance_at=0.8)),
        Budget.steps(10_500),
        loss="answers",
        steps_per_pass=2,
        lr_muon=0.02,
        rest_share=0.5,
    )
    yield Preset("depo-answers", task, model, train)
    n1 = alone(train, Stage(1, 1, (1, 1), advance_at=0.9), reach, "depo-answers")
    yield Preset("depo-answers-n1", task, model, n1)
    yield Preset("depo-answers-n1-flops", task, model, replace(n1, budget=replace(n1.budget, unit="flops")))


def _figure_presets() -> Iterator[Preset]:
    """The paper's figure in small: one model for each N, as in the paper, found from the answers alone.

    Two layers, so that one pass cannot follow many hops by itself, and cycles of 12 nodes, of which one window holds
    all: with 18, N = 4 had not begun the first hop after 1,600 steps. Each N has as many steps and the same bars, and
    one model more with N = 1 has as many operations as that with N = 4. The seeds are 0, 1 and 2, chosen beforehand.
    """
    task = Depo(nodes_max=12, window_edges=12, hops_max=5, compact=True)
    model = ModelConfig(task.vocab_size, task.window, HYBRID, key_dim=24, value_dim=24, mlp_ratio=2, **ANSWERS)

    def train(n_passes: int) -> TrainConfig:
        stages = tuple(Stage(n_passes, hops, (1, 1), advance_at=0.7) for hops in range(1, task.hops_max + 1))
        return TrainConfig(stages, Budget.steps(5_000), loss="answers", n_passes=n_passes, lr_muon=0.02)

    for n_passes in FIGURE_PASSES:
        yield Preset(f"depo-figure-n{n_passes}", task, model, train(n_passes))
    equal = Budget.equal_to(f"depo-figure-n{FIGURE_PASSES[-1]}", unit="flops")
    yield Preset("depo-figure-n1-flops", task, model, replace(train(1), budget=equal))


def _small_presets() -> Iterator[Preset]:
    """Depo in a size that trains in minutes, for the questions that need many trainings.

    Each preset differs from `depo-small` in what its name says and reads as many tokens; `depo-small-sliding`, which
    goes on from it, reads more.
    """
    task = Depo(nodes_max=10, window_edges=5, hops_max=4)
    heads = {**ROLL_CALL, "fast_heads": 8, "look_back": ("010",) * 2 + ("112",) * 6}
    model = ModelConfig(task.vocab_size, task.window, HYBRID * 2, vocabulary_feedback=True, **heads)
    stages = tuple(
        Stage(n, min(n - 1, 4), (1, 2), single_window_share=0.5, advance_at=0.9 if n == 2 else 0.6) for n in range(2, 7)
    )
    train = TrainConfig(
        stages, Budget.steps(600), batch=32, pass_loss=1.0, skipped_share=0.6, repeats=4, grad_passes=3, decay_share=0.2
    )
    yield Preset("depo-small", task, model, train)
    equal = replace(train, budget=Budget.equal_to("depo-small"))
    awake = fixed_n(task, ("depo-small",))
    yield Preset("depo-small-n1", task, model, awake)
    yield Preset("depo-small-deeper", task, replace(model, layer_types=HYBRID * 8), awake)  # one pass is four's work
    plain = replace(model, vocabulary_feedback=False)  # h is carried as it is: the paper's protocol
    yield Preset("depo-small-n2", task, plain, fixed_n(task, ("depo-small",), n_passes=2))
    yield Preset("depo-small-n4", task, plain, fixed_n(task, ("depo-small",), n_passes=4))
    yield Preset("depo-small-hebbian", task, replace(model, local_rule="hebbian"), equal)
    yield Preset("depo-small-full", task, model, replace(equal, sleep_attention="full"))
    yield Preset("depo-small-2layers", task, replace(model, layer_types=HYBRID), equal)
    # First hard, then sliding eviction: the paper's warm-up.
    gently = replace(
        train,
        stages=stages[-1:],
        budget=Budget.steps(200),
        lr_muon=2e-3,
        lr_adamw=4e-4,
        warmup_steps=20,
        decay_share=0.8,
    )
    yield Preset("depo-small-sliding", task, model, replace(gently, eviction="sliding", init="depo-small"))


def presets() -> Iterator[Preset]:
    """Every preset, the large ones first."""
    yield from _large_presets()
    yield from _answers_presets()
    yield from _figure_presets()
    yield from _small_presets()
