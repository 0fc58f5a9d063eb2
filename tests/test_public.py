"""`import sleepviz`: the public names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import sleepviz
import sleepviz.core.memory
import sleepviz.core.sleep
import sleepviz.hybrids.fast_weights
import sleepviz.runs.checkpoint
from sleepviz.tasks.base import InputError
from tests.tasks.test_rule110 import by_table

ROOT = Path(__file__).resolve().parents[1]
ROWS = ("0100110101110010", "0100111010110010")


def printed(code: str) -> list[str]:
    """The lines that a fresh Python prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_importing_sleepviz_is_light_and_lists_its_names() -> None:
    heavy = "print([name for name in ('torch', 'transformers', 'numpy') if name in sys.modules])"
    listed = "print(set(sleepviz.__all__) <= set(dir(sleepviz)))"
    lines = printed(f"import sys, sleepviz\n{heavy}\n{listed}\nsleepviz.sleep, sleepviz.run, sleepviz.load\n{heavy}")

    assert lines == ["[]", "True", "['torch', 'numpy']"]


def test_each_public_name_is_the_one_that_the_package_uses() -> None:
    """A module of the same name must not take a function's place once it is imported."""
    assert sleepviz.sleep is sleepviz.core.sleep.sleep
    assert sleepviz.load is sleepviz.runs.checkpoint.load
    assert sleepviz.Memory is sleepviz.core.memory.Memory
    assert sleepviz.add_fast_weights is sleepviz.hybrids.fast_weights.add_fast_weights
    assert {name for name in sleepviz.__all__ if not getattr(sleepviz, name).__doc__} == set()
    with pytest.raises(AttributeError, match="no attribute 'snore'"):
        _ = sleepviz.snore


def test_a_run_holds_its_settings_and_refuses_what_the_model_cannot_be_asked() -> None:
    seen = sleepviz.run(
        "rule110", {"rows": [ROWS[0]], "steps": 2}, n_passes=3, eviction="sliding", control="zero_state"
    )

    assert (seen.spec["n_passes"], seen.spec["eviction"], seen.spec["control"]) == (3, "sliding", "zero_state")
    assert seen.answer.truths == (by_table(ROWS[0], 2),)
    with pytest.raises(InputError, match="rows"):
        sleepviz.run("rule110", {"rows": [], "steps": 2})
