"""What no visitor may bring about: foreign code, foreign hosts, files of the server, and parsing without bounds."""

from __future__ import annotations

import json
import re
import socket
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.shell import uploads
from app.your_model import allowed, models
from sleepviz.config.base import ConfigError
from sleepviz.config.outside import InputError
from sleepviz.config.run import RunSpec
from sleepviz.runs.checkpoint import CheckpointError
from sleepviz.text import example
from tests.app.page import errors, opened

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(path for kind in ("js", "html", "css", "svg") for path in (ROOT / "app").rglob(f"*.{kind}"))
SVG = "http://www.w3.org/2000/svg"  # a name, which no browser fetches

# What a Content-Security-Policy without 'unsafe-eval' and 'unsafe-inline' refuses, and what makes HTML of text.
UNSAFE = re.compile(
    r"\beval\s*\(|\bnew\s+Function\b|\bset(?:Timeout|Interval)\s*\(\s*['\"`]|\bimport\s*\(|\bimportScripts\b"
    r"|\.(?:inner|outer)HTML\b|\binsertAdjacentHTML\b|\bdocument\.write|\bsrcdoc\b|\bDOMParser\b"
    r"|<[^>]+\son\w+\s*=|setAttribute\(\s*['\"]on|<script|javascript:"
)
OUTWARD = re.compile(r"https?://|\bfetch\s*\(|XMLHttpRequest|\bWebSocket\b|EventSource|sendBeacon|@import|//\w+\.\w+/")


def faults(pattern: re.Pattern[str], text: str) -> list[str]:
    return pattern.findall(text.replace(SVG, ""))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT / "app")))
def test_no_script_makes_code_or_html_of_text_or_asks_another_host(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert faults(UNSAFE, text) == []
    assert faults(OUTWARD, text) == []


@pytest.mark.parametrize(
    ("pattern", "planted"),
    [
        (UNSAFE, "eval('1')"),
        (UNSAFE, "setTimeout('go()', 1)"),
        (UNSAFE, "node.innerHTML = name"),
        (UNSAFE, '<button onclick="go()">'),
        (UNSAFE, "node.setAttribute('onclick', text)"),
        (OUTWARD, "@import url(https://fonts.example.org/x.css)"),
        (OUTWARD, "fetch('/x')"),
        (OUTWARD, '<img src="//example.org/x.png">'),
    ],
)
def test_a_planted_fault_is_seen(pattern: re.Pattern[str], planted: str) -> None:
    assert faults(pattern, planted)


def test_streamlit_protects_against_forged_requests_and_bounds_what_is_sent() -> None:
    """As its documentation advises: both protections on, nothing trusted from headers, uploads small."""
    server = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["server"]
    assert server["enableXsrfProtection"] is True
    assert server["enableCORS"] is True
    assert server["maxUploadSize"] <= 50  # megabytes: the dropped files of a small model
    assert server["maxMessageSize"] <= 50
    assert not {"corsAllowedOrigins", "trustedUserHeaders", "enableStaticServing"} & set(server)


class Bomb(bytes):
    """An upload that must not be looked into."""

    def startswith(self, *_: object) -> bool:  # what decoding begins with
        raise AssertionError("it was parsed")

    def decode(self, *_: object) -> str:
        raise AssertionError("it was parsed")


def test_an_upload_is_measured_before_it_is_read() -> None:
    with pytest.raises(InputError, match="bytes, and at most"):
        uploads.text_of("book.txt", Bomb(uploads.MOST_BYTES + 1))
    with pytest.raises(AssertionError, match="it was parsed"):
        uploads.text_of("book.txt", Bomb(uploads.MOST_BYTES))


HOSTILE = (
    "local:/etc/passwd",
    "local:https://example.org/model",
    "local:file:///etc",
    "text:../../../etc",
    "text:/etc",
    "checkpoint:../../../etc",
    "checkpoint:/etc/passwd",
    "random:../x",
    "https://example.org/model",
    "",
)
WATCHED: list[tuple[str, str]] = []
IS_WATCHED = [False]


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if IS_WATCHED[0] and event in ("open", "os.listdir", "os.scandir", "socket.connect", "socket.getaddrinfo"):
        WATCHED.append((event, str(arguments[:2])))


sys.addaudithook(_watch)  # a hook stays; it hears nothing unless it is asked to


@pytest.fixture
def touched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """Every file that is opened and every host that is asked for, from now on."""
    monkeypatch.delenv(allowed.SETTING, raising=False)
    WATCHED.clear()
    IS_WATCHED[0] = True
    yield WATCHED
    IS_WATCHED[0] = False


def outside(touched: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Other hosts, and files that the hostile names ask for."""
    hosts = [each for each in touched if each[0].startswith("socket.") and "/" not in each[1]]
    files = [each for each in touched if re.search(r"passwd|['\"]/etc['\"/]*,|example\.org", each[1])]
    return hosts + files


def test_the_watch_sees_a_file_and_a_host(touched: list[tuple[str, str]]) -> None:
    Path("/etc/passwd").read_bytes()
    with socket.socket() as nobody, pytest.raises(ConnectionRefusedError):
        nobody.connect(("127.0.0.1", 1))
    assert len(outside(touched)) == 2


def test_no_name_of_a_model_reads_a_file_or_asks_a_host(assets: Path, touched: list[tuple[str, str]]) -> None:
    from app.shell.jobs import RunKey

    for source in HOSTILE:
        spec = example.text_spec(source or "x", "a b c d", "a b", 8)
        with pytest.raises((ConfigError, CheckpointError, KeyError, AssertionError, ValueError)):
            list(models.record_run(RunKey(spec, "digest")))
    assert outside(touched) == []


def test_no_link_to_your_model_names_a_folder_and_it_is_one_sentence(
    assets: Path, touched: list[tuple[str, str]]
) -> None:
    for source in HOSTILE:
        page = opened("your_model", model=source, N="2")
        assert len(errors(page)) == 1, (source, errors(page))
    assert outside(touched) == []


def test_no_checkpoint_name_reads_another_folder(assets: Path, touched: list[tuple[str, str]]) -> None:
    for name in ("../../../etc", "/etc/passwd", "x/../../..", "https://example.org/x"):
        page = opened(checkpoint=name, N="2")
        assert len(errors(page)) == 1
        spec = RunSpec("rule110", json.dumps({"rows": ["0" * 16], "steps": 1}), name, 1)
        from app.shell.jobs import RunKey
        from app.shell.runs import record_run

        with pytest.raises(CheckpointError):
            list(record_run(RunKey(spec, "digest")))
    assert outside(touched) == []


def test_opening_every_page_asks_no_host(assets: Path, touched: list[tuple[str, str]]) -> None:
    for page in ("rule110", "depo", "gsm", "learn", "lab", "your_model", "limits"):
        opened(page)
    assert [each for each in touched if each[0].startswith("socket.")] == []
