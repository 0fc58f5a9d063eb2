"""Training: what a step learns from, resuming, Ctrl-C, budgets, and the checkpoint at the end."""

from __future__ import annotations

import json
import math
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import sleepviz.evaluate
import sleepviz.train
from sleepviz.checkpoint import CheckpointError, load
from sleepviz.config import ConfigError, SleepPolicy, Stage, TrainConfig
from sleepviz.measures import sleep_flops, wake_flops
from sleepviz.memory import Memory
from sleepviz.model import HybridLM
from sleepviz.presets import PRESETS, Preset, preset_named
from sleepviz.sleep import sleep
from sleepviz.tasks import build_task
from sleepviz.tasks.base import NOT_ASKED
from sleepviz.tasks.rule110 import is_held_out
from sleepviz.train import Plan, Trainer, is_muon_matrix, plan_step, step_flops, train, training_step
from tests.builders import TASK, empty, random_model, rule110_config
from tests.tasks.test_rule110 import by_table

CPU = torch.device("cpu")
STAGES = (
    Stage(passes=2, difficulty=1, windows=(1, 2)),
    Stage(passes=4, difficulty=4, windows=(1, 3), single_window_share=0.5, own_answers=True),
)


def small_preset(**changes: Any) -> Preset:
    """A training that takes a second; its first stage ends at once, so that stages are crossed too."""
    options: dict[str, Any] = {"stages": STAGES, "steps": 12, "batch": 4, "warmup_steps": 3, "advance_at": 1e-9}
    layers = ("full_attention", "linear_attention")
    model = rule110_config(layer_types=layers, conv_kernel=4, input_recall=True, window_positions=True)
    return Preset("small", TASK, model, TrainConfig(**{**options, **changes}), default=True)


@pytest.fixture(autouse=True)
def _short_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sleepviz.evaluate, "VALIDATION_PASSES", (1,))
    monkeypatch.setattr(sleepviz.evaluate, "BATCH", 8)


def run(tmp_path: Path, preset: Preset | None = None, **options: Any) -> Path:
    return train(preset or small_preset(), folder=tmp_path / "made", runs=tmp_path / "runs", device="cpu", **options)


def log_of(tmp_path: Path, name: str = "small") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "runs" / name / "log.jsonl").read_text().splitlines()]


def interrupting(patch: pytest.MonkeyPatch, owner: Any, name: str, at_call: int, stop: Callable[[], None]) -> None:
    """Let the given call of a function end with `stop`."""
    original, calls = getattr(owner, name), iter(range(1, 10**6))

    def wrapped(*arguments: Any, **options: Any) -> Any:
        result = original(*arguments, **options)
        if next(calls) == at_call:
            stop()
        return result

    patch.setattr(owner, name, wrapped)


