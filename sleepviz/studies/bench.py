"""Speed and memory on this machine: ratios measured in one run, medians of interleaved pairs."""

from __future__ import annotations

import inspect
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from sleepviz.config.model import SleepPolicy
from sleepviz.config.places import SITE
from sleepviz.config.run import RunSpec
from sleepviz.core.delta_rule import gated_delta_window
from sleepviz.core.memory import Memory
from sleepviz.core.model import unit_length
from sleepviz.core.sleep import sleep
from sleepviz.runs.checkpoint import Checkpoint, load
from sleepviz.runs.record import ask, record
from sleepviz.training.evaluate import BATCH, Setting, asleep, slept_through

ROOT = SITE
PAIRS = 200
TASK = "rule110"  # of the first page


def bench() -> dict[str, Any]:
    """Every measurement, on one thread."""
    torch.set_num_threads(1)
    checkpoint = load(task=TASK)
    parts: dict[str, Callable[[], Any]] = {
        "wake": lambda: wake_ratio(checkpoint),
        "kv_bytes": lambda: kv_bytes(checkpoint),
        "delta_rule": delta_rule_ratios,
        "live_run_ms": lambda: live_run_ms(checkpoint),
        "eval": lambda: evaluation(load(task="depo")),
        "app": app_memory,
    }
    results = {name: part() for name, part in tqdm(parts.items(), desc="bench", unit="part")}
    return {"machine": platform.processor() or platform.machine(), "torch": torch.__version__, **results}


def interleaved(first: Callable[[], object], second: Callable[[], object], pairs: int) -> tuple[Any, Any]:
    """Time both in turn, changing which goes first -> seconds [pairs] of each."""
    times = np.zeros((2, pairs))
    for pair in range(pairs + 5):
        for which in (0, 1) if pair % 2 else (1, 0):
            started = time.perf_counter()
            (first, second)[which]()
            if pair >= 5:  # the first few warm the caches
                times[which, pair - 5] = time.perf_counter() - started
    return times[0], times[1]


def ratio_of_medians(first: Any, second: Any) -> dict[str, Any]:
    """median(first) / median(second) with a 95 % interval from 2000 resamplings of the pairs."""
    rng = np.random.default_rng(0)
    picks = rng.integers(0, len(first), (2000, len(first)))
    resampled = np.median(first[picks], axis=1) / np.median(second[picks], axis=1)
    low, high = np.quantile(resampled, [0.025, 0.975])
    return {"ratio": float(np.median(first) / np.median(second)), "ci95": [float(low), float(high)]}


def _home(checkpoint: Checkpoint, n_passes: int) -> RunSpec:
    rng = np.random.default_rng(0)
    limits = checkpoint.info.limits
    rows = ["".join(map(str, rng.integers(0, 2, limits["row_cells"]))) for _ in range(limits["rows_max"])]
    text = json.dumps({"rows": rows, "steps": limits["steps_max"]})
    return RunSpec(task=TASK, input=text, n_passes=n_passes)


def wake_ratio(checkpoint: Checkpoint) -> dict[str, Any]:
    """Milliseconds of one answer after N = 8 over N = 1: constant by construction, here measured."""
    task, model = checkpoint.task, checkpoint.model
    problem = task.encode(task.parse(_home(checkpoint, 1).input, checkpoint.info.limits))
    window = torch.tensor([problem.context[: task.window]])
    attention = checkpoint.info.sleep_attention
    with torch.inference_mode():
        start = Memory.empty(model.config, batch=1)
        slept = [sleep(model, window, start, SleepPolicy(n, sleep_attention=attention)) for n in (8, 1)]
        many, one = interleaved(
            lambda: ask(model, problem, slept[0], 1), lambda: ask(model, problem, slept[1], 1), PAIRS
        )
    medians = {"n8_ms": float(np.median(many) * 1e3), "n1_ms": float(np.median(one) * 1e3)}
    return {**medians, **ratio_of_medians(many, one), "pairs": PAIRS}


def kv_bytes(checkpoint: Checkpoint) -> dict[str, Any]:
    """KV and fast-weight bytes at the fullest moment, after 1 to 64 windows of context."""
    model, window = checkpoint.model, checkpoint.task.window
    policy = SleepPolicy(1, sleep_attention=checkpoint.info.sleep_attention)
    rng = torch.Generator().manual_seed(0)
    sizes: dict[str, Any] = {"context_tokens": [], "kv_bytes": [], "fast_bytes": []}
    with torch.inference_mode():
        memory = Memory.empty(model.config, batch=1)
        for index in range(1, 65):
            tokens = torch.randint(0, model.config.vocab_size, (1, window), generator=rng)
            if index in (1, 4, 16, 64):
                _, full, _ = model.run_blocks(model.embed(tokens), memory)
                sizes["context_tokens"].append(index * window)
                sizes["kv_bytes"].append(full.kv_bytes)
                sizes["fast_bytes"].append(full.fast_bytes)
            memory = sleep(model, tokens, memory, policy)
    return sizes


