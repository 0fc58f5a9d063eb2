"""Tables of results as HTML: real rows and heads for a screen reader, and a frame that the keyboard can scroll.

Every word that enters is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.figures.measured import WHOLE, reach, share
from app.figures.percent import percent
from app.lab import lab_text
from app.lab.findings import milliseconds, where
from app.lab.lab_text import variant_name
from app.lab.lines import Duel, Line
from app.parts.html_table import html_table
from app.shell.results import Result
from sleepviz.studies.measurements import STILLNESS

NOT_MEASURED = "–"
ANSWERS_MAX = 8  # of one instance; a share of more parts tells no number


def grid_table(
    measured: Sequence[Result], live: Sequence[Result], *, symbol: str, right: str, trained: int | None, solved: float
) -> str:
    """Passes by difficulty, with intervals, and how far each N gets; settings beyond training and live ones say so."""
    difficulties = sorted({entry.difficulty for entry in (*measured, *live)})
    heads = ["passes", lab_text.SOLVED_UP_TO.format(solved=percent(solved, 0))]
    rows = []
    for n in sorted({entry.passes for entry in measured}):
        far = reach(measured, n, solved)
        reached = lab_text.NO_LEVEL if far is None else f"{symbol} = {far}"
        line = [entry for entry in measured if entry.passes == n]
        rows.append([f"N = {n}{beyond(n, trained)}", reached, *_shares(line, difficulties)])
    for n, size in sorted({(entry.passes, entry.n) for entry in live}):
        line = [entry for entry in live if (entry.passes, entry.n) == (n, size)]
        rows.append([f"live, n = {size}: N = {n}{beyond(n, trained)}", NOT_MEASURED, *_shares(line, difficulties)])
    return html_table(
        _caption(lab_text.HEAT_TABLE, right, measured),
        [*heads, *(f"{symbol} = {level}" for level in difficulties)],
        rows,
    )


def beyond(passes: int, trained: int | None) -> str:
    """Mark an N that training did not take."""
    return " (beyond training)" if trained is not None and passes > trained else ""


def lines_table(title: str, lines: Sequence[Line], *, symbol: str, right: str) -> str:
    """A row for each line, a column for each difficulty, with intervals."""
    entries = [entry for line in lines for entry in line.entries]
    return lines_rows(_caption(title, right, entries), lines, symbol=symbol)


def lines_rows(caption: str, lines: Sequence[Line], *, symbol: str) -> str:
    """The same with a caption that says what stands in the brackets."""
    difficulties = sorted({entry.difficulty for line in lines for entry in line.entries})
    rows = [[line.name, *_shares(line.entries, difficulties)] for line in lines]
    heads = [lab_text.SERIES_HEADS, *(f"{symbol} = {level}" for level in difficulties)]
    return html_table(caption, heads, rows)


def duels_table(duels: Sequence[Duel], *, symbol: str) -> str:
    """A row for each baseline: at which difficulties this model is ahead, neither is, or the baseline is."""
    rows = [
        [
            f"{each.baseline.name} (against {each.own.name})",
            *(where(pairs, symbol) if pairs else NOT_MEASURED for pairs in (each.ahead, each.equal, each.behind)),
        ]
        for each in duels
    ]
    return html_table(lab_text.DUELS_TABLE.format(symbol=symbol), lab_text.DUELS_HEADS, rows)


def sweep_table(settings: Sequence[Result], *, symbol: str, right: str) -> str:
    """A visitor's own measurement: a row for each N, a column for each difficulty, with intervals."""
    difficulties = sorted({entry.difficulty for entry in settings})
    rows = [
        [f"N = {n}", *_shares([entry for entry in settings if entry.passes == n], difficulties)]
        for n in sorted({entry.passes for entry in settings})
    ]
    heads = ["passes", *(f"{symbol} = {level}" for level in difficulties)]
    return html_table(lab_text.SWEEP_TABLE.format(right=right), heads, rows)


def halting_table(fixed: Sequence[Result], drift: Sequence[Result], *, right: str) -> str:
    """A row for each way to stop: the mean passes it takes and the accuracy it reaches."""
    rows = [[f"after N = {entry.passes}", f"{entry.passes:.1f}", share(entry)] for entry in fixed]
    rows += [
        [f"drift below {entry.threshold:g}", f"{entry.mean_passes:.1f}", share(entry)]
        for entry in drift
        if entry.mean_passes is not None
    ]
    return html_table(_caption(lab_text.HALTING_TABLE, right, (*fixed, *drift)), lab_text.HALTING_HEADS, rows)


def schedules_table(entries: Sequence[Result], *, right: str) -> str:
    """A row for each schedule and N: the passes per token that it takes, how often it sleeps, and its accuracy."""
    rows = [
        [
            variant_name(entry.variant) + ("" if entry.variant == STILLNESS else f", N = {entry.passes}"),
            *(NOT_MEASURED if mean is None else f"{mean:.1f}" for mean in (entry.mean_passes, entry.mean_sleeps)),
            share(entry),
        ]
        for entry in entries
    ]
    return html_table(_caption(lab_text.SCHEDULES_TABLE, right, entries), lab_text.SCHEDULES_HEADS, rows)


def cost_table(costs: Sequence[Result], *, symbol: str) -> str:
    """A row for each N: time and operations asleep and awake, the break-even, and the accuracy at the hardest."""
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
    return html_table(lab_text.COST_TABLE, [*lab_text.COST_HEADS, f"accuracy at {symbol} = {hardest}"], rows)


def _queries(break_even: float | None) -> str:
    return "never" if break_even is None else f"{break_even:.1f} questions"


def _shares(line: Sequence[Result], difficulties: Sequence[int]) -> list[str]:
    found = {entry.difficulty: share(entry) for entry in line}
    return [found.get(level, NOT_MEASURED) for level in difficulties]


def _caption(title: str, right: str, entries: Sequence[Result]) -> str:
    return lab_text.SHARES_TABLE.format(title=title, right=right, asked=_asked(entries))


def heat_line(entries: Sequence[Result]) -> str:
    """What one square of the heat map is, and what a share counts where an instance asks for several answers."""
    said = lab_text.HEAT_LINE.format(asked=_asked(entries))
    return said if answers_each(entries) == 1 else f"{said} {lab_text.HEAT_SEVERAL}"


def answers_each(entries: Sequence[Result]) -> int | None:
    """How many answers of one instance a share counts: the fewest that all shares can come from; None: many."""
    for each in range(1, ANSWERS_MAX + 1):
        counts = [entry.accuracy * entry.n * each for entry in entries]
        if all(abs(found - round(found)) < WHOLE for found in counts):
            return each
    return None


def _asked(entries: Sequence[Result]) -> str:
    """Write "512 questions", or "512 instances of 4 answers each"."""
    sizes, each = sorted({entry.n for entry in entries}), answers_each(entries)
    several = f"{sizes[0]} to {sizes[-1]}" if len(sizes) > 1 else f"{sizes[0]}" if sizes else "0"
    if each == 1:
        return f"{several} questions"
    return f"{several} instances" + (f" of {each} answers each" if each else "")
