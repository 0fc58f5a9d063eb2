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
import safetensors.torch
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import sleepviz.training.evaluate
import sleepviz.training.loop
import sleepviz.training.train
from sleepviz.config.base import ConfigError
from sleepviz.config.model import ModelConfig, SleepPolicy
from sleepviz.config.training import Budget, Stage, TrainConfig
from sleepviz.core.memory import Memory
from sleepviz.core.model import HybridLM
from sleepviz.core.sleep import sleep, sleep_passes
from sleepviz.runs.checkpoint import FOLDER as CHECKPOINTS
from sleepviz.runs.checkpoint import CheckpointError, checkpoint_name, list_checkpoints, load
from sleepviz.runs.flops import sleep_flops, wake_flops
from sleepviz.tasks import PRESETS, build_task, preset_named
from sleepviz.tasks.base import NOT_ASKED, Batch
from sleepviz.tasks.depo.task import Depo
from sleepviz.tasks.family import Preset
from sleepviz.tasks.gsm.task import Gsm
from sleepviz.tasks.rule110.paper import Rule110Paper
from sleepviz.tasks.rule110.task import Rule110, is_held_out
from sleepviz.training.loop import DivergedError
from sleepviz.training.plan import FRONTIER_SHARE, Plan, plan_step
from sleepviz.training.step import StepResult, step_flops, training_step
from sleepviz.training.train import Trainer, is_muon_matrix, train
from tests.builders import TASK, at_each, empty, random_model, rule110_config
from tests.tasks.test_rule110 import by_table

CPU = torch.device("cpu")
STAGES = (
    Stage(passes=2, difficulty=1, windows=(1, 2), advance_at=1e-9),
    Stage(passes=4, difficulty=4, windows=(1, 3), single_window_share=0.5, advance_at=1e-9),
)


def small_preset(**changes: Any) -> Preset:
    """A training that takes a second; its first stage ends at once, so that stages are crossed too."""
    options: dict[str, Any] = {"stages": STAGES, "budget": Budget.steps(12), "batch": 4, "warmup_steps": 3}
    layers = ("full_attention", "linear_attention")
    model = rule110_config(layer_types=layers, conv_kernel=4, input_recall=True, window_positions=True)
    return Preset("small", TASK, model, TrainConfig(**{**options, **changes}), default=True)


@pytest.fixture(autouse=True)
def _short_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sleepviz.training.evaluate, "VALIDATION_PASSES", (1,))
    monkeypatch.setattr(sleepviz.training.evaluate, "VALIDATION_INSTANCES", 8)


def run(tmp_path: Path, preset: Preset | None = None, **options: Any) -> Path:
    given: dict[str, Any] = {"folder": tmp_path / "made", "runs": tmp_path / "runs", "device": "cpu", "publish": True}
    return train(preset or small_preset(), **{**given, **options})


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


def first_answer_right(patch: pytest.MonkeyPatch) -> None:
    """Count the first answer of every step as exact, so that the first stage ends: 12 steps teach no whole row."""
    original = sleepviz.training.train.training_step

    def lucky(*arguments: Any, **options: Any) -> StepResult:
        result = original(*arguments, **options)
        result.exact[0] = True
        return result

    patch.setattr(sleepviz.training.train, "training_step", lucky)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that ran to its end."""
    path = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sleepviz.training.evaluate, "VALIDATION_PASSES", (1,))
        patch.setattr(sleepviz.training.evaluate, "VALIDATION_INSTANCES", 8)
        first_answer_right(patch)
        run(path)
    return path


@pytest.mark.parametrize(
    ("where", "at_call", "done"),
    [
        ((torch.optim.AdamW, "step"), 5, 5),  # half of an update: Muon has stepped, progress has not
        ((Trainer, "advance"), 1, 1),
        ((sleepviz.training.train, "training_step"), 12, 11),  # in the last step of all
    ],
)
def test_a_training_stopped_by_ctrl_c_goes_on_as_if_nothing_had_been(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    uninterrupted: Path,
    where: tuple[Any, str],
    at_call: int,
    done: int,
) -> None:
    """Whenever the signal comes, losses, stages and weights are those of a training that was not stopped."""
    first_answer_right(monkeypatch)
    handler = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        interrupting(patch, *where, at_call, lambda: signal.raise_signal(signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "cut")
    assert not (tmp_path / "cut" / "made").exists()  # no checkpoint of an unfinished training
    assert len(log_of(tmp_path / "cut")) == done
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
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_save_that_fails_leaves_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in the middle of writing: the state saved before is still there and goes on."""
    monkeypatch.setattr(sleepviz.training.loop, "SAVE_EVERY_S", -1.0)  # after every step
    with monkeypatch.context() as patch:
        calls = iter(range(100))

        def dies(source: Any, target: Any, replace: Any = sleepviz.runs.checkpoint.os.replace) -> None:
            if next(calls) >= 4:
                raise OSError("the disk is full")
            replace(source, target)

        patch.setattr(sleepviz.runs.checkpoint.os, "replace", dies)
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


