"""Everything that the app says of Rule 110."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.parts.units import count
from app.shell.messages import joined
from app.tasks import evidence
from app.tasks.base import Deviation, Words

# The controls.
EASY, HARD, TWO, RANDOM_ROW = "Easy", "Hard", "Two rows", "Random row"
PRESET_HELP = {
    "easy": "One step, which one pass of sleep can do.",
    "hard": "{most} steps, which need many passes.",
    "two": "Two rows, one after the other. Both must be kept in S.",
}
ROW, ROW_NUMBERED = "Row", "Row {number}"
CLICK = "{name}: click a cell to change it. Arrow keys go from cell to cell."
NOT_DRAWN = "{name} cannot be drawn. Type it under “More settings”."
STEPS, N_ROWS = "Steps t", "Rows in sequence, one window each"
ROW_HELP = "Cells as 0 and 1, {cells} of them."
STEPS_HELP = "How many steps of Rule 110 the model is asked to look ahead."


def question(given: Mapping[str, Any]) -> str:
    """What an input asks, in one line."""
    return f"{count(given['steps'], 'step')} of Rule 110 on {joined(given['rows'])}"


def asks(given: Mapping[str, Any]) -> str:
    """The question that an input asks."""
    steps = count(given["steps"], "step")
    what = "this row" if len(given["rows"]) == 1 else f"each of these {len(given['rows'])} rows"
    return f"After {steps} of Rule 110, what will {what} look like?"


WORDS = Words(
    title="What will this row look like after some steps of Rule 110?",
    asks=asks,
    explanation=(
        "The model reads rows of bits. For every bit it keeps a key and a value in its **KV cache**, its short-term "
        "memory. The cache has a limit, the window. When the window is full, the model must **sleep** before it can "
        "read on: it goes over the window N times. Each pass goes on from what the pass before computed, and rewrites "
        "the **fast weights** S. Then the cache is cleared, and only S goes on. The model wakes and says, in a single "
        "forward pass, what each row looks like after t steps of Rule 110. Easy questions need one pass of sleep; "
        "hard ones need several."
    ),
    notice=(
        "After each pass the answer “if it woke now” moves down the true diagram. The "
        "time to answer stays the same, however long the model slept."
    ),
    symbol="t",
    right="rows fully right",
    window="one window is one row: the number of steps t, then the cells",
    woken="A cross marks each cell that differs from the nearest true row",
    glossary={
        "steps": "Steps t: how many times Rule 110 is applied to the row. The model reads t as a token.",
        "rule110": "Rule 110: a rule that turns a row of 0s and 1s into the next one. Each new cell depends on the "
        "old cell and its two neighbours; the row wraps around.",
    },
    lab="Rule 110",
    sizes=" (rows of {row_cells} cells, up to {steps_max} steps)",
    question=question,
    departures=(
        Deviation("whole-row answers", "The paper asks for the first cell of each row only."),
        Deviation("t as a token", "One model serves every t; the paper fixes t for each model."),
    ),
    evidence=(
        *evidence.FIRST,
        *evidence.FLOPS,
        *evidence.SEED,
        *evidence.CONTROLS,
        *evidence.ATTENTION,
        *evidence.HALTING,
        *evidence.PROBE,
        *evidence.COST,
    ),
)
