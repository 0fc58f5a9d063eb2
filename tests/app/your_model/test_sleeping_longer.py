"""Perplexity on the page: the figure's points, the sentences, and what is told of the shipped model."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from app.figures import perplexity_figure
from app.your_model.own_text import measured
from app.your_model.sleeping_longer import sentences
from sleepviz.text.losses import Losses

BASE = np.array([1.0, 2.0, 3.0, 2.0])


def losses(n_passes: int | None, shift: float) -> Losses:
    return Losses(n_passes, BASE + shift, (1, 2, 3, 4))


def test_a_point_a_setting_and_full_attention_apart() -> None:
    evicted, full = perplexity_figure([losses(0, 1.0), losses(1, 0.0), losses(None, -1.0)], mode="light").data
    assert list(evicted.x) == ["N = 0", "N = 1"] and list(full.x) == ["full attention"]
    assert list(evicted.y) == pytest.approx([math.exp(3), math.exp(2)]) and list(full.y) == pytest.approx([math.e])
    assert evicted.marker.symbol != full.marker.symbol and evicted.marker.color != full.marker.color
    assert not perplexity_figure([], mode="dark").data


def test_sentences_follow_the_paired_differences() -> None:
    found = sentences([losses(0, 1.0), losses(1, 0.0), losses(2, -0.5), losses(4, 0.5), losses(None, 0.0)])
    assert "dropping it unread helped (+1.000" in found[0]
    assert found[1].startswith("N = 2 instead of N = 1 helped") and "N = 4 instead of N = 1 made it worse" in found[2]
    assert "made no difference" in found[3]


def test_only_these_weights_results_are_told(tmp_path: Path) -> None:
    path = tmp_path / "text.json"
    entry = {"windows": 4, "passes": 2, "hops": 1, "n": 512, "accuracy": 0.926}
    path.write_text(json.dumps({"digest": "a", "entries": [entry]}))
    assert "1 hop, right on 474 of 512." in measured(path, "a", 2)
    assert measured(path, "b", 2) == measured(path, "a", 3) == measured(tmp_path / "none.json", "a", 2) == ""
