"""`sleepviz health` against real servers: one that works, one without its checkpoint, one that hangs, and none."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.made import DEFAULT
from tests.browser.conftest import ROOT, Server, serve


def verdict(url: str, seconds: float) -> tuple[int, str]:
    """The exit status and the line."""
    command = [sys.executable, "-m", "sleepviz", "health", "--url", url, "--seconds", str(seconds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + 120)
    (line,) = done.stdout.splitlines()
    return done.returncode, line.removeprefix(f"{url} ")


def test_a_server_that_works_does_each_time(server: Server) -> None:
    for _ in range(2):  # the second time, too, its worker has to run
        status, said = verdict(server.url, 300)
        assert (status, said.split(", in")[0]) == (0, "works: rule110 was run live and answered as recorded")


def test_a_missing_checkpoint_is_named(browser_assets: Path, tmp_path: Path) -> None:
    """Though the server answers every request, and even shows its recorded run."""
    assets = tmp_path / "assets"
    shutil.copytree(browser_assets, assets)
    shutil.rmtree(assets / "checkpoints" / DEFAULT)
    for server in serve(assets, tmp_path):
        status, said = verdict(server.url, 300)
    assert status == 1
    assert said.startswith("does not work: the page says: No trained model for this page is here yet")


@pytest.fixture
def silent() -> Iterator[str]:
    """A host that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        taken: list[socket.socket] = []

        def take() -> None:
            try:
                while True:
                    taken.append(listening.accept()[0])
            except OSError:
                return

        threading.Thread(target=take, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        for each in taken:
            each.close()


def test_a_host_that_says_nothing_hangs(silent: str) -> None:
    assert verdict(silent, 2) == (1, "does not work: no answer came within 2 s.")


def test_a_worker_that_hangs_is_seen_though_the_page_is_there(browser_assets: Path, tmp_path: Path) -> None:
    for server in serve(browser_assets, tmp_path, SLEEPVIZ_TEST_EVENT_S="3600"):
        status, said = verdict(server.url, 25)
    assert (status, said) == (1, "does not work: no answer came within 25 s.")


def test_no_server_is_said_in_one_line() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        status, said = verdict(f"http://127.0.0.1:{free.getsockname()[1]}", 5)
    assert status == 1 and said.startswith("does not work: ") and "\n" not in said


def test_a_wrong_answer_is_told(browser_assets: Path, tmp_path: Path) -> None:
    """The recorded run is of these weights; a model that answers otherwise is another one, whatever it says."""
    from app.visitor.health import _answer

    recorded = json.loads('{"contenders": [{"rows": [{"cells": "01", "confidence": [0.9]}], "right": true}]}')
    surer = json.loads('{"contenders": [{"rows": [{"cells": "01", "confidence": [0.8]}], "right": true}]}')
    other = json.loads('{"contenders": [{"rows": [{"cells": "11", "confidence": [0.9]}], "right": true}]}')
    assert _answer(recorded) == _answer(surer) != _answer(other)
