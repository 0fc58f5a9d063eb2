"""The Lab's figure of one model for each N: the mean of its trainings, and what their spread lets one say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from app.lab import spread
from app.shell import runs
from app.shell.results import Result
from tests.app.made import made_results
from tests.app.page import opened

# The shares of right answers at two difficulties, of three trainings each.
SHARES = {
    "each_n1": ((0.99, 0.98, 1.0), (0.05, 0.10, 0.06)),
    "each_n2": ((1.0, 0.97, 1.0), (0.70, 0.40, 0.97)),
    "each_n4": ((0.90, 1.0, 1.0), (0.96, 0.98, 1.0)),
    "each_n1_flops": ((1.0, 1.0, 1.0), (0.20, 0.12, 0.16)),
}


def results() -> list[Result]:
    """One entry for each variant, difficulty and seed."""
    return [
        Result(
            "each_n",
            variant,
            int(variant[6]),
            difficulty,
            512,
            share,
            share - 0.02,
            min(share + 0.02, 1.0),
            f"m-s{seed}",
        )
        for variant, shares in SHARES.items()
        for difficulty, of_seeds in enumerate(shares, start=1)
        for seed, share in enumerate(of_seeds)
    ]


def test_a_line_is_the_mean_of_its_trainings_between_the_worst_and_the_best() -> None:
    lines = {line.variant: line for line in spread.by_seed(results())}
    assert list(lines) == list(SHARES)
    hard = lines["each_n2"].entries[1]
    assert hard.accuracy == pytest.approx(0.69) and (hard.low, hard.high) == (0.40, 0.97)
    assert spread.seeds(results()) == 3
    assert spread.seeds(results()[:-1]) == 3 and spread.seeds([e for e in results() if e.checkpoint != "m-s2"]) == 2


def test_a_line_is_ahead_where_its_worst_training_is_above_the_best_of_the_other() -> None:
    said = [finding.sentence for finding in spread.order_findings(spread.by_seed(results()), "k", 0.06)]
    at = "“trained with N = 2” is ahead of “trained with N = 1” at k = 2: at k = 2, 69.0 % and 7.0 % are right."
    assert said[0] == at
    # N = 4 has the better mean at two hops, but its worst training, 0.96, is below the best with N = 2.
    assert "“trained with N = 4” is nowhere ahead of “trained with N = 2”, against the paper's trend." in said
    assert not any("k = 1" in each for each in said)


def test_shares_near_chance_put_no_line_ahead() -> None:
    said = [finding.sentence for finding in spread.order_findings(spread.by_seed(results()[:12]), "k", 0.5)]
    assert said == ["“trained with N = 2” is nowhere ahead of “trained with N = 1”, against the paper's trend."]


def test_a_line_that_falls_behind_says_so() -> None:
    made = [
        Result("each_n", variant, n, 3, 512, share, 0, 1, f"s{seed}")
        for variant, n, shares in (("each_n1", 1, (0.8, 0.9)), ("each_n2", 2, (0.3, 0.4)))
        for seed, share in enumerate(shares)
    ]
    made += [
        Result("each_n", v, n, 4, 512, share, 0, 1, "s0") for v, n, share in (("each_n1", 1, 0.1), ("each_n2", 2, 1))
    ]
    (finding,) = spread.order_findings(spread.by_seed(made), "k", 0.05)
    assert finding.is_against and "It is behind at k = 3, against the paper's trend." in finding.sentence


def test_the_hardest_question_that_every_training_answers_stands_beside_the_best_of_one_pass() -> None:
    finding = spread.reach_finding(spread.by_seed(results()), "k")
    assert finding is not None
    said = "At k = 2, every training with N = 4 is right in at least 96.0 %."
    assert finding.sentence == f"{said} The best training with N = 1 reaches 20.0 %."


def test_where_no_training_is_sure_nothing_is_claimed() -> None:
    unsure = [Result("each_n", "each_n4", 4, 1, 512, 0.9, 0.87, 0.93, "m")]
    assert spread.reach_finding(spread.by_seed(unsure), "k") is None


def test_the_section_is_the_first_with_a_line_for_each_n_and_its_spread(
    assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "each"
    shutil.copytree(assets, folder)
    values = made_results()
    like: dict[str, Any] = values["entries"][2]  # type: ignore[index]
    for entry in results():
        own = {"experiment": "each_n", "variant": entry.variant, "checkpoint": entry.checkpoint, "passes": entry.passes}
        shares = {"accuracy": entry.accuracy, "ci95": [entry.low, entry.high], "difficulty": entry.difficulty}
        values["entries"].append({**like, **own, **shares})  # type: ignore[attr-defined]
    (folder / "results" / "rule110.json").write_text(json.dumps(values))
    monkeypatch.setattr(runs, "ASSETS", folder)
    page = opened("lab")
    assert page.header[0].value == "The paper's figure, in small"
    drawn = json.loads(page.get("plotly_chart")[0].proto.spec)["data"]
    lines = {line["name"]: line for line in drawn if "error_y" in line}
    assert list(lines) == [
        "trained with N = 1",
        "trained with N = 2",
        "trained with N = 4",
        "trained with N = 1, as many FLOPs as N = 4",
    ]
    of_two = lines["trained with N = 2"]
    assert of_two["error_y"]["array"][1] == pytest.approx(0.28) and of_two["error_y"]["arrayminus"][1] == pytest.approx(
        0.29
    )
    assert [heading.value for heading in page.header].count("Each n") == 0
    assert "3 trainings of each differ only in the random seed" in " ".join(each.value for each in page.markdown)
