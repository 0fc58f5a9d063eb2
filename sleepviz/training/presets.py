"""Presets are code: what is trained, on which task size, and how. `python -m sleepviz train --preset NAME`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from sleepviz.config.base import ConfigError
from sleepviz.config.model import LayerType, ModelConfig
from sleepviz.config.training import Stage, TrainConfig
from sleepviz.tasks.base import Task
from sleepviz.tasks.depo.task import Depo
from sleepviz.tasks.gsm.task import Gsm
from sleepviz.tasks.rule110.paper import Rule110Paper
from sleepviz.tasks.rule110.task import Rule110


@dataclass(frozen=True)
class Preset:
    """One reproducible training: task size, architecture and recipe."""

    name: str
    task: Task
    model: ModelConfig
    train: TrainConfig
    default: bool = False  # the checkpoint that the task uses when none is named

    def to_json(self) -> dict[str, Any]:
        """Everything that a resumed training must share with its beginning."""
        return {
            "name": self.name,
            "task": self.task.name,
            "task_sizes": self.task.to_json(),
            "model": self.model.to_json(),
            "train": self.train.to_json(),
        }


def _rule110_stages(task: Rule110) -> tuple[Stage, ...]:
    """Rows are told apart first, which two passes are enough for; then four passes, done well, stand for any number."""
    rows = Stage(passes=2, difficulty=1, windows=(task.rows_max, task.rows_max), advance_at=0.8)
    return rows, Stage(passes=4, difficulty=2, windows=(2, task.rows_max), single_window_share=0.75)


def _rule110_model(task: Rule110, **changes: Any) -> ModelConfig:
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
    train = replace(any_n, stages=stages, steps=2_000, batch=32, grad_passes=0, eviction="sliding")
    model = _rule110_model(task, layer_types=("sliding_attention", "linear_attention"))
    return Preset("rule110-samba", task, model, train)


def _n1(task: Rule110, *, uniform: bool, match: tuple[str, ...], match_on: Literal["tokens", "flops"]) -> TrainConfig:
    """The ordinary hybrid, N = 1, on the same data with the same care: rows first, then steps.

    Steps come either mixed uniformly or one by one; which is better was measured, not assumed.
    """
    windows = (min(2, task.rows_max), task.rows_max)
    rows = Stage(passes=1, difficulty=1, windows=(task.rows_max, task.rows_max))
    further = Stage(1, task.steps_max, windows, single_window_share=0.7, frontier_share=0.0)
    steps = tuple(replace(further, difficulty=t, frontier_share=0.5) for t in range(2, task.steps_max + 1))
    return TrainConfig(
        stages=(rows, further) if uniform else (rows, *steps),
        steps=1,
        loss="final",
        n_passes=1,
        sleep_attention="full",
        match=match,
        match_on=match_on,
    )


_HYBRID: tuple[LayerType, ...] = ("full_attention", "linear_attention")
_ROLL_CALL: dict[str, Any] = {"fast_heads": 16, "key_dim": 24, "value_dim": 16, "conv_kernel": 4, "beta_max": 2.0}


def _fixed_n(task: Depo | Gsm, match: tuple[str, ...], n_passes: int = 1) -> TrainConfig:
    """One N on a task with a roll call, on its answers alone: one difficulty after another, at equal tokens."""
    levels = tuple(
        Stage(n_passes, level, (1, 2), single_window_share=0.3, advance_at=0.6)
        for level in range(1, task.difficulty_max + 1)
    )
    return TrainConfig(levels, steps=1, batch=32, loss="final", n_passes=n_passes, match=match, match_on="tokens")


def _gsm_presets() -> Iterator[Preset]:
    """Every level is taught at once, from earlier passes taken for granted (`ahead_share`); then, gently, up to ten
    passes in a row, so that what was written outlasts them; then the same on two windows mostly, with the public
    data's changes. Beside them the models with N = 1.
    """
    first, task = Gsm(change_max=3), Gsm()
    model = ModelConfig(task.vocab_size, task.window, _HYBRID * 2, vocabulary_feedback=True, **_ROLL_CALL)
    stage = Stage(passes=2, difficulty=task.difficulty_max, windows=(1, 2), single_window_share=0.5)
    train = TrainConfig((stage,), steps=2_400, batch=32, stream_loss=1.0, ahead_share=0.75)
    yield Preset("gsm-micro", first, model, train)
    gently = replace(train, steps=300, lr_muon=2e-3, lr_adamw=4e-4, warmup_steps=20, decay_share=0.8, grad_passes=3)
    ten = replace(gently, stages=(replace(stage, passes=10, single_window_share=0.3),), ahead_share=0.25)
    yield Preset("gsm-keep", first, model, replace(ten, init="gsm-micro"))
    two_windows = replace(stage, passes=10, windows=(2, 2), single_window_share=0.1)
    deep = replace(gently, stages=(two_windows,), ahead_share=0.1, init="gsm-keep")
    yield Preset("gsm-deep", task, model, deep, default=True)
    awake = _fixed_n(task, ("gsm-micro", "gsm-keep", "gsm-deep"))
    yield Preset("gsm-n1-tokens", task, model, awake)
    mixed = Stage(1, task.difficulty_max, (1, 2), single_window_share=0.3, frontier_share=0.0)
    uniform = replace(awake, stages=(mixed,))
    yield Preset("gsm-n1-uniform", task, model, uniform)
    # The better of the two recipes at eight operations, at equal tokens, is the one that gets equal operations.
    yield Preset("gsm-n1-flops", task, model, replace(uniform, match_on="flops"))
    yield Preset("gsm-oracle", task, model, replace(awake, eviction="none"))


def _depo_presets() -> Iterator[Preset]:
    """Hops are taught at any distance at once (`ahead_share`), and so is to keep a table for each number of hops while
    others are written (`sightings`): for that, most heads begin as ones that bind a name to a node where they choose
    to. Beside it, more and more passes in a row.
    """
    task = Depo(nodes_max=18, window_edges=9, hops_max=8)
    heads = {**_ROLL_CALL, "look_back": ("010",) * 4 + ("112",) * 12}
    model = ModelConfig(task.vocab_size, task.window, _HYBRID * 2, vocabulary_feedback=True, **heads)
    # By few passes at a time: where later passes overwrite a table, the model learns to be unsure before it learns
    # to keep it, and stays there.
    reach = (2, 3, 4, 5, 6, 8, 10)
    stages = tuple(
        Stage(n, min(n - 1, 8), (1, 2), single_window_share=0.5, advance_at=0.9 if n == 2 else 0.6) for n in reach
    )
    train = TrainConfig(
        stages, 1_200, batch=32, stream_loss=1.0, ahead_share=0.6, sightings=5, grad_passes=3, decay_share=0.2
    )
    full = replace(train, sleep_attention="full", match=("depo-causal",), match_on="tokens")
    yield Preset("depo-micro", task, model, full, default=True)
    awake = replace(_fixed_n(task, ("depo-micro",)), sleep_attention="full")
    yield Preset("depo-n1-tokens", task, model, awake)
    yield Preset("depo-n1-flops", task, model, replace(awake, match_on="flops"))
    # As in the paper: asleep too, a token attends to those before it alone. The oracle never sleeps: it always does.
    yield Preset("depo-causal", task, model, train)
    causal = _fixed_n(task, ("depo-causal",))
    yield Preset("depo-causal-n1-tokens", task, model, causal)
    yield Preset("depo-causal-n1-flops", task, model, replace(causal, match_on="flops"))
    yield Preset("depo-oracle", task, model, replace(causal, eviction="none"))


ANSWERS: dict[str, Any] = {"conv_kernel": 4, "look_back": (), "beta_max": 2.0, "window_positions": True}
"""What the models found from answers alone have beside the paper's: no start as look-ups, no feedback of h."""


