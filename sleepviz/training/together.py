"""Several processes that train one model: each computes a part of every batch, and all follow the same gradient.

`torchrun --nproc-per-node 2 -m sleepviz train --preset NAME` starts them. Every process draws the whole batch from the
seed and computes the loss of its own part as a part of the whole batch's loss, so that the parts add up to what one
process computes. DistributedDataParallel sums the gradients.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class Together:
    """This process's number among `world`, counted from 0. One process alone is the first of one."""

    rank: int = 0
    world: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def part(self, n: int) -> slice:
        """This process's share of `n` instances: all of them are shared out, as evenly as can be."""
        return slice(n * self.rank // self.world, n * (self.rank + 1) // self.world)

    def summed(self, values: Tensor) -> Tensor:
        """The sum over all processes, the same in each."""
        if self.world > 1:
            values = values.clone()
            distributed.all_reduce(values)
        return values

    def any(self, flag: bool) -> bool:
        """Whether it holds in any process; the same in each, so that all of them stop after the same step."""
        return bool(self.summed(torch.tensor(float(flag))) > 0) if self.world > 1 else flag

    def wait(self) -> None:
        """Until all are here."""
        if self.world > 1:
            distributed.barrier()


ALONE = Together()


class _Step(nn.Module):
    """What DistributedDataParallel wraps: it must see one forward call whose loss is then backpropagated."""

    def __init__(self, model: nn.Module, step: Callable[..., tuple[Any, ...]]) -> None:
        super().__init__()
        self.model, self._step = model, step

    def forward(self, *arguments: Any) -> tuple[Any, ...]:
        """The loss first."""
        return self._step(*arguments)


def shared(model: nn.Module, step: Callable[..., tuple[Any, ...]], together: Together) -> Callable[..., Any]:
    """`step`, which uses `model`, such that its loss's gradient becomes the sum over all processes."""
    if together.world == 1:
        return step
    # Which parameters a step uses depends on N and on the windows, which are the same in every process.
    wrapped = DistributedDataParallel(_Step(model, step), broadcast_buffers=False, find_unused_parameters=True)

    def summed(*arguments: Any) -> Any:
        loss, *rest = wrapped(*arguments)
        return (together.world * loss, *rest)  # the wrapper takes the mean

    return summed


@contextmanager
def processes_of_torchrun(device: str) -> Iterator[Together]:
    """Join the processes that torchrun started, by gloo on CPUs and nccl on GPUs; alone where it started none."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield ALONE
        return
    on_gpus = device != "cpu" and torch.cuda.is_available()
    if on_gpus:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if on_gpus else "gloo")
    try:
        yield Together(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()
