"""An installed wheel runs by itself: it is built, unpacked into a folder of its own, and used from another one."""

from __future__ import annotations

import importlib.metadata
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STARTS_WITHIN_S = 120
PAGE = """
import sys
from streamlit.testing.v1 import AppTest
page = AppTest.from_file(sys.argv[1], default_timeout=100).run()
print([error.value for error in page.exception], [title.value for title in page.title])
import app, sleepviz
print(app.__file__, sleepviz.__file__, sep="\\n")
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked wheel. Built from a copy of what is tracked or new, as `pip install .` would."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    wheel.unlink()
    return folder / "site"


@pytest.fixture
def python(installed: Path, tmp_path: Path) -> Callable[..., list[str]]:
    """Run Python beside the unpacked wheel, far from the checkout; return the lines it printed."""

    def run(*words: str) -> list[str]:
        command = [sys.executable, *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment(installed), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


def environment(installed: Path) -> dict[str, str]:
    """The environment in which the wheel's packages are found, and the checkout's are not."""
    return {**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}


def test_the_wheel_brings_one_package(installed: Path) -> None:
    version = importlib.metadata.PathDistribution(next(installed.glob("*.dist-info"))).version

    assert {path.name for path in installed.iterdir()} == {"sleepviz", f"sleepviz-{version}.dist-info"}
    assert {path.name for path in (installed / "sleepviz" / "_site").iterdir()} == {
        *("app", "pages", "assets", ".streamlit")
    }
    for part in ("app", "pages", ".streamlit", "assets/checkpoints", "assets/recordings"):
        here = {path.relative_to(ROOT / part) for path in (ROOT / part).rglob("*") if "__pycache__" not in path.parts}
        there = {
            path.relative_to(installed / "sleepviz/_site" / part)
            for path in (installed / "sleepviz/_site" / part).rglob("*")
        }
        assert here - there <= {Path("requirements.txt")} and there <= here, part


def test_the_installed_command_finds_the_checkpoints(installed: Path, python: Callable[..., list[str]]) -> None:
    [command] = importlib.metadata.PathDistribution(next(installed.glob("*.dist-info"))).entry_points
    start = f"from {command.module} import {command.attr} as main; raise SystemExit(main(['checkpoints']))"
    shipped = [json.loads(path.read_text())["digest"] for path in (ROOT / "assets/checkpoints").glob("*/meta.json")]
    [line] = python("-c", start)

    assert command.name == "sleepviz"
    assert sorted(each["digest"] for each in json.loads(line)) == sorted(shipped)


def test_the_installed_app_shows_its_first_page(installed: Path, python: Callable[..., list[str]]) -> None:
    site = installed / "sleepviz" / "_site"
    shown, *places = python("-c", PAGE, str(site / "app" / "main.py"))

    assert shown.startswith("[] ['"), shown
    assert places == [str(site / "app" / "__init__.py"), str(installed / "sleepviz" / "__init__.py")]


def test_sleepviz_app_serves_the_installed_app(installed: Path, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "sleepviz", "app", "--port", str(port)]
    settings = {**environment(installed), "STREAMLIT_SERVER_HEADLESS": "true"}
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=tmp_path, env=settings, stdout=log, stderr=log)
    try:
        until = time.monotonic() + STARTS_WITHIN_S
        while not answers(f"http://127.0.0.1:{port}/_stcore/health"):
            assert server.poll() is None and time.monotonic() < until, (tmp_path / "log").read_text()
            time.sleep(0.1)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/host-config", timeout=10) as reply:
            assert reply.status == 200
    finally:
        server.terminate()
        server.wait(20)


def answers(url: str) -> bool:
    """Whether the server is up."""
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def test_without_streamlit_the_app_says_what_to_install(installed: Path, tmp_path: Path) -> None:
    ask = (
        "import importlib.util\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: None if name == 'streamlit' else found(name)\n"
        "from sleepviz.__main__ import main\n"
        "raise SystemExit(main(['app']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask],
        cwd=tmp_path,
        env=environment(installed),
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "The app needs Streamlit: pip install 'sleepviz[app]'.\n"
