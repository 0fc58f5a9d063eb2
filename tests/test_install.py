"""How make installs torch, the lists of requirements, and what the wheel carries.

No test reaches a package index: a small server on this machine takes the place of PyTorch's index and of the default
one, and serves wheels of a few hundred bytes that are called torch and streamlit.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import importlib.util
import io
import os
import re
import subprocess
import threading
import tomllib
import types
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[1]
CPU, DEFAULT = "/whl/cpu", "/simple"
MINORS = (11, 12, 13, 14)


# A stand-in for the two indexes.


def wheel(name: str, version: str) -> bytes:
    """An installable wheel of one empty module."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {
        path: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        for path, text in files.items()
    }
    record = [f"{path},sha256={digests[path]},{len(text)}" for path, text in files.items()]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": "\n".join([*record, f"{info}/RECORD,,"])}.items():
            archive.writestr(path, text)
    return buffer.getvalue()


@dataclass
class Indexes:
    """Serves both indexes; `cpu_index` says how PyTorch's behaves, `asked` keeps each path that was asked for."""

    cpu_index: str = "answers"  # or "refuses", "hangs"
    asked: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def reply(self, path: str) -> bytes | None:
        """The body for a path, or None for a refusal. A CPU index that hangs replies when the test is over."""
        self.asked.append(path)
        if path.startswith(CPU) and self.cpu_index != "answers":
            if self.cpu_index == "hangs":
                self.over.wait()
            return None
        files = {
            f"{CPU}/torch/": ("torch", "2.13.0+cpu"),
            f"{DEFAULT}/torch/": ("torch", "2.13.0"),
            f"{DEFAULT}/streamlit/": ("streamlit", "1.67.0"),
        }
        for page, (name, version) in files.items():
            file = quote(f"{name}-{version}-py3-none-any.whl")
            if path == page:
                return f'<!DOCTYPE html><html><body><a href="{file}">{name}</a></body></html>'.encode()
            if path == page + file:
                return wheel(name, version)
        return None


@pytest.fixture
def indexes() -> Iterator[Indexes]:
    state = Indexes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = state.reply(self.path)
            self.send_response(403 if body is None else 200)
            self.send_header("Content-Type", "application/octet-stream" if ".whl" in self.path else "text/html")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *arguments: Any) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    state.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


# A checkout that holds the Makefile and a short list of requirements alone.


@dataclass(frozen=True)
class Checkout:
    """A folder in which make can run, with a .venv whose pip is that of these tests."""

    folder: Path
    environment: dict[str, str]

    def make(self, *words: str) -> str:
        """Run make, which must succeed; return what it printed."""
        command = ["make", "-f", str(ROOT / "Makefile"), *words]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def versions(self) -> dict[str, str]:
        """What is installed in .venv."""
        packages = next((self.folder / ".venv").glob("lib/python*/site-packages"))
        return {found.name: found.version for found in importlib.metadata.distributions(path=[str(packages)])}


@pytest.fixture
def checkout(tmp_path: Path, indexes: Indexes) -> Checkout:
    """Linux without a GPU: `uname` and `nvidia-smi` are stand-ins too."""
    (tmp_path / "requirements.txt").write_text("torch==2.13.0\nstreamlit>=1.67,<2\n")
    venv.create(tmp_path / ".venv", with_pip=False)
    (tmp_path / ".venv" / ".made").touch()
    borrowed = tmp_path / "borrowed"
    borrowed.mkdir()
    pip = importlib.util.find_spec("pip")
    assert pip is not None and pip.origin is not None, "the tests of the install step need pip beside them"
    (borrowed / "pip").symlink_to(Path(pip.origin).parent)
    (tmp_path / "bin").mkdir()
    plant(tmp_path / "bin" / "uname", "echo Linux")
    plant(tmp_path / "bin" / "nvidia-smi", "exit 9")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "MAKE", "MFLAGS"))}
    pip_settings = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": indexes.url + DEFAULT, "PIP_NO_CACHE_DIR": "1"}
    path = os.pathsep.join([str(tmp_path / "bin"), kept["PATH"]])
    return Checkout(tmp_path, {**kept, **pip_settings, "PATH": path, "PYTHONPATH": str(borrowed)})


def plant(path: Path, script: str) -> None:
    """A command that runs one line of shell."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def install(checkout: Checkout, indexes: Indexes, *words: str, stamp: str = ".app-installed") -> str:
    """Run the install step of `make app` with the stand-in in place of PyTorch's index."""
    return checkout.make(f".venv/{stamp}", f"TORCH_INDEX={indexes.url}{CPU}", "TORCH_WAIT_S=1", *words)


