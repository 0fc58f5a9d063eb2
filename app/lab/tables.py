"""Tables of results as HTML: real rows and heads for a screen reader, and a frame that the keyboard can scroll.

Every word that enters is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from app.lab.findings import Line, milliseconds, share
from app.shell.results import Result

NOT_MEASURED = "–"


def html_table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the first cell of each row is its head."""
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'
        for name, *cells in rows
    )
    return (
        f'<div class="lab-table" role="region" tabindex="0" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def grid_table(
    measured: Sequence[Result], live: Sequence[Result], *, symbol: str, right: str, trained: int | None
) -> str:
    """Passes by difficulty, with intervals; what is beyond training and what is live says so."""
    difficulties = sorted({entry.difficulty for entry in (*measured, *live)})
    rows = [
        [f"N = {n}{beyond(n, trained)}", *_cells([e for e in measured if e.passes == n], difficulties)]
        for n in sorted({entry.passes for entry in measured})
    ]
    for n, size in sorted({(entry.passes, entry.n) for entry in live}):
        line = [entry for entry in live if (entry.passes, entry.n) == (n, size)]
        rows.append([f"live, n = {size}: N = {n}{beyond(n, trained)}", *_cells(line, difficulties)])
    return html_table(
        _caption("Passes and difficulty", right, measured),
        ["passes", *(f"{symbol} = {level}" for level in difficulties)],
        rows,
    )


def beyond(passes: int, trained: int | None) -> str:
    """Mark an N that training did not take."""
    return " (beyond training)" if trained is not None and passes > trained else ""


def lines_table(title: str, lines: Sequence[Line], *, symbol: str, right: str) -> str:
    """A row for each line, a column for each difficulty, with intervals."""
    entries = [entry for line in lines for entry in line.entries]
    difficulties = sorted({entry.difficulty for entry in entries})
    rows = [[line.name, *_cells(line.entries, difficulties)] for line in lines]
    return html_table(
        _caption(title, right, entries), ["what", *(f"{symbol} = {level}" for level in difficulties)], rows
    )


def halting_table(fixed: Sequence[Result], drift: Sequence[Result], *, right: str) -> str:
    """A row for each way to stop: the mean passes it takes and the accuracy it reaches."""
    rows = [[f"N = {entry.passes}", f"{entry.passes:.1f}", share(entry)] for entry in fixed]
    rows += [
        [f"drift below {entry.threshold:g}", f"{entry.mean_passes:.1f}", share(entry)]
        for entry in drift
        if entry.mean_passes is not None
    ]
    return html_table(_caption("When to stop", right, (*fixed, *drift)), ["stop", "mean passes", "accuracy"], rows)


def cost_table(costs: Sequence[Result], *, symbol: str) -> str:
    """A row for each N: time and operations asleep and awake, the break-even, and what it buys at the hardest."""
    rows = [
        [
            f"N = {entry.passes}",
            milliseconds(entry.cost.sleep_s),
            milliseconds(entry.cost.wake_s),
            f"{entry.cost.sleep_flops / 1e6:.1f}",
            f"{entry.cost.wake_flops / 1e6:.2f}",
            _queries(entry.cost.break_even_flops),
            _queries(entry.cost.break_even_s),
            share(entry),
        ]
        for entry in costs
        if entry.cost is not None
    ]
    hardest = max((entry.difficulty for entry in costs), default=0)
    heads = ["passes", "sleep on a window", "one answer", "MFLOP asleep", "MFLOP awake"]
    heads += ["pays from (operations)", "pays from (time)", f"accuracy at {symbol} = {hardest}"]
    return html_table("Cost of one window's sleep, and from how many questions a window on it pays", heads, rows)


def _queries(break_even: float | None) -> str:
    return "never" if break_even is None else f"{break_even:.1f} questions"


def _cells(line: Sequence[Result], difficulties: Sequence[int]) -> list[str]:
    found = {entry.difficulty: share(entry) for entry in line}
    return [found.get(level, NOT_MEASURED) for level in difficulties]


def _caption(title: str, right: str, entries: Sequence[Result]) -> str:
    sizes = sorted({entry.n for entry in entries})
    several = f"{sizes[0]} to {sizes[-1]}" if len(sizes) > 1 else f"{sizes[0]}" if sizes else "0"
    return f"{title}: share of {right}, with 95 % Wilson intervals; {several} instances a cell"
