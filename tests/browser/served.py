"""The app as the browser tests serve it: another assets folder and, if asked, slow runs that leave a log."""

from __future__ import annotations

import os
import runpy
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from app.shell import runs
from app.shell.jobs import RunKey
from sleepviz.config.events import Event


def slowly(key: RunKey) -> Iterator[Event]:
    """Each event takes as long as the environment says; the log says how a run ended."""
    log = Path(os.environ["SLEEPVIZ_TEST_LOG"])
    log.open("a").write("started\n")
    ending = "stopped"
    try:
        for event in _record(key):
            time.sleep(float(os.environ["SLEEPVIZ_TEST_EVENT_S"]))
            yield event
        ending = "finished"
    finally:
        log.open("a").write(f"{ending}\n")


runs.ASSETS = Path(os.environ["SLEEPVIZ_TEST_ASSETS"])
if "SLEEPVIZ_TEST_EVENT_S" in os.environ and runs.record_run is not slowly:
    _record = getattr(runs, "_test_original", runs.record_run)
    runs._test_original = _record  # type: ignore[attr-defined]  # a script runs anew for each visitor
    runs.record_run = slowly
runpy.run_path(str(ROOT / "app" / "main.py"), run_name="__main__")