@pytest.mark.parametrize("broken", ["loss", "gradient"])
def test_a_training_whose_numbers_are_not_finite_keeps_its_last_good_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """The third step's loss, or its gradient alone, is not a number: no checkpoint, and the state is from before."""
    original, calls = sleepviz.training.train.training_step, iter(range(100))

    def breaks(*arguments: Any, **options: Any) -> StepResult:
        result = original(*arguments, **options)
        if next(calls) != 2:
            return result
        if broken == "loss":
            return replace(result, loss=result.loss * math.nan)
        return replace(result, loss=result.loss + (result.loss * 0).sqrt())  # the root's slope at 0 is infinite

    monkeypatch.setattr(sleepviz.training.loop, "SAVE_EVERY_S", -1.0)
    with monkeypatch.context() as patch:
        patch.setattr(sleepviz.training.train, "training_step", breaks)
        with pytest.raises(DivergedError, match=r"^after step 2 .* Lower the learning rates\.$"):
            run(tmp_path)
    assert not (tmp_path / "made").exists() and len(log_of(tmp_path)) == 2
    run(tmp_path, resume=True)
    assert len(log_of(tmp_path)) > 2


# Trainings and checkpoints of an earlier version.


OLD = Path(__file__).parents[1] / "data" / "old_training"


def old_preset() -> Preset:
    """What tests/data/old_training was made of, before settings were renamed and tasks moved.

    state.pt was saved after four of eight steps, log.jsonl and the checkpoint are those of the whole training.
    """
    task = Depo(nodes_max=6, nodes_min=3, window_edges=3, hops_max=2)
    sizes: dict[str, Any] = {"d_model": 8, "n_heads": 2, "fast_heads": 2, "key_dim": 3, "value_dim": 5, "mlp_ratio": 2}
    model = ModelConfig(task.vocab_size, task.window, **sizes, conv_kernel=4, beta_max=2.0, vocabulary_feedback=True)
    stages = (Stage(2, 1, (1, 2), advance_at=1e-9), Stage(3, 2, (1, 2)))
    train = TrainConfig(stages, Budget.steps(8), batch=4, pass_loss=1.0, skipped_share=0.6, repeats=2, grad_passes=2)
    return Preset("old", task, model, replace(train, warmup_steps=3))


def test_a_training_begun_by_an_earlier_version_goes_on_as_it_would_have(tmp_path: Path) -> None:
    kept = tmp_path / "runs" / "old-s1"
    kept.mkdir(parents=True)
    shutil.copy(OLD / "state.pt", kept)
    path = run(tmp_path, old_preset(), seed=1, resume=True)
    then = [json.loads(line) for line in (OLD / "log.jsonl").read_text().splitlines()]
    now = log_of(tmp_path, "old-s1")
    assert [line["step"] for line in now] == [5, 6, 7, 8]
    for a, b in zip(then[4:], now, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], abs=1e-5)
        assert (a["stage"], a["tokens"]) == (b["stage"], b["tokens"])
        assert 0.99 * a["flops"] < b["flops"] < a["flops"]  # then every token was put out, asked for or not
    old = safetensors.torch.load_file(OLD / "model.safetensors")
    begun = torch.load(OLD / "state.pt", weights_only=True)["model"]
    for name, tensor in load("old-s1", folder=path.parent).model.state_dict().items():
        # Muon rounds to bfloat16: another kind of processor may move a matrix a little differently.
        moved = float((old[name] - begun[name]).abs().max())
        assert torch.allclose(tensor, old[name], rtol=0, atol=1e-5 + 0.01 * moved), name
    changed = replace(old_preset(), train=replace(old_preset().train, repeats=3))
    with pytest.raises(CheckpointError, match="other settings"):
        run(tmp_path, changed, seed=1, resume=True)


