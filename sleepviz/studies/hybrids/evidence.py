"""Does sleep help a library model that was given fast weights? `python -m sleepviz.studies.hybrids.evidence`

A tiny random attention-only model (Llama, Qwen3) gets fast weights, which changes none of its outputs, and is
tuned on Depo in a small size, several times from the same start on as many context tokens:
    "any_n"       N drawn from 1 to PASSES, questions of up to N hops, a loss on what each pass puts out
    "n1_stream"   the same losses, but N = 1 throughout and questions of every number of hops
    "n1_answers"  N = 1 with the loss on the answers alone, as in the paper
Each is then asked the same held-out cycles. What is finished is kept in `runs/`, so the command resumes;
the results go to assets/results/hybrids_tuned.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from sleepviz.config.places import ASSETS
from sleepviz.hybrids.fast_weights import add_fast_weights
from sleepviz.hybrids.tuning.config import TuneConfig
from sleepviz.hybrids.tuning.exam import examine
from sleepviz.hybrids.tuning.examples import TaskExamples
from sleepviz.hybrids.tuning.tune import tune
from sleepviz.runs.checkpoint import write_atomically
from sleepviz.tasks import build_task

RESULTS = ASSETS / "results" / "hybrids_tuned.json"
# One window; 3 hops on are 6 back: no short way.
TASK = build_task("depo", {"nodes_max": 9, "nodes_min": 9, "window_edges": 9, "hops_max": 3})
PASSES = 4  # a hop that one pass finds is written down by the next
ASKED_PASSES = (0, 1, 2, 3, 4, 6, 8)  # of the any-N model; 0 is what can be guessed, above PASSES is beyond training
EXAM_SIZE = 512
FAMILIES: dict[str, tuple[type, type]] = {
    "llama": (LlamaConfig, LlamaForCausalLM),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM),
}
ANY_N = TuneConfig(
    window=TASK.window,
    n_passes=PASSES,
    levels_per_pass=1,
    pass_loss=1.0,
    steps=1400,
    batch=24,
    lr_muon=0.01,
    lr_adamw=2e-3,
    chunk_size=TASK.window,
)
RECIPES: dict[str, TuneConfig] = {
    "any_n": ANY_N,
    "n1_stream": replace(ANY_N, n_passes=1, levels_per_pass=0),
    "n1_answers": replace(ANY_N, n_passes=1, levels_per_pass=0, pass_loss=0.0),
}


@dataclass(frozen=True)
class Start:
    """A model with silent fast weights, and how far its logits are from those of the model that it was."""

    model: PreTrainedModel
    logits_difference: float  # the largest, over 8 contexts of the task


def start_of(family: str) -> Start:
    """The model that every recipe of a family starts from: 2 layers, d = 64, the library's own random weights."""
    config_class, model_class = FAMILIES[family]
    config = config_class(
        vocab_size=TASK.vocab_size,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=16,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # the library draws its weights from the global generator
        base = model_class(config).eval()
    model = add_fast_weights(base, (0, 1), heads=8, key_dim=16, value_dim=16, associative=True)
    tokens = torch.randint(TASK.vocab_size, (8, TASK.window), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        difference = (model(tokens).logits - base(tokens).logits).abs().max()
    return Start(model, float(difference))


def tuned(family: str, recipe: str, folder: Path) -> dict[str, Any]:
    """Tune, or go on, or find it done; then its entry with the examination."""
    out, config = folder / f"{family}-{recipe}", RECIPES[recipe]
    course = TaskExamples(TASK, tuple(range(TASK.difficulty_min, TASK.difficulty_max + 1)), exam_batch=256)
    start = start_of(family)
    if not (out / "tuning.json").exists():
        described: dict[str, Any] = {"model": family, "recipe": recipe, "task": TASK.name, "task_sizes": TASK.to_json()}
        described["logits_difference"] = start.logits_difference
        resume = (out / "state.pt").exists()
        tune(start.model, course, config, out, resume=resume, exam_size=EXAM_SIZE, described=described)
    described = json.loads((out / "tuning.json").read_text(encoding="utf-8"))
    model = AutoModelForCausalLM.from_pretrained(out)
    asked = ASKED_PASSES if config.n_passes > 1 else (0, 1)
    kept = ("model", "recipe", "task", "task_sizes", "logits_difference", "settings", "loss", "seconds")
    return {
        **{key: described[key] for key in (*kept, "commit", "dirty", "versions")},
        "context_tokens": config.steps * config.batch * TASK.window,
        "digest": hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest(),
        "before": described["before"],
        "after": examine(model, course, config, EXAM_SIZE, passes=asked),
    }


def main() -> int:
    """Tune and examine what is missing, and write the results file after each model."""
    parser = argparse.ArgumentParser(prog="python -m sleepviz.studies.hybrids.evidence", description=__doc__)
    parser.add_argument("--family", choices=sorted(FAMILIES), action="append", help="default: both")
    parser.add_argument("--runs", type=Path, default=Path("runs/hybrids-evidence"), help="where unfinished tunings are")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    entries = json.loads(RESULTS.read_text(encoding="utf-8"))["entries"] if RESULTS.exists() else []
    for family in arguments.family or sorted(FAMILIES):
        for recipe in RECIPES:
            try:
                entry = tuned(family, recipe, arguments.runs)
            except KeyboardInterrupt:
                print("Stopped; what was done is kept, and the same command goes on from it.", file=sys.stderr)
                return 130
            entries = [e for e in entries if (e["model"], e["recipe"]) != (family, recipe)] + [entry]
            results = {"command": "python -m sleepviz.studies.hybrids.evidence", "entries": entries}
            write_atomically(RESULTS, (json.dumps(results, indent=1) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
