"""How the model was trained: found from answers alone, or taught each step; a switch between the two checkpoints."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.parts import buttons
from app.shell import runs
from app.shell.state import Visit
from app.stage import stage_text
from app.stage.controls import limits_of
from app.tasks.base import TaskPage
from sleepviz.runs.checkpoint import CheckpointInfo


def found_name(task: str) -> str:
    """The checkpoint that was trained on its answers alone."""
    return f"{task}-answers"


def switch(visit: Visit, page: TaskPage, infos: tuple[CheckpointInfo, ...]) -> None:
    """Two buttons, one for each way of training; nothing where only one way was trained.

    A model whose training never came to questions as hard as the visitor's is asked the hardest that it came to.
    """
    names = ways(page.task, infos)
    if not names:
        return
    default = next(iter(names))
    checkpoint = visit.get("checkpoint", default)

    def changed() -> None:
        name = str(visit.get("trained") or default)
        limits = limits_of(page.task, next(info for info in infos if info.name == name))
        is_beyond = page.form.difficulty(visit, limits) > limits["hardest"]
        easier = page.form.first_values(None, limits) if is_beyond else {}
        visit.change({"checkpoint": name, **easier})

    st.segmented_control(
        stage_text.TRAINED,
        tuple(names),
        format_func=names.__getitem__,
        **buttons.chosen(visit.of_session("trained"), checkpoint if checkpoint in names else None),
        on_change=changed,
        label_visibility="collapsed",
        width="content",
    )


def ways(task: str, infos: tuple[CheckpointInfo, ...]) -> dict[str, str]:
    """The checkpoint of each way of training with what the way is called, the task's own first; {} for one way only."""
    usual, found = runs.default_checkpoint(task, infos), found_name(task)
    is_found = any(info.name == found and info.task == task for info in infos)
    is_taught = usual is not None and usual.name != found
    return {usual.name: stage_text.TAUGHT, found: stage_text.FOUND} if usual and is_taught and is_found else {}


def note(meta: dict[str, Any], *, has_other: bool = False) -> str:
    """How a checkpoint was trained, and how the switch's other one was; "" where that is unknown."""
    train = meta.get("train", {})
    if train.get("loss") == "answers":
        return f"{stage_text.FOUND_NOTE} {stage_text.OTHER_TAUGHT * has_other}".rstrip()
    if train.get("pass_loss") or train.get("loss") == "next_step":
        return f"{stage_text.TAUGHT_NOTE} {stage_text.OTHER_FOUND * has_other}".rstrip()
    return ""
