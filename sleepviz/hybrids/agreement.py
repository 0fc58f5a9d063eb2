"""Our checkpoints, through the library and by themselves: `python -m sleepviz.hybrids.agreement [--json]`.

Each task's default checkpoint is written by `save_pretrained`, read back by the Auto classes, and asked
held-out instances of its task at its hardest. Compared with the lean model under sleepviz.sleep: the
probabilities of the parallel answer, to the bit; and what `generate` says at each place of a query.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass

import numpy as np
import torch
import transformers
from torch import Tensor
from transformers import AutoModelForCausalLM

from sleepviz.checkpoint import Checkpoint, list_checkpoints, load
from sleepviz.hybrids.modeling import SleepForCausalLM, from_checkpoint
from sleepviz.hybrids.sleep import generate, predict
from sleepviz.memory import Memory
from sleepviz.sleep import sleep

SEED = 200_000_003  # of the instances


@dataclass(frozen=True)
class Agreement:
    """One checkpoint's row."""

    checkpoint: str
    task: str
    passes: int
    n: int  # instances
    same_probabilities: int  # instances all of whose probabilities are equal to the bit
    same_generated: int  # instances at all of whose places `generate` says the likeliest token
    correct: int  # instances answered right, for scale


@torch.inference_mode()
def agreement(checkpoint: Checkpoint, n: int) -> Agreement:
    """Ask both the same `n` instances."""
    task, lean = checkpoint.task, checkpoint.model
    model = _through_the_library(checkpoint.info.name)
    policy, n_windows = model.policy, task.windows_max
    levels = np.full(n, task.difficulty_max)
    batch = task.batch(np.random.default_rng(SEED), size=n, n_windows=n_windows, difficulty=levels, split="held_out")
    windows, queries = torch.from_numpy(batch.windows), torch.from_numpy(batch.queries)
    n_queries = queries.shape[1]
    flat = queries.flatten(0, 1)  # [B Q, T]

    memory = Memory.empty(lean.config, n)
    for window in windows.unbind(dim=1):
        memory = sleep(lean, window, memory, policy)
    logits, _ = lean(flat, memory.repeated(n_queries))
    expected = logits.softmax(dim=-1)

    cache = model.sleep(windows.flatten(1)).repeated(n_queries)
    answered = predict(model, flat, cache)[0].softmax(dim=-1)
    places = [generate(model, flat[:, : t + 1], cache, max_new_tokens=1, do_sample=False) for t in range(flat.shape[1])]
    targets = torch.from_numpy(batch.targets[np.arange(n), :, levels]).flatten(0, 1)  # [B Q, T]
    likeliest = expected.argmax(dim=-1)

    def instances(same: Tensor) -> int:
        return int(same.reshape(n, -1).all(dim=1).sum())

    return Agreement(
        checkpoint=checkpoint.info.name,
        task=task.name,
        passes=policy.n_passes,
        n=n,
        same_probabilities=instances(answered == expected),
        same_generated=instances(torch.cat(places, dim=1) == likeliest),
        correct=instances((likeliest == targets) | (targets < 0)),
    )


def _through_the_library(name: str) -> SleepForCausalLM:
    with tempfile.TemporaryDirectory() as folder:
        from_checkpoint(name).save_pretrained(folder)
        model: SleepForCausalLM = AutoModelForCausalLM.from_pretrained(folder)
    return model


def main() -> int:
    """Print a table, or JSON; exit status 1 if an answer differs."""
    parser = argparse.ArgumentParser(prog="python -m sleepviz.hybrids.agreement", description=__doc__)
    parser.add_argument("--n", type=int, default=200, help="instances of each task")
    parser.add_argument("--json", action="store_true", help="JSON in place of Markdown")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    rows = [agreement(load(info.name), arguments.n) for info in list_checkpoints() if info.default]
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        print("| checkpoint | N | same probabilities | same by generate | right |\n|---|---|---|---|---|")
        for row in rows:
            same = f"{row.same_probabilities} of {row.n} | {row.same_generated} of {row.n}"
            print(f"| {row.checkpoint} | {row.passes} | {same} | {row.correct} of {row.n} |")
    return 0 if all(row.n == row.same_probabilities == row.same_generated for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
