"""Our checkpoints, through the library and by themselves: `python -m sleepviz.studies.hybrids.agreement`.

Each task's default checkpoint is written by `save_pretrained`, read back by the Auto classes, and asked
held-out instances of its task at its hardest. Compared with the lean model under sleepviz.core.sleep: the
probabilities of the parallel answer at every place of a query, to the bit; and what `generate` says at
each place at which an answer is read. assets/results/hybrids_agreement.json keeps the rows: a checkpoint
that was asked before, told by its digest, is not asked again.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import transformers
from torch import Tensor
from tqdm import tqdm
from transformers import AutoModelForCausalLM

from sleepviz.config.places import ASSETS
from sleepviz.core.memory import Memory
from sleepviz.core.sleep import sleep
from sleepviz.hybrids.modeling import SleepForCausalLM, from_checkpoint
from sleepviz.hybrids.sleep import generate, predict
from sleepviz.runs.checkpoint import Checkpoint, list_checkpoints, load, provenance, write_atomically
from sleepviz.studies.readme_tables import agreement_table
from sleepviz.tasks import TASKS
from sleepviz.tasks.base import NOT_ASKED

SEED = 200_000_003  # of the instances
RESULTS = ASSETS / "results" / "hybrids_agreement.json"


@dataclass(frozen=True)
class Agreement:
    """One checkpoint's row."""

    checkpoint: str
    digest: str
    task: str
    passes: int
    n: int  # instances
    same_probabilities: int  # instances all of whose probabilities are equal to the bit
    places: int  # at which an answer is read, of each query
    same_generated: int  # instances at all of those places `generate` says the likeliest token
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
    targets = torch.from_numpy(batch.targets[np.arange(n), :, batch.difficulty]).flatten(0, 1)  # [B Q, T]
    likeliest = expected.argmax(dim=-1)
    places = (targets != NOT_ASKED).any(dim=0).nonzero().flatten().tolist()
    said = [
        generate(model, flat[:, : place + 1], cache, max_new_tokens=1, do_sample=False)
        for place in tqdm(places, unit="place", desc=checkpoint.info.name)
    ]

    def instances(same: Tensor) -> int:
        return int(same.reshape(n, -1).all(dim=1).sum())

    return Agreement(
        checkpoint=checkpoint.info.name,
        digest=checkpoint.info.digest,
        task=task.name,
        passes=policy.n_passes,
        n=n,
        same_probabilities=instances(answered == expected),
        places=len(places),
        same_generated=instances(torch.cat(said, dim=1) == likeliest[:, places]),
        correct=instances((likeliest == targets) | (targets == NOT_ASKED)),
    )


def _through_the_library(name: str) -> SleepForCausalLM:
    with tempfile.TemporaryDirectory() as folder:
        from_checkpoint(name).save_pretrained(folder)
        model: SleepForCausalLM = AutoModelForCausalLM.from_pretrained(folder)
    return model


def kept_rows(path: Path) -> list[Agreement]:
    """The rows of an earlier call; none where there is no file, or one of another form."""
    try:
        return [Agreement(**row) for row in json.loads(path.read_text(encoding="utf-8"))["rows"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def main() -> int:
    """Ask what was not asked before, keep the rows, print a table; exit status 1 if an answer differs."""
    parser = argparse.ArgumentParser(prog="python -m sleepviz.studies.hybrids.agreement", description=__doc__)
    parser.add_argument("--n", type=int, default=200, help="instances of each task")
    parser.add_argument("--task", choices=sorted(TASKS), action="append", help="only this one; may be repeated")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    rows = kept_rows(RESULTS)
    for info in list_checkpoints():
        wanted = info.default and info.task in (arguments.task or TASKS)
        if wanted and not any((row.digest, row.n) == (info.digest, arguments.n) for row in rows):
            found = agreement(load(info.name), arguments.n)
            rows = sorted([row for row in rows if row.task != info.task] + [found], key=lambda row: row.task)
            results = {"command": "python -m sleepviz.studies.hybrids.agreement", **provenance()}
            results["rows"] = [asdict(row) for row in rows]
            write_atomically(RESULTS, (json.dumps(results, indent=1) + "\n").encode())
    print(agreement_table([asdict(row) for row in rows]))
    return 0 if all(row.n == row.same_probabilities == row.same_generated for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
