"""How the model was trained: found from answers alone, or taught each step; a switch between the two checkpoints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import streamlit as st

from app.shell.state import Visit
from app.stage import stage_text
from sleepviz.runs.checkpoint import CheckpointInfo


def found_name(task: str) -> str:
    """The checkpoint that was trained on its answers alone."""
    return f"{task}-answers"


def switch(visit: Visit, task: str, infos: Iterable[CheckpointInfo]) -> None:
    """Two buttons, one for each way of training; nothing where only one way was trained."""
    mine = {info.name: info for info in infos if info.task == task}
    default = next((info.name for info in mine.values() if info.default), "")
    names = {default: stage_text.TAUGHT, found_name(task): stage_text.FOUND}
    if not default or not set(names) <= set(mine):
        return
    key = visit.key("trained")
    chosen = visit.get("checkpoint", default)
    st.session_state[key] = chosen if chosen in names else None

    def changed() -> None:
        visit.change({"checkpoint": st.session_state[key] or default})

    st.segmented_control(
        stage_text.TRAINED,
        tuple(names),
        format_func=names.__getitem__,
        key=key,
        on_change=changed,
        label_visibility="collapsed",
        width="content",
    )


def note(meta: dict[str, Any]) -> str:
    """How a checkpoint was trained, in one or two sentences; "" where its meta.json does not tell."""
    train = meta.get("train", {})
    if train.get("loss") == "answers":
        return stage_text.FOUND_NOTE
    return stage_text.TAUGHT_NOTE if train.get("pass_loss") or train.get("loss") == "next_step" else ""
