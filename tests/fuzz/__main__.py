"""python -m tests.fuzz --cases 10000 --seed 1 --minutes 60: links and inputs, mutated; a line for each failure.

Nine of ten cases go through the readers alone, which take a thousandth of what a page takes; `--pages 1` sends all of
them through the pages. The exit status says whether any failed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from app.shell import runs
from sleepviz.runs.checkpoint import list_checkpoints
from tests.app.made import make_assets
from tests.fuzz.cases import ALL_PAGES, Case, case, shown
from tests.fuzz.pages import Visitors
from tests.fuzz.readers import read


def fuzz(
    n: int, seed: int, *, pages: float, minutes: float = 60.0, only: tuple[str, ...] = ALL_PAGES
) -> tuple[Counter[str], list[str]]:
    """Try `n` cases, a share `pages` of them through the pages -> how many were tried how, and the failures."""
    infos = list_checkpoints(runs.checkpoint_folder())
    draw, counts, failures = random.Random(seed), Counter[str](), list[str]()
    visitors, marks = Visitors(), list[str]()
    before = _files(runs.ASSETS)
    stop = time.monotonic() + 60 * minutes
    for number in range(n):
        if time.monotonic() > stop:
            break
        here = random.Random(draw.getrandbits(64))
        each = case(here, infos, only)
        try:
            counts[f"reader, {each.page}: {read(each, infos)}"] += 1
            if here.random() < pages:
                visitors.try_case(each, here)
                counts[f"page, {each.page}"] += 1
                marks.append(each.mark)
                if len(marks) % 50 == 0:
                    visitors.bystander(each.page, marks)
                    counts["bystander"] += 1
        except Exception as error:
            failures.append(_told(number, each, error))
            visitors = Visitors()
            print(failures[-1], file=sys.stderr, flush=True)
    if _files(runs.ASSETS) != before:
        failures.append("a file of the server was changed")
    return counts, failures


def _told(number: int, each: Case, error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"case {number}: {type(error).__name__} {str(error)[:600]} at {last.filename}:{last.lineno}; {shown(each)}"


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    """Serving writes nothing: two servers may share one folder."""
    found = {str(path): path.stat() for path in folder.rglob("*") if path.is_file()}
    return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in found.items()}


def main() -> int:
    """Run it on made-up weights, so that answers are wrong as often as can be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pages", type=float, default=0.1, help="share of the cases that go through the pages")
    parser.add_argument("--only", nargs="+", default=ALL_PAGES, choices=ALL_PAGES, help="these pages alone")
    parser.add_argument("--minutes", type=float, default=60.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs.ASSETS = make_assets(Path(folder) / "assets")
        tried_on = {"pages": arguments.pages, "minutes": arguments.minutes, "only": tuple(arguments.only)}
        counts, failures = fuzz(arguments.cases, arguments.seed, **tried_on)
    tried = {"cases": sum(n for name, n in counts.items() if name.startswith("reader")), "failures": len(failures)}
    print(json.dumps({**tried, "seed": arguments.seed, **dict(sorted(counts.items()))}, indent=1))
    return 1 if failures else 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # a run that nobody waits for may still compute, in a thread that Python must not tear down
