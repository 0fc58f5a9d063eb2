"""What stands under "More settings" on every task's page: the paper's own choices unless the visitor changes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, get_args

import streamlit as st

from app.parts.menus import pick
from app.shell.state import LinkError, Reader, Visit, one_of
from app.stage import stage_text
from sleepviz.config.base import require
from sleepviz.config.model import Eviction, SleepAttention
from sleepviz.config.run import Control, Trigger

PAPER = {"trigger": "window", "eviction": "hard", "sleep_attention": "", "control": "none"}
IN_LINKS = {"sleep_attention": "asleep"}  # what is called otherwise there
ASKED_AFTER_MAX = 200  # characters in a link
STATEMENTS_MAX = 20
RATIO_LEAST, RATIO_MOST = 1.1, 10.0


@dataclass(frozen=True)
class Settings:
    """The settings as they stand, checked only where a run is made of them."""

    trigger_kind: str
    every: int
    asked_after: str
    statements: int
    ratio: float
    eviction: Eviction
    sleep_attention: SleepAttention
    control: Control

    @property
    def _asked_after(self) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.asked_after.split(",") if part.strip())

    def trigger(self) -> Trigger:
        """Why sleep begins. Raises ConfigError."""
        if self.trigger_kind == "every":
            return Trigger("every", every=self.every)
        if self.trigger_kind == "statement":
            return Trigger("statement", statements=self.statements)
        if self.trigger_kind == "surprise":
            return Trigger("surprise", ratio=self.ratio)
        if self.trigger_kind != "manual":
            return Trigger()
        parts = self._asked_after
        numbers = all(part.isascii() and part.isdigit() and len(part) <= 6 and int(part) > 0 for part in parts)
        require(bool(parts) and numbers, stage_text.ASKED_AFTER_FORM)
        return Trigger("manual", asked_after=tuple(int(part) for part in parts))

    def require_tokens(self, n_tokens: int) -> None:
        """Refuse a sleep that is asked for where the context has ended. Raises ConfigError."""
        late = [number for number in self.trigger().asked_after if number > n_tokens]
        require(not late, stage_text.ASKED_TOO_LATE.format(late=max(late, default=0), tokens=n_tokens))

    def link(self) -> dict[str, str]:
        """What differs from the paper's choices, as a link's values."""
        details = {
            "every": f":{self.every}",
            "manual": f":{','.join(self._asked_after)}",
            "statement": f":{self.statements}",
            "surprise": f":{self.ratio:g}",
        }
        detail = details.get(self.trigger_kind, "")
        values = {
            "trigger": self.trigger_kind + detail,
            "eviction": self.eviction,
            "sleep_attention": self.sleep_attention,
            "control": self.control,
        }
        return {IN_LINKS.get(name, name): value for name, value in values.items() if value != PAPER[name]}


def first_values(window: int) -> dict[str, Any]:
    """What the settings hold until the visitor changes them: the paper's choices."""
    return {**PAPER, "every": max(1, window // 2), "asked_after": "6", "statements": 3, "ratio": 1.5}


def readers(window: int) -> dict[str, Reader]:
    """?trigger=every:9&eviction=sliding&asleep=causal&control=zero_state"""

    def read_trigger(given: str) -> dict[str, Any]:
        kind, _, rest = given.partition(":")
        if kind == "every" and rest.isascii() and rest.isdigit() and len(rest) <= 4 and 1 <= int(rest) <= window:
            return {"trigger": kind, "every": int(rest)}
        if kind == "manual" and len(rest) <= ASKED_AFTER_MAX:
            return {"trigger": kind, "asked_after": rest}
        if kind == "statement" and re.fullmatch("[0-9]{1,4}", rest) and 1 <= int(rest) <= STATEMENTS_MAX:
            return {"trigger": kind, "statements": int(rest)}
        is_ratio = kind == "surprise" and re.fullmatch(r"[0-9]{1,2}([.][0-9]{1,2})?", rest)
        if is_ratio and RATIO_LEAST <= float(rest) <= RATIO_MOST:
            return {"trigger": kind, "ratio": float(rest)}
        if given == "window":
            return {"trigger": kind}
        raise LinkError(
            f"The link's trigger must be window, every:M with M from 1 to {window}, manual:A,B, statement:K with K "
            f"from 1 to {STATEMENTS_MAX}, or surprise:R with R from {RATIO_LEAST:g} to {RATIO_MOST:g}."
        )

    return {
        "trigger": read_trigger,
        "eviction": one_of("eviction", "eviction", get_args(Eviction)),
        "asleep": one_of("sleep_attention", "attention while asleep", get_args(SleepAttention)),
        "control": one_of("control", "control", tuple(stage_text.CONTROLS)),
    }


def keep_within(visit: Visit, window: int) -> None:
    """Another checkpoint may have a shorter window."""
    visit.hold_number("every", 1, window)


def show(visit: Visit, window: int, checkpoints: tuple[str, ...]) -> Settings:
    """Draw the menus and read them."""
    trigger = pick(visit, "trigger", stage_text.TRIGGER, stage_text.TRIGGERS)
    if trigger == "every":
        key = visit.key("every")
        st.number_input(stage_text.EVERY, 1, window, key=key, on_change=visit.forget_link_problems)
    if trigger == "statement":
        key = visit.key("statements")
        st.number_input(stage_text.STATEMENTS, 1, STATEMENTS_MAX, key=key, on_change=visit.forget_link_problems)
    if trigger == "surprise":
        label, key = stage_text.RATIO, visit.key("ratio")
        st.number_input(
            label, RATIO_LEAST, RATIO_MOST, step=0.1, format="%g", key=key, on_change=visit.forget_link_problems
        )
    if trigger in ("statement", "surprise"):
        st.caption(stage_text.WHOLE_STATEMENTS)
    if trigger == "manual":
        label, key = stage_text.ASKED_AFTER, visit.key("asked_after")
        st.text_input(label, key=key, on_change=visit.forget_link_problems)
    eviction = pick(visit, "eviction", stage_text.EVICT, stage_text.EVICTION)
    attention = pick(visit, "sleep_attention", stage_text.ASLEEP, stage_text.ATTENTION)
    if checkpoints:
        key = visit.key("checkpoint")
        st.selectbox(stage_text.CHECKPOINT, checkpoints, key=key, on_change=visit.forget_link_problems)
    return Settings(
        trigger,
        int(visit.get("every")),
        str(visit.get("asked_after")),
        int(visit.get("statements")),
        float(visit.get("ratio")),
        eviction,  # type: ignore[arg-type]
        attention,  # type: ignore[arg-type]
        visit.get("control"),
    )


def break_it(visit: Visit) -> None:
    """What can be broken, in sight: one press breaks a part, another mends it."""
    broken = visit.get("control")
    visit.hold({"broken": broken if broken in stage_text.BREAK else None})

    def changed() -> None:
        visit.change({"control": visit.get("broken") or PAPER["control"]})

    st.pills(
        stage_text.BREAK_IT,
        tuple(stage_text.BREAK),
        format_func=lambda control: stage_text.BREAK[control],
        key=visit.key("broken"),
        on_change=changed,
        label_visibility="collapsed",
        wrap=True,
    )