def test_a_checkpoint_of_an_earlier_version_says_what_it_was_trained_with(tmp_path: Path) -> None:
    shutil.copytree(OLD, tmp_path / "old-s1")
    info = load("old-s1", folder=tmp_path).info
    assert TrainConfig.from_json(info.meta["train"]) == old_preset().train
    assert len(list_checkpoints()) > 30
    for shipped in list_checkpoints():
        written = json.loads((CHECKPOINTS / shipped.name / "meta.json").read_text())
        before, now = written["train"], shipped.meta["train"]
        for old, new in (("stream_loss", "pass_loss"), ("ahead_share", "skipped_share"), ("sightings", "repeats")):
            assert old not in now and now.get(new) == before.get(old, before.get(new))
        budget = Budget.from_json(now["budget"])
        if before.get("match"):
            assert budget == Budget(before["match_on"], match=tuple(before["match"]))
        elif "steps" in before:
            assert budget == Budget.steps(before["steps"])


def test_a_training_is_published_on_request_only(tmp_path: Path) -> None:
    """What it begins from is looked for among the trainings first, then among the published checkpoints."""
    own = run(tmp_path, publish=False, budget=Budget.steps(1))
    assert own == tmp_path / "runs" / "small" and not (tmp_path / "made").exists()
    later = replace(small_preset(init="small", lr_muon=0.0, lr_adamw=0.0, budget=Budget.steps(1)), name="later")
    published = run(tmp_path, later)
    assert published == tmp_path / "made" / "later"
    begun, made = (load(path.name, folder=path.parent).model.state_dict() for path in (own, published))
    assert all(torch.equal(begun[name], made[name]) for name in begun)


# What a step trains on.


@pytest.mark.parametrize("loss", ["next_step", "final"])
def test_a_batch_is_a_function_of_seed_and_step(loss: Any) -> None:
    config = small_preset(loss=loss, stages=(STAGES[1],)).train

    def drawn(seed: int, step: int) -> tuple[Any, ...]:
        np.random.seed(step)
        torch.manual_seed(step)  # neither may matter
        plan = plan_step(TASK, config, seed=seed, step=step, stage=config.stages[0], mixing=False)
        return plan.n_passes, plan.batch.windows.tolist(), plan.batch.difficulty.tolist()

    first = [drawn(3, step) for step in range(20)]
    assert [drawn(3, step) for step in reversed(range(20))] == first[::-1]
    every = [drawn(seed, step) for seed in range(3) for step in range(20)]
    assert all(every.count(one) == 1 for one in every)
    assert {n_passes for n_passes, *_ in every} == {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("changes", "mixing", "share"),
    [
        ({"loss": "next_step"}, False, FRONTIER_SHARE + (1 - FRONTIER_SHARE) / 4),
        ({"loss": "final"}, False, FRONTIER_SHARE + (1 - FRONTIER_SHARE) / 4),
        ({"loss": "next_step"}, True, 1 / 4),
        ({"loss": "final"}, True, 1 / 4),
        ({"loss": "final", "n_passes": 2}, False, 0.0),
        ({"loss": "final", "n_passes": 4}, True, 1.0),
    ],
)
def test_passes_are_the_frontiers_in_its_share_of_plans(changes: dict[str, Any], mixing: bool, share: float) -> None:
    config = small_preset(**changes, batch=1).train
    drawn = [plan_step(TASK, config, seed=0, step=step, stage=STAGES[1], mixing=mixing).n_passes for step in range(400)]
    assert np.mean(np.array(drawn) == 4) == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 400))
    assert set(drawn) == ({config.n_passes} if config.n_passes else {1, 2, 3, 4})


def test_no_training_batch_holds_a_held_out_row() -> None:
    for preset in PRESETS.values():
        stage, task = preset.train.stages[-1], preset.task
        if not isinstance(task, Rule110 | Rule110Paper):
            continue
        plan = plan_step(task, replace(preset.train, batch=32), seed=0, step=5, stage=stage, mixing=True)
        cells = plan.batch.windows[..., -task.row_cells :] % 3  # a cell, whatever its row
        if isinstance(task, Rule110Paper):
            cells = plan.batch.windows
        assert not is_held_out(cells.astype(np.uint8)).any(), preset.name


