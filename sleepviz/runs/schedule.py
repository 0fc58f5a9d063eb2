"""Schedules: when a model sleeps, and how many passes each sleep gets. The paper's is one of several.

The paper sleeps when the window is full, N passes every time. Everything else here is a departure that has a name, see
`Trigger` and `Spending`. A window that ends early is a window of fewer tokens: its places count from the first again,
and the cache that is cleared holds only those tokens. The shipped models were trained on full windows alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from sleepviz.config.base import require
from sleepviz.config.model import SleepPolicy
from sleepviz.config.run import Spending, Trigger
from sleepviz.core.halting import sleep_until_still
from sleepviz.core.memory import Memory
from sleepviz.core.model import HybridLM
from sleepviz.core.sleep import sleep
from sleepviz.core.surprise import over_usual, surprises
from sleepviz.runs.windows import Window, cut_windows, next_window, page_end
from sleepviz.tasks.base import Task, statement_stops


@dataclass(frozen=True)
class Schedule:
    """When sleep begins, and how many passes each sleep gets."""

    trigger: Trigger = field(default_factory=Trigger)
    spending: Spending = field(default_factory=Spending)

    def __post_init__(self) -> None:
        is_countable = self.trigger.kind != "surprise" or not self.spending.has_budget
        require(is_countable, "a budget of passes needs a trigger that tells how many windows there will be.")


@dataclass(frozen=True)
class Sleeper:
    """A model with its task and policy, about to read contexts of one length."""

    model: HybridLM
    task: Task
    policy: SleepPolicy
    schedule: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        is_clear = not self.schedule.spending.threshold or self.policy.eviction == "hard"
        require(is_clear, "sleep until S is still needs hard eviction.")

    def n_windows(self, context: Sequence[int]) -> int:
        """How many windows the context will be cut into; 0 where nothing depends on it."""
        if not self.schedule.spending.has_budget:
            return 0
        stops = statement_stops(self.task, context) if self._needs_statements else ()
        return len(cut_windows(len(context), self.model.config.window, self.schedule.trigger, stops))

    def windows(self, context: Tensor, start: int, memory: Memory) -> list[Window]:
        """The window of each instance of [B, T] that begins at `start`, where all of them are."""
        trigger, n_tokens, rows = self.schedule.trigger, context.shape[1], context.tolist()
        size = self.model.config.window
        stops = [statement_stops(self.task, row) if self._needs_statements else () for row in rows]
        if trigger.kind != "surprise":
            return [next_window(start, n_tokens, size, trigger, each) for each in stops]
        ahead = context[:, start : start + size]
        ratios = over_usual(surprises(self.model, ahead, memory))
        return [_at_surprise(start, n_tokens, size, trigger.ratio, *pair) for pair in zip(ratios, stops, strict=True)]

    @property
    def _needs_statements(self) -> bool:
        return self.schedule.trigger.kind in ("surprise", "statement")


def _at_surprise(
    start: int, n_tokens: int, window: int, ratio: float, ratios: Tensor, statement_stops: Sequence[int]
) -> Window:
    """Sleep begins where the statement with the first surprising token is over, or the page is over before that."""
    full = next_window(start, n_tokens, window, Trigger())
    end = page_end(start, window)
    if end < full.stop:
        full = Window(start, end, "a page over")
    (places,) = torch.nonzero(ratios > ratio, as_tuple=True)
    if not len(places):
        return full
    surprising = start + int(places[0]) + 1  # tokens read, this one included
    stop = min((count for count in statement_stops if count >= surprising), default=n_tokens)
    if stop >= full.stop:
        return full
    return Window(start, stop, f"a surprise, {float(ratios[places[0]]):.1f} times the usual")


@dataclass(frozen=True)
class Consolidated:
    """The memory that instances wake with, and what each of them [B] took: passes per token, and sleeps."""

    memory: Memory
    passes: Tensor  # tokens that passes went over, by tokens of the context; passes of reading ahead not counted
    sleeps: Tensor


@torch.inference_mode()
def consolidate(sleeper: Sleeper, context: Tensor, memory: Memory) -> Consolidated:
    """Read contexts [B, T] and sleep by the schedule until all is evicted.

    Instances whose windows end at the same place go on together, the others apart.
    """
    n_tokens, size = context.shape[1], len(context)
    counts = [sleeper.n_windows(row) for row in context.tolist()]
    ended: list[tuple[Tensor, Memory]] = []
    spent, gone_over, sleeps = (torch.zeros(size, dtype=torch.int64) for _ in range(3))
    todo = [(torch.arange(size), 0, memory)]
    while todo:
        rows, start, before = todo.pop()
        if start == n_tokens:
            ended.append((rows, before))
            continue
        windows = sleeper.windows(context[rows], start, before)
        for stop in sorted({window.stop for window in windows}):
            chosen = torch.tensor([place for place, window in enumerate(windows) if window.stop == stop])
            here = rows[chosen]
            allowed = [
                sleeper.schedule.spending.allowed(
                    sleeper.policy.n_passes, index=int(sleeps[row]), n_windows=counts[row], spent=int(spent[row])
                )
                for row in here.tolist()
            ]
            tokens = context[here, start:stop]
            after, taken = sleep_by(sleeper, tokens, before.chosen(chosen), torch.tensor(allowed))
            spent[here] += taken
            gone_over[here] += taken * (stop - start)
            sleeps[here] += 1
            todo.append((here, stop, after))
    order = torch.cat([rows for rows, _ in ended]).argsort()
    together = Memory.joined([each for _, each in ended]).chosen(order)
    return Consolidated(together, gone_over.double() / n_tokens, sleeps)


def sleep_by(sleeper: Sleeper, tokens: Tensor, memory: Memory, allowed: Tensor) -> tuple[Memory, Tensor]:
    """Consolidate one window [B, T] with at most `allowed` passes [B] each -> (memory, passes taken [B])."""
    policy, spending = sleeper.policy, sleeper.schedule.spending
    same = len(set(allowed.tolist())) == 1
    if same and not spending.threshold:
        policy = replace(policy, n_passes=int(allowed[0]))
        return sleep(sleeper.model, tokens, memory, policy), allowed
    policy = replace(policy, n_passes=int(allowed.max()))
    return sleep_until_still(sleeper.model, tokens, memory, policy, spending.threshold, allowed)
