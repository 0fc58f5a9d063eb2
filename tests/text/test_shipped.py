"""The text model that ships: loaded as any folder is, right on held-out pages, and told of as it was measured."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sleepviz.hybrids.modeling import SleepForCausalLM
from sleepviz.hybrids.models.loading import load_sleeper, load_tokenizer
from sleepviz.hybrids.models.text_tokenizer import build_tokenizer
from sleepviz.studies.hybrids.text_model import FOLDER, NAME
from sleepviz.studies.hybrids.text_results import exams, right
from sleepviz.text import example
from sleepviz.text.lessons import Writer
from sleepviz.text.reading import read, solved, unknown_words
from sleepviz.training.evaluate import wilson

ROOT = Path(__file__).resolve().parents[2]


def results_of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "assets/results" / f"{name}.json").read_text())
    return found


@pytest.fixture(scope="module")
def model() -> SleepForCausalLM:
    found = load_sleeper(FOLDER / NAME)
    assert isinstance(found, SleepForCausalLM)
    return found


def test_it_answers_right_on_pages_that_it_never_saw(model: SleepForCausalLM) -> None:
    writer = Writer(load_tokenizer(FOLDER / NAME), model.window)
    taken = list(exams(writer, 96, 4, seed=11))
    marks = {n_passes: np.nanmean(right(model, taken, n_passes), axis=0) for n_passes in (0, 1, 4)}
    assert marks[1][0] > ONE_HOP_BAR and marks[4][0] > ONE_HOP_BAR
    assert marks[0][0] < 0.3  # what can be guessed when every window was dropped unread


def test_the_tokenizer_is_the_one_that_the_code_builds() -> None:
    shipped, built = load_tokenizer(FOLDER / NAME), build_tokenizer()
    assert shipped.get_vocab() == built.get_vocab()
    text = "Ana lives in Oslo.\nWhere is the key? ¡Olé!"
    assert shipped.encode(text) == built.encode(text)


@pytest.mark.parametrize("name", [NAME, "text-n1"])
def test_the_results_are_of_these_weights_and_their_intervals_are_theirs(name: str) -> None:
    results = results_of(name)
    assert results["digest"] == load_sleeper(FOLDER / name).config.digest
    assert {entry["windows"] for entry in results["entries"]} == {1, 2, 4, 6}
    for entry in results["entries"]:
        low, high = wilson(entry["accuracy"] * entry["n"], entry["n"])
        assert entry["ci95"] == pytest.approx([low, high], abs=2e-3)
    assert all(entry["n"] >= 512 for entry in results["entries"] if entry["hops"] == 1)


def test_the_bundled_page_is_in_its_style_and_has_an_answer() -> None:
    assert unknown_words(example.PAGE + example.QUESTION) == ()
    chain = solved(example.QUESTION, read(example.PAGE).facts)
    assert chain is not None
    assert 150 <= len(example.PAGE.split()) <= 300


@pytest.mark.parametrize(("name", "label"), [(NAME, ""), ("text-n1", "`text-n1`, N = ")])
def test_the_published_table_says_what_was_measured(name: str, label: str) -> None:
    results = (ROOT / "docs/results.md").read_text()
    section = results[results.index("## A page of text") :]
    rows = re.findall(rf"^\| {label}(\d) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", section, flags=re.MULTILINE)
    assert len(rows) >= 3
    for n_passes, *shares in rows:
        for hops, share in enumerate(shares, start=1):
            (found,) = [
                entry["accuracy"]
                for entry in results_of(name)["entries"]
                if (entry["windows"], entry["passes"], entry["hops"]) == (4, int(n_passes), hops)
            ]
            assert f"{found:.3f}" == share


ONE_HOP_BAR = 0.85  # measured: 0.95 to 0.96 of 512
