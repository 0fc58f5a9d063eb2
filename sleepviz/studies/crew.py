"""Who does the work of a queue: this process, local processes, or machines under dask. All are standard Executors.

A task is a pure function of its arguments, so that a lost worker's task is simply done again. A task whose worker dies
while nothing else is under way has killed it; after `DEATHS_MAX` such deaths the task is given up and the rest goes on.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypeVar

from sleepviz.config.base import ConfigError

DEATHS_MAX = 2
FINISH_S = 60.0  # on Ctrl-C, for what is under way
Asked = TypeVar("Asked")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Lost:
    """In place of a result: the task killed its worker each time."""


@dataclass(frozen=True)
class Crew:
    """`open` starts the workers, `at_once` tasks are under way together, `losses` are raised for a dead worker."""

    open: Callable[[], Executor]
    at_once: int = 1
    losses: tuple[type[BaseException], ...] = (BrokenExecutor,)
    is_here: bool = False  # in the process that asks: a task may share objects with it


class _Here(Executor):
    """Does each task at once, in the process that asks for it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """The task's future, which is over."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


HERE = Crew(_Here, is_here=True)


def processes(workers: int) -> Crew:
    """Local processes, one thread each."""

    def start() -> Executor:
        context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
        return ProcessPoolExecutor(workers, mp_context=context, initializer=_leave_interrupts_to_the_parent)

    return Crew(start, at_once=workers)


def _leave_interrupts_to_the_parent() -> None:
    """A terminal sends Ctrl-C to every process; the parent lets the workers finish their task."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def machines(address: str) -> Crew:
    """The workers of a dask scheduler, which must hold this version and the same checkpoints. Raises ConfigError."""
    try:
        from distributed import Client, KilledWorker
    except ImportError as error:
        raise ConfigError("--scheduler needs dask: pip install 'sleepviz[dask]'.") from error
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise ConfigError(f"no dask scheduler answers at {address[:80]!r}.") from error
    workers = len(client.scheduler_info()["workers"])
    if not workers:
        raise ConfigError(f"the dask scheduler at {address[:80]!r} has no workers.")
    return Crew(lambda: client.get_executor(pure=False), at_once=2 * workers, losses=(BrokenExecutor, KilledWorker))


def done_by(
    crew: Crew, function: Callable[[Asked], Found], tasks: Sequence[Asked]
) -> Iterator[tuple[Asked, Found | Lost]]:
    """Every task with its result, as they are finished. What the function raises is raised.

    On Ctrl-C no further task is begun, and those under way are finished and yielded before KeyboardInterrupt.
    """
    todo, deaths, suspects = deque(range(len(tasks))), Counter[int](), set[int]()
    while todo:
        executor, under_way = crew.open(), dict[Future[Found], int]()
        interrupted: KeyboardInterrupt | None = None
        try:
            while todo or under_way:
                while todo and not interrupted and _may_begin(todo[0], under_way, suspects, crew.at_once):
                    under_way[executor.submit(function, tasks[todo[0]])] = todo[0]
                    todo.popleft()
                try:
                    over, _ = wait(under_way, FINISH_S if interrupted else None, FIRST_COMPLETED)
                except KeyboardInterrupt as stop:
                    if interrupted:
                        raise
                    interrupted = stop
                    continue
                for future in sorted(over, key=under_way.__getitem__):
                    found = future.result()
                    suspects.discard(under_way[future])
                    yield tasks[under_way.pop(future)], found
                if interrupted and not (over and under_way):
                    raise interrupted
        except crew.losses:
            left = sorted(under_way.values())
            deaths.update(left if len(left) == 1 else ())
            suspects.update(left)
            for index in left:
                if deaths[index] >= DEATHS_MAX:
                    yield tasks[index], Lost()
            todo.extendleft(reversed([index for index in left if deaths[index] < DEATHS_MAX]))
        finally:
            for future in under_way:
                future.cancel()
            executor.shutdown(wait=False)


def _may_begin(index: int, under_way: dict[Any, int], suspects: set[int], at_once: int) -> bool:
    """Whoever was under way when a worker died is tried alone."""
    if not under_way:
        return True
    return len(under_way) < at_once and index not in suspects and not suspects & set(under_way.values())