# Resuming.


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that ran to its end."""
    path = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sleepviz.evaluate, "VALIDATION_PASSES", (1,))
        patch.setattr(sleepviz.evaluate, "BATCH", 8)
        run(path)
    return path


@pytest.mark.parametrize(
    ("where", "at_call"),
    [
        ((torch.optim.AdamW, "step"), 5),  # half of an update: Muon has stepped, progress has not
        ((Trainer, "_advance"), 1),
        ((sleepviz.train, "training_step"), 12),  # in the last step of all
    ],
)
def test_a_training_stopped_by_ctrl_c_goes_on_as_if_nothing_had_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uninterrupted: Path, where: tuple[Any, str], at_call: int
) -> None:
    """Whenever the signal comes, losses, stages and weights are those of a training that was not stopped."""
    with monkeypatch.context() as patch:
        interrupting(patch, *where, at_call, lambda: signal.raise_signal(signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "cut")
    assert not (tmp_path / "cut" / "made").exists()  # no checkpoint of an unfinished training
    assert len(log_of(tmp_path / "cut")) == min(at_call, 12)
    resumed = run(tmp_path / "cut", resume=True)
    one, other = log_of(uninterrupted), log_of(tmp_path / "cut")
    assert [line["step"] for line in other] == list(range(1, 13))
    for a, b in zip(one, other, strict=True):
        assert abs(a["loss"] - b["loss"]) <= 1e-5
        assert (a["stage"], a["tokens"], a["flops"]) == (b["stage"], b["tokens"], b["flops"])
        assert abs(a["accuracy"] - b["accuracy"]) <= 1e-6
    assert one[-1]["stage"] == 1  # a stage was crossed on the way
    weights, others = (
        load("small", folder=folder).model.state_dict() for folder in (uninterrupted / "made", resumed.parent)
    )
    assert all(torch.allclose(weights[name], others[name], rtol=0, atol=1e-5) for name in weights)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_save_that_fails_leaves_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in the middle of writing: the state saved before is still there and goes on."""
    monkeypatch.setattr(sleepviz.train, "SAVE_EVERY_S", -1.0)  # after every step
    with monkeypatch.context() as patch:
        calls = iter(range(100))

        def dies(source: Any, target: Any, replace: Any = sleepviz.checkpoint.os.replace) -> None:
            if next(calls) >= 4:
                raise OSError("the disk is full")
            replace(source, target)

        patch.setattr(sleepviz.checkpoint.os, "replace", dies)
        with pytest.raises(OSError, match="disk is full"):
            run(tmp_path)
    resumed = run(tmp_path, resume=True)
    assert load("small", folder=resumed.parent).info.meta["training"]["step"] == 12


