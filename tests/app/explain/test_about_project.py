"""About, at the foot of every page."""

from __future__ import annotations

import pytest

import sleepviz
from app.explain.about_project import CITE_PAPER, CITE_PROJECT, version_line
from app.shell import runs
from tests.app.page import ROOT, opened


@pytest.mark.parametrize("page", ["rule110", "lab", "your_model"])
def test_every_page_tells_the_version_the_licence_and_how_to_cite(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "commit", lambda: "0123456789abcdef")
    app = opened(page)
    said = "\n".join(each.value for each in app.markdown)
    assert f"sleepviz {sleepviz.__version__}, commit `0123456789`" in said
    assert "MIT licence" in said and "Open an issue" in said
    assert {CITE_PAPER, CITE_PROJECT} <= {each.value for each in app.code}


def test_without_a_commit_the_version_stands_alone() -> None:
    assert version_line("1.2.3", "") == "sleepviz 1.2.3"
    assert version_line("1.2.3", "0123456789abcdef") == "sleepviz 1.2.3, commit `0123456789`"


def test_the_readme_cites_the_same_and_the_changelog_knows_the_version() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert CITE_PAPER in readme and CITE_PROJECT in readme
    for name in ("Sangyun Lee", "Sean McLeish", "Tom Goldstein", "Giulia Fanti"):
        first, last = name.split()
        assert name in readme and f"{last}, {first}" in CITE_PAPER
    version = sleepviz.__version__.partition(".dev")[0]
    assert f"\n## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
