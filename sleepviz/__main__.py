"""The command line: JSON on stdout, progress on stderr; bad input is one sentence and exit status 2."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

from sleepviz.config.base import ConfigError
from sleepviz.config.run import Control, RunSpec, Trigger
from sleepviz.runs.checkpoint import CheckpointError, list_checkpoints
from sleepviz.serve import ServeError, serve
from sleepviz.tasks import TASKS
from sleepviz.tasks.base import InputError

LINES_MAX = 100_000
MESSAGE_MAX_CHARACTERS = 500


class UsageError(ValueError):
    """The command's words are off; the message is one sentence."""


class Parser(argparse.ArgumentParser):
    """argparse, but every refusal is one line on stderr."""

    def error(self, message: str) -> Any:
        """Raise instead of printing the usage and exiting."""
        raise UsageError(f"{message[:1].upper()}{message[1:]}.".replace("\n", " "))


def whole_numbers(text: str) -> list[int]:
    """Read "1,2,4" as [1, 2, 4]."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a list of whole numbers such as 1,2,4") from error


def build_parser() -> Parser:
    """Every subcommand and flag."""
    parser = Parser(prog="python -m sleepviz", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], None], text: str) -> Parser:
        sub: Parser = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    run = command("run", run_command, "Run one problem, or one a line of a file, and print what happened.")
    run.add_argument("--input", help="the problem as JSON")
    run.add_argument("--inputs", help="a file with one problem a line; - is standard input")
    run.add_argument("--events", action="store_true", help="with --inputs: print the events too")
    run.add_argument("--seed", type=int, default=0, help="of the untrained and shuffled_state controls")
    evaluate = command("eval", eval_command, "Measure accuracy on held-out problems.")
    evaluate.add_argument("--difficulty", type=whole_numbers, required=True)
    evaluate.add_argument("--n", type=int, default=512, help="instances a cell")
    evaluate.add_argument("--seed", type=int, default=7)
    evaluate.add_argument("--rows", type=int, help="windows in an instance (default: the most)")
    for sub in (run, evaluate):
        sub.add_argument("--task", required=True, choices=sorted(TASKS))
        sub.add_argument("--checkpoint", default="")
        sub.add_argument("--passes", type=whole_numbers, default=[4], help="N, or several: 1,2,4")
        sub.add_argument("--eviction", choices=("hard", "sliding"), default="hard")
        sub.add_argument("--sleep-attention", choices=("causal", "full"), default="")
        sub.add_argument("--trigger", default="window", help="window, every:M or manual:A,B")
        sub.add_argument("--control", choices=get_args(Control), default="none")
        sub.add_argument("--json", action="store_true", help="accepted for clarity: output is always JSON")

    train = command("train", train_command, "Train a preset; Ctrl-C keeps the state for --resume.")
    train.add_argument("--preset", required=True)
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--steps", type=int, help="optimiser steps instead of the preset's budget")
    train.add_argument("--budget", default="", help="tokens:X or flops:X instead of the preset's budget")
    train.add_argument("--resume", action="store_true")
    train.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    train.add_argument("--compile", action="store_true", help="compile the pass; needs a C++ compiler")
    train.add_argument("--folder", type=Path, help="where the checkpoint goes (default: assets/checkpoints)")
    train.add_argument("--runs", type=Path, default=Path("runs"), help="where the resumable state goes")

    tune = command(
        "tune", tune_command, "Fine-tune a transformers model for sleep; Ctrl-C keeps the state for --resume."
    )
    tune.add_argument("--model", required=True, help="a folder, or a name on the hub")
    tune.add_argument("--task", required=True, help="gsm, depo, rule110, or FILE.jsonl (context, question, answer)")
    tune.add_argument("--sizes", default="", help="the task's sizes as JSON, for example '{\"hops_max\": 4}'")
    tune.add_argument("--difficulty", type=whole_numbers, default=[], help="levels to teach (default: all)")
    tune.add_argument("--window", type=int, help="L, tokens (default: the task's)")
    tune.add_argument("--passes", type=int, default=4, help="N")
    tune.add_argument("--eviction", choices=("hard", "sliding"), default="hard")
    tune.add_argument("--hard-warmup", type=int, default=0, help="with sliding: so many steps of hard eviction first")
    tune.add_argument("--levels-per-pass", type=int, default=0, help="draw N from 1 to --passes, ask so much a pass")
    tune.add_argument("--stream-loss", type=float, default=0.0, help="weight of a loss on what each pass puts out")
    tune.add_argument("--steps", type=int, default=1000)
    tune.add_argument("--batch", type=int, default=16)
    tune.add_argument("--lr-muon", type=float, default=1e-3)
    tune.add_argument("--lr-adamw", type=float, default=5e-5)
    tune.add_argument("--seed", type=int, default=0)
    tune.add_argument("--resume", action="store_true")
    tune.add_argument("--out", type=Path, help="the folder of the tuned model (default: in runs/)")
    tune.add_argument("--exam", type=int, default=128, help="held-out instances a cell, before and after")
    tune.add_argument("--add-fast-weights", type=whole_numbers, default=[], help="first put memory before these layers")
    tune.add_argument("--associative", action="store_true", help="let that memory begin as look-ups")
    tune.add_argument("--span", type=whole_numbers, default=[], help="FIRST,LAST: loop these layers only")
    tune.add_argument("--convolution", choices=("rewind", "zero", "carry"), default="rewind")
    tune.add_argument("--chunk-size", type=int, help="of the library's delta rule, for windows under 64 tokens")
    tune.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    tune.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    tune.add_argument("--trust-remote-code", action="store_true", help="run code that the model's repository brings")

    experiments = command("experiments", experiments_command, "Make the results files behind every published figure.")
    experiments.add_argument("--queue", action="store_true", help="run what is missing, and resume")
    experiments.add_argument("--only", choices=sorted(TASKS))
    record = command("record", record_command, "Make the recorded runs that pages show first.")
    record.add_argument("--all", action="store_true", required=True)
    app = command("app", app_command, "Serve the app in a browser; Ctrl-C ends it.")
    app.add_argument("--port", type=int, default=8501)
    app.add_argument("--address", default="127.0.0.1", help="0.0.0.0 lets other machines visit")
    bench = command("bench", bench_command, "Measure speed and memory on this machine.")
    checkpoints = command("checkpoints", checkpoints_command, "List the checkpoints and what may be asked of them.")
    for sub in (bench, checkpoints):
        sub.add_argument("--json", action="store_true", help="accepted for clarity: output is always JSON")
    return parser


def emit(value: Any) -> None:
    """Print one line of JSON."""
    print(json.dumps(value), flush=True)


def spec_of(arguments: argparse.Namespace, text: str = "", n_passes: int = 1) -> RunSpec:
    """The run that the flags which `run` and `eval` share describe. Raises ConfigError."""
    return RunSpec(
        task=arguments.task,
        input=text,
        checkpoint=arguments.checkpoint,
        n_passes=n_passes,
        eviction=arguments.eviction,
        sleep_attention=arguments.sleep_attention,
        trigger=Trigger.parse(arguments.trigger),
        control=arguments.control,
        seed=arguments.seed,
    )


def run_command(arguments: argparse.Namespace) -> None:
    """`run`: one problem with its events, or one line for each input and N."""
    if (arguments.input is None) == (arguments.inputs is None):
        raise UsageError("Give either --input with one problem or --inputs with a file of them.")
    from sleepviz.runs.record import checkpoint_of, run_summary

    if arguments.input is not None:
        for spec in [spec_of(arguments, arguments.input, n_passes) for n_passes in arguments.passes]:
            emit(run_summary(spec, checkpoint_of(spec), events=True))
        return
    checkpoint = checkpoint_of(spec_of(arguments))
    for line in _lines(arguments.inputs):
        for n_passes in arguments.passes:
            try:
                emit(run_summary(spec_of(arguments, line, n_passes), checkpoint, events=arguments.events))
            except (InputError, ConfigError) as error:
                emit({"passes": n_passes, "error": str(error)})


def _lines(path: str) -> Iterator[str]:
    """Lines of a file or of standard input, blank ones left out. Raises UsageError."""
    try:
        with sys.stdin if path == "-" else open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if number > LINES_MAX:
                    raise UsageError(f"The file has more than {LINES_MAX} lines.")
                if line.strip():
                    yield line.strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The file {path!r} cannot be read.") from error


def eval_command(arguments: argparse.Namespace) -> None:
    """`eval`: accuracy over passes and difficulty."""
    from sleepviz.training.evaluate import evaluate

    emit(
        evaluate(
            spec_of(arguments),
            passes=arguments.passes,
            difficulties=arguments.difficulty,
            n=arguments.n,
            n_windows=arguments.rows,
        )
    )


def train_command(arguments: argparse.Namespace) -> None:
    """`train`: a preset to the end, then its checkpoint's description."""
    from sleepviz.runs.checkpoint import FOLDER, read_info
    from sleepviz.training.presets import preset_named
    from sleepviz.training.train import train

    path = train(
        preset_named(arguments.preset),
        seed=arguments.seed,
        steps=arguments.steps,
        budget=arguments.budget,
        resume=arguments.resume,
        device=arguments.device,
        compile_pass=arguments.compile,
        command=_retold(arguments),
        folder=arguments.folder or FOLDER,
        runs=arguments.runs,
    )
    emit(read_info(path).to_json())


