"""Train our text model and write it as any transformers model is written.

`python -m sleepviz.studies.hybrids.text_model` does it.

The folder holds config.json, model.safetensors, tokenizer.json and training.json, which says how it was made.
Ctrl-C keeps the state; --resume goes on from it. With --further a finished model learns on, mostly from
questions of several hops.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from sleepviz.config.base import ConfigError
from sleepviz.config.places import ASSETS
from sleepviz.core.model import HybridLM
from sleepviz.hybrids.modeling import SleepConfig, SleepForCausalLM
from sleepviz.hybrids.models.loading import load_sleeper
from sleepviz.hybrids.models.text_tokenizer import build_tokenizer
from sleepviz.runs.checkpoint import CheckpointError, provenance, write_atomically
from sleepviz.text import example
from sleepviz.text.lessons import Writer
from sleepviz.text.training import FURTHER_ONE_HOP_SHARE, FURTHER_STAGES, MODEL, STAGES, TextTrainer, TextTraining
from sleepviz.training import loop
from sleepviz.training.train import compiled

FOLDER = ASSETS / "models"
NAME = example.MODEL


def write_model(trainer: TextTrainer, folder: Path, command: str, before: dict[str, Any] | None = None) -> None:
    """Model, tokenizer and how they were made, with the description of the training `before`; training.json last."""
    weights = {name: tensor.detach().contiguous() for name, tensor in trainer.model.state_dict().items()}
    config = SleepConfig(
        architecture=trainer.model.config.to_json(),
        passes_trained=trainer.config.fixed_passes or trainer.config.stages[trainer.progress.stage].passes,
        digest=hashlib.sha256(save(weights)).hexdigest(),
        eos_token_id=trainer.writer.tokenizer.eos_token_id,
    )
    model = SleepForCausalLM(config)
    model.lm.load_state_dict(weights)
    model.eval().save_pretrained(folder)
    trainer.writer.tokenizer.save_pretrained(folder)
    described: dict[str, Any] = {
        "command": command,
        "seed": trainer.seed,
        "settings": trainer.config.to_json(),
        "training": asdict(trainer.progress),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **provenance(),
        **({} if before is None else {"before": before}),
    }
    write_atomically(folder / "training.json", (json.dumps(described, indent=1) + "\n").encode())


def main() -> int:
    """Train to the end and print where the model is."""
    parser = argparse.ArgumentParser(prog="python -m sleepviz.studies.hybrids.text_model", description=__doc__)
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--passes", type=int, default=0, help="N, the same in every step (default: any from 1 to 4)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--further", action="store_true", help="begin with the finished model of that name")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--compile", action="store_true", help="compile the pass; needs a C++ compiler")
    parser.add_argument("--name", default=NAME, help="of the folder in assets/models")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the resumable state goes")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # the model is far too small for more
    tokenizer = build_tokenizer()
    model = HybridLM(MODEL, generator=torch.Generator().manual_seed(arguments.seed))
    config = TextTraining(STAGES, arguments.steps, fixed_passes=arguments.passes)
    before: dict[str, Any] | None = None
    if arguments.further:
        model.load_state_dict(load_sleeper(str(FOLDER / arguments.name)).lm.state_dict())
        before = json.loads((FOLDER / arguments.name / "training.json").read_text(encoding="utf-8"))
        config = replace(config, stages=FURTHER_STAGES, one_hop_share=FURTHER_ONE_HOP_SHARE)
    trainer = TextTrainer(config, arguments.seed, model, Writer(tokenizer, MODEL.window))
    kept = arguments.runs / arguments.name
    try:
        if arguments.resume:
            loop.load_state(trainer, kept / "state.pt")
        if arguments.compile:
            compiled(model)
    except (CheckpointError, ConfigError) as error:
        print(error, file=sys.stderr)
        return 2
    loop.run(trainer, kept, title="text", resume=arguments.resume)
    words = f"--steps {arguments.steps} --seed {arguments.seed} --passes {arguments.passes} --compile"
    words += " --further" if arguments.further else ""
    write_model(trainer, FOLDER / arguments.name, f"python -m sleepviz.studies.hybrids.text_model {words}", before)
    print(json.dumps({"folder": arguments.name, **asdict(trainer.progress)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
