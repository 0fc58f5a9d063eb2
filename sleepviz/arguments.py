"""The words of the command line: every subcommand and flag, and what argparse does not refuse by itself."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, get_args

from sleepviz.config.outside import path_of
from sleepviz.config.run import Control
from sleepviz.tasks import FAMILIES, TASKS

DESCRIPTION = "JSON on stdout, progress on stderr; bad input is one sentence and exit status 2."


class UsageError(ValueError):
    """The command's words are off; the message is one sentence."""


class Parser(argparse.ArgumentParser):
    """argparse, but every refusal is one line on stderr."""

    def error(self, message: str) -> Any:
        """Raise instead of printing the usage and exiting."""
        raise UsageError(f"{message[:1].upper()}{message[1:].rstrip('.')}.".replace("\n", " "))


def whole_numbers(text: str) -> list[int]:
    """Read "1,2,4" as [1, 2, 4]."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a list of whole numbers such as 1,2,4") from error


def folder(text: str) -> Path:
    """Read the name of a folder, with ~ for one's own."""
    if not text.strip():
        raise argparse.ArgumentTypeError("give the name of a folder")
    return path_of(text)


def build_parser() -> Parser:
    """Every subcommand and flag; the chosen subcommand stands in `command`."""
    parser = Parser(prog="python -m sleepviz", description=DESCRIPTION)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str) -> Parser:
        sub: Parser = commands.add_parser(name, help=text, description=text)
        return sub

    run = command("run", "Run one problem, or one a line of a file, and print what happened.")
    run.add_argument("--input", help="the problem as JSON")
    run.add_argument("--inputs", help="a file with one problem a line; - is standard input")
    run.add_argument("--events", action="store_true", help="with --inputs: print the events too")
    run.add_argument("--seed", type=int, default=0, help="of the untrained and shuffled_state controls")
    evaluate = command("eval", "Measure accuracy on held-out problems.")
    evaluate.add_argument("--difficulty", type=whole_numbers, required=True)
    evaluate.add_argument("--n", type=int, default=512, help="instances for each N and difficulty")
    evaluate.add_argument("--seed", type=int, default=7)
    evaluate.add_argument("--rows", type=int, help="windows in an instance (default: the most)")
    for sub in (run, evaluate):
        sub.add_argument("--task", required=True, choices=sorted(TASKS))
        sub.add_argument("--checkpoint", default="")
        sub.add_argument("--passes", type=whole_numbers, default=[4], help="N, or several: 1,2,4")
        sub.add_argument("--eviction", choices=("hard", "sliding"), default="hard")
        sub.add_argument("--sleep-attention", choices=("causal", "full"), default="")
        sub.add_argument("--trigger", default="window", help="window, every:M, manual:A,B, surprise:R or statement:K")
        sub.add_argument("--spend", default="fixed", help="passes: fixed, still:T, even:B or hardest:B")
        sub.add_argument("--control", choices=get_args(Control), default="none")
        sub.add_argument("--json", action="store_true", help="accepted for clarity: output is always JSON")

    train = command("train", "Train a preset; Ctrl-C keeps the state for --resume.")
    train.add_argument("--preset", required=True)
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--steps", type=int, help="optimiser steps instead of the preset's budget")
    train.add_argument("--budget", default="", help="tokens:X or flops:X instead of the preset's budget")
    train.add_argument("--resume", action="store_true")
    train.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    train.add_argument("--compile", action="store_true", help="compile the pass; needs a C++ compiler")
    train.add_argument("--runs", type=folder, default=Path("runs"), help="where the state and the checkpoint go")
    train.add_argument("--publish", action="store_true", help="put the checkpoint where commands and pages find it")
    train.add_argument("--folder", type=folder, help="where that is (default: assets/checkpoints)")

    tune = command("tune", "Fine-tune a transformers model for sleep; Ctrl-C keeps the state for --resume.")
    tune.add_argument("--model", required=True, help="a folder, or a name on the hub")
    tune.add_argument("--task", default="", help=f"{', '.join(FAMILIES)}, or FILE.jsonl (context, question, answer)")
    tune.add_argument("--text", nargs="+", default=[], metavar="FILE", help="in place of --task: learn how texts go on")
    tune.add_argument("--sizes", default="", help="the task's sizes as JSON, for example '{\"hops_max\": 4}'")
    tune.add_argument("--difficulty", type=whole_numbers, default=[], help="levels to teach (default: all)")
    tune.add_argument("--window", type=int, help="L, tokens (default: the task's)")
    tune.add_argument("--passes", type=int, default=4, help="N")
    tune.add_argument("--eviction", choices=("hard", "sliding"), default="hard")
    tune.add_argument(
        "--hard-warmup", type=int, default=0, help="with sliding: number of steps with hard eviction first"
    )
    tune.add_argument(
        "--levels-per-pass",
        type=int,
        default=0,
        help="train with random N up to --passes, with this many levels of difficulty a pass (0: fixed N)",
    )
    tune.add_argument(
        "--pass-loss", "--stream-loss", type=float, default=0.0, help="weight of a loss on what each pass puts out"
    )
    tune.add_argument("--steps", type=int, default=1000)
    tune.add_argument("--batch", type=int, default=16)
    tune.add_argument("--lr-muon", type=float, default=1e-3)
    tune.add_argument("--lr-adamw", type=float, default=5e-5)
    tune.add_argument("--seed", type=int, default=0)
    tune.add_argument("--resume", action="store_true")
    tune.add_argument("--out", type=folder, help="the folder of the tuned model (default: in runs/)")
    tune.add_argument("--exam", type=int, default=128, help="held-out instances for each N and difficulty")
    tune.add_argument("--add-fast-weights", type=whole_numbers, default=[], help="first put memory before these layers")
    tune.add_argument("--only-memory", action="store_true", help="train the added memory alone, and write only that")
    tune.add_argument("--associative", action="store_true", help="initialise the added memory as a key-value lookup")
    tune.add_argument("--span", type=whole_numbers, default=[], help="FIRST,LAST: loop these layers only")
    tune.add_argument("--convolution", choices=("rewind", "zero", "carry"), default="rewind")
    tune.add_argument("--chunk-size", type=int, help="of the library's delta rule, for windows under 64 tokens")
    tune.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    tune.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    tune.add_argument("--trust-remote-code", action="store_true", help="run code that the model's repository brings")

    experiments = command("experiments", "Make the results files behind every published figure.")
    experiments.add_argument("--queue", action="store_true", help="run what is missing, and resume")
    experiments.add_argument("--only", choices=sorted(FAMILIES))
    experiments.add_argument("--workers", type=int, default=1, help="processes that measure, one thread each")
    experiments.add_argument(
        "--scheduler", default="", help="address of a dask scheduler, whose workers measure instead"
    )
    command("schedules", "Compare when to sleep, at equal numbers of passes; writes what is missing.")
    record = command("record", "Make the recorded runs that pages show first.")
    record.add_argument("--all", action="store_true", required=True)
    app = command("app", "Serve the app in a browser; Ctrl-C ends it.")
    app.add_argument("--port", type=int, default=8501)
    app.add_argument("--address", default="127.0.0.1", help="0.0.0.0 lets other machines visit")
    health = command(
        "health", "Open a served app as a browser does and run one problem; the exit status says if it works."
    )
    health.add_argument("--url", default="http://127.0.0.1:8501")
    health.add_argument("--seconds", type=float, default=60.0, help="how long to wait for the whole visit")
    bench = command("bench", "Measure speed and memory on this machine.")
    checkpoints = command("checkpoints", "List the checkpoints and what may be asked of them.")
    for sub in (bench, checkpoints):
        sub.add_argument("--json", action="store_true", help="accepted for clarity: output is always JSON")
    return parser