def _retold(arguments: argparse.Namespace) -> str:
    """The command that makes this checkpoint, without what does not change it."""
    words = ["python -m sleepviz train --preset", arguments.preset]
    words += ["--seed", str(arguments.seed)]
    words += ["--steps", str(arguments.steps)] if arguments.steps else []
    words += ["--budget", arguments.budget] if arguments.budget else []
    words += ["--compile"] if arguments.compile else []
    return " ".join(words)


def tune_command(arguments: argparse.Namespace) -> None:
    """`tune`: a transformers model, tuned to sleep; then what it got right before and after."""
    from sleepviz.hybrids.tuning.command import tune_by_name

    name, task, out = arguments.model, arguments.task, arguments.out
    settings = {
        "n_passes": arguments.passes,
        "hard_warmup_steps": arguments.hard_warmup,
        "span": tuple(arguments.span) or None,
        **{key: getattr(arguments, key) for key in ("window", "eviction", "steps", "batch", "seed", "convolution")},
        **{key: getattr(arguments, key) for key in ("lr_muon", "lr_adamw", "chunk_size")},
        **{key: getattr(arguments, key) for key in ("levels_per_pass", "stream_loss")},
    }
    report = tune_by_name(
        name,
        task,
        settings,
        out=out or Path("runs") / f"tune-{Path(name).name}-{Path(task).stem}-n{arguments.passes}",
        sizes=arguments.sizes,
        difficulties=arguments.difficulty,
        memory_layers=arguments.add_fast_weights,
        associative=arguments.associative,
        resume=arguments.resume,
        exam_size=arguments.exam,
        device=arguments.device,
        dtype=arguments.dtype,
        trust_remote_code=arguments.trust_remote_code,
    )
    emit(report)