def test_a_cpu_index_that_answers_gives_torch_and_nothing_else(checkout: Checkout, indexes: Indexes) -> None:
    printed = install(checkout, indexes)

    assert checkout.versions() == {"torch": "2.13.0+cpu", "streamlit": "1.67.0"}
    assert f"{CPU}/torch/" in indexes.asked and f"{DEFAULT}/streamlit/" in indexes.asked
    assert f"{CPU}/streamlit/" not in indexes.asked
    assert [path for path in indexes.asked if path.startswith(DEFAULT) and "torch" in path and ".whl" in path] == []
    assert "Fetching the CPU build of torch 2.13.0: 190 MB" in printed and "gave no CPU build" not in printed
    indexes.asked.clear()
    assert "up to date" in install(checkout, indexes) and indexes.asked == []

    install(checkout, indexes, "GPU=1", stamp=".gpu-installed")
    assert checkout.versions() == {"torch": "2.13.0", "streamlit": "1.67.0"}


@pytest.mark.parametrize("behaviour", ["refuses", "hangs"])
def test_the_default_index_serves_where_the_cpu_index_does_not(
    behaviour: str, checkout: Checkout, indexes: Indexes
) -> None:
    indexes.cpu_index = behaviour
    printed = install(checkout, indexes)

    assert checkout.versions() == {"torch": "2.13.0", "streamlit": "1.67.0"}
    assert [path for path in indexes.asked if path.startswith(CPU)] == [f"{CPU}/torch/"]  # one attempt
    assert "gave no CPU build" in printed


@pytest.mark.parametrize(("command", "script"), [("nvidia-smi", "exit 0"), ("uname", "echo Darwin")])
def test_the_default_build_is_taken_with_a_gpu_and_where_it_is_a_cpu_build(
    command: str, script: str, checkout: Checkout, indexes: Indexes
) -> None:
    plant(checkout.folder / "bin" / command, script)
    printed = install(checkout, indexes)

    assert checkout.versions() == {"torch": "2.13.0", "streamlit": "1.67.0"}
    assert [path for path in indexes.asked if path.startswith(CPU)] == []
    assert "CPU build" not in printed


# The lists of requirements.


def listed(name: str) -> list[Requirement]:
    """The requirements of one file, without those of the files that it includes."""
    lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith("-r ")]


def project() -> dict[str, Any]:
    read: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return read


def extra(name: str) -> dict[str, SpecifierSet]:
    """What an extra adds, without the other extras that it takes in."""
    found = [Requirement(line) for line in project()["optional-dependencies"][name]]
    return {requirement.name: requirement.specifier for requirement in found if requirement.name != "sleepviz"}


def test_the_package_and_requirements_txt_ask_for_the_same() -> None:
    """But for torch: the app's is pinned, the package takes what is near it."""
    engine = {found.name: found.specifier for found in map(Requirement, project()["dependencies"])}
    app = {found.name: found.specifier for found in listed("requirements.txt")}
    pin, near = app.pop("torch"), engine.pop("torch")

    assert {**engine, **extra("transformers"), **extra("app")} == app
    assert extra("dev") == {found.name: found.specifier for found in listed("requirements-dev.txt")}
    assert near.contains(str(pin).removeprefix("=="))


@pytest.mark.parametrize("minor", MINORS)
def test_community_cloud_gets_requirements_txt_with_one_cpu_build(minor: int) -> None:
    there, every = {"python_version": f"3.{minor}"}, listed("app/requirements.txt")
    chosen = [found for found in every if not found.marker or found.marker.evaluate(there)]
    links = [found.url for found in chosen if found.url]
    torch, *others = listed("requirements.txt")
    version = str(torch.specifier).removeprefix("==")
    tag = f"cp3{minor}-cp3{minor}-manylinux_2_28_x86_64"

    assert [str(found) for found in chosen if not found.url] == [str(found) for found in others]
    assert links == [f"https://download.pytorch.org/whl/cpu/torch-{version}%2Bcpu-{tag}.whl"]


def test_make_takes_the_python_versions_that_the_package_names() -> None:
    named = [int(line.rpartition(".")[2]) for line in project()["classifiers"] if "Python :: 3." in line]
    [check] = re.findall(r"^SUPPORTED := import sys; (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    taken = []
    for minor in range(8, 20):
        left: list[bool] = []
        exec(check, {"sys": types.SimpleNamespace(version_info=(3, minor, 1), exit=left.append)})
        taken += [minor] if left == [False] else []

    assert named == taken == list(MINORS)
    assert project()["requires-python"] == f">=3.{MINORS[0]}"