def test_what_cannot_be_resumed_is_refused_with_one_sentence(tmp_path: Path) -> None:
    def refused(preset: Preset | None = None, **options: Any) -> str:
        with pytest.raises(CheckpointError) as refusal:
            run(tmp_path, preset, resume=True, **options)
        assert str(refusal.value).endswith(".") and "\n" not in str(refusal.value)
        return str(refusal.value)

    assert "no training to resume" in refused()
    run(tmp_path)
    state = tmp_path / "runs" / "small" / "state.pt"
    assert "other settings" in refused(small_preset(batch=5))
    (tmp_path / "runs" / "small-s3").mkdir()
    shutil.copy(state, tmp_path / "runs" / "small-s3" / "state.pt")
    assert "other settings" in refused(seed=3)
    good = state.read_bytes()
    for damage in (b"", good[: len(good) // 2], b"not a training"):
        state.write_bytes(damage)
        assert "damaged" in refused()
    for other in ([], {"model": {}}, {"config": "", "seed": 0}):
        torch.save(other, state)
        assert "damaged" in refused()
    state.write_bytes(good)
    run(tmp_path, resume=True)  # a training that is over only writes its checkpoint again
    assert len(log_of(tmp_path)) == 12


# What a step trains on.


@pytest.mark.parametrize("loss", ["next_step", "final"])
def test_a_batch_is_a_function_of_seed_and_step(loss: Any) -> None:
    config = small_preset(loss=loss, stages=(replace(STAGES[1], own_answers=False),)).train

    def drawn(seed: int, step: int) -> tuple[Any, ...]:
        np.random.seed(step)
        torch.manual_seed(step)  # neither may matter
        plan = plan_step(TASK, config, seed=seed, step=step, stage=config.stages[0], mixing=False)
        return plan.n_passes, plan.batch.windows.tolist(), plan.batch.difficulty.tolist()

    first = [drawn(3, step) for step in range(20)]
    assert [drawn(3, step) for step in reversed(range(20))] == first[::-1]
    every = [drawn(seed, step) for seed in range(3) for step in range(20)]
    assert all(every.count(one) == 1 for one in every)
    assert {n_passes for n_passes, _, _ in every} == {1, 2, 3, 4}


def test_no_training_batch_holds_a_held_out_row() -> None:
    for preset in PRESETS.values():
        stage, task = preset.train.stages[-1], preset.task
        plan = plan_step(task, replace(preset.train, batch=32), seed=0, step=5, stage=stage, mixing=True)
        cells = plan.batch.windows[..., -task.row_cells :] % 3  # type: ignore[attr-defined]  # a cell, whatever its row
        if preset.task.name == "rule110-paper":
            cells = plan.batch.windows
        assert not is_held_out(cells.astype(np.uint8)).any(), preset.name


def brute_force_loss(model: HybridLM, plan: Plan, config: TrainConfig) -> float:
    """One instance, one query at a time; targets from the lookup table; windows slept on without restarts."""
    batch, losses = plan.batch, []
    for b in range(len(batch.windows)):
        memory, answers_before = empty(model), {}
        for index, window in enumerate(torch.from_numpy(batch.windows[b])):
            policy = SleepPolicy(plan.n_passes, sleep_attention=config.sleep_attention)
            if plan.own_answers and plan.n_passes > 1:
                shorter = sleep(model, window[None], memory, replace(policy, n_passes=plan.n_passes - 1))
                query = torch.from_numpy(batch.queries[b, index].copy())[None]
                answers_before[index] = "".join(map(str, model(query, shorter)[0][0, 1:].argmax(-1).tolist()))
            memory = sleep(model, window[None], memory, policy)
        for row in range(len(batch.windows[b])):
            difficulty = int(batch.difficulty[b])
            written = "".join(TASK.token_text(token) for token in batch.windows[b, row, 1:].tolist())
            if config.loss == "final":
                target = by_table(written, difficulty)
            elif not plan.own_answers:
                target = by_table(written, min(difficulty, plan.n_passes))
            else:
                before = answers_before.get(row, written)
                legal = "".join(cell if cell == "1" else "0" for cell in before.ljust(8, "0")[:8])
                target = by_table(legal, 1) if difficulty >= plan.n_passes else before
            logits = model(torch.from_numpy(batch.queries[b, row].copy())[None], memory)[0][0, 1:]
            losses += [float(-logits[i].log_softmax(-1)[int(cell)]) for i, cell in enumerate(target)]
    return float(np.mean(losses))


def binary_model(seed: int) -> HybridLM:
    """A random model that answers only 0 or 1, so that its own answers can be written as rows."""
    model = random_model(rule110_config(conv_kernel=4, input_recall=True), seed)
    assert model.head is not None
    model.head.weight[2:] = 0.0
    model.head.weight[:2] *= 10
    return model


@pytest.mark.parametrize(
    ("loss", "own_answers", "n_passes"),
    [("final", False, 2), ("next_step", False, 3), ("next_step", True, 1), ("next_step", True, 3)],
)
def test_the_loss_equals_one_computed_instance_by_instance(loss: Any, own_answers: bool, n_passes: int) -> None:
    stage = Stage(passes=3, difficulty=4, windows=(2, 2), own_answers=own_answers)
    config = TrainConfig((stage,), 1, batch=6, loss=loss, sleep_attention="full")
    model = binary_model(4)
    plan = plan_step(TASK, config, seed=1, step=0, stage=stage, mixing=True)
    plan = replace(plan, n_passes=n_passes)
    double = Memory.empty
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Memory, "empty", lambda config, n, device: double(config, n, dtype=torch.float64, device=device))
        result = training_step(model, TASK, config, plan, device=CPU)
    assert len(set(plan.batch.difficulty.tolist())) > 1
    assert result.loss.item() == pytest.approx(brute_force_loss(model, plan, config), abs=1e-9)


def test_the_first_loss_is_that_of_knowing_nothing(tmp_path: Path) -> None:
    """The head starts at zero, so every token is equally likely; after some steps 0 and 1 are not."""
    run(tmp_path, small_preset(steps=40, batch=8, decay_share=0.0))
    losses = [line["loss"] for line in log_of(tmp_path)]
    assert losses[0] == pytest.approx(math.log(TASK.vocab_size), abs=1e-5)
    assert np.mean(losses[-10:]) < losses[0] - 0.3 and np.isfinite(losses).all()


def test_gradient_passes_change_the_gradient_and_not_the_loss() -> None:
    stage = Stage(passes=4, difficulty=4, windows=(1, 1))
    config = TrainConfig((stage,), 1, batch=4)
    model = random_model(rule110_config(input_recall=True)).float().requires_grad_()
    plan = replace(plan_step(TASK, config, seed=0, step=0, stage=stage, mixing=True), n_passes=4)
    found = {}
    for grad_passes in (0, 4, 9, 2):
        result = training_step(model, TASK, replace(config, grad_passes=grad_passes), plan, device=CPU)
        found[grad_passes] = result.loss.item(), torch.autograd.grad(result.loss, model.blocks[1].mixer.qkv.weight)[0]
    assert len({loss for loss, _ in found.values()}) == 1
    assert torch.equal(found[0][1], found[4][1]) and torch.equal(found[0][1], found[9][1])
    assert (found[0][1] - found[2][1]).abs().max() > 1e-4 * found[0][1].abs().max()


@pytest.mark.parametrize("own_answers", [False, True])
def test_counted_operations_are_near_those_that_torch_counts(own_answers: bool) -> None:
    """Forward exactly, backward at twice the forward: within a tenth of what torch counts for both."""
    stage = Stage(passes=3, difficulty=4, windows=(2, 2), own_answers=own_answers)
    config = TrainConfig((stage,), 1, batch=4)
    model = random_model(rule110_config()).float().requires_grad_()
    plan = replace(plan_step(TASK, config, seed=0, step=0, stage=stage, mixing=True), n_passes=3)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        training_step(model, TASK, config, plan, device=CPU).loss.backward()
    assert step_flops(model.config, config, plan) == pytest.approx(counter.get_total_flops(), rel=0.1)
    forward = sleep_flops(model.config, n_tokens=9, n_passes=3) * 2 + wake_flops(model.config, n_tokens=9) * 2
    own = wake_flops(model.config, n_tokens=9) * 2 if own_answers else 0
    assert step_flops(model.config, config, plan) == 4 * (3 * forward + own)


def test_every_parameter_has_exactly_one_optimiser() -> None:
    preset = small_preset()
    model = HybridLM(preset.model)
    trainer = Trainer(preset, 0, model, CPU, lambda progress: 0.0)
    groups = [{id(p) for group in o.param_groups for p in group["params"]} for o in (trainer.muon, trainer.adamw)]
    assert not groups[0] & groups[1] and groups[0] | groups[1] == {id(p) for p in model.parameters()}
    named = {name for name, parameter in model.named_parameters() if is_muon_matrix(name, parameter)}
    assert {"blocks.0.mixer.qkv.weight", "blocks.1.mixer.out.weight", "blocks.0.up.weight", "recall.weight"} <= named
    assert not {"embedding.weight", "head.weight", "places", "blocks.1.mixer.conv.weight"} & named


# Budgets and the checkpoint.


@pytest.mark.parametrize("kind", ["tokens", "flops"])
def test_a_matched_training_stops_when_it_has_spent_as_much(tmp_path: Path, kind: Any) -> None:
    run(tmp_path)
    spent = load("small", folder=tmp_path / "made").info.meta["training"]
    stages = (Stage(1, 1, (1, 1)),)
    matched = replace(small_preset(loss="final", n_passes=1, stages=stages, match="small", match_on=kind), name="n1")
    path = run(tmp_path, matched)
    own = load("n1", folder=path.parent).info.meta["training"]
    last = log_of(tmp_path, "n1")[-2]
    assert last[kind] < spent[kind] <= own[kind]
    assert own["step"] != spent["step"]
    # And by a budget that is given in numbers.
    other = run(tmp_path, replace(small_preset(), name="given"), budget=f"{kind}:{spent[kind] / 2}")
    assert load("given", folder=other.parent).info.meta["training"][kind] >= spent[kind] / 2
    assert log_of(tmp_path, "given")[-2][kind] < spent[kind] / 2


@pytest.mark.parametrize(
    "budget", ["tokens", "tokens:", "steps:5", "flops:x", "flops:-1", "flops:1e", "flops:1.2.3", "flops:0", "flops:."]
)
def test_a_budget_that_makes_no_sense_is_refused(tmp_path: Path, budget: str) -> None:
    with pytest.raises(ConfigError, match="budget"):
        run(tmp_path, budget=budget)


@pytest.mark.parametrize("steps", [0, -1])
def test_steps_that_make_no_sense_are_refused(tmp_path: Path, steps: int) -> None:
    with pytest.raises(ConfigError, match="steps"):
        run(tmp_path, steps=steps)


def test_a_checkpoint_says_how_it_was_made_and_what_it_may_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit on difficulty is the last one before accuracy first falls under 0.95 at its best N."""
    table = {1: [1.0, 0.9, 0.99, 0.2, 1.0], 2: [0.5, 0.96, 0.2, 0.2, 1.0]}

    def measured(_model: Any, _task: Any, setting: Any, *, difficulty: int, **_: Any) -> Any:
        right = np.ones((100, 1, TASK.window), dtype=bool)
        right[round(100 * table[setting.policy.n_passes][difficulty]) :, 0, 4] = False
        return right

    monkeypatch.setattr(sleepviz.evaluate, "accuracy", measured)
    monkeypatch.setattr(sleepviz.evaluate, "VALIDATION_PASSES", (1, 2))
    path = run(tmp_path, seed=2, command="python -m sleepviz train --preset small --seed 2")
    made = load("small-s2", folder=path.parent)
    info = made.info
    assert info.limits["steps_max"] == 2 and info.limits["rows_max"] == 3 and info.limits["passes_trained"] == 4
    np.testing.assert_allclose(info.metrics["validation_accuracy"], [table[1], table[2]])
    assert info.meta["command"].endswith("--seed 2") and info.meta["seed"] == 2 and info.default
    assert TrainConfig.from_json(info.meta["train"]) == small_preset().train
    assert made.model.config == small_preset().model and made.task == TASK
    state = torch.load(tmp_path / "runs" / "small-s2" / "state.pt", weights_only=True)
    for name, tensor in made.model.state_dict().items():
        assert torch.equal(tensor, state["model"][name])


# Presets.


def test_presets_fit_their_tasks_and_can_be_kept() -> None:
    assert list(PRESETS) == [preset.name for preset in PRESETS.values()]
    for preset in PRESETS.values():
        assert (preset.model.vocab_size, preset.model.window) == (preset.task.vocab_size, preset.task.window)
        assert build_task(preset.task.name, json.loads(json.dumps(preset.task.to_json()))) == preset.task
        assert TrainConfig.from_json(json.loads(json.dumps(preset.train.to_json()))) == preset.train
        assert all(stage.windows[1] <= preset.task.windows_max for stage in preset.train.stages)
        assert not preset.train.match or preset_named(preset.train.match).task == preset.task
    defaults = [preset.task.name for preset in PRESETS.values() if preset.default]
    assert len(defaults) == len(set(defaults))
    with pytest.raises(ConfigError, match="rule110-micro"):
        preset_named("nothing")


def test_the_paper_preset_is_the_papers() -> None:
    """arXiv:2605.26099: T = 100, L = 24, t = 32, four layers, d = 256, batch 512, one model per N, plain carry."""
    paper = PRESETS["rule110-paper"]
    config, stage = replace(paper.train, batch=3), paper.train.stages[0]
    plan = plan_step(paper.task, config, seed=0, step=0, stage=stage, mixing=False)
    assert plan.batch.windows.shape == (3, 4, 24) and plan.batch.queries.shape == (3, 1, 4)
    assert plan.batch.difficulty.tolist() == [32] * 3 and paper.train.n_passes > 0
    assert paper.model.layer_types == ("full_attention", "linear_attention") * 2
    assert (paper.model.d_model, paper.train.batch, paper.train.loss) == (256, 512, "final")
    assert (paper.train.sleep_attention, paper.model.input_recall, paper.train.grad_passes) == ("causal", False, 0)
    for b in range(3):
        rows = ["".join(map(str, row)) for row in plan.batch.windows[b].tolist()]
        target = plan.batch.targets[b, 0, 32]
        assert target.tolist() == [int(by_table(row, 32)[0]) for row in rows] and NOT_ASKED not in target
