"""The README's links into the app open the page with the setting that they name."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from app.tasks import PAGES
from tests.app.page import ROOT, errors, opened

LINKS = re.findall(r"\]\(http://localhost:8501(/[^)]*)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
SCRIPTS = {page.url: name for name, page in PAGES.items()}
SCRIPTS |= {"learn": "learn", "lab": "lab", "your-model": "your_model"}


def test_there_are_five_things_to_try() -> None:
    assert len(LINKS) == len(set(LINKS)) == 5


@pytest.mark.parametrize("link", LINKS)
def test_a_link_opens_its_page_with_its_setting(link: str) -> None:
    """What the page does not know is dropped from the address, and what it refuses is an error on the page."""
    asked = dict(parse_qsl(urlsplit(link).query))
    path = urlsplit(link).path.strip("/")
    page = opened(SCRIPTS[path] if path else asked["task"], **asked)
    assert errors(page) == []
    address = {name: value if isinstance(value, str) else value[0] for name, value in page.query_params.items()}
    assert asked.items() <= address.items()
