"""What sleep costs and when it pays: operations and seconds of sleeping, of waking, and of not sleeping at all.

Not sleeping means that every query reads the window again with full attention. Sleep is paid once a window, so
it is worth its price from some number of queries a window on (the paper names the cost, and measures neither side).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from sleepviz.config.model import ModelConfig, SleepPolicy
from sleepviz.core.memory import Memory
from sleepviz.core.model import HybridLM
from sleepviz.core.sleep import sleep
from sleepviz.runs.flops import pass_flops, sleep_flops, wake_flops
from sleepviz.studies.counted.bill import break_even

REPEATS = 31


@dataclass(frozen=True)
class Cost:
    """Of one instance and one window: to sleep on it, to answer one prediction chunk, to answer by reading it again."""

    sleep_flops: int
    wake_flops: int
    reread_flops: int
    sleep_s: float
    wake_s: float
    reread_s: float

    @property
    def break_even_flops(self) -> float | None:
        """Queries a window from which on sleep needs fewer operations."""
        return break_even(self.sleep_flops, self.wake_flops, self.reread_flops)

    @property
    def break_even_s(self) -> float | None:
        """Queries a window from which on sleep takes less time."""
        return break_even(self.sleep_s, self.wake_s, self.reread_s)


@torch.inference_mode()
def cost_of(model: HybridLM, policy: SleepPolicy, *, query_tokens: int) -> Cost:
    """Count and time one window of random tokens and one prediction chunk; times are medians of interleaved runs."""
    config = model.config
    generator = torch.Generator().manual_seed(0)
    window = torch.randint(0, config.vocab_size, (1, config.window), generator=generator)
    query = torch.randint(0, config.vocab_size, (1, query_tokens), generator=generator)
    empty = Memory.empty(config, batch=1)
    slept = sleep(model, window, empty, policy)

    def reread() -> None:
        _, memory, _ = model.run_blocks(model.embed(window), empty)
        model(query, memory)

    sleep_s, wake_s, reread_s = _medians(
        lambda: sleep(model, window, empty, policy), lambda: model(query, slept), reread
    )
    awake = wake_flops(config, n_tokens=query_tokens)
    again = pass_flops(config, n_tokens=config.window)
    return Cost(
        sleep_flops=sleep_flops(config, n_tokens=config.window, n_passes=policy.n_passes),
        wake_flops=awake,
        reread_flops=again + wake_flops(config, n_tokens=query_tokens, n_cached=config.window),
        sleep_s=sleep_s,
        wake_s=wake_s,
        reread_s=reread_s,
    )


@dataclass(frozen=True)
class Timing:
    """Seconds of one sleep over one window, and of one answer after it: lower quartile, median, upper quartile."""

    n_passes: int
    window: int  # tokens
    sleep_s: tuple[float, float, float]
    wake_s: tuple[float, float, float]


@torch.inference_mode()
def timing(config: ModelConfig, policy: SleepPolicy, *, window: int, query_tokens: int, repeats: int) -> Timing:
    """Time a model of this shape with a window of so many tokens. Its weights are random: time depends on none."""
    config = replace(config, window=window)
    generator = torch.Generator().manual_seed(0)
    model = HybridLM(config, generator=generator).requires_grad_(False)
    tokens = torch.randint(0, config.vocab_size, (1, window), generator=generator)
    query = torch.randint(0, config.vocab_size, (1, min(query_tokens, window)), generator=generator)
    empty = Memory.empty(config, batch=1)
    slept = sleep(model, tokens, empty, policy)
    times = _times(repeats, lambda: sleep(model, tokens, empty, policy), lambda: model(query, slept))
    asleep, awake = (tuple(map(float, each)) for each in np.quantile(times, [0.25, 0.5, 0.75], axis=0).T)
    return Timing(policy.n_passes, window, asleep, awake)  # type: ignore[arg-type]


def _medians(*parts: Callable[[], object]) -> tuple[float, ...]:
    """Median seconds of each part."""
    return tuple(np.median(_times(REPEATS, *parts), axis=0).tolist())


def _times(repeats: int, *parts: Callable[[], object]) -> NDArray[np.float64]:
    """Seconds [repeats, parts], the parts run in turn; a first round is left out."""
    times = np.zeros((repeats + 1, len(parts)))
    for row in times:
        for index, part in enumerate(parts):
            started = time.perf_counter()
            part()
            row[index] = time.perf_counter() - started
    return times[1:]
