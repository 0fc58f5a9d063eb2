"""README and docs: links lead somewhere, the program accepts every command, and the example prints what it says."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sleepviz.arguments import UsageError, build_parser
from sleepviz.studies.readme_tables import measured
from sleepviz.tasks import PRESETS
from tests.tasks.test_rule110 import by_table

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
DOCUMENTS = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").glob("*.md"))]
README_MAX_LINES = 150
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
PLACEHOLDER = "NAME"  # in a command that stands for many
GUIDES_TASK = "modsum"  # of docs/add-a-task.md, which is not part of the project


def without_code(text: str) -> str:
    """Markdown without fenced blocks and code spans, whose brackets are no links."""
    return re.sub(r"`[^`]*`", "", FENCED.sub("", text))


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to headings: lower case, hyphens for spaces, no other punctuation."""
    slugs: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", FENCED.sub("", text), re.M):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        again = sum(1 for each in slugs if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", each))
        slugs.append(f"{slug}-{again}" if again else slug)
    return set(slugs)


def broken_links(document: Path) -> list[str]:
    """Relative links whose file or heading is not there."""
    broken = []
    for target in LINK.findall(without_code(document.read_text(encoding="utf-8"))):
        address, _, anchor = target.partition("#")
        if "://" in address:
            continue
        path = (document.parent / address).resolve() if address else document
        if not path.exists() or (anchor and anchor not in anchors(path.read_text(encoding="utf-8"))):
            broken.append(target)
    return broken


def commands(text: str) -> Iterator[str]:
    """Every `python -m sleepviz...` or `sleepviz ...`, in code spans, which may run over a line, and in code blocks."""
    whole = re.sub(r" \\\n\s*", " ", text)  # a backslash goes on with the command on the next line
    plain = FENCED.sub(lambda block: "" if block[1] == "python" else block[2], whole)
    blocks = re.findall(r"^ {4}(.+)$", plain, re.M)
    spans = re.findall(r"`([^`]+)`", re.sub(r"^ {4}.+$", "", plain, flags=re.M))
    for line in [*blocks, *(" ".join(span.split()) for span in spans)]:
        words = line.removeprefix(".venv/bin/")
        if re.match(r"python -m sleepviz\b|sleepviz [a-z]", words):
            yield words


def refusal(command: str) -> str:
    """Why the program does not accept a command; "" where it does."""
    words = shlex.split(command.replace(GUIDES_TASK, "gsm"), comments=True)
    if words[0] == "python" and words[2] != "sleepviz":
        return "" if importlib.util.find_spec(words[2]) else f"there is no module {words[2]}"
    try:
        arguments = build_parser().parse_args(words[3:] if words[0] == "python" else words[1:])
    except UsageError as error:
        return str(error)
    preset = getattr(arguments, "preset", PLACEHOLDER)
    return "" if preset in (*PRESETS, PLACEHOLDER) else f"there is no preset {preset}"


def named(paths: list[Path]) -> list[object]:
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in paths]


def test_the_readme_is_one_page() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= README_MAX_LINES


@pytest.mark.parametrize("document", named(DOCUMENTS))
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    assert broken_links(document) == []


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    """Of a file, of a heading here and of one elsewhere; what is in code is no link."""
    (tmp_path / "other.md").write_text("## Graph, k hops\n```\n# no heading\n```\n## Graph, k hops\n")
    document = tmp_path / "document.md"
    document.write_text(
        "# Two words, here\n[a](no.md) [b](#two-words-here) [c](#gone) [d](other.md#graph-k-hops-1) `[e](f)`\n"
        "[g](other.md#no-heading) [h](other.md) [i](https://arxiv.org/abs/2605.26099)\n"
    )
    assert broken_links(document) == ["no.md", "#gone", "other.md#no-heading"]


@pytest.mark.parametrize("document", named(DOCUMENTS))
def test_every_command_is_accepted(document: Path) -> None:
    found = commands(document.read_text(encoding="utf-8"))
    assert {command: why for command in found if (why := refusal(command))} == {}


def test_a_command_that_is_not_accepted_is_seen() -> None:
    text = (
        "`python -m sleepviz eval\n--task rule110` and `python -m sleepviz train --preset no-such`\n\n"
        "    .venv/bin/python -m sleepviz.studies.gone\n    python -m sleepviz checkpoints  # this one is right\n"
    )
    refused = {command: refusal(command) for command in commands(text)}
    assert list(refused) == [
        "python -m sleepviz.studies.gone",
        "python -m sleepviz checkpoints  # this one is right",
        "python -m sleepviz eval --task rule110",
        "python -m sleepviz train --preset no-such",
    ]
    assert [bool(why) for why in refused.values()] == [True, False, True, True]


def test_the_commands_under_the_headline_measure_its_figures() -> None:
    """Each asks for what was measured for the results file: the same N, difficulty, questions and seed."""
    asked = [shlex.split(each) for each in commands(README.read_text(encoding="utf-8")) if " eval " in each]
    evaluations = [build_parser().parse_args(words[3:]) for words in asked]
    assert [each.task for each in evaluations] == ["rule110", "depo", "gsm"]
    for each in evaluations:
        entries = [entry for entry in measured(each.task) if entry["experiment"] == "accuracy"]
        published = {(entry["passes"], entry["difficulty"], entry["n"], entry["seed"]) for entry in entries}
        assert {(n, each.difficulty[0], each.n, each.seed) for n in each.passes} <= published


def test_the_example_prints_what_the_readme_says() -> None:
    text = README.read_text(encoding="utf-8")
    [example] = [code for language, code in FENCED.findall(text) if language == "python"]
    said = re.search(r"It prints:\n\n((?: {4}.*\n)+)", text)
    done = subprocess.run([sys.executable, "-c", example], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert said and done.stdout.splitlines() == [line.strip() for line in said[1].splitlines()]
    rows = re.search(r'rows = \["([01]+)", "([01]+)"\]', example)
    assert rows and done.stdout.startswith(f"{tuple(by_table(row, 6) for row in rows.groups())} (True, True)")
