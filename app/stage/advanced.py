"""What stands under "More settings" on every task's page: the paper's own choices unless the visitor changes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, get_args

import streamlit as st

from app.parts import buttons
from app.parts.menus import pick
from app.shell.state import LinkError, Reader, Visit, one_of
from app.stage import stage_text
from sleepviz.config.base import require
from sleepviz.config.model import Eviction, SleepAttention
from sleepviz.config.run import STILL, Control, Spending, Trigger

PAPER = {"trigger": "window", "spending": "fixed", "eviction": "hard", "sleep_attention": "", "control": "none"}
IN_LINKS = {"spending": "spend", "sleep_attention": "asleep"}  # what is called otherwise there
ASKED_AFTER_MAX = 200  # characters in a link
STATEMENTS_MAX = 20
RATIO_LEAST, RATIO_MOST = 1.1, 10.0
STILL_LEAST, STILL_MOST = 0.01, 1.0
BUDGET_MOST = 256  # passes of all windows together


@dataclass(frozen=True)
class Settings:
    """The settings as they stand, checked only where a run is made of them."""

    trigger_kind: str
    every: int
    asked_after: str
    statements: int
    ratio: float
    spending_kind: str
    still: float
    budget: int
    eviction: Eviction
    sleep_attention: SleepAttention
    control: Control

    @classmethod
    def of(cls, visit: Visit) -> Settings:
        """As the visit holds them."""
        return cls(
            trigger_kind=str(visit.get("trigger")),
            every=int(visit.get("every")),
            asked_after=str(visit.get("asked_after")),
            statements=int(visit.get("statements")),
            ratio=float(visit.get("ratio")),
            spending_kind=str(visit.get("spending")),
            still=float(visit.get("still")),
            budget=int(visit.get("budget")),
            eviction=visit.get("eviction"),
            sleep_attention=visit.get("sleep_attention"),
            control=visit.get("control"),
        )

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

    def spending(self) -> Spending:
        """How many passes each window gets. Raises ConfigError."""
        has_budget = self.spending_kind in ("even", "hardest")
        require(not has_budget or self.trigger_kind != "surprise", stage_text.BUDGET_AT_SURPRISE)
        is_until_still = self.spending_kind in ("still", "hardest")
        require(not is_until_still or self.eviction == "hard", stage_text.STILL_NOT_CLEARED)
        if self.spending_kind == "still":
            return Spending("still", threshold=self.still)
        if self.spending_kind == "even":
            return Spending("even", self.budget)
        return Spending("hardest", self.budget, STILL) if self.spending_kind == "hardest" else Spending()

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
            "still": f":{self.still:g}",
            "even": f":{self.budget}",
            "hardest": f":{self.budget}",
        }
        values = {
            "trigger": self.trigger_kind + details.get(self.trigger_kind, ""),
            "spending": self.spending_kind + details.get(self.spending_kind, ""),
            "eviction": self.eviction,
            "sleep_attention": self.sleep_attention,
            "control": self.control,
        }
        return {IN_LINKS.get(name, name): value for name, value in values.items() if value != PAPER[name]}


def first_values(window: int) -> dict[str, Any]:
    """What the settings hold until the visitor changes them: the paper's choices."""
    spent = {"still": STILL, "budget": 8}
    return {**PAPER, "every": max(1, window // 2), "asked_after": "6", "statements": 3, "ratio": 1.5, **spent}


def readers(window: int) -> dict[str, Reader]:
    """?trigger=every:9&spend=even:24&eviction=sliding&asleep=causal&control=zero_state"""

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

    def read_spending(given: str) -> dict[str, Any]:
        kind, _, rest = given.partition(":")
        if kind == "still" and re.fullmatch(r"[01]([.][0-9]{1,2})?", rest) and STILL_LEAST <= float(rest) <= STILL_MOST:
            return {"spending": kind, "still": float(rest)}
        is_budget = kind in ("even", "hardest") and re.fullmatch("[0-9]{1,3}", rest)
        if is_budget and 1 <= int(rest) <= BUDGET_MOST:
            return {"spending": kind, "budget": int(rest)}
        if given == "fixed":
            return {"spending": kind}
        raise LinkError(
            f"The link's spend must be fixed, still:T with T from {STILL_LEAST:g} to {STILL_MOST:g}, or even:B or "
            f"hardest:B with B from 1 to {BUDGET_MOST}."
        )

    return {
        "trigger": read_trigger,
        "spend": read_spending,
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
    _spending(visit)
    pick(visit, "eviction", stage_text.EVICT, stage_text.EVICTION)
    pick(visit, "sleep_attention", stage_text.ASLEEP, stage_text.ATTENTION)
    if checkpoints:
        key = visit.key("checkpoint")
        st.selectbox(stage_text.CHECKPOINT, checkpoints, key=key, on_change=visit.forget_link_problems)
    return Settings.of(visit)


def _spending(visit: Visit) -> None:
    """Draw how the passes are spent."""
    spending = pick(visit, "spending", stage_text.SPEND, stage_text.SPENDING)
    if spending == "still":
        label, key = stage_text.STILL, visit.key("still")
        st.number_input(
            label, STILL_LEAST, STILL_MOST, step=0.01, format="%g", key=key, on_change=visit.forget_link_problems
        )
    if spending in ("even", "hardest"):
        label, key = stage_text.BUDGET, visit.key("budget")
        st.number_input(label, 1, BUDGET_MOST, key=key, on_change=visit.forget_link_problems)
        st.caption(stage_text.BUDGET_NOTE)


def break_it(visit: Visit) -> None:
    """What can be broken, in sight: one press breaks a part, another mends it."""
    broken = visit.get("control")

    def changed() -> None:
        visit.change({"control": visit.get("broken") or PAPER["control"]})

    st.pills(
        stage_text.BREAK_IT,
        tuple(stage_text.BREAK),
        format_func=lambda control: stage_text.BREAK[control],
        **buttons.chosen(visit.of_session("broken"), broken if broken in stage_text.BREAK else None),
        on_change=changed,
        label_visibility="collapsed",
        wrap=True,
    )
