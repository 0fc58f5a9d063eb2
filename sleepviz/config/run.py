"""What is run: one input, one checkpoint, and everything that changes what happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sleepviz.config.base import JsonRoundTrip, require, require_choice
from sleepviz.config.model import Eviction, SleepAttention, SleepPolicy

Control = Literal["none", "zero_state", "shuffled_state", "replay", "reset_state", "untrained", "oracle"]
CONTROLS: tuple[Control, ...] = ("zero_state", "shuffled_state", "replay", "reset_state", "untrained")
"""The causal controls that break one part of the mechanism each."""
INPUT_MAX_CHARACTERS = 20_000


@dataclass(frozen=True)
class Trigger(JsonRoundTrip):
    """Why a sleep begins: the window is full (the paper), every M tokens, or asked for after some tokens.

    Whatever the trigger, a full window always sleeps: nothing is ever read past it.
    """

    kind: Literal["window", "every", "manual"] = "window"
    every: int = 0  # M, with kind "every"
    asked_after: tuple[int, ...] = ()  # token counts after which sleep was asked for, with kind "manual"

    def __post_init__(self) -> None:
        require(self.kind in ("window", "every", "manual"), "trigger must be window, every:M or manual.")
        require((self.kind == "every") == (self.every > 0), "trigger every:M needs M of at least 1 token.")

    @property
    def text(self) -> str:
        """The trigger in the form that `parse` reads back, such as "every:9"."""
        numbers = (self.every,) if self.kind == "every" else self.asked_after
        return f"{self.kind}:{','.join(map(str, numbers))}" if numbers else self.kind

    @classmethod
    def parse(cls, text: str) -> Trigger:
        """Read the command line's `window`, `every:M`, `manual` or `manual:A,B`. Raises ConfigError."""
        kind, _, rest = text.partition(":")
        numbers = [part for part in rest.split(",") if part]
        refusal = f"trigger {text[:40]!r}: {_TRIGGER_FORM}"
        require(all(part.isascii() and part.isdigit() and len(part) <= 9 for part in numbers), refusal)
        require(kind in ("every", "manual") or not rest, refusal)
        require(kind != "every" or len(numbers) == 1, refusal)
        if kind == "every":
            return cls("every", every=int(numbers[0]))
        return cls(kind, asked_after=tuple(int(part) for part in numbers))  # type: ignore[arg-type]


_TRIGGER_FORM = "write window, every:M with M from 1, or manual:A,B with the tokens after which to sleep."


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
        """Inverse of `to_json`, the nested trigger included. Raises ConfigError."""
        trigger = values.get("trigger")
        if isinstance(trigger, dict):
            values = {**values, "trigger": Trigger.from_json(trigger)}
        return super().from_json(values)
