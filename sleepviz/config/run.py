"""What is run: one input, one checkpoint, and everything that changes what happens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sleepviz.config.base import JsonRoundTrip, require, require_choice
from sleepviz.config.model import PASSES_MAX, Eviction, SleepAttention, SleepPolicy

TriggerKind = Literal["window", "every", "manual", "surprise", "statement"]
SpendingKind = Literal["fixed", "still", "even", "hardest"]
Control = Literal["none", "zero_state", "shuffled_state", "replay", "reset_state", "untrained", "oracle"]
CONTROLS: tuple[Control, ...] = ("zero_state", "shuffled_state", "replay", "reset_state", "untrained")
"""The causal controls that break one part of the mechanism each."""
INPUT_MAX_CHARACTERS = 20_000
RATIO_MAX = 100
BUDGET_MAX = 10_000
STILL = 0.1
"""S is still once a pass changes it by less than this share of its size."""
STATEMENTS_MAX = 1000


@dataclass(frozen=True)
class Trigger(JsonRoundTrip):
    """Why a sleep begins: the window is full (the paper), or one of four departures from that.

    every      after every M tokens
    manual     by hand, after some tokens
    surprise   after the statement whose token made the delta rule correct S by more than `ratio` times the usual
    statement  after every so many statements
    The last two tear no statement apart, and sleep at the end of each page of L tokens as the tasks write them.
    Whatever the trigger, a full window always sleeps: nothing is ever read past it.
    """

    kind: TriggerKind = "window"
    every: int = 0  # M, with kind "every"
    asked_after: tuple[int, ...] = ()  # token counts after which sleep was asked for, with kind "manual"
    ratio: float = 0.0  # of a correction to the running level, with kind "surprise"
    statements: int = 0  # how many, with kind "statement"

    def __post_init__(self) -> None:
        require_choice("trigger", self.kind, TriggerKind)
        require((self.kind == "every") == (self.every > 0), "trigger every:M needs M of at least 1 token.")
        surprise = f"trigger surprise:R needs R above 1 and up to {RATIO_MAX}."
        require((self.kind == "surprise") == (self.ratio != 0), surprise)
        require(self.ratio == 0 or 1 < self.ratio <= RATIO_MAX, surprise)
        statement = f"trigger statement:K needs K from 1 to {STATEMENTS_MAX} statements."
        require((self.kind == "statement") == (self.statements != 0), statement)
        require(0 <= self.statements <= STATEMENTS_MAX, statement)

    @property
    def text(self) -> str:
        """The trigger in the form that `parse` reads back, such as "every:9"."""
        if self.kind == "surprise":
            return f"surprise:{self.ratio:g}"
        numbers = {"every": (self.every,), "statement": (self.statements,)}.get(self.kind, self.asked_after)
        return f"{self.kind}:{','.join(map(str, numbers))}" if numbers else self.kind

    @classmethod
    def parse(cls, text: str) -> Trigger:
        """Read `window`, `every:M`, `manual`, `manual:A,B`, `surprise:R` or `statement:K`. Raises ConfigError."""
        kind, _, rest = text.partition(":")
        refusal = f"trigger {text[:40]!r}: {_TRIGGER_FORM}"
        require(kind in get_args(TriggerKind), refusal)
        if kind == "surprise":
            require(bool(re.fullmatch(r"[0-9]{1,3}([.][0-9]{1,5})?", rest)), refusal)
            return cls("surprise", ratio=float(rest))
        numbers = [part for part in rest.split(",") if part]
        require(all(part.isascii() and part.isdigit() and len(part) <= 9 for part in numbers), refusal)
        require(kind in ("every", "manual", "statement") or not rest, refusal)
        require(kind not in ("every", "statement") or len(numbers) == 1, refusal)
        if kind == "every":
            return cls("every", every=int(numbers[0]))
        if kind == "statement":
            return cls("statement", statements=int(numbers[0]))
        return cls(kind, asked_after=tuple(int(part) for part in numbers))  # type: ignore[arg-type]


_TRIGGER_FORM = (
    "write window, every:M with M from 1, manual:A,B with the tokens after which to sleep, surprise:R with R above 1, "
    "or statement:K with K from 1."
)


@dataclass(frozen=True)
class Spending(JsonRoundTrip):
    """How many passes each window gets: N for every one (the paper), or one of three departures from that.

    still     a window's sleep ends when a pass changes S by less than `threshold`, and after N passes at the latest
    even      `budget` passes in all, the same number for every window; the first windows get what is left over
    hardest   `budget` passes in all. A window ends as soon as S is still, and what it saves is left to the later ones.
              One that is not still may take all but one pass for each later window.
    """

    kind: SpendingKind = "fixed"
    budget: int = 0  # passes of all windows together, with kinds "even" and "hardest"
    threshold: float = 0.0  # relative change of S, with kinds "still" and "hardest"

    def __post_init__(self) -> None:
        require_choice("spending", self.kind, SpendingKind)
        require(0 <= self.budget <= BUDGET_MAX, f"a budget must be from 0 to {BUDGET_MAX} passes.")
        require(self.has_budget or not self.budget, "only even and hardest spending have a budget.")
        require(self.threshold >= 0, "the threshold of stillness must be a number from 0.")
        require(self.kind in ("still", "hardest") or not self.threshold, "this spending needs no threshold.")

    @property
    def has_budget(self) -> bool:
        """Whether all windows share one number of passes: then one must know how many windows there will be."""
        return self.kind in ("even", "hardest")

    def allowed(self, n_passes: int, *, index: int, n_windows: int, spent: int) -> int:
        """The most passes that window `index` of `n_windows` may take, after `spent` passes on those before.

        No window ever takes more than PASSES_MAX.
        """
        if self.kind == "even":
            share, left_over = divmod(self.budget, n_windows)
            return min(share + (index < left_over), PASSES_MAX)
        if self.kind == "hardest":
            return min(max(self.budget - spent - (n_windows - index - 1), 0), PASSES_MAX)
        return n_passes

    @property
    def text(self) -> str:
        """The form that `parse` reads back, such as "hardest:24"."""
        return {"still": f"still:{self.threshold:g}", "fixed": "fixed"}.get(self.kind, f"{self.kind}:{self.budget}")

    @classmethod
    def parse(cls, text: str) -> Spending:
        """Read `fixed`, `still:T`, `even:B` or `hardest:B`, which is still below STILL. Raises ConfigError."""
        kind, _, rest = text.partition(":")
        refusal = f"spending {text[:40]!r}: {_SPENDING_FORM}"
        if kind == "still":
            require(bool(re.fullmatch(r"[0-9]([.][0-9]{1,5})?", rest)), refusal)
            return cls("still", threshold=float(rest))
        has_budget = kind in ("even", "hardest") and bool(re.fullmatch("[0-9]{1,5}", rest))
        require(has_budget or text == "fixed", refusal)
        return cls(kind, int(rest or 0), STILL if kind == "hardest" else 0.0)  # type: ignore[arg-type]


_SPENDING_FORM = "write fixed, still:T with the change of S below which sleep ends, even:B or hardest:B with B passes."


@dataclass(frozen=True)
class RunSpec(JsonRoundTrip):
    """Everything that changes the result of a run; hashable, so that it is the key of every cache."""

    task: str
    input: str  # the task's input as JSON text, for example '{"rows": ["0110..."], "steps": 4}'
    checkpoint: str = ""  # "" is the task's default
    n_passes: int = 4
    eviction: Eviction = "hard"
    sleep_attention: SleepAttention | Literal[""] = ""  # "" is the way in which the checkpoint was trained
    trigger: Trigger = Trigger()
    spending: Spending = Spending()
    control: Control = "none"
    seed: int = 0  # of the untrained weights and of the instance that S is taken from, for those controls

    def __post_init__(self) -> None:
        require(len(self.input) <= INPUT_MAX_CHARACTERS, f"the input is longer than {INPUT_MAX_CHARACTERS} characters.")
        require_choice("eviction", self.eviction, Eviction)
        require_choice("control", self.control, Control)
        require(self.sleep_attention in ("", "causal", "full"), "sleep attention must be causal or full.")
        require(0 <= self.seed < 2**63, "seed must be a whole number from 0 to 2^63 - 1.")
        SleepPolicy(n_passes=self.n_passes)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> RunSpec:
        """Inverse of `to_json`, the nested trigger and spending included. Raises ConfigError."""
        if isinstance(values.get("trigger"), dict):
            values = {**values, "trigger": Trigger.from_json(values["trigger"])}
        if isinstance(values.get("spending"), dict):
            values = {**values, "spending": Spending.from_json(values["spending"])}
        return super().from_json(values)
