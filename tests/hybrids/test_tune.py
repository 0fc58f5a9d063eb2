"""Tuning for sleep: the gradient is Algorithm 1's, a resumed tuning is the same one, and something is learned."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from transformers import PreTrainedModel

import sleepviz.__main__
from sleepviz.config.base import ConfigError
from sleepviz.config.model import SleepPolicy
from sleepviz.hybrids.modeling import SleepConfig, SleepForCausalLM
from sleepviz.hybrids.models.families import VOCAB_SIZE, tiny
from sleepviz.hybrids.models.loading import load_sleeper
from sleepviz.hybrids.sleep import generate, predict, sleep_hybrid, sleep_windows
from sleepviz.hybrids.tuning import tune as tuning_module
from sleepviz.hybrids.tuning.config import TuneConfig
from sleepviz.hybrids.tuning.exam import examine
from sleepviz.hybrids.tuning.examples import Examples, TaskExamples, TextExamples, read_texts, source_of
from sleepviz.hybrids.tuning.reading import asleep, cut, read_out
from sleepviz.hybrids.tuning.tune import Tuning, is_matrix
from sleepviz.runs.checkpoint import CheckpointError
from sleepviz.studies.hybrids.equivalence import masked_forward
from sleepviz.tasks.base import NOT_ASKED
from sleepviz.tasks.depo.task import Depo
from sleepviz.tasks.rule110.task import Rule110
from sleepviz.training import loop
from sleepviz.training.loop import DivergedError
from tests.builders import random_model, small_config
from tests.hybrids.folders import text_folder
from tests.hybrids.models import shared

ROWS = Rule110(row_cells=8, rows_max=2, steps_max=1)
CONFIG = TuneConfig(window=4, n_passes=2, steps=4, batch=2, warmup_steps=0, lr_muon=0.02, lr_adamw=5e-3, chunk_size=4)


class Copying:
    """Three tokens are read; afterwards each is asked for by its place. Chance is one in six."""

    vocab_size, difficulties = 12, (1,)

    def draw(self, rng: np.random.Generator, size: int) -> list[Examples]:
        """Tokens 1 to 6 are values, 9 to 11 ask."""
        values = torch.from_numpy(rng.integers(1, 7, (size, 3)))
        asked = torch.arange(9, 12).expand(size, 1, -1)
        return [Examples(values, asked, values[:, None])]

    def exam(self, difficulty: int, n: int, seed: int) -> Iterator[Examples]:
        """Fresh values."""
        yield from self.draw(np.random.default_rng((9, seed)), n)


def gradients(model: PreTrainedModel, loss: torch.Tensor) -> torch.Tensor:
    grads = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
    return torch.cat([g.flatten() for g in grads if g is not None])


@pytest.mark.parametrize(("n_tokens", "sizes"), [(8, [4, 4]), (9, [4, 3, 2]), (10, [4, 4, 2]), (3, [3]), (1, [1])])
def test_no_window_has_one_token(n_tokens: int, sizes: list[int]) -> None:
    context = torch.arange(n_tokens)[None]
    windows = cut(context, 4)

    assert [window.shape[1] for window in windows] == sizes
    assert torch.equal(torch.cat(windows, dim=1), context)


@pytest.mark.parametrize("family", ["Qwen3.5", "Bamba", "Falcon-H1", "Llama + fast weights"])
def test_checkpointed_windows_give_the_gradient_of_plain_ones(family: str) -> None:
    model = shared(family)
    config = replace(CONFIG, chunk_size=None, n_passes=3)
    tokens = torch.randint(1, VOCAB_SIZE, (2, 12), generator=torch.Generator().manual_seed(1))
    question = tokens[:, :3]

    def loss(cache: Any) -> torch.Tensor:
        return predict(model, question, cache)[0].logsumexp(dim=-1).square().sum()

    plain = loss(sleep_hybrid(model, tokens, SleepPolicy(3), window=4))
    saved = loss(asleep(model, tokens, SleepPolicy(3), config))
    expected, found = gradients(model, plain), gradients(model, saved)

    assert saved.item() == pytest.approx(plain.item(), rel=1e-6)
    assert float((found - expected).norm() / expected.norm()) < 1e-5 and float(expected.norm()) > 0


def losses_of(tuning: Tuning) -> Iterator[float]:
    """Tune to the end, one loss a step."""
    return (figures["loss"] for figures in loop.steps(tuning))


def test_one_step_of_n_1_has_the_gradient_of_the_masked_forward_call() -> None:
    """The loss of a whole step, against one stock call without any cache."""
    model = tiny("Qwen3.5").train()
    source, config = TaskExamples(ROWS, (1,)), replace(CONFIG, n_passes=1, window=9, chunk_size=None)
    tuning = Tuning(model, source, config)
    (examples,) = source.draw(np.random.default_rng((tuning_module.TRAINING_STREAM, 0, 0)), config.batch)
    loss = tuning._accumulated_gradient()
    found = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    losses = []
    for query, target in zip(examples.queries.unbind(1), examples.targets.unbind(1), strict=True):
        whole = torch.cat([examples.context, query], dim=1)
        n_context = examples.context.shape[1]
        logits = masked_forward(model, whole, n_context, 9, "hard")[:, n_context:]
        losses.append(F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=NOT_ASKED))
    oracle = torch.stack(losses).mean()  # every query has as many answers as the others

    assert loss == pytest.approx(oracle.item(), rel=1e-5)
    expected = gradients(model, oracle)
    assert float((found - expected).norm() / expected.norm()) < 1e-4


def test_a_resumed_tuning_is_the_one_that_was_not_stopped(tmp_path: Path) -> None:
    source = TaskExamples(ROWS, (1,))
    whole = Tuning(tiny("Qwen3.5"), source, replace(CONFIG, window=9))
    losses = list(losses_of(whole))

    first = Tuning(tiny("Qwen3.5"), source, replace(CONFIG, window=9))
    steps = losses_of(first)
    begun = [next(steps), next(steps)]
    loop.save_state(first, tmp_path / "state.pt")
    second = Tuning(tiny("Qwen3.5", seed=5), source, replace(CONFIG, window=9))
    loop.load_state(second, tmp_path / "state.pt")

    assert second.progress.step == 2 and [*begun, *losses_of(second)] == pytest.approx(losses, abs=1e-5)
    for (name, ours), theirs in zip(second.model.named_parameters(), whole.model.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5), name
    other = Tuning(tiny("Qwen3.5"), source, replace(CONFIG, window=9, seed=1))
    with pytest.raises(CheckpointError, match="other settings"):
        loop.load_state(other, tmp_path / "state.pt")
    (tmp_path / "state.pt").write_bytes(b"PK")
    with pytest.raises(CheckpointError, match="damaged"):
        loop.load_state(other, tmp_path / "state.pt")


def test_it_learns_to_keep_what_was_evicted() -> None:
    """Copying three tokens over an eviction: chance before, near all after; with S lost, chance again."""
    model = tiny("Qwen3.5", vocab_size=12, num_hidden_layers=2, layer_types=["linear_attention", "full_attention"])
    config = replace(CONFIG, n_passes=1, steps=100, batch=32)
    before = examine(model, Copying(), config, 64)
    for _ in losses_of(Tuning(model, Copying(), config)):
        pass
    after = examine(model, Copying(), config, 64)

    assert before["accuracy"][1][0] < 0.2 and after["accuracy"][1][0] > 0.6
    assert after["passes"] == [0, 1] and after["accuracy"][0][0] < 0.2  # unread: one in 216 by chance
    assert after["ci95"][1][0][0] > after["ci95"][0][0][1]


def test_the_hard_warm_up_comes_first_and_then_the_sliding_window(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    asked = tuning_module.streams_asleep

    def spied(model: Any, context: Any, policy: SleepPolicy, config: TuneConfig) -> Any:
        seen.append(policy.eviction)
        return asked(model, context, policy, config)

    monkeypatch.setattr(tuning_module, "streams_asleep", spied)
    config = replace(CONFIG, window=9, eviction="sliding", hard_warmup_steps=3)
    for _ in losses_of(Tuning(tiny("Bamba"), TaskExamples(ROWS, (1,)), replace(config, chunk_size=None))):
        pass
    assert seen == ["hard", "hard", "hard", "sliding"]


def test_muon_trains_the_matrices_of_the_layers_and_nothing_else() -> None:
    names = {name for name, p in shared("Qwen3.5").named_parameters() if is_matrix(name, p)}

    assert {n.split(".")[0] for n in names} == {"model"} and not {n for n in names if "embed" in n or "conv" in n}
    assert "model.layers.0.linear_attn.out_proj.weight" in names and "model.layers.1.mlp.up_proj.weight" in names
    assert not any("norm" in n or "A_log" in n or "dt_bias" in n or "lm_head" in n for n in names)


def test_contexts_of_depo_hold_its_smallest_cycle() -> None:
    task = Depo(nodes_max=9, nodes_min=4, window_edges=3, hops_max=2)
    widths = {
        TaskExamples(task, (1,)).draw(np.random.default_rng(seed), 2)[0].context.shape[1] // task.window
        for seed in range(12)
    }
    assert widths == {2, 3}


# Texts


def lines(n: int) -> str:
    rows = [{"context": f"w1 w{i} w2", "question": "w3 w4", "answer": f"w{i}", "difficulty": i % 2} for i in range(n)]
    return "\n".join(json.dumps(row) for row in rows)


@pytest.fixture
def texts(tmp_path: Path) -> tuple[TextExamples, Any, PreTrainedModel]:
    from sleepviz.hybrids.models.loading import load_tokenizer

    folder = text_folder(tmp_path / "model")
    (tmp_path / "texts.jsonl").write_text(lines(40))
    tokenizer = load_tokenizer(folder)
    source = source_of(str(tmp_path / "texts.jsonl"), sizes=None, difficulties=(), tokenizer=tokenizer)
    assert isinstance(source, TextExamples)
    return source, tokenizer, load_sleeper(folder)


def test_a_text_is_asked_as_generate_answers_it(texts: tuple[TextExamples, Any, PreTrainedModel]) -> None:
    source, tokenizer, model = texts
    examples = source.train[0]
    words = tokenizer.convert_ids_to_tokens(examples.context[0].tolist())
    wanted = [tokenizer.convert_tokens_to_ids(words[1]), tokenizer.eos_token_id]

    assert examples.targets[0, 0].tolist() == [NOT_ASKED, *wanted]
    assert tokenizer.convert_ids_to_tokens(examples.queries[0, 0].tolist()) == ["w3", "w4", words[1]]
    # If generate's own answer were the true one, every target would be the likeliest token.
    config = replace(CONFIG, window=3)
    cache = asleep(model, examples.context, SleepPolicy(2), config)
    said = generate(model, examples.queries[0, :, :2], cache, max_new_tokens=2, do_sample=False, eos_token_id=None)[0]
    chunk = torch.cat([examples.queries[0, 0, :2], said[:1]])[None, None]
    target = torch.tensor([[[NOT_ASKED, *said.tolist()]]])
    right = TextExamples((), {0: (Examples(examples.context, chunk, target),)}, VOCAB_SIZE)
    wrong = TextExamples((), {0: (Examples(examples.context, chunk, (target + 1) % VOCAB_SIZE),)}, VOCAB_SIZE)
    assert examine(model, right, config, 9)["accuracy"][2] == [1.0]
    assert examine(model, wrong, config, 9)["accuracy"][2] == [0.0]


def test_no_held_out_context_is_trained_on(texts: tuple[TextExamples, Any, PreTrainedModel]) -> None:
    source, _, _ = texts
    held = {tuple(x.context[0].tolist()) for level in source.held_out.values() for x in level}
    trained = {tuple(x.context[0].tolist()) for x in source.train}

    assert len(held) == 5 and len(trained) == 35 and not held & trained
    assert set(source.difficulties) <= {0, 1}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "line 1 of t.jsonl is not JSON"),
        ('{"context": "w1 w2"}', "line 1 of t.jsonl must be"),
        ('{"context": "w1 w2", "question": "w1 w2", "answer": 4}', "must be"),
        ('{"context": "w1 w2", "question": "w1", "answer": "w4"}', "2 tokens or more"),
        ('{"context": "w1 w2", "question": "w1 w2", "answer": " "}', "empty answer"),
        ('{"context": "w1 w2", "question": "w1 w2", "answer": "w4"}', "at least 2 contexts"),
        (r'{"context": "w1 \ud83d w2", "question": "w1 w2", "answer": "w4"}', r"[Ll]ine 1 of t.jsonl .*U\+D83D"),
        (r'{"context": "w1 \u0000 w2", "question": "w1 w2", "answer": "w4"}', r"line 1 of t.jsonl.*U\+0000"),
        ('{"context": "w1 w2", "context": "w3 w4", "question": "w1 w2", "answer": "w4"}', "'context' twice"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(
    tmp_path: Path, texts: tuple[TextExamples, Any, PreTrainedModel], text: str, says: str
) -> None:
    (tmp_path / "t.jsonl").write_text(text)
    with pytest.raises(ConfigError, match=says):
        read_texts(tmp_path / "t.jsonl", texts[1])


def test_a_file_of_texts_may_begin_with_a_byte_order_mark(
    tmp_path: Path, texts: tuple[TextExamples, Any, PreTrainedModel]
) -> None:
    (tmp_path / "plain.jsonl").write_text(lines(16))
    (tmp_path / "marked.jsonl").write_bytes(b"\xef\xbb\xbf" + lines(16).replace("\n", "\r\n").encode())
    plain, marked = (read_texts(tmp_path / f"{name}.jsonl", texts[1]) for name in ("plain", "marked"))

    assert len(plain.train) == len(marked.train) > 0
    for one, other in zip(plain.train, marked.train, strict=True):
        assert torch.equal(one.context, other.context) and torch.equal(one.queries, other.queries)


# Numbers that are not finite


def test_a_gradient_that_is_not_finite_stops_before_the_weights_are_changed() -> None:
    model = tiny("Qwen3.5")
    tuning = Tuning(model, TaskExamples(ROWS, (1,)), TuneConfig(9, 2, steps=3, batch=1))
    before = copy.deepcopy(model.state_dict())
    hook = model.get_output_embeddings().weight.register_hook(lambda gradient: gradient / 0)
    with pytest.raises(DivergedError, match="after step 0"):
        list(loop.steps(tuning))
    hook.remove()

    assert tuning.progress.step == 0 and all(
        torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items()
    )


@pytest.mark.parametrize("steps", [1, 3])
def test_a_tuning_that_runs_away_stops_and_keeps_the_last_good_state(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], steps: int
) -> None:
    """The first update is far too large: the model after it is of no use, though its weights are finite."""
    tiny("Qwen3.5").save_pretrained(tmp_path / "base")
    out, rates = tmp_path / "out", ("--lr-adamw", "4e8", "--lr-muon", "4e8")
    words = ("--model", tmp_path / "base", "--task", "rule110", *SMALL[:-2], "--steps", steps, "--passes", 2)
    status, report, err = command(capsys, *words, *rates, "--out", out)

    assert (status, report) == (2, {}) and "Traceback" not in err
    assert err.splitlines()[-1].startswith("after step 1 the model's numbers are not finite")
    assert not (out / "model.safetensors").exists() and not (out / "tuning.json").exists()
    kept = torch.load(out / "state.pt", weights_only=True)
    assert kept["progress"]["step"] == 0
    for name, tensor in tiny("Qwen3.5").state_dict().items():
        assert torch.equal(kept["model"][name], tensor)
    for line in (out / "log.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)


@pytest.mark.parametrize("rate", ["nan", "inf", "-1", "0"])
@pytest.mark.parametrize("flag", ["lr_muon", "lr_adamw"])
def test_a_learning_rate_is_a_number_above_0(flag: str, rate: str) -> None:
    with pytest.raises(ConfigError, match="learning rates must be numbers above 0"):
        TuneConfig(9, 2, **{flag: float(rate)})


def test_an_exam_of_numbers_that_are_not_finite_is_no_result() -> None:
    model = tiny("Qwen3.5")
    with torch.no_grad():
        model.get_output_embeddings().weight[3] = float("nan")
    with pytest.raises(ConfigError, match="not finite"):
        examine(model, TaskExamples(ROWS, (1,)), TuneConfig(9, 1), 2)


# The command


def command(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict[str, Any], str]:
    status = sleepviz.__main__.main(["tune", *map(str, words)])
    out, err = capsys.readouterr()
    return status, json.loads(out) if out else {}, err


SMALL = ("--sizes", '{"row_cells": 8, "rows_max": 2, "steps_max": 1}', "--batch", 2, "--exam", 2, "--steps", 2)


def test_the_command_writes_a_model_that_loads_and_says_what_it_got_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny("Llama").save_pretrained(tmp_path / "base")
    out = tmp_path / "tuned"
    arguments = ("--model", tmp_path / "base", "--task", "rule110", *SMALL, "--passes", 2, "--out", out)
    status, report, _ = command(capsys, *arguments, "--add-fast-weights", "1,3")

    assert status == 0 and report["out"] == str(out)
    assert report["before"]["passes"] == [0, 1, 2] and report["after"]["difficulty"] == [0, 1]
    assert report["settings"]["window"] == 9 and report["memory_layers"] == [1, 3]
    saved = json.loads((out / "tuning.json").read_text())
    assert saved["after"] == report["after"] and str(tmp_path) not in (out / "tuning.json").read_text()
    assert (out / "model.safetensors").exists() and not (out / "state.pt").exists()
    model = load_sleeper(out)
    assert [p for n, p in model.named_parameters() if n.endswith("memory.out_proj.weight") and p.any()]  # awake now
    source = source_of("rule110", sizes=ROWS.to_json(), difficulties=(), tokenizer=None)
    assert examine(model, source, TuneConfig(9, 2), 2)["accuracy"] == report["after"]["accuracy"]


def test_the_command_passes_on_how_a_small_model_learns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny("Qwen3").save_pretrained(tmp_path / "base")
    arguments = ("--model", tmp_path / "base", "--task", "rule110", *SMALL, "--passes", 2, "--out", tmp_path / "tuned")
    how = ("--add-fast-weights", "0", "--associative", "--levels-per-pass", 1, "--stream-loss", 0.5)
    status, report, _ = command(capsys, *arguments, *how)

    assert status == 0 and report["associative"] is True
    assert (report["settings"]["levels_per_pass"], report["settings"]["pass_loss"]) == (1, 0.5)


def test_control_c_keeps_the_state_and_resume_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = text_folder(tmp_path / "model")
    (tmp_path / "texts.jsonl").write_text(lines(16))
    out = tmp_path / "tuned"
    arguments = ("--model", folder, "--task", tmp_path / "texts.jsonl", "--window", 3, "--steps", 3, "--batch", 2)

    @contextmanager
    def interrupted() -> Iterator[Event]:
        event = Event()
        event.set()
        yield event

    with monkeypatch.context() as patched:
        patched.setattr(loop, "interrupt_held_back", interrupted)
        status, report, err = command(capsys, *arguments, "--passes", 2, "--out", out)
    assert (status, report) == (130, {}) and "--resume" in err and (out / "state.pt").exists()
    status, report, _ = command(capsys, *arguments, "--passes", 2, "--out", out, "--resume")
    logged = [json.loads(line)["step"] for line in (out / "log.jsonl").read_text().splitlines()]
    assert status == 0 and logged == [1, 2, 3] and (out / "tokenizer.json").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--task", "sudoku"), "there is no task"),
        (("--task", "rule110", "--passes", "65"), "passes must be"),
        (("--task", "rule110", "--window", "2"), "window must be at least 3"),
        (("--task", "rule110", "--hard-warmup", "5"), "for sliding eviction"),
        (("--task", "rule110", "--difficulty", "99"), "difficulty must be"),
        (("--task", "rule110", "--sizes", "["), "sizes must be"),
        (("--task", "gsm", "--sizes", '{"high": 120}'), "the task has"),
        (("--task", "rule110", "--resume"), "no training to resume"),
        (("--task", "rule110", "--associative"), "is for --add-fast-weights"),
        (("--task", "rule110", "--stream-loss", "-1"), "pass_loss must be"),
        (("--task", "t.jsonl"), "no tokenizer"),
        (("--task", "rule110", "--span", "1"), "FIRST,LAST"),
        (("--task", "rule110", "--span", "1,2,3"), "FIRST,LAST"),
        (("--task", "rule110", "--sizes", '{"rows_max": 1, "rows_max": 2}'), "'rows_max' twice"),
    ],
)
def test_what_cannot_be_tuned_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    tiny("Qwen3.5").save_pretrained(tmp_path / "model")
    capsys.readouterr()  # the library's bars
    status, report, err = command(capsys, "--model", tmp_path / "model", "--out", tmp_path / "out", *words)

    assert (status, report) == (2, {}) and says in err and err.rstrip("\n").count("\n") == 0


# N coupled with difficulty, and the loss on every pass

HOPS = Depo(nodes_max=6, nodes_min=6, window_edges=3, hops_max=3)
COUPLED = replace(CONFIG, window=HOPS.window, n_passes=3, levels_per_pass=1, pass_loss=0.5, chunk_size=None)


def test_no_step_asks_for_more_than_its_passes_can_do() -> None:
    tuning = Tuning(tiny("Qwen3.5"), TaskExamples(HOPS, (1, 2, 3)), replace(COUPLED, batch=8))
    asked: dict[int, set[int]] = {1: set(), 2: set(), 3: set()}
    for step in range(60):
        n_passes, (examples,) = tuning._drawn(np.random.default_rng(step))
        tokens = examples.queries[:, 0, 2::3] - (HOPS.nodes_max + 4)  # the hops that each question names
        answers = examples.targets[:, 0, 2::3]
        asked[n_passes] |= set(tokens[answers != NOT_ASKED].tolist())
        assert len(examples.later) == n_passes
    assert asked == {1: {1}, 2: {1, 2}, 3: {1, 2, 3}}


def test_the_stream_is_asked_for_the_roll_call_one_hop_on_with_each_pass() -> None:
    """Followed by hand from the edges in the context, window by window: what was not read yet stays unknown."""
    (examples,) = TaskExamples(HOPS, (3,)).draw(np.random.default_rng(3), 4, later=3)
    for b in range(4):
        known: dict[int, int] = {}
        for start in range(0, examples.context.shape[1], HOPS.window):
            window = examples.context[b, start : start + HOPS.window].tolist()
            known |= {u: v for u, v in zip(window[0:9:3], window[1:9:3], strict=True) if u < 6}
            for level, later in enumerate(examples.later, start=1):
                told = later[b, start : start + HOPS.window].tolist()
                nodes = list(range(6))
                for _ in range(level):
                    nodes = [known.get(node, HOPS.unknown) for node in nodes]
                assert told[:9] == window[:9] and told[9::3] == nodes and told[10::3] == window[10::3]
                assert told[11::3] == [token + level for token in window[11::3]]  # the hops


@pytest.mark.parametrize("family", ["Qwen3.5", "Llama + fast weights"])
def test_the_first_pass_puts_out_the_logits_of_an_ordinary_call(family: str) -> None:
    model, tokens = shared(family), torch.randint(1, VOCAB_SIZE, (2, 6), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        _, streams = tuning_module.streams_asleep(model, tokens, SleepPolicy(3), replace(CONFIG, window=6, pass_loss=1))
        logits = read_out(model, streams[0])
        expected = model(tokens).logits
    assert len(streams) == 3 and (logits - expected).abs().max() < 1e-5


def test_our_own_models_stream_is_read_as_they_read_it() -> None:
    lean = random_model(small_config()).float()
    model = SleepForCausalLM(SleepConfig(architecture=lean.config.to_json())).eval()
    model.lm.load_state_dict(lean.state_dict())
    h = torch.randn(1, 3, lean.config.d_model, generator=torch.Generator().manual_seed(2))
    assert torch.equal(read_out(model, h), lean.logits(h))


def test_the_loss_of_a_step_is_that_of_the_answers_and_of_the_stream() -> None:
    """Two windows, of which the first is run again on the way back: its stream has a gradient too."""
    source = TaskExamples(HOPS, (1, 2, 3))
    whole, answers = (Tuning(tiny("Qwen3.5"), source, replace(COUPLED, pass_loss=weight)) for weight in (0.5, 0.0))
    total, of_answers = whole._accumulated_gradient(), answers._accumulated_gradient()
    n_passes, (examples,) = whole._drawn(np.random.default_rng((tuning_module.TRAINING_STREAM, 0, 0)))
    h = [
        torch.cat([p.h for p in parts], 1)
        for parts in zip(
            *(
                done.passes
                for done in sleep_windows(
                    whole.model, examples.context, SleepPolicy(n_passes), window=HOPS.window, observe=True
                )
            ),
            strict=True,
        )
    ]
    head, norm = whole.model.lm_head, whole.model.model.norm
    by_pass = [
        -torch.log_softmax(head(norm(one)), -1).gather(-1, later[..., None]).mean()
        for one, later in zip(h, examples.later, strict=True)
    ]
    assert examples.context.shape[1] == 2 * HOPS.window
    assert total - of_answers == pytest.approx(0.5 * torch.stack(by_pass).mean().item(), rel=1e-4)

    found = torch.cat([p.grad.flatten() for p in whole.model.parameters() if p.grad is not None])
    without = torch.cat([p.grad.flatten() for p in answers.model.parameters() if p.grad is not None])
    expected = gradients(whole.model, 0.5 * torch.stack(by_pass).mean())
    assert float((found - without - expected).norm() / expected.norm()) < 1e-3


def test_a_coupled_tuning_is_resumed_with_the_same_draws(tmp_path: Path) -> None:
    source = TaskExamples(HOPS, (1, 2, 3))
    losses = list(losses_of(Tuning(tiny("Qwen3.5"), source, COUPLED)))
    first = Tuning(tiny("Qwen3.5"), source, COUPLED)
    begun = [next(losses_of(first)) for _ in range(2)]
    loop.save_state(first, tmp_path / "state.pt")
    second = Tuning(tiny("Qwen3.5", seed=5), source, COUPLED)
    loop.load_state(second, tmp_path / "state.pt")
    assert [*begun, *losses_of(second)] == pytest.approx(losses, abs=1e-5)


@pytest.mark.parametrize("change", [{"levels_per_pass": 1}, {"pass_loss": 1.0}])
def test_texts_have_neither_levels_nor_a_stream(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="are for tasks"):
        Tuning(shared("Qwen3.5"), Copying(), replace(CONFIG, **change))
    with pytest.raises(ConfigError, match=next(iter(change))):
        replace(CONFIG, **{key: -1 for key in change})


def test_a_question_is_answered_the_same_in_a_smaller_chunk() -> None:
    model = shared("Qwen3.5")
    tokens = torch.randint(1, VOCAB_SIZE, (2, 12), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        cache = sleep_hybrid(model, tokens, SleepPolicy(2), window=6)
        padded, _ = predict(model, tokens[:, :5], cache)
        small, _ = predict(model, tokens[:, :5], cache, chunk_size=5)
    assert (padded - small).abs().max() < 1e-5
