"""Where the visitor stands: the widgets' values, by name, and the same as the page's URL.

Only positions live in session_state; results live in jobs. The URL is read when it differs from
what this session last wrote (a deep link, the Back button) and written only on a change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.jobs import Job

ROWS_IN_URL_MAX = 2000  # characters; far beyond any row that a model takes


def row_key(number: int) -> str:
    """Widget key of row `number`, from 1."""
    return f"row_{number}"


@dataclass(frozen=True)
class Defaults:
    """What the controls hold on a first visit."""

    rows: tuple[str, ...]
    steps: int
    passes: int
    checkpoint: str


def set_missing(defaults: Defaults, rows_max: int) -> None:
    """Give every control its first value; values that are there stay."""
    values: dict[str, Any] = {
        "n_rows": len(defaults.rows),
        "steps": defaults.steps,
        "passes": defaults.passes,
        "checkpoint": defaults.checkpoint,
    }
    for number in range(1, rows_max + 1):
        values[row_key(number)] = defaults.rows[(number - 1) % len(defaults.rows)]
    for key, value in values.items():
        # Writing a widget's own key keeps its value on a run in which the widget is not shown.
        st.session_state[key] = st.session_state.get(key, value)


def keep_within(*, steps_max: int, rows_max: int) -> None:
    """Another checkpoint may allow less: a widget must not hold a value outside its range."""
    st.session_state["steps"] = min(int(st.session_state["steps"]), steps_max)
    st.session_state["n_rows"] = min(int(st.session_state["n_rows"]), rows_max)


def rows() -> tuple[str, ...]:
    """The rows as typed, without the spaces around them."""
    return tuple(str(st.session_state.get(row_key(number), "")).strip() for number in range(1, n_rows() + 1))


def n_rows() -> int:
    """How many rows the sequence has."""
    return int(st.session_state["n_rows"])


def set_rows(new: tuple[str, ...]) -> None:
    """Replace the rows (a preset, random rows, a click on a cell)."""
    st.session_state["n_rows"] = len(new)
    for number, row in enumerate(new, start=1):
        st.session_state[row_key(number)] = row


def set_problem(new: tuple[str, ...], steps: int, passes: int) -> None:
    """Replace the whole question."""
    set_rows(new)
    st.session_state["steps"] = steps
    st.session_state["passes"] = passes
    forget_link_problems()


def is_first_run() -> bool:
    """Whether this is the script's first run for this visitor."""
    return bool(st.session_state.get("is_first_run", True))


def end_first_run() -> None:
    """The first run is over."""
    st.session_state["is_first_run"] = False


def link_problems() -> tuple[str, ...]:
    """What was wrong in the link that opened the page, one sentence each."""
    return tuple(st.session_state.get("link_problems", ()))


def forget_link_problems() -> None:
    """The visitor has changed something: the link no longer counts."""
    st.session_state["link_problems"] = ()


def asked_live() -> bool:
    """Whether the visitor has asked for a live run of what was recorded."""
    return bool(st.session_state.get("asked_live", False))


def ask_live() -> None:
    """Remember that the visitor pressed "Run live"."""
    st.session_state["asked_live"] = True
    job = current_job()
    if job is not None and job.phase in ("cancelled", "failed"):
        st.session_state["job"] = None


def current_job() -> Job | None:
    """This visitor's latest job."""
    job: Job | None = st.session_state.get("job")
    return job


def set_current_job(job: Job) -> None:
    """Replace this visitor's job; the one before is not wanted any more."""
    before = current_job()
    if before is not None:
        before.cancel()
    st.session_state["job"] = job


@dataclass(frozen=True)
class LinkLimits:
    """What a link may ask for."""

    row_cells: int
    rows_max: int
    steps_max: int
    passes_max: int
    checkpoints: tuple[str, ...]


def adopt_url(limits: LinkLimits) -> None:
    """Take over the URL's values when the URL is not what this session wrote last."""
    given = {name: str(st.query_params[name]) for name in st.query_params}
    if given == st.session_state.get("url", {}):
        return
    st.session_state["url"] = given
    values, problems = read_link(given, limits)
    st.session_state.update(values)
    st.session_state["link_problems"] = problems


def read_link(given: dict[str, str], limits: LinkLimits) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The link's valid values as widget values, and one sentence for each that is not valid."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    if given.get("task", "rule110") != "rule110":
        problems.append("The link asks for a task that is not here; this page shows rule110.")
    if "rows" in given:
        rows = given["rows"].split(",")
        if len(given["rows"]) > ROWS_IN_URL_MAX or not 1 <= len(rows) <= limits.rows_max:
            problems.append(f"The link must give from 1 to {limits.rows_max} rows of {limits.row_cells} cells.")
        else:
            values["n_rows"] = len(rows)
            values |= {row_key(number): row for number, row in enumerate(rows, start=1)}
    for name, key, most, what in (
        ("t", "steps", limits.steps_max, "steps t"),
        ("N", "passes", limits.passes_max, "passes N"),
    ):
        if name not in given:
            continue
        number = given[name]
        if number.isascii() and number.isdigit() and len(number) <= 4 and int(number) <= most:
            values[key] = int(number)
        else:
            problems.append(f"The link's {what} must be a whole number from 0 to {most}.")
    if "checkpoint" in given:
        if given["checkpoint"] in limits.checkpoints:
            values["checkpoint"] = given["checkpoint"]
        else:
            known = ", ".join(limits.checkpoints) or "none"
            problems.append(f"The link's checkpoint is not here; there are: {known}.")
    return values, tuple(problems)


def write_url(rows_: tuple[str, ...], steps: int, passes: int, checkpoint: str) -> None:
    """Put the question into the URL, if it is not there already."""
    wanted = {
        "task": "rule110",
        "rows": ",".join(rows_),
        "t": str(steps),
        "N": str(passes),
        "checkpoint": checkpoint,
    }
    if st.session_state.get("url", {}) != wanted:
        st.session_state["url"] = wanted
        st.query_params.from_dict(wanted)
