"""docs/deploy: the container files name what is there, run as nobody in particular, and agree with the requirements."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "docs" / "deploy"
KNOWN = {"FROM", "ARG", "COPY", "RUN", "WORKDIR", "ENV", "USER", "EXPOSE", "HEALTHCHECK", "CMD"}


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's, in order."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines]


def test_every_instruction_is_one_and_the_words_of_each_can_be_read() -> None:
    assert {name for name, _ in instructions()} == KNOWN
    for _, rest in instructions():
        shlex.split(rest)


def test_every_file_that_is_copied_is_here_and_no_part_is_left_out() -> None:
    sources = [rest.split()[0] for name, rest in instructions() if name == "COPY" and not rest.startswith("--from")]
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert set(sources) == {"requirements.txt", ".streamlit", "assets", "sleepviz", "app", "pages"}


def test_the_stage_that_is_copied_from_is_there() -> None:
    stages = {rest.split()[-1] for name, rest in instructions() if name == "FROM" and " AS " in rest}
    assert {rest.split()[0].removeprefix("--from=") for _, rest in instructions() if "--from=" in rest} == stages


def test_the_python_is_one_that_the_package_supports_and_no_other_version_is_written_down() -> None:
    supported = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text())
    bases = {rest.split()[0] for name, rest in instructions() if name == "FROM"}
    assert len(bases) == 1  # what is installed in one stage runs in the other
    (version,) = re.findall(r"python:(\d\.\d+)-slim", bases.pop())
    assert version in supported
    assert not re.search(r"[=>]=\s*\d", " ".join(rest for name, rest in instructions() if name == "RUN"))


def test_torch_comes_first_and_from_the_index_of_cpu_builds() -> None:
    installs = [rest for name, rest in instructions() if name == "RUN" and "pip install" in rest]
    torch, others = installs
    assert "grep '^torch==' requirements.txt" in torch and '--index-url "$TORCH_INDEX"' in torch
    assert "-r requirements.txt" in others and "index-url" not in others
    assert any("/whl/cpu" in rest for name, rest in instructions() if name == "ARG")


def test_the_container_is_nobody_in_particular_and_its_health_is_a_visit() -> None:
    names = [name for name, _ in instructions()]
    assert names.index("USER") < names.index("CMD") and dict(instructions())["USER"].isdigit()
    assert '"sleepviz", "health"' in dict(instructions())["HEALTHCHECK"]
    seconds = re.findall(r'"--seconds", "(\d+)"', dict(instructions())["HEALTHCHECK"])
    allowed = re.findall(r"--timeout=(\d+)s", dict(instructions())["HEALTHCHECK"])
    assert int(seconds[0]) < int(allowed[0])  # or it is killed before it says why


@pytest.mark.parametrize("name", ["compose.yaml", "replicas.yaml"])
def test_the_compose_files_name_what_is_here(name: str) -> None:
    text = (DEPLOY / name).read_text(encoding="utf-8")
    for path in re.findall(r"dockerfile: (\S+)", text):
        assert (ROOT / path).is_file()
    for path in re.findall(r'"\./([\w.]+):', text) + re.findall(r"file: ([\w.]+\.yaml)", text):
        assert (DEPLOY / path).is_file()


def test_the_app_s_file_system_is_read_only_but_for_its_cache() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    assert "read_only: true" in text and re.search(r'tmpfs: \["/tmp"\]', text)
    assert dict(instructions())["ENV"].split()[1] == "HOME=/tmp"


def test_the_proxy_keeps_a_visitor_at_one_of_the_replicas_that_there_are() -> None:
    proxy, replicas = ((DEPLOY / name).read_text(encoding="utf-8") for name in ("haproxy.cfg", "replicas.yaml"))
    servers = re.findall(r"^ +server (\w+) (\w+):(\d+) cookie (\w+)", proxy, re.M)
    services = re.findall(r"^  (\w+):", replicas, re.M)
    assert [host for _, host, _, _ in servers] == [name for name in services if name != "proxy"]
    assert {port for _, _, port, _ in servers} == {dict(instructions())["EXPOSE"]}
    assert len({cookie for *_, cookie in servers}) == len(servers)
    assert "cookie replica insert" in proxy and "timeout tunnel" in proxy
