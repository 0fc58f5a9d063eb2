"""A class of thirty on one server, by Streamlit's own protocol: `python -m tests.load`.

It writes assets/results/load.json. Students and server share this machine, so the load average stands beside the
figures; the server's CPU time does not depend on what else runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
from pathlib import Path
from typing import Any

from tqdm import tqdm, trange

from sleepviz.runs.checkpoint import write_atomically
from tests.load.browsers import look
from tests.load.classroom import ARRIVE_WITHIN_S, Hour, hold, summary, waits, wrong_answers
from tests.load.memory import report
from tests.serving import ROOT, Served, machine, serving, versions

RESULTS = ROOT / "assets" / "results" / "load.json"
THINK_S = (2.0, 6.0)
ALONE_ROUNDS, ALONE_THINK_S = 9, (0.5, 1.0)
START_S, AFTER_S = 10, 5  # until the server answers; until it has surely forgotten who left
FORGOTTEN_S = 20  # how long the server keeps a session that has left; Streamlit's own choice is 120
CHECK_S = 15  # for the comparison of the answers
CHECKED = 80  # questions that are asked again here, to compare the answers
CEILING_S, CEILING_ROUNDS, CEILING_STEP = 10.0, 6, 30
KINDS = ("shared", "live", "sweep")


def minutes(students: int, rounds: int, ceiling: bool) -> str:
    """How long it takes where nobody waits, in words."""
    think_s = sum(THINK_S) / 2
    alone_s, away_s = ALONE_ROUNDS * sum(ALONE_THINK_S) / 2 + START_S, FORGOTTEN_S + AFTER_S
    class_s = ARRIVE_WITHIN_S + rounds * think_s
    larger_s = away_s + ARRIVE_WITHIN_S + CEILING_ROUNDS * think_s
    whole_s = alone_s + class_s + 2 * away_s + CHECK_S
    said = f"{students} students, {rounds} rounds: about {math.ceil(whole_s / 60)} min."
    more = f" Each larger class after that: about {math.ceil(larger_s / 60)} min, and more where it waits."
    return said + more * ceiling


def bar(students: int, rounds: int, what: str) -> tqdm[Any]:
    """Of the clicks of one class."""
    return tqdm(total=students * (rounds + 1), desc=what, unit="click", smoothing=0)


async def attended(
    served: Served, students: int, rounds: int, think_s: tuple[float, float], first: int, what: str
) -> Hour:
    """A class under a progress bar."""
    with bar(students, rounds, what) as clicks:
        return await hold(served, students, rounds, think_s, first, lambda done: clicks.update(done - clicks.n))


async def measure(students: int, rounds: int, ceiling: bool, chromium: str, browsers: int) -> dict[str, Any]:
    """One student, then the class, then nobody; then larger classes until the ninety-fifth click of a hundred waits."""
    load_before = os.getloadavg()[0]
    with serving("--server.disconnectedSessionTTL", str(FORGOTTEN_S)) as served:
        alone = await attended(served, 1, ALONE_ROUNDS, ALONE_THINK_S, 9001, "one student")
        await left()
        warm_mb = served.resident_mb
        over = asyncio.Event()
        seen = asyncio.create_task(look(served.url, chromium, browsers, over)) if browsers else None
        together = await attended(served, students, rounds, THINK_S, 1, f"{students} students")
        over.set()
        in_browsers = await seen if seen else []
        await left()
        after_mb = served.resident_mb
        load_after = os.getloadavg()[0]
        highest = await find_ceiling(served, students) if ceiling else []
    return {
        "made_by": "python -m tests.load",
        "machine": {**machine(), "load_average": [round(load_before, 2), round(load_after, 2)]},
        "versions": versions("streamlit", "torch"),
        "students": students,
        "rounds": rounds,
        "think_s": list(THINK_S),
        "errors": [*alone.errors, *together.errors],
        "wrong_answers": wrong_answers(together.clicks, CHECKED),
        "entries": [
            *({"kind": kind, **waits(together.clicks, kind)} for kind in KINDS),
            report(together.samples, together.caches, rounds),
        ],
        "by_click": [
            {"what": what, **waits([c for c in together.clicks if c.what == what], kind)}
            for what, kind in whats(together)
        ],
        "browsers": {"number": browsers, **summary(in_browsers)},
        "server": {
            "seconds": round(together.seconds, 1),
            "cpu_s": round(together.cpu_s, 1),
            "cpu_s_per_click": round(together.cpu_s / max(len(together.clicks), 1), 3),
            "resident_mb": {
                "warm_with_one_visitor": round(warm_mb),
                "first_half_most": round(max(together.resident_mb[: len(together.resident_mb) // 2])),
                "most": round(max(together.resident_mb)),
                "after_they_left": round(after_mb),
            },
        },
        "ceiling": highest,
    }


def whats(hour: Hour) -> list[tuple[str, str]]:
    """Each sort of click once, with its kind."""
    return list(dict.fromkeys((click.what, click.kind) for click in hour.clicks))


async def left() -> None:
    """Wait until the server has forgotten the sessions that left."""
    for _ in trange(FORGOTTEN_S + AFTER_S, desc="they leave", unit="s"):
        await asyncio.sleep(1)


async def find_ceiling(served: Served, students: int) -> list[dict[str, Any]]:
    """Larger and larger classes, until p95 of all pictures passes ten seconds or something goes wrong."""
    found: list[dict[str, Any]] = []
    while True:
        students += CEILING_STEP
        first = 1000 * len(found) + 10_001
        hour = await attended(served, students, CEILING_ROUNDS, THINK_S, first, f"{students} students")
        pictures = waits([c for c in hour.clicks if c.kind != "sweep"], "shared"), waits(hour.clicks, "live")
        found.append(
            {
                "students": students,
                "shared": pictures[0],
                "live": pictures[1],
                "errors": len(hour.errors),
                "resident_mb": round(max(hour.resident_mb)),
                "load_average": round(os.getloadavg()[0], 2),
            }
        )
        tqdm.write(json.dumps(found[-1]))
        if hour.errors or max(each.get("p95_s", 0.0) for each in pictures) > CEILING_S:
            return found
        await left()


def main() -> None:
    """Measure, and write."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--students", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--browsers", type=int, default=2, help="real ones beside the students (default: 2)")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--no-ceiling", action="store_true", help="leave out the larger classes")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    print(minutes(arguments.students, arguments.rounds, not arguments.no_ceiling), flush=True)
    asked = (arguments.students, arguments.rounds, not arguments.no_ceiling, arguments.chromium, arguments.browsers)
    result = asyncio.run(measure(*asked))
    write_atomically(arguments.out, (json.dumps(result, indent=1) + "\n").encode())
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