def experiments_command(arguments: argparse.Namespace) -> None:
    """`experiments`: every results file, from where it was left."""
    if not arguments.queue:
        raise UsageError("Write experiments --queue to run what is missing.")
    from sleepviz.studies.queue import run_queue

    emit(run_queue(only=arguments.only))


def record_command(arguments: argparse.Namespace) -> None:
    """`record --all`: the recorded runs."""
    from sleepviz.studies.recordings import record_all

    emit(record_all())


def app_command(arguments: argparse.Namespace) -> None:
    """`app`: Streamlit serves the app until it is interrupted."""
    serve(port=arguments.port, address=arguments.address)


def bench_command(arguments: argparse.Namespace) -> None:
    """`bench`: ratios and medians on this machine."""
    from sleepviz.studies.bench import bench

    emit(bench())


def checkpoints_command(arguments: argparse.Namespace) -> None:
    """`checkpoints`: a list; torch is not imported."""
    emit([info.to_json() for info in list_checkpoints()])


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    try:
        arguments = build_parser().parse_args(words)
        arguments.run(arguments)
    except (UsageError, InputError, ConfigError, CheckpointError, ServeError) as error:
        print(textwrap.shorten(str(error), MESSAGE_MAX_CHARACTERS, placeholder=" ..."), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; what was done is kept, and --resume goes on from it.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
