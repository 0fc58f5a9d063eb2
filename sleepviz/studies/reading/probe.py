"""What is written: a linear probe of the fast weights for the answer at each level.

Ridge regression from S, all layers and heads of it flattened, to one-hot answers (Alain and Bengio,
arXiv:1610.01644). What a linear map reads from S after pass n says which level that pass computed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sleepviz.config.model import SleepPolicy
from sleepviz.core.memory import Memory
from sleepviz.core.model import HybridLM
from sleepviz.core.sleep import sleep
from sleepviz.tasks.base import Batch

PENALTY = 1e-2  # of the mean squared length of a centred state


@dataclass(frozen=True)
class Ridge:
    """x [n, features] -> scores [n, outputs]."""

    mean: Tensor  # [features]
    weight: Tensor  # [features, outputs]
    bias: Tensor  # [outputs]

    @classmethod
    def fit(cls, x: Tensor, y: Tensor) -> Ridge:
        """Minimise |(x - mean) W + bias - y|^2 + penalty |W|^2."""
        mean, bias = x.mean(dim=0), y.mean(dim=0)
        centred = x - mean
        return cls(mean, centred.T @ _dual(centred, y - bias), bias)

    def __call__(self, x: Tensor) -> Tensor:
        """Scores [n, outputs]."""
        return (x - self.mean) @ self.weight + self.bias


def scores_of(x: Tensor, y: Tensor, new: Tensor) -> Tensor:
    """What the probe of x and y says of new states [m, features], [m, outputs], without making its many weights."""
    mean, bias = x.mean(dim=0), y.mean(dim=0)
    centred = x - mean
    return (new - mean) @ centred.T @ _dual(centred, y - bias) + bias


def _dual(centred: Tensor, y: Tensor) -> Tensor:
    """What each instance weighs, [n, outputs]: in this dual form, features may outnumber instances."""
    kernel = centred @ centred.T  # [n, n]
    penalty = PENALTY * kernel.diagonal().mean() * torch.eye(len(centred), dtype=centred.dtype)
    return torch.linalg.solve(kernel + penalty, y)


@torch.inference_mode()
def states(model: HybridLM, batch: Batch, policy: SleepPolicy) -> Tensor:
    """S of every layer after sleeping through the windows, flattened: [B, features], float64."""
    memory = Memory.empty(model.config, len(batch.windows))
    for window in torch.from_numpy(batch.windows).unbind(dim=1):
        memory = sleep(model, window, memory, policy)
    return torch.cat([state.flatten(1) for state in memory.fast_weights], dim=1).double()


def probe_accuracy(
    fitted_on: tuple[Tensor, NDArray[np.int64]], tested_on: tuple[Tensor, NDArray[np.int64]]
) -> NDArray[np.float64]:
    """Share of the parts of each tested answer that the probe reads right, [n].

    Each pair is states [n, features] and answers [n, parts], tokens from 0.
    """
    (x, answers), (x_test, answers_test) = fitted_on, tested_on
    n_tokens = max(int(torch.from_numpy(each).max()) for each in (answers, answers_test)) + 1
    onehot = torch.nn.functional.one_hot(torch.from_numpy(answers), n_tokens).double()  # [n, parts, tokens]
    scores = Ridge.fit(x, onehot.flatten(1))(x_test).view(*answers_test.shape, n_tokens)
    return np.asarray((scores.argmax(-1).numpy() == answers_test).mean(axis=1))
