"""The README's figures are those of the results files."""

import json
from pathlib import Path

from sleepviz.experiments import readme_table

ROOT = Path(__file__).resolve().parents[1]
DIFFICULTIES = (1, 2, 4, 6, 8, 10, 12)


def test_the_results_table_is_made_from_the_results_file() -> None:
    entries = json.loads((ROOT / "assets/results/rule110.json").read_text())["entries"]
    assert readme_table("rule110", entries, DIFFICULTIES) in (ROOT / "README.md").read_text()