def delta_rule_ratios() -> list[dict[str, Any]]:
    """Forward and backward of transformers' chunk rule over ours, B 64, H 4, K = V = 16 (above 1: ours is faster)."""
    from transformers.models.qwen3_5 import modeling_qwen3_5

    reference = inspect.unwrap(modeling_qwen3_5.torch_chunk_gated_delta_rule)
    results = []
    for n_tokens in (13, 25, 64):
        generator = torch.Generator().manual_seed(n_tokens)

        def draw(*shape: int, generator: torch.Generator = generator) -> Tensor:
            return torch.randn(64, 4, *shape, generator=generator)

        q, k, v = unit_length(draw(n_tokens, 16)), unit_length(draw(n_tokens, 16)), draw(n_tokens, 16)
        log_decay, beta = -draw(n_tokens).abs() / 10, draw(n_tokens).sigmoid()
        state = draw(16, 16)
        inputs = [x.requires_grad_() for x in (q, k, v, log_decay, beta, state)]

        def ours(inputs: list[Tensor] = inputs) -> None:
            q, k, v, log_decay, beta, state = inputs
            after, o = gated_delta_window(state, q=q * 0.25, k=k, v=v, log_decay=log_decay, beta=beta)
            torch.autograd.grad(o.sum() + after.sum(), inputs)

        def theirs(inputs: list[Tensor] = inputs) -> None:
            q, k, v, log_decay, beta = (x.transpose(1, 2) for x in inputs[:-1])
            o, after = reference(q, k, v, g=log_decay, beta=beta, initial_state=inputs[-1], output_final_state=True)
            torch.autograd.grad(o.sum() + after.sum(), inputs)

        slow, fast = interleaved(theirs, ours, pairs=20)
        results.append({"tokens": n_tokens, "ours_ms": float(np.median(fast) * 1e3), **ratio_of_medians(slow, fast)})
    return results


def live_run_ms(checkpoint: Checkpoint) -> dict[str, Any]:
    """Median milliseconds of a whole recorded run of the most rows at N = 8, "if woken now" included."""
    spec = _home(checkpoint, 8)
    times = []
    for _ in range(7):
        started = time.perf_counter()
        events = sum(1 for _ in record(spec, checkpoint))
        times.append(time.perf_counter() - started)
    return {"median": float(np.median(times[2:]) * 1e3), "events": events}


def evaluation(checkpoint: Checkpoint) -> dict[str, Any]:
    """Seconds that `eval` takes for a batch asleep at once, over those in slices, and instances a second in slices."""
    task, n = checkpoint.task, BATCH
    hardest, shortest = np.full(n, task.difficulty_max), task.windows_min
    batch = task.batch(np.random.default_rng(0), size=n, n_windows=shortest, difficulty=hardest, split="held_out")
    setting = Setting(SleepPolicy(2, sleep_attention=checkpoint.info.sleep_attention))
    context = torch.from_numpy(batch.windows).flatten(1)
    with torch.inference_mode():
        at_once, in_slices = interleaved(
            lambda: slept_through(checkpoint.model, task, context, setting),
            lambda: asleep(checkpoint.model, task, batch, setting),
            pairs=5,
        )
    return {"instances_per_s": n / float(np.median(in_slices)), **ratio_of_medians(at_once, in_slices)}


_APP_SESSION = """
import json, pathlib, sys
from streamlit.testing.v1 import AppTest
page = AppTest.from_file(str(pathlib.Path("app/main.py").resolve()), default_timeout=120).run()
assert not page.exception, page.exception
from sleepviz.runs.record import trace
from sleepviz.config.run import RunSpec
trace(RunSpec(*sys.argv[1:]))
status = pathlib.Path("/proc/self/status").read_text()
resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
print(json.dumps({"resident_mb": int(resident.split()[1]) / 1024, "transformers": "transformers" in sys.modules}))
"""


def app_memory() -> dict[str, Any]:
    """Resident megabytes of a process that has rendered the first page and run one problem live (Linux only)."""
    text = _home(load(task=TASK), 8).input
    command = [sys.executable, "-c", _APP_SESSION, TASK, text]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    if run.returncode:
        return {"error": (run.stderr.strip().splitlines() or ["the page did not run"])[-1]}
    measured: dict[str, Any] = json.loads(run.stdout.strip().splitlines()[-1])
    return measured
