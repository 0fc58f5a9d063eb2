"""Two processes that train together do what one does: the same gradients, losses, and a state that either resumes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sleepviz.config.base import ConfigError
from sleepviz.training.together import Together
from sleepviz.training.train import train
from tests.training.test_train import small_preset
from tests.training.together_steps import FIRST_STEPS, PRESETS, STEPS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What two processes under torchrun found; they are started once."""
    folder = tmp_path_factory.mktemp("together")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "tests.training.together_steps", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    read: dict[str, Any] = json.loads((folder / "found.json").read_text())
    assert read["world"] == 2
    return read


@pytest.mark.parametrize("name", PRESETS)
def test_half_a_batch_each_gives_the_gradient_of_the_whole(found: dict[str, Any], name: str) -> None:
    difference, size = found["gradients"][name]
    assert difference < 1e-6 < size


def test_the_losses_of_twenty_steps_are_those_of_one_process(found: dict[str, Any]) -> None:
    assert len(found["one"]) == len(found["two"]) == STEPS
    assert found["two"] == pytest.approx(found["one"], abs=1e-5)


def test_one_process_goes_on_where_two_were(found: dict[str, Any]) -> None:
    """And all of the two ended after the same step, though only one of them was told to."""
    assert found["stopped after"] == FIRST_STEPS
    assert len(found["resumed by one"]) == STEPS
    assert found["resumed by one"][:FIRST_STEPS] == found["two"][:FIRST_STEPS]
    assert found["resumed by one"] == pytest.approx(found["one"], abs=1e-5)


@pytest.mark.parametrize("world", [1, 2, 3, 7])
def test_every_instance_is_in_exactly_one_part(world: int) -> None:
    for n in range(world, 20):
        parts = [range(n)[Together(rank, world).part(n)] for rank in range(world)]
        assert [index for part in parts for index in part] == list(range(n))
        assert min(map(len, parts)) >= 1


def test_a_batch_that_is_too_small_to_share_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a batch of 4 cannot be shared out to 5 processes"):
        train(small_preset(), device="cpu", folder=tmp_path, runs=tmp_path, together=Together(0, 5))
