"""Training on pages: the loss by another path, the start of the heads, and going on where it was left."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from sleepviz.config.model import SleepPolicy
from sleepviz.config.training import Stage
from sleepviz.core.model import HybridLM
from sleepviz.hybrids.modeling import SleepConfig, SleepForCausalLM
from sleepviz.hybrids.models.text_tokenizer import build_tokenizer
from sleepviz.hybrids.sleep import generate, predict
from sleepviz.runs.checkpoint import CheckpointError
from sleepviz.studies.hybrids.text_results import Exam, entry, exams, right
from sleepviz.tasks.base import NOT_ASKED
from sleepviz.text.lessons import Writer
from sleepviz.text.training import MODEL, TextTrainer, TextTraining, training_step
from sleepviz.training import loop

SMALL = replace(MODEL, window=32, d_model=16, n_heads=2, key_dim=4, value_dim=4)
STAGES = (
    Stage(passes=1, difficulty=1, windows=(1, 1), advance_at=0.01),
    Stage(passes=2, difficulty=2, windows=(1, 2), advance_at=1.0),
)


@cache
def writer() -> Writer:
    return Writer(build_tokenizer(), SMALL.window)


def fresh(seed: int = 0) -> HybridLM:
    model = HybridLM(SMALL, generator=torch.Generator().manual_seed(seed))
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():  # at the start every layer puts out zero: nothing would depend on the memory
        for block in model.blocks:
            block.mixer.out.weight.normal_(std=0.3, generator=generator)
            block.down.weight.normal_(std=0.3, generator=generator)
    return model


def through_transformers(model: HybridLM) -> SleepForCausalLM:
    found = SleepForCausalLM(SleepConfig(architecture=SMALL.to_json()))
    found.lm.load_state_dict(model.state_dict())
    return found.eval()


@pytest.mark.parametrize("n_passes", [1, 3])
def test_the_loss_is_that_of_a_sleep_through_transformers(n_passes: int) -> None:
    model = fresh()
    batch = writer().batch(np.random.default_rng(0), size=4, n_windows=2, hops=2, split="train")
    found = training_step(model, batch, SleepPolicy(n_passes), onward=True)

    other = through_transformers(model)
    cache = other.sleep(torch.from_numpy(batch.windows).flatten(1), SleepPolicy(n_passes))
    nats, hits = [], []
    for tokens, targets in zip(batch.asked, batch.asked_targets, strict=True):
        row = len(hits)
        alone = cache.fork()
        alone.batch_select_indices(torch.tensor([row]))
        logits, _ = predict(other, torch.from_numpy(tokens)[None], alone)
        scored = np.flatnonzero(targets != NOT_ASKED)
        nats += [-logits[0, place].log_softmax(-1)[targets[place]].item() for place in scored]
        hits.append([int(logits[0, place].argmax()) == targets[place] for place in scored])
    assert found.asked_loss.item() == pytest.approx(np.mean(nats), rel=1e-4)
    assert found.right.tolist() == [hit for row in hits for hit in row]
    assert (
        found.onward_loss is not None and training_step(model, batch, SleepPolicy(1), onward=False).onward_loss is None
    )


def trainer(steps: int) -> TextTrainer:
    return TextTrainer(TextTraining(STAGES, steps, batch=2, warmup_steps=1), 0, fresh(), writer())


def test_a_resumed_training_is_the_same_training(tmp_path: Path) -> None:
    whole = trainer(4)
    loop.run(whole, tmp_path / "whole", title="text", resume=False)
    begun = trainer(4)
    steps = loop.steps(begun)
    next(steps), next(steps)
    (tmp_path / "cut").mkdir()
    loop.save_state(begun, tmp_path / "cut" / "state.pt")
    resumed = trainer(4)
    loop.load_state(resumed, tmp_path / "cut" / "state.pt")
    loop.run(resumed, tmp_path / "cut", title="text", resume=True)
    assert resumed.progress.step == 4 and resumed.progress.tokens == whole.progress.tokens
    for one, other in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(one, other)
    (tmp_path / "bad.pt").write_bytes(b"no")
    for path, refusal in (("bad.pt", "damaged"), ("none.pt", "no training to resume")):
        with pytest.raises(CheckpointError, match=refusal):
            loop.load_state(trainer(4), tmp_path / path)


def test_marks_are_those_of_greedy_generation() -> None:
    model = through_transformers(fresh(3))
    taken = [exam for exam in exams(writer(), 6, 2, seed=1)]
    # Let some be right: the wanted answer becomes what generation says, for the first three pages.
    said: list[list[int]] = []
    for exam in taken:
        ask, answer = exam.asked[0]  # type: ignore[misc]
        cache = model.sleep(torch.tensor([exam.page.context]), SleepPolicy(2))
        said.append(
            generate(model, torch.tensor([ask]), cache, max_new_tokens=len(answer), do_sample=False)[0].tolist()
        )
    planted = [
        Exam(exam.page, ((exam.asked[0][0], spoken), *exam.asked[1:]), exam.is_cut) if place < 3 else exam  # type: ignore[index]
        for place, (exam, spoken) in enumerate(zip(taken, said, strict=True))
    ]
    marks = right(model, planted, 2)
    assert marks[:3, 0].tolist() == [1.0, 1.0, 1.0]
    wanted = [exam.asked[0][1] for exam in taken]  # type: ignore[index]
    assert marks[3:, 0].tolist() == [float(said[place] == wanted[place]) for place in range(3, 6)]
    assert np.isnan(marks).tolist() == [[asked is None for asked in exam.asked] for exam in taken]


def test_an_entry_by_hand() -> None:
    found = entry(np.array([1.0, 1.0, 0.0, np.nan]), hops=2)
    assert found == {"hops": 2, "n": 3, "accuracy": 0.6667, "ci95": [0.2077, 0.9385]}  # Wilson, 2 of 3
