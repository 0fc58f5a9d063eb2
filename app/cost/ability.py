"""What a bill leaves out: whether one reading answers what several passes do, as the results files say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from app.cost import cost_text as text
from app.figures.measured import right_of
from app.parts.units import count
from app.shell.results import Results
from app.tasks import PAGES


def unequal(found: Iterable[Results]) -> str:
    """That reading again is one pass, with what one pass and what enough passes were measured to answer."""
    measured = " ".join(said for results in found for said in _measured(results))
    return f"{text.UNEQUAL} {text.ON_OURS.format(measured=measured)}" if measured else text.UNEQUAL


def _measured(results: Results) -> Iterator[str]:
    """Where enough passes are measurably better than one."""
    if (unlike := results.beyond_one_pass()) is not None:
        page, (one, enough) = PAGES[results.task], unlike
        yield text.UNEQUAL_AT.format(
            task=page.called or page.title,
            steps=count(one.difficulty, page.unit),
            one=right_of(one),
            passes=count(enough.passes, "pass"),
            many=right_of(enough),
        )
