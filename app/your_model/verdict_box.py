"""On the page "Your model": the verdict in words, the button that adds memory, and the command that trains it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import streamlit as st

from app.parts.units import count
from app.shell import messages
from app.shell.state import Visit
from app.your_model import model_text
from app.your_model.bring import Wanted

if TYPE_CHECKING:
    from sleepviz.hybrids.models.verdict import Verdict


@dataclass(frozen=True)
class Brought:
    """A model that can sleep: where it is, how many layers it has, and the memory that was added on the page."""

    wanted: Wanted
    n_layers: int
    memory_layers: tuple[int, ...] = ()


def show(visit: Visit, wanted: Wanted, verdict: Verdict) -> Brought | None:
    """Say it; None where the model cannot sleep, or not yet."""
    with st.container(border=True):
        st.markdown(told(verdict))
        st.caption(
            model_text.FACTS.format(parameters=f"{verdict.parameters:,}", layers=count(verdict.n_layers, "layer"))
        )
        if verdict.kind == "cannot":
            return None
        if verdict.kind == "sleeps":
            st.caption(model_text.TRAIN)
            st.code(command(wanted, verdict), language="bash", wrap_lines=True)
            return Brought(wanted, verdict.n_layers)
        layers = named(verdict.memory_layers)
        added = visit.get("memory_of") == wanted

        def add() -> None:
            visit.set({"memory_of": wanted})

        if not added:
            st.button(model_text.ADD_MEMORY.format(layers=layers), key=visit.key("add_memory"), on_click=add)
            return None
        st.caption(model_text.WITH_MEMORY.format(layers=layers))
        st.code(command(wanted, verdict), language="bash", wrap_lines=True)
        return Brought(wanted, verdict.n_layers, verdict.memory_layers)


def told(verdict: Verdict) -> str:
    """The verdict as Markdown."""
    model, attention = messages.plain(verdict.model), named(verdict.attention)
    if verdict.kind == "cannot":
        reason = verdict.reason.removeprefix(f"{verdict.model} cannot sleep: ")
        return model_text.CANNOT_SLEEP.format(model=model, reason=messages.plain(f"{reason[:1].upper()}{reason[1:]}"))
    if verdict.kind == "sleeps":
        said = [model_text.CAN_SLEEP.format(model=model, fast=named(verdict.fast), attention=attention)]
        said += [model_text.ALREADY.format(layers=named(verdict.memory_layers))] * bool(verdict.memory_layers)
        said += [model_text.TRIED_CALLS.format(error=verdict.split_error)] * (verdict.split_error > 0)
        return " ".join(said)
    said = [model_text.NEEDS_MEMORY.format(model=model, attention=attention)]
    said += [model_text.TRIED_SILENT.format(layers=named(verdict.memory_layers))] * verdict.silent
    return " ".join(said)


def command(wanted: Wanted, verdict: Verdict) -> str:
    """The line that trains this model for sleep; texts are the visitor's."""
    name = wanted.source.partition(":")[2] if wanted.source.startswith("local:") else "FOLDER"
    words = f"python -m sleepviz tune --model {shlex.quote(name)}"
    if verdict.kind == "with memory":
        words += f" --add-fast-weights {','.join(map(str, verdict.memory_layers))} --only-memory"
    return f"{words} --text TEXTS/*.txt --window 64 --passes 4"


def named(layers: Sequence[int]) -> str:
    """Layers counted from 1: (0, 1, 2, 4) -> "layers 1 to 3 and 5"."""
    if not layers:
        return "no layers"
    runs = [[layer + 1 for _, layer in run] for _, run in groupby(enumerate(layers), lambda pair: pair[1] - pair[0])]
    parts = [f"{run[0]} to {run[-1]}" if len(run) > 2 else messages.joined(list(map(str, run))) for run in runs]
    return f"layer{'s' * (len(layers) > 1)} {messages.joined(parts)}"