@pytest.mark.parametrize("task", [Depo(6, 3, 3, 2), Gsm(6, 3, 2, 2)], ids=lambda task: task.name)
def test_no_training_step_is_a_held_out_instance(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tasks' own tests show that their splits do not meet; here every batch is of the split for training."""
    splits, draw = [], type(task).batch

    def drawn(self: Any, rng: Any, **options: Any) -> Batch:
        splits.append(options["split"])
        return draw(self, rng, **options)

    monkeypatch.setattr(type(task), "batch", drawn)
    config = TrainConfig((Stage(2, 2, (1, 2)),), Budget.steps(1), batch=4, pass_loss=1.0, skipped_share=0.5)
    for step in range(10):
        plan_step(task, config, seed=0, step=step, stage=config.stages[0], mixing=False)
    assert splits == ["train"] * 10


def test_skipped_share_takes_earlier_passes_for_granted() -> None:
    """With a share of 1, batches begin anywhere from 0 to hops_max hops on, each about equally often."""
    task = Depo(6, 3, 3, 4)
    stage = Stage(2, 2, (1, 2))
    begun = []
    for share in (0.0, 1.0):
        config = TrainConfig((stage,), Budget.steps(1), batch=4, pass_loss=1.0, skipped_share=share)
        plans = [plan_step(task, config, seed=0, step=step, stage=stage, mixing=False) for step in range(200)]
        heads = [{task.token_text(int(window[11])) for window in plan.batch.windows[:, 0]} for plan in plans]
        assert all(len(head) == 1 for head in heads)
        begun.append([head.pop() for head in heads])
    assert set(begun[0]) == {"+0"}
    assert {head: begun[1].count(head) >= 20 for head in begun[1]} == {f"+{hops}": True for hops in range(5)}


def test_repeats_take_the_passes_in_between_for_granted() -> None:
    """Of N passes, up to three are left, each over the same window some hops on, which it was not before."""
    task = Depo(6, 3, 3, 4)
    stage = Stage(8, 4, (1, 1))
    config = TrainConfig((stage,), Budget.steps(1), batch=4, pass_loss=1.0, skipped_share=1.0, repeats=3)
    shown = set()
    for step in range(100):
        plan = plan_step(task, config, seed=0, step=step, stage=stage, mixing=False)
        hops = [task.token_text(int(window[11])) for window in plan.batch.windows[0]]
        assert hops == sorted(hops) and (len(hops) == 1 or plan.n_passes == 1)
        shown.add(len(hops))
    assert shown == {1, 2, 3}


def test_a_step_that_asks_nothing_learns_from_its_stream_alone() -> None:
    """Questions whose answers lie beyond what one pass tells: nothing is asked, and the loss is finite."""
    task = Depo(6, 3, 3, 4)
    config = TrainConfig((Stage(1, 2, (1, 1)),), Budget.steps(1), batch=4, pass_loss=1.0)
    batch = task.batch(np.random.default_rng(0), size=4, n_windows=1, difficulty=np.full(4, 2), split="train")
    batch = replace(batch, targets=np.where(np.arange(6)[:, None] < 3, NOT_ASKED, batch.targets))
    model = HybridLM(ModelConfig(task.vocab_size, task.window, d_model=8, n_heads=2, fast_heads=2))
    result = training_step(model, task, config, Plan(batch, 1), device=CPU)
    assert result.exact.numel() == 0
    assert result.loss.item() == pytest.approx(math.log(task.vocab_size))  # an untrained head knows nothing


def brute_force_loss(model: HybridLM, plan: Plan, config: TrainConfig) -> float:
    """One instance, one token at a time; targets from the lookup table; windows slept on without restarts."""
    batch, policy = plan.batch, SleepPolicy(plan.n_passes, config.eviction, config.sleep_attention)
    n_windows = batch.windows.shape[1]
    queries: list[list[float]] = [[] for _ in range(n_windows)]
    streams: dict[tuple[int, int], list[float]] = {}  # (window, pass) -> loss of each of its tokens
    first_scored = max(plan.n_passes - (config.grad_passes or plan.n_passes), 0)
    for b in range(len(batch.windows)):
        memory, difficulty = empty(model), int(batch.difficulty[b])
        names = [int(window[1]) // 3 for window in batch.windows[b]]
        rows = ["".join(map(TASK.token_text, window[1:].tolist())) for window in batch.windows[b]]
        assert all(set(row) <= {"0", "1"} for row in rows)
        for index, window in enumerate(torch.from_numpy(batch.windows[b])):
            for done in sleep_passes(model, window[None], memory, policy):
                if not config.pass_loss or done.pass_index < first_scored:
                    continue
                taken = min(done.pass_index + 1, difficulty)
                cells = by_table(rows[index], taken)
                tokens = [steps_token(difficulty - taken), *(3 * names[index] + int(cell) for cell in cells)]
                surprise = -model.logits(done.h)[0].log_softmax(-1)
                streams.setdefault((index, done.pass_index), []).extend(
                    float(surprise[place, token]) for place, token in enumerate(tokens)
                )
            memory = sleep(model, window[None], memory, policy)
        for index in range(n_windows):
            asked = difficulty if config.loss == "final" else min(difficulty, plan.n_passes)
            logits = model(torch.from_numpy(batch.queries[b, index].copy())[None], memory)[0][0, 1:]
            for place, cell in enumerate(by_table(rows[index], asked)):
                queries[index].append(float(-logits[place].log_softmax(-1)[3 * names[index] + int(cell)]))
    parts = [np.mean(losses) for losses in queries]
    parts += [config.pass_loss * np.mean(losses) for losses in streams.values()]
    scored = min(plan.n_passes, config.grad_passes or plan.n_passes)
    assert len(parts) == n_windows * (1 + (scored if config.pass_loss else 0))
    return float(np.mean(parts))


def steps_token(steps: int) -> int:
    """The token that is written t0, t1, and so on."""
    return next(token for token in range(TASK.vocab_size) if TASK.token_text(token) == f"t{steps}")


@pytest.mark.parametrize(
    ("n_passes", "options"),
    [
        (2, {"loss": "final"}),
        (1, {}),
        (3, {}),
        (6, {}),  # more passes than steps are asked for: the rest must keep the answer
        (1, {"pass_loss": 1.0}),
        (3, {"pass_loss": 0.7}),
        (3, {"pass_loss": 0.7, "grad_passes": 2}),
        (2, {"pass_loss": 0.3, "grad_passes": 5, "loss": "final"}),
        (1, {"loss": "final", "eviction": "none"}),  # the oracle
        (2, {"eviction": "sliding"}),
    ],
)
@pytest.mark.parametrize("carried", [{"input_recall": True}, {"vocabulary_feedback": True, "window_positions": True}])
def test_the_loss_equals_one_computed_instance_by_instance(
    n_passes: int, options: dict[str, Any], carried: dict[str, Any]
) -> None:
    stage = Stage(passes=3, difficulty=4, windows=(2, 2))
    config = TrainConfig((stage,), Budget.steps(1), batch=6, sleep_attention="full", **options)
    model = random_model(rule110_config(conv_kernel=4, **carried), 4).requires_grad_()
    plan = replace(plan_step(TASK, config, seed=1, step=0, stage=stage, mixing=True), n_passes=n_passes)
    result = training_step_in_double(model, config, plan)
    assert len(set(plan.batch.difficulty.tolist())) > 1
    assert len({int(window) for window in plan.batch.windows[:, 0, 1] // 3}) > 1  # rows of several names
    with torch.no_grad():
        assert result.loss.item() == pytest.approx(brute_force_loss(model, plan, config), abs=1e-9)


def training_step_in_double(model: HybridLM, config: TrainConfig, plan: Plan) -> StepResult:
    """A step in float64, so that what it gives can be compared closely."""
    double = Memory.empty
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Memory, "empty", lambda config, n, device: double(config, n, dtype=torch.float64, device=device))
        return training_step(model, TASK, config, plan, device=CPU)


@pytest.mark.parametrize("n_passes", [0, 3])
@pytest.mark.parametrize("task", [Depo(nodes_max=8, window_edges=4, hops_max=3, compact=True), Rule110(8, 2, 4)])
def test_answers_alone_are_learned_from(task: Any, n_passes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Targets that are no answer after the last eviction may be anything: loss and gradients stay, to the bit."""
    recipe = TrainConfig(
        (Stage(3, 3, (2, 2)),), Budget.steps(1), batch=6, loss="answers", steps_per_pass=2, n_passes=n_passes
    )
    model_config = ModelConfig(task.vocab_size, task.window, conv_kernel=4, look_back=(), window_positions=True)
    plan = plan_step(task, recipe, seed=5, step=0, stage=recipe.stages[0], mixing=False)
    answered = np.zeros(plan.batch.targets.shape, dtype=bool)
    level = plan.batch.difficulty if plan.batch.difficulty.ndim == 1 else np.full(6, answered.shape[2] - 1)
    answered[np.arange(6), :, level] = True
    noise = np.random.default_rng(0).integers(0, task.vocab_size, answered.shape)
    other = replace(plan, batch=replace(plan.batch, targets=np.where(answered, plan.batch.targets, noise)))
    monkeypatch.setattr(type(task), "targets_after_pass", lambda *_: pytest.fail("what a pass puts out was scored"))
    outcomes = []
    for each in (plan, other):
        model = random_model(model_config).requires_grad_()
        result = training_step_in_double(model, recipe, each)
        result.loss.backward()  # type: ignore[no-untyped-call]
        outcomes.append((result.loss.item(), [p.grad for p in model.parameters()]))
    assert (plan.batch.targets != other.batch.targets).any()
    assert outcomes[0][0] == outcomes[1][0]
    assert all(torch.equal(a, b) for a, b in zip(outcomes[0][1], outcomes[1][1], strict=True))  # type: ignore[arg-type]


def test_a_batch_that_rests_gives_its_last_window_all_passes_and_every_other_one() -> None:
    """The loss is that of sleeping by hand, one instance after another, and no answer counts for the stage."""
    task, stage = Depo(nodes_max=9, window_edges=3, hops_max=2, compact=True), Stage(3, 2, (3, 3))
    config = TrainConfig((stage,), Budget.steps(1), batch=4, loss="answers", n_passes=3, rest_share=1.0)
    plan = plan_step(task, config, seed=3, step=0, stage=stage, mixing=False)
    assert plan.passes == (1, 1, 1, 3) and not plan.scored.any()
    usual = plan_step(task, replace(config, rest_share=0.0), seed=3, step=0, stage=stage, mixing=False)
    assert usual.passes == (3, 3, 3) and usual.scored.any()
    assert np.array_equal(usual.batch.windows, plan.batch.windows[:, :-1])
    model = random_model(ModelConfig(task.vocab_size, task.window, d_model=8, n_heads=2, fast_heads=2)).float()
    surprises: list[float] = []
    for windows, queries, targets in zip(
        plan.batch.windows, plan.batch.queries, plan.batch.targets[:, :, -1], strict=True
    ):
        said = [[task.token_text(int(token)) for token in window] for window in windows]
        assert set(said[-1][:6]) == {"·"} and said[-1][6:] == said[-2][6:] == [f"n{name}:" for name in range(1, 10)]
        memory = empty(model)
        for window, n_passes in zip(torch.from_numpy(windows), (1, 1, 1, 3), strict=True):
            memory = sleep(model, window[None], memory, SleepPolicy(n_passes))
        for query, target in zip(torch.from_numpy(queries), torch.from_numpy(targets), strict=True):
            logits, _ = model(query[None], memory)
            surprises += (-logits[0].log_softmax(-1)[target != NOT_ASKED, target[target != NOT_ASKED]]).tolist()
    loss = training_step(model, task, config, plan, device=CPU).loss.item()
    assert loss == pytest.approx(np.mean(surprises), abs=1e-5)


def test_a_late_batch_gives_only_its_last_window_all_passes_and_no_answer_counts_for_the_stage() -> None:
    task, stage = Rule110(row_cells=8, rows_max=3, steps_max=2), Stage(3, 2, (3, 3))
    config = TrainConfig((stage,), Budget.steps(1), batch=4, loss="answers", n_passes=3, late_share=0.5)
    plans = [plan_step(task, config, seed=3, step=step, stage=stage, mixing=False) for step in range(200)]
    late = [plan for plan in plans if plan.passes == (1, 1, 3)]
    usual = [plan for plan in plans if plan.passes == (3, 3, 3)]
    assert len(late) + len(usual) == 200 and 75 <= len(late) <= 125  # 3.5 standard deviations
    assert not any(plan.scored.any() for plan in late)
    assert any(plan.scored.any() for plan in usual)


def test_a_task_without_names_at_the_end_of_its_windows_cannot_rest() -> None:
    config = TrainConfig((Stage(1, 1, (1, 1)),), Budget.steps(1), batch=2, loss="answers", rest_share=1.0)
    with pytest.raises(ConfigError, match="rest_share must be 0: a window of the task rule110"):
        plan_step(TASK, config, seed=0, step=0, stage=config.stages[0], mixing=False)


def test_exact_answers_are_counted_row_by_row() -> None:
    """Right only with every cell right, in the row's own tokens."""
    stage = Stage(passes=2, difficulty=4, windows=(2, 2))
    config = TrainConfig((stage,), Budget.steps(1), batch=3)
    plan = plan_step(TASK, config, seed=1, step=0, stage=stage, mixing=True)
    level = np.minimum(plan.batch.difficulty, plan.n_passes)
    said = plan.batch.targets[np.arange(3), :, level].copy()  # [B, Q, T]
    said[0, 1, 4] = (said[0, 1, 4] // 3) * 3 + 1 - said[0, 1, 4] % 3  # one cell wrong
    said[2, 0, 1:] = (said[2, 0, 1:] + 3) % 9  # another row's tokens
    model = random_model(rule110_config()).float()
    answers = iter(np.moveaxis(said[:, :, 1:], 1, 0))  # the first token only tells t, so nothing is put out there
    one_hot = torch.nn.functional.one_hot
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            HybridLM,
            "logits",
            lambda self, h: 20 * one_hot(torch.from_numpy(next(answers)).flatten(), TASK.vocab_size).float(),
        )
        result = training_step(model, TASK, config, plan, device=CPU)
    assert result.exact.tolist() == [
        True,
        True,
        False,
        False,
        True,
        True,
    ]  # three rows of one chunk, then of the next


def test_the_first_loss_is_that_of_knowing_nothing(tmp_path: Path) -> None:
    """The head starts at zero, so every token is equally likely; after some steps 0 and 1 are not."""
    run(tmp_path, small_preset(budget=Budget.steps(40), batch=8, decay_share=0.0))
    losses = [line["loss"] for line in log_of(tmp_path)]
    assert losses[0] == pytest.approx(math.log(TASK.vocab_size), abs=1e-5)
    assert np.mean(losses[-10:]) < losses[0] - 0.3 and np.isfinite(losses).all()


def test_gradient_passes_change_the_gradient_and_not_the_loss() -> None:
    stage = Stage(passes=4, difficulty=4, windows=(1, 1))
    config = TrainConfig((stage,), Budget.steps(1), batch=4)
    model = random_model(rule110_config(input_recall=True)).float().requires_grad_()
    plan = replace(plan_step(TASK, config, seed=0, step=0, stage=stage, mixing=True), n_passes=4)
    found = {}
    for grad_passes in (0, 4, 9, 2):
        result = training_step(model, TASK, replace(config, grad_passes=grad_passes), plan, device=CPU)
        found[grad_passes] = result.loss.item(), torch.autograd.grad(result.loss, model.blocks[1].mixer.qkv.weight)[0]
    assert len({loss for loss, _ in found.values()}) == 1
    assert torch.equal(found[0][1], found[4][1]) and torch.equal(found[0][1], found[9][1])
    assert (found[0][1] - found[2][1]).abs().max() > 1e-4 * found[0][1].abs().max()


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ({}, {}),
        ({"pass_loss": 1.0}, {}),
        ({"pass_loss": 1.0, "grad_passes": 2}, {"vocabulary_feedback": True}),
        ({"pass_loss": 1.0, "grad_passes": 2}, {"input_recall": True}),
    ],
)
def test_counted_operations_are_near_those_that_torch_counts(options: dict[str, Any], changes: dict[str, Any]) -> None:
    """Forward exactly, backward at twice the forward: within a tenth of what torch counts for both."""
    stage = Stage(passes=3, difficulty=4, windows=(2, 2))
    config = TrainConfig((stage,), Budget.steps(1), batch=4, **options)
    model = random_model(rule110_config(**changes)).float().requires_grad_()
    plan = replace(plan_step(TASK, config, seed=0, step=0, stage=stage, mixing=True), n_passes=3)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        training_step(model, TASK, config, plan, device=CPU).loss.backward()
    assert step_flops(model.config, config, plan) == pytest.approx(counter.get_total_flops(), rel=0.1)
    asleep = 2 * sleep_flops(model.config, n_tokens=9, n_passes=3)
    unasked = 2 * 8 * TASK.vocab_size  # the token that gives t: no answer is put out there
    awake = 2 * (wake_flops(model.config, n_tokens=9) - unasked)
    scored = config.grad_passes or 3
    stream = 2 * scored * 2 * 9 * 8 * TASK.vocab_size if config.pass_loss else 0  # 2 windows, T = 9, D = 8
    expected = 4 * (asleep * (1 + 2 * scored / 3) + 3 * awake + 3 * stream)
    assert step_flops(model.config, config, plan) == pytest.approx(expected, rel=1e-12)


def test_every_parameter_has_exactly_one_optimiser() -> None:
    preset = small_preset()
    model = HybridLM(preset.model)
    trainer = Trainer(preset, 0, model, CPU, Budget.steps(1))
    both = (trainer.optimisers.muon, trainer.optimisers.adamw)
    groups = [{id(p) for group in o.param_groups for p in group["params"]} for o in both]
    assert not groups[0] & groups[1] and groups[0] | groups[1] == {id(p) for p in model.parameters()}
    named = {name for name, parameter in model.named_parameters() if is_muon_matrix(name, parameter)}
    assert {"blocks.0.mixer.qkv.weight", "blocks.1.mixer.out.weight", "blocks.0.up.weight", "recall.weight"} <= named
    assert not {"embedding.weight", "head.weight", "places", "blocks.1.mixer.conv.weight"} & named


# Budgets and the checkpoint.


@pytest.mark.parametrize("kind", ["tokens", "flops"])
def test_a_matched_training_stops_when_it_has_spent_as_much_as_all_it_matches(tmp_path: Path, kind: Any) -> None:
    folder = run(tmp_path).parent
    spent = load("small", folder=folder).info.meta["training"]
    # A training with a budget that is given in numbers.
    run(tmp_path, replace(small_preset(), name="given"), budget=Budget.parse(f"{kind}:{spent[kind] / 2}"))
    given = load("given", folder=folder).info.meta["training"]
    assert log_of(tmp_path, "given")[-2][kind] < spent[kind] / 2 <= given[kind] < spent[kind]
    # And one that equals both of them.
    changes = {"loss": "final", "n_passes": 1, "stages": (Stage(1, 1, (1, 1)),)}
    run(tmp_path, replace(small_preset(**changes, budget=Budget.equal_to("small", "given", unit=kind)), name="n1"))
    own = load("n1", folder=folder).info.meta["training"]
    assert log_of(tmp_path, "n1")[-2][kind] < spent[kind] + given[kind] <= own[kind]
    assert own["step"] != spent["step"] + given["step"]


@pytest.mark.parametrize(
    "budget", ["tokens", "tokens:", "steps:5", "flops:x", "flops:-1", "flops:1e", "flops:1.2.3", "flops:0", "flops:."]
)
def test_a_budget_that_makes_no_sense_is_refused(budget: str) -> None:
    with pytest.raises(ConfigError, match="budget"):
        Budget.parse(budget)


@pytest.mark.parametrize("steps", [0, -1])
def test_steps_that_make_no_sense_are_refused(steps: int) -> None:
    with pytest.raises(ConfigError, match="steps"):
        Budget.steps(steps)


def test_a_checkpoint_says_how_it_was_made_and_what_it_may_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its limits are the task's; it has earned the last difficulty before its best N falls under 0.95."""
    table = {1: [1.0, 0.9, 0.99, 0.2, 1.0], 2: [0.5, 0.96, 0.2, 0.2, 1.0]}

    def measured(_model: Any, _task: Any, setting: Any, *, difficulty: int, **_: Any) -> Any:
        right = np.ones((100, 1, TASK.window), dtype=bool)
        right[round(100 * table[setting.policy.n_passes][difficulty]) :, 0, 4] = False
        return right

    monkeypatch.setattr(sleepviz.training.evaluate, "accuracies", at_each(measured))
    monkeypatch.setattr(sleepviz.training.evaluate, "VALIDATION_PASSES", (1, 2))
    path = run(tmp_path, seed=2, command="python -m sleepviz train --preset small --seed 2")
    made = load("small-s2", folder=path.parent)
    info = made.info
    assert info.limits == {**TASK.limits(), "passes_trained": 4, "passes_max": 64}
    assert info.earned == 2 and info.to_json()["metrics"]["earned"] == 2
    np.testing.assert_allclose(info.metrics["validation_accuracy"], [table[1], table[2]])
    assert info.meta["command"].endswith("--seed 2") and info.meta["seed"] == 2
    assert TrainConfig.from_json(info.meta["train"]) == small_preset().train
    assert made.model.config == small_preset().model and made.task == TASK
    state = torch.load(tmp_path / "runs" / "small-s2" / "state.pt", weights_only=True)
    for name, tensor in made.model.state_dict().items():
        assert torch.equal(tensor, state["model"][name])


def test_another_seed_has_its_own_checkpoints_and_never_becomes_the_default(tmp_path: Path) -> None:
    """What begins from an earlier training begins from that of the same seed."""
    later = replace(small_preset(init="small", lr_muon=0.0, lr_adamw=0.0, budget=Budget.steps(1)), name="later")
    begun = {}
    for seed in (0, 1):
        first, second = run(tmp_path, seed=seed, budget=Budget.steps(1)), run(tmp_path, later, seed=seed)
        assert (first.name, second.name) == (checkpoint_name("small", seed), checkpoint_name("later", seed))
        made, begun[seed] = load(first.name, folder=first.parent), load(second.name, folder=first.parent).model
        assert made.info.default == (seed == 0)
        for before, after in zip(made.model.parameters(), begun[seed].parameters(), strict=True):
            assert torch.equal(before, after)
    assert not torch.equal(begun[0].embedding.weight, begun[1].embedding.weight)


# Presets.


def test_presets_fit_their_tasks_and_can_be_kept() -> None:
    for preset in PRESETS.values():
        assert (preset.model.vocab_size, preset.model.window) == (preset.task.vocab_size, preset.task.window)
        assert build_task(preset.task.name, json.loads(json.dumps(preset.task.to_json()))) == preset.task
        assert TrainConfig.from_json(json.loads(json.dumps(preset.train.to_json()))) == preset.train
        assert all(stage.windows[1] <= preset.task.windows_max for stage in preset.train.stages)
        assert all(preset_named(name).task.name == preset.task.name for name in preset.train.budget.match)
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
