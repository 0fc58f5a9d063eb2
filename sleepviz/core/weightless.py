"""A model whose weights are still to come: it takes no memory, and no random number is drawn for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

DRAWN = {"normal_", "uniform_", "kaiming_uniform_"}


class _Undrawn(TorchFunctionMode):
    """Leaves out the calls that fill a tensor with random numbers."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if getattr(func, "__name__", "") in DRAWN:
            return args[0] if args else given["tensor"]
        return func(*args, **given)


@contextmanager
def weightless() -> Iterator[None]:
    """Modules that are made in this context have shapes and no numbers.

    torch's meta device alone would do. But there each draw goes through torch's compiler, whose import takes longer
    than that of torch itself.
    """
    with torch.device("meta"), _Undrawn():
        yield