def _depo_answers_presets() -> Iterator[Preset]:
    """The paper's protocol in small: causal, hard eviction, plain carry, the loss on the answers alone.

    One model for any N, whose difficulty grows with N: two hops a pass (arXiv:2605.26099 has one model for each N).
    """
    task = Depo(nodes_max=18, window_edges=9, hops_max=8, compact=True)
    model = ModelConfig(task.vocab_size, task.window, _HYBRID * 2, key_dim=24, value_dim=24, mlp_ratio=2, **ANSWERS)

    def stages(passes_at: Callable[[int], int]) -> tuple[Stage, ...]:
        one_hop = Stage(passes_at(1), 1, (1, 1), advance_at=0.9)
        further = (
            Stage(passes_at(hops), hops, (1, 2), single_window_share=0.3, advance_at=0.85)
            for hops in range(1, task.hops_max + 1)
        )
        return one_hop, *further

    train = TrainConfig(
        stages(lambda hops: -(-hops // 2) + 1), steps=12_000, loss="answers", steps_per_pass=2, lr_muon=0.02
    )
    yield Preset("depo-answers", task, model, train)
    alone = replace(train, stages=stages(lambda hops: 1), n_passes=1, match=("depo-answers",), match_on="tokens")
    yield Preset("depo-answers-n1", task, model, alone)


def _depo_small_presets() -> Iterator[Preset]:
    """Depo in a size that trains in minutes, for the questions that need many trainings.

    Each preset differs from `depo-small` in what its name says and reads as many tokens; `depo-small-sliding`, which
    goes on from it, reads more.
    """
    task = Depo(nodes_max=10, window_edges=5, hops_max=4)
    heads = {**_ROLL_CALL, "fast_heads": 8, "look_back": ("010",) * 2 + ("112",) * 6}
    model = ModelConfig(task.vocab_size, task.window, _HYBRID * 2, vocabulary_feedback=True, **heads)
    stages = tuple(
        Stage(n, min(n - 1, 4), (1, 2), single_window_share=0.5, advance_at=0.9 if n == 2 else 0.6) for n in range(2, 7)
    )
    train = TrainConfig(
        stages, 600, batch=32, stream_loss=1.0, ahead_share=0.6, sightings=4, grad_passes=3, decay_share=0.2
    )
    yield Preset("depo-small", task, model, train)
    equal = replace(train, match=("depo-small",), match_on="tokens")
    awake = _fixed_n(task, ("depo-small",))
    yield Preset("depo-small-n1", task, model, awake)
    yield Preset("depo-small-deeper", task, replace(model, layer_types=_HYBRID * 8), awake)  # one pass is four's work
    plain = replace(model, vocabulary_feedback=False)  # h is carried as it is: the paper's protocol
    yield Preset("depo-small-n2", task, plain, _fixed_n(task, ("depo-small",), n_passes=2))
    yield Preset("depo-small-n4", task, plain, _fixed_n(task, ("depo-small",), n_passes=4))
    yield Preset("depo-small-hebbian", task, replace(model, local_rule="hebbian"), equal)
    yield Preset("depo-small-full", task, model, replace(equal, sleep_attention="full"))
    yield Preset("depo-small-2layers", task, replace(model, layer_types=_HYBRID), equal)
    # First hard, then sliding eviction: the paper's warm-up.
    gently = replace(
        train, stages=stages[-1:], steps=200, lr_muon=2e-3, lr_adamw=4e-4, warmup_steps=20, decay_share=0.8
    )
    yield Preset("depo-small-sliding", task, model, replace(gently, eviction="sliding", init="depo-small"))


def _presets() -> Iterator[Preset]:
    """Every preset, the default of each task first."""
    micro = Rule110(row_cells=16, rows_max=4, steps_max=12)
    any_n = TrainConfig(
        stages=_rule110_stages(micro), steps=2_400, sleep_attention="full", grad_passes=3, stream_loss=1.0
    )
    model = _rule110_model(micro)
    yield Preset("rule110-micro", micro, model, any_n)
    # Then gently, with little learning rate, as many passes as there are steps, and more windows to keep apart.
    deep = replace(
        any_n,
        stages=(Stage(14, micro.steps_max, (2, micro.rows_max), single_window_share=0.3),),
        steps=350,
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
    for name, uniform, match_on in baselines:
        baseline = _n1(micro, uniform=uniform, match=("rule110-micro", "rule110-deep"), match_on=match_on)
        yield Preset(name, micro, model, baseline)
        if name == "rule110-n1-curriculum":  # the better recipe at equal tokens, nothing evicted
            yield Preset("rule110-oracle", micro, model, replace(baseline, eviction="none"))
    yield _samba(any_n)
    yield from _depo_presets()
    yield from _depo_answers_presets()
    yield from _depo_small_presets()
    yield from _gsm_presets()
    wide = Rule110(row_cells=24, rows_max=4, steps_max=32)
    wide_train = replace(any_n, stages=_rule110_stages(wide), steps=60_000, batch=256)
    yield Preset("rule110", wide, _rule110_model(wide, d_model=128, layer_types=_HYBRID * 2), wide_train)
    # The paper's protocol: plain carry, causal, hard eviction, final loss, t fixed, one model per N.
    paper = Rule110Paper()
    paper_model = ModelConfig(paper.vocab_size, paper.window, _HYBRID * 2, d_model=256, key_dim=64, value_dim=64)
    for n_passes in (1, 2, 4):
        stage = Stage(n_passes, paper.steps, (paper.rows, paper.rows), frontier_share=1.0)
        recipe = TrainConfig((stage,), 100_000, 512, "final", n_passes=n_passes, lr_muon=2e-3, lr_adamw=5e-5)
        name = "rule110-paper" if n_passes == 4 else f"rule110-paper-n{n_passes}"
        yield Preset(name, paper, paper_model, recipe)


PRESETS: dict[str, Preset] = {preset.name: preset for preset in _presets()}


def preset_named(name: str) -> Preset:
    """Look up a preset. Raises ConfigError that lists the names there are."""
    if name not in PRESETS:
        raise ConfigError(f"There is no preset named {name!r}; the presets are {', '.join(PRESETS)}.")
    return PRESETS[name]
