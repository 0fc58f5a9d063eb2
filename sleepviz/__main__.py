"""The command line: JSON on stdout, progress on stderr; bad input is one sentence and exit status 2."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sleepviz.arguments import UsageError, build_parser
from sleepviz.config.base import ConfigError
from sleepviz.config.outside import InputError, lines_of, path_of, strict_json
from sleepviz.config.run import RunSpec, Spending, Trigger
from sleepviz.health import health
from sleepviz.runs.checkpoint import CheckpointError, list_checkpoints
from sleepviz.serve import ServeError, serve
from sleepviz.tasks import preset_named

LINES_MAX = 100_000
WORKERS_MAX = 64
HEALTH_MAX_S = 3600
MESSAGE_MAX_CHARACTERS = 500
CLOSED_PIPE = 141  # what a shell says of a program that its reader has left


def emit(value: Any) -> None:
    """Print one line of strict JSON."""
    print(strict_json(value), flush=True)


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
        spending=Spending.parse(arguments.spend),
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


def _lines(name: str) -> Iterator[str]:
    """Lines of a file or of standard input, blank ones left out. Raises UsageError and InputError."""
    try:
        with sys.stdin.buffer if name == "-" else path_of(name).open("rb") as file:
            for number, line in lines_of(file, f"the file {name[:80]!r} cannot be read: it"):
                if number > LINES_MAX:
                    raise UsageError(f"The file has more than {LINES_MAX} lines.")
                yield line
    except (OSError, ValueError, AttributeError) as error:  # standard input that is closed has no buffer
        if isinstance(error, InputError | UsageError):
            raise
        raise UsageError(f"The file {name[:80]!r} cannot be read.") from error


def _require_device(name: str) -> None:
    """Refuse a GPU that is not there. Raises UsageError."""
    import torch

    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: torch finds no GPU on this machine; write cpu or auto.")


def _require_folder(path: Path) -> None:
    """Refuse a folder that cannot be made or written to, before any work is done for it. Raises UsageError."""
    there = next(each for each in (path, *path.parents) if each.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise UsageError(f"The folder {str(path)[:80]!r} cannot be made: {str(there)[:80]!r} is not a writable folder.")


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
    from sleepviz.config.training import Budget
    from sleepviz.runs.checkpoint import FOLDER, read_info
    from sleepviz.training.together import processes_of_torchrun
    from sleepviz.training.train import train

    budget = None
    if arguments.budget:
        budget = Budget.parse(arguments.budget)
    elif arguments.steps is not None:
        budget = Budget.steps(arguments.steps)
    checkpoints, runs = arguments.folder or FOLDER, arguments.runs
    _require_folder(checkpoints)
    _require_folder(runs)
    _require_device(arguments.device)
    with processes_of_torchrun(arguments.device) as together:
        path = train(
            preset_named(arguments.preset),
            seed=arguments.seed,
            budget=budget,
            resume=arguments.resume,
            device=arguments.device,
            compile_pass=arguments.compile,
            command=_retold(arguments),
            publish=arguments.publish,
            folder=checkpoints,
            runs=runs,
            together=together,
        )
        if together.is_first:
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

    name, task = arguments.model, arguments.task
    out = arguments.out or Path("runs") / f"tune-{Path(name).name}-{Path(task).stem or 'text'}-n{arguments.passes}"
    if len(arguments.span) not in (0, 2):
        raise UsageError("--span is written FIRST,LAST, for example 1,3.")
    _require_folder(out)
    _require_device(arguments.device)
    settings = {
        "n_passes": arguments.passes,
        "hard_warmup_steps": arguments.hard_warmup,
        "span": tuple(arguments.span) or None,
        **{key: getattr(arguments, key) for key in ("window", "eviction", "steps", "batch", "seed", "convolution")},
        **{key: getattr(arguments, key) for key in ("lr_muon", "lr_adamw", "chunk_size")},
        **{key: getattr(arguments, key) for key in ("levels_per_pass", "pass_loss", "only_memory")},
    }
    report = tune_by_name(
        name,
        task,
        settings,
        out=out,
        sizes=arguments.sizes,
        difficulties=arguments.difficulty,
        memory_layers=arguments.add_fast_weights,
        associative=arguments.associative,
        texts=arguments.text,
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
    if not 1 <= arguments.workers <= WORKERS_MAX:
        raise UsageError(f"--workers must be a whole number from 1 to {WORKERS_MAX}.")
    from sleepviz.studies.crew import machines, processes
    from sleepviz.studies.queue import run_queue

    crew = machines(arguments.scheduler) if arguments.scheduler else processes(arguments.workers)
    emit(run_queue(only=arguments.only, crew=crew))


def schedules_command(arguments: argparse.Namespace) -> None:
    """`schedules`: when to sleep, compared at equal passes, from where it was left."""
    from sleepviz.studies.schedules.measure import run_schedules

    emit(run_schedules())


def record_command(arguments: argparse.Namespace) -> None:
    """`record --all`: the recorded runs."""
    from sleepviz.studies.recordings import record_all

    emit(record_all())


def app_command(arguments: argparse.Namespace) -> None:
    """`app`: Streamlit serves the app until it is interrupted."""
    serve(port=arguments.port, address=arguments.address)


def health_command(arguments: argparse.Namespace) -> None:
    """`health`: one line; the exit status is the verdict."""
    if not arguments.url.startswith(("http://", "https://")):
        raise UsageError("--url must begin with http:// or https://.")
    if not 0 < arguments.seconds <= HEALTH_MAX_S:
        raise UsageError(f"--seconds must be a number above 0 and up to {HEALTH_MAX_S}.")
    health(arguments.url, patience_s=arguments.seconds)


def bench_command(arguments: argparse.Namespace) -> None:
    """`bench`: ratios and medians on this machine."""
    from sleepviz.studies.bench import bench

    emit(bench())


def checkpoints_command(arguments: argparse.Namespace) -> None:
    """`checkpoints`: a list; torch is not imported."""
    emit([info.to_json() for info in list_checkpoints()])


COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "run": run_command,
    "eval": eval_command,
    "train": train_command,
    "tune": tune_command,
    "experiments": experiments_command,
    "schedules": schedules_command,
    "record": record_command,
    "app": app_command,
    "health": health_command,
    "bench": bench_command,
    "checkpoints": checkpoints_command,
}


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status. To be told to end is as good as Ctrl-C: what was done is kept."""
    try:
        try:
            arguments = build_parser().parse_args(words)
            with _ended_like_ctrl_c():
                COMMANDS[arguments.command](arguments)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # --help is not flushed by argparse
    except (UsageError, InputError, ConfigError, CheckpointError, ServeError) as error:
        return _refused(str(error))
    except BrokenPipeError:
        _drop_output()
        return CLOSED_PIPE
    except OSError as error:
        _drop_output()
        return _refused(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}.")
    except MemoryError:
        return _refused("There is not enough memory for this.")
    except KeyboardInterrupt:
        print("Stopped; what was done is kept, and --resume goes on from it.", file=sys.stderr)
        return 130
    return 0


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt, which every command knows; a thread cannot be told so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _refused(sentence: str) -> int:
    line = " ".join(sentence.split())
    print(line if len(line) <= MESSAGE_MAX_CHARACTERS else f"{line[:MESSAGE_MAX_CHARACTERS]} ...", file=sys.stderr)
    return 2


def _drop_output() -> None:
    """Let what could not be written go nowhere, or Python tries again at its end and complains."""
    with suppress(OSError, ValueError, AttributeError):  # a test's standard output is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
