"""`tune --only-memory` and `tune --text`: the base stays as it is to the bit, and the memory is a small file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open

import sleepviz.__main__
from sleepviz.config.base import ConfigError
from sleepviz.config.model import SleepPolicy
from sleepviz.hybrids.fast_weights import add_fast_weights
from sleepviz.hybrids.models.families import VOCAB_SIZE
from sleepviz.hybrids.models.loading import load_any, load_sleeper, load_tokenizer
from sleepviz.hybrids.overlay import is_memory, save_overlay
from sleepviz.hybrids.sleep import predict, sleep_hybrid
from sleepviz.hybrids.tuning.texts import plain_text_course
from sleepviz.training import loop
from tests.hybrids.folders import text_folder

FLAGS = ("--add-fast-weights", "1,3", "--only-memory", "--window", "8", "--passes", "2", "--batch", "2", "--exam", "2")


def write_texts(folder: Path, *, files: int = 9, words: int = 60) -> list[str]:
    folder.mkdir()
    for file in range(files):
        text = " ".join(f"w{(file + place * place) % 50}" for place in range(words))
        (folder / f"{file}.txt").write_text(text)
    return sorted(map(str, folder.glob("*.txt")))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return text_folder(tmp_path_factory.mktemp("llama") / "base", "Llama")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return write_texts(tmp_path_factory.mktemp("texts") / "all")


def tuned(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert sleepviz.__main__.main(["tune", *words]) == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def test_the_base_is_untouched_and_the_file_laid_over_it_answers_the_same(
    base: Path, texts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[str, Any] = {}
    saved = save_overlay

    def spied(model: Any, folder: Path, where: str) -> None:
        kept["model"] = model
        saved(model, folder, where)

    monkeypatch.setattr("sleepviz.hybrids.tuning.tune.save_overlay", spied)
    weights = (base / "model.safetensors").read_bytes()
    out = tmp_path / "out"
    rates = ("--steps", "4", "--lr-muon", "0.05", "--lr-adamw", "0.05")
    report = tuned(capsys, "--model", str(base), "--text", *texts, *FLAGS, *rates, "--out", str(out))

    model, before = kept["model"], load_any(base).state_dict()
    after = model.state_dict()
    assert (base / "model.safetensors").read_bytes() == weights
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    memory = {name for name in after if is_memory(name)}
    with safe_open(out / "memory.safetensors", "pt") as file:
        assert set(file.keys()) == memory and before.keys() | memory == after.keys()
    assert (out / "memory.safetensors").stat().st_size < sum(4 * after[n].numel() for n in memory) + 10_000
    assert not (out / "model.safetensors").exists() and not (out / "state.pt").exists()
    assert any(bool(after[n].any()) for n in memory if "out_proj" in n)  # it was silent, and has learned

    laid = load_sleeper(out)
    tokens = torch.randint(2, VOCAB_SIZE, (1, 20), generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        caches = [sleep_hybrid(m, tokens, SleepPolicy(2), window=8) for m in (model.eval(), laid)]
        ours, theirs = (predict(m, tokens[:, :5], c)[0] for m, c in zip((model, laid), caches, strict=True))
        plain = load_any(base)(tokens).logits
        awake = laid(tokens).logits
    assert torch.equal(ours, theirs) and not torch.allclose(awake, plain, atol=1e-4)
    assert load_tokenizer(out).encode("w1 w2") == load_tokenizer(base).encode("w1 w2")

    exam = report["before"]
    assert exam["passes"] == [0, 1, 2, 4] and report["texts"] == 9
    # Silent memory: no sleep changes a logit, and unread is all that is left without the context.
    assert exam["perplexity"] == pytest.approx([exam["perplexity"][0]] * 4, rel=1e-6)
    assert exam["perplexity"][0] != pytest.approx(exam["full_context"]["perplexity"], rel=1e-3)


def test_a_resumed_memory_is_the_one_that_was_not_stopped(
    base: Path, texts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--model", str(base), "--text", *texts, *FLAGS, "--steps", "4", "--lr-muon", "0.05")
    tuned(capsys, *words, "--out", str(tmp_path / "whole"))
    real, calls = loop.update, list[int]()

    def stopping(training: Any) -> None:
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(1)
        real(training)
        loop.save_state(training, tmp_path / "parts" / "state.pt")

    monkeypatch.setattr(loop, "update", stopping)
    assert sleepviz.__main__.main(["tune", *words, "--out", str(tmp_path / "parts")]) == 130
    monkeypatch.setattr(loop, "update", real)
    state = torch.load(tmp_path / "parts" / "state.pt", weights_only=True)
    trained = sum(tensor.numel() for tensor in state["model"].values())
    assert trained == sum(p.numel() for n, p in load_any(tmp_path / "whole").named_parameters() if is_memory(n))
    capsys.readouterr()
    tuned(capsys, *words, "--resume", "--out", str(tmp_path / "parts"))

    whole, parts = (load_sleeper(tmp_path / name).state_dict() for name in ("whole", "parts"))
    assert all(torch.allclose(parts[name], tensor, atol=1e-6) for name, tensor in whole.items())


def test_memory_does_not_fit_another_base(base: Path, tmp_path: Path) -> None:
    model = add_fast_weights(load_any(base), (1,))
    other = text_folder(tmp_path / "other", "Llama")
    changed = load_any(other)
    with torch.no_grad():
        changed.lm_head.weight[0, 0] += 1e-3
    changed.save_pretrained(other)
    save_overlay(model, tmp_path / "memory", str(other))
    with pytest.raises(ConfigError, match="other weights than the memory was trained with"):
        load_any(tmp_path / "memory")
    save_overlay(model, tmp_path / "memory", str(base))
    assert load_any(tmp_path / "memory").config.memory_layers == [1]
    for damage, says in (
        ({"heads": 3}, "does not hold the tensors|must be|could not be loaded"),
        ({"memory_layers": [9]}, "layers must be from 0 to 3"),
        ({"memory_layers": "all"}, "cannot be"),
        ({"surprise": 1}, "no setting named surprise"),
    ):
        described = json.loads((tmp_path / "memory" / "memory.json").read_text())
        (tmp_path / "memory" / "memory.json").write_text(json.dumps({**described, **damage}))
        with pytest.raises(ConfigError, match=says):
            load_any(tmp_path / "memory")
        (tmp_path / "memory" / "memory.json").write_text(json.dumps(described))
    (tmp_path / "memory" / "memory.safetensors").write_bytes(b"0" * 64)
    with pytest.raises(ConfigError, match=r"memory.safetensors cannot be read"):
        load_any(tmp_path / "memory")


def test_a_passage_is_what_stands_in_the_text(base: Path, texts: list[str]) -> None:
    """Context, first token and targets, put together again, are a piece of one file; held-out files stay apart."""
    tokenizer = load_tokenizer(base)
    source = plain_text_course(texts, tokenizer, 8)
    written = [" ".join(Path(name).read_text().split()) for name in texts]
    trained, held = set(), set()
    rng = np.random.default_rng(0)
    for found, batches in ((trained, source.draw(rng, 40)), (held, list(source.passages(10, 0)))):
        for examples in batches:
            context, after, wanted = examples.context[0], examples.queries[0, 0], examples.targets[0, 0]
            assert len(context) % 8 == 0 and 8 <= len(context) <= 24 and 2 <= len(after) <= 7
            assert torch.equal(after[1:], wanted[:-1])
            text = tokenizer.decode([*context.tolist(), *after.tolist(), int(wanted[-1])])
            (index,) = [i for i, whole in enumerate(written) if text in whole]
            found.add(index)
    assert len(trained) > 4 and len(held) == 1 and not trained & held
    one, other = list(source.passages(5, 3)), list(source.passages(5, 3))
    assert [x.context.tolist() for x in one] == [x.context.tolist() for x in other]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--text", "{texts}"), "give --window"),
        (("--task", "rule110", "--text", "{texts}", "--window", "8"), "one of them"),
        (("--window", "8"), "one of them"),
        (("--text", "{texts}", "--window", "8", "--difficulty", "1"), "for tasks"),
        (("--text", "{texts}", "--window", "8", "--only-memory"), "needs memory"),
        (("--text", "{texts}", "--window", "900", "--add-fast-weights", "1"), "no text has"),
        (("--text", "nowhere.txt", "--window", "8", "--add-fast-weights", "1"), "'nowhere.txt' cannot be read"),
        (("--text", "{texts}", "--window", "2", "--add-fast-weights", "1"), "at least 3"),
        (("--text", "{bad}", "--window", "8", "--add-fast-weights", "1"), "not UTF-8"),
        (("--text", "{texts}", "--window", "8", "--add-fast-weights", "1", "--pass-loss", "1"), "for tasks"),
    ],
)
def test_a_refused_text_is_one_line(
    base: Path, texts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe\xff")
    filled = [each.format(texts=texts[0], bad=tmp_path / "bad.txt") for each in words]
    several = [texts[1]] if "{texts}" in words else []
    at = filled.index("--text") + 2 if "--text" in filled else len(filled)
    words = (*filled[:at], *several, *filled[at:])
    assert sleepviz.__main__.main(["tune", "--model", str(base), *words, "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr()
    assert says in told.err and told.err.count("\n") == 1 and not told.out
