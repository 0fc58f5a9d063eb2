"""Rule 110: rows of cells, and how many steps to look ahead."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.parts import buttons
from app.parts.units import count
from app.shell.state import LinkError, Reader, Visit, whole_number
from app.tasks.base import Limits
from app.tasks.rule110.cells import show as show_cells
from app.tasks.rule110.words import (
    CLICK,
    EASY,
    HARD,
    N_ROWS,
    NOT_DRAWN,
    PRESET_HELP,
    RANDOM_ROW,
    ROW,
    ROW_HELP,
    ROW_NUMBERED,
    STEPS,
    STEPS_HELP,
    TWO,
)

SEED_ROW = "0100110101110010011000101101"  # no special row: cut to the model's length
ROWS_IN_URL_MAX = 2000  # characters; far beyond any row that a model takes


class Rule110Form:
    """Rows, one of them in sight, and steps t."""

    widths: tuple[float, ...] = (5.4, 2.0)

    def readers(self, limits: Limits) -> dict[str, Reader]:
        """?rows=0110...,1010...&t=4"""
        n_cells, rows_max = limits["row_cells"], limits["rows_max"]

        def read_rows(given: str) -> dict[str, Any]:
            rows = given.split(",")
            if len(given) > ROWS_IN_URL_MAX or not 1 <= len(rows) <= rows_max:
                raise LinkError(f"The link must give from 1 to {count(rows_max, 'row')} of {count(n_cells, 'cell')}.")
            return _rows(rows)

        return {"rows": read_rows, "t": whole_number("steps", "steps t", 0, limits["steps_max"])}

    def first_values(self, recorded: Mapping[str, Any] | None, limits: Limits) -> dict[str, Any]:
        """The recorded rows and steps, if they fit; every row up to the most has a value."""
        rows, steps = [_cut(SEED_ROW, limits["row_cells"])], min(4, limits["hardest"])
        if recorded:
            fits = all(len(row) == limits["row_cells"] for row in recorded["rows"])
            if fits and recorded["steps"] <= limits["steps_max"]:
                rows, steps = recorded["rows"], recorded["steps"]
        every = {f"row_{number + 1}": rows[number % len(rows)] for number in range(limits["rows_max"])}
        return {**every, "n_rows": len(rows), "steps": steps}

    def keep_within(self, visit: Visit, limits: Limits) -> None:
        """Steps and number of rows."""
        visit.hold_number("steps", 0, limits["steps_max"])
        visit.hold_number("n_rows", 1, limits["rows_max"])

    def presets(self, visit: Visit, limits: Limits) -> None:
        """Both sides of the question, and chance."""
        first, second = (_cut(row, limits["row_cells"]) for row in (SEED_ROW, SEED_ROW[::-1]))
        most = limits["hardest"]
        easy = {**_rows([first]), "steps": min(1, most), "passes": 1}
        hard = {**_rows([first]), "steps": most, "passes": min(most, limits["passes_max"])}
        two = _rows([first, second][: limits["rows_max"]])
        for key, label, values in (
            ("easy", EASY, easy),
            ("hard", HARD, hard),
            ("two", TWO, two),
        ):
            hint = PRESET_HELP[key].format(most=most)
            st.button(label, key=f"preset_{key}", on_click=visit.change, args=(values,), help=hint)
        st.button(RANDOM_ROW, key="preset_random", on_click=_random_rows, args=(visit, limits["row_cells"]))

    def fields(self, visit: Visit, limits: Limits, columns: list[Any]) -> None:
        """One row to click, and steps t."""
        with columns[0]:
            _row_editor(visit, limits["row_cells"])
        columns[1].slider(
            STEPS,
            0,
            limits["steps_max"],
            key=visit.key("steps"),
            help=STEPS_HELP,
            on_change=visit.forget_link_problems,
        )

    def advanced(self, visit: Visit, limits: Limits) -> None:
        """More rows, and every row to type."""
        st.number_input(N_ROWS, 1, limits["rows_max"], key=visit.key("n_rows"))
        for number in range(1, _n_rows(visit) + 1):
            key, help_text = visit.key(f"row_{number}"), ROW_HELP.format(cells=limits["row_cells"])
            st.text_input(_name(visit, number), key=key, help=help_text, on_change=visit.forget_link_problems)

    def input(self, visit: Visit) -> dict[str, Any]:
        """Rows as typed, without the spaces around them, and steps."""
        return {"rows": list(_typed(visit)), "steps": int(visit.get("steps"))}

    def difficulty(self, visit: Visit, limits: Limits) -> int:
        """The number of steps that is asked for."""
        return int(visit.get("steps"))

    def link(self, visit: Visit) -> dict[str, str]:
        """The rows and the steps, as they stand in the address."""
        return {"rows": ",".join(_typed(visit)), "t": str(visit.get("steps"))}

    def notes(self, instance: Any) -> tuple[str, ...]:
        """Every row that is allowed is like those of training."""
        return ()


def _n_rows(visit: Visit) -> int:
    return int(visit.get("n_rows"))


def _typed(visit: Visit) -> tuple[str, ...]:
    return tuple(str(visit.get(f"row_{number}", "")).strip() for number in range(1, _n_rows(visit) + 1))


def _rows(rows: list[str]) -> dict[str, Any]:
    return {"n_rows": len(rows), **{f"row_{number}": row for number, row in enumerate(rows, start=1)}}


def _random_rows(visit: Visit, n_cells: int) -> None:
    # The number of rows stays: chance replaces what the rows hold. A user's dice, so no seed is wanted.
    visit.change(_rows([f"{secrets.randbits(n_cells):0{n_cells}b}" for _ in range(_n_rows(visit))]))


def _name(visit: Visit, number: int) -> str:
    return ROW if number == 1 and _n_rows(visit) == 1 else ROW_NUMBERED.format(number=number)


def _row_editor(visit: Visit, n_cells: int) -> None:
    """Cells to click: of the only row, or of the one that is picked."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="row_editor"):
        number = _picked_row(visit)
        row = str(visit.get(f"row_{number}")).strip()
        if len(row) != n_cells or set(row) - {"0", "1"}:
            st.caption(NOT_DRAWN.format(name=_name(visit, number)))
            return
        show_cells(
            row,
            key=f"cells_{number}",
            label=CLICK.format(name=_name(visit, number)),
            on_change=lambda new: visit.change({f"row_{number}": new}),
        )


def _picked_row(visit: Visit) -> int:
    """The number of the row to click; with several, a choice stands beside it."""
    rows = range(1, _n_rows(visit) + 1)
    if len(rows) == 1:
        return 1
    st.segmented_control(
        "Row",
        rows,
        format_func=lambda row: f"row {row}",
        label_visibility="collapsed",
        width="content",
        **buttons.chosen(visit.of_session("edited"), min(int(visit.get("edited") or 1), len(rows))),
    )
    return int(visit.get("edited") or 1)


def _cut(row: str, n_cells: int) -> str:
    return (row * (n_cells // len(row) + 1))[:n_cells]
