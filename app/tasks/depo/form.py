"""Depo: a graph, pasted or clicked together, a start, and how many hops to follow."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.shell.state import Reader, Visit, short_text, whole_number
from app.tasks.base import Limits
from app.tasks.depo.edges import edges_text, names_of, read_edges
from app.tasks.depo.ring import show as show_ring
from app.tasks.depo.words import (
    CYCLE_HELP,
    EASY,
    EDGES,
    EDGES_HELP,
    HARD,
    HOPS,
    HOPS_HELP,
    OWN_GRAPH,
    PRESET_HELP,
    RANDOM_CYCLE,
    SEVERAL_CYCLES,
    SMALL,
    START,
    START_HELP,
)
from sleepviz.tasks.base import InputError
from sleepviz.tasks.depo.examples import LETTERS, SMALL_GRAPH, passes_for, seeded_cycle
from sleepviz.tasks.depo.task import NAME_MAX_CHARACTERS, DepoInstance

EDGES_IN_URL_MAX = 4000  # characters
ARROW_IN_URL = ">"


class DepoForm:
    """Start and hops in sight; the graph behind one button."""

    widths: tuple[float, ...] = (2.2, 3.0)

    def readers(self, limits: Limits) -> dict[str, Reader]:
        """?edges=a>b,b>c&start=a&k=4"""

        def read_graph(given: str) -> dict[str, Any]:
            return {"edges": short_text("edges", "graph", EDGES_IN_URL_MAX)(given)["edges"].replace(",", ", ")}

        return {
            "edges": read_graph,
            "start": short_text("start", "start", NAME_MAX_CHARACTERS),
            "k": whole_number("hops", "hops k", 1, limits["hops_max"]),
        }

    def first_values(self, recorded: Mapping[str, Any] | None, limits: Limits) -> dict[str, Any]:
        """The recorded graph and question, if they fit; else the hard preset."""
        fits = recorded and recorded["hops"] <= limits["hops_max"]
        if recorded and fits:
            return _question(recorded)
        return {**_question(_hard(limits)), "passes": passes_for(limits["hardest"])}

    def keep_within(self, visit: Visit, limits: Limits) -> None:
        """Hops, and a start that is a node."""
        visit.hold_number("hops", 1, limits["hops_max"])
        names = _names(visit)
        if names and visit.get("start") not in names:
            visit.set({"start": names[0]})

    def presets(self, visit: Visit, limits: Limits) -> None:
        """Both sides of the question, a small graph, chance, and one's own."""
        hard, small = _hard(limits), {**SMALL_GRAPH, "hops": min(4, limits["hops_max"])}
        for key, label, given, passes in (
            ("easy", EASY, {**hard, "hops": 1}, 1),
            ("hard", HARD, hard, passes_for(hard["hops"])),
            ("small", SMALL, small, passes_for(small["hops"])),
        ):
            values = {**_question(given), "passes": min(passes, limits["passes_max"])}
            hint = PRESET_HELP.format(hops=given["hops"], passes=passes)
            st.button(label, key=f"preset_{key}", on_click=visit.change, args=(values,), help=hint)
        st.button(RANDOM_CYCLE, key="preset_random", on_click=_random_cycle, args=(visit, limits["nodes_max"]))
        with st.popover(OWN_GRAPH, icon=":material/edit:", key="own"):
            _own_graph(visit, limits)

    def fields(self, visit: Visit, limits: Limits, columns: list[Any]) -> None:
        """Draw the menu of starts and the slider of hops."""
        columns[0].selectbox(
            START,
            _names(visit) or (visit.get("start"),),
            key=visit.key("start"),
            help=START_HELP,
            on_change=visit.forget_link_problems,
        )
        columns[1].slider(
            HOPS,
            1,
            max(limits["hops_max"], 2),  # a slider has two ends; what lies beyond the limit is refused in words
            key=visit.key("hops"),
            help=HOPS_HELP,
            on_change=visit.forget_link_problems,
        )

    def advanced(self, visit: Visit, limits: Limits) -> None:
        """Draw nothing: a graph has no further settings."""

    def input(self, visit: Visit) -> dict[str, Any]:
        """The graph as typed, and the question."""
        edges = read_edges(str(visit.get("edges")))
        return {"edges": edges, "start": str(visit.get("start")), "hops": int(visit.get("hops"))}

    def difficulty(self, visit: Visit, limits: Limits) -> int:
        """The number of hops that is asked for."""
        return int(visit.get("hops"))

    def link(self, visit: Visit) -> dict[str, str]:
        """The edges, the start and the hops, as they stand in the address."""
        edges = ",".join(ARROW_IN_URL.join(edge) for edge in _edges(visit))
        return {"edges": edges, "start": str(visit.get("start")), "k": str(visit.get("hops"))}

    def notes(self, instance: DepoInstance) -> tuple[str, ...]:
        """Several cycles are allowed, and unlike the graphs of training."""
        return (SEVERAL_CYCLES.format(cycles=instance.n_cycles),) if instance.n_cycles > 1 else ()


def _hard(limits: Limits) -> dict[str, Any]:
    return seeded_cycle(limits["nodes_max"], limits["hardest"])


def _question(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"edges": edges_text(given["edges"]), "start": given["start"], "hops": int(given["hops"])}


def _edges(visit: Visit) -> list[list[str]]:
    """The graph as typed; nothing where it cannot be read."""
    try:
        return read_edges(str(visit.get("edges")))
    except InputError:
        return []


def _names(visit: Visit) -> tuple[str, ...]:
    return names_of(_edges(visit))


def _random_cycle(visit: Visit, n_nodes: int) -> None:
    given = seeded_cycle(n_nodes, int(visit.get("hops")), secrets.randbits(32))  # a user's dice, so any seed will do
    visit.change(_question(given))


def _take_over(visit: Visit, order: Sequence[str]) -> None:
    """The clicked cycle, its edges told in an order that chance decides, as in training."""
    edges = [[source, to] for source, to in zip(order, [*order[1:], order[0]], strict=True)]
    secrets.SystemRandom().shuffle(edges)
    visit.change({"edges": edges_text(edges), "start": order[0]})


def _own_graph(visit: Visit, limits: Limits) -> None:
    most = limits["nodes_max"]
    st.text_area(
        EDGES,
        key=visit.key("edges"),
        help=EDGES_HELP.format(least=limits["nodes_min"], most=most),
        on_change=visit.forget_link_problems,
        height=110,
    )
    st.markdown(CYCLE_HELP)
    names = tuple(LETTERS[:most]) if most <= len(LETTERS) else tuple(f"n{number}" for number in range(1, most + 1))
    show_ring(names, least=limits["nodes_min"], key="ring", on_close=lambda order: _take_over(visit, order))
