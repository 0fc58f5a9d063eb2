"""What a sweep measures: its bounds, its link, its command, and the measurement itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.lab import lab_text
from app.shell import runs
from app.shell.results import Result
from app.shell.state import LinkError
from sleepviz.config.run import RunSpec

SIZES = (8, 16, 32, 64, 128)
SETTING_MAX = 128 * 12  # questions times passes in one setting: the others' runs wait for it, so it takes seconds
TOTAL_MAX = 20_000  # the same over all settings: about a minute
SEED_MAX = 1_000_000
LIVE = "live"
LINKED = ("passes", "levels", "n", "seed")  # names in the link
Z = 1.959964  # of a 95 % interval


@dataclass(frozen=True)
class Plan:
    """Which settings to measure, and on how many questions each."""

    task: str
    checkpoint: str
    digest: str
    passes: tuple[int, ...]
    difficulties: tuple[int, ...]
    n: int
    seed: int

    @property
    def total(self) -> int:
        """How many settings are to be measured: every N with every difficulty."""
        return len(self.passes) * len(self.difficulties)

    @property
    def problem(self) -> str:
        """Why it cannot be measured, with what is allowed; empty when it can."""
        if not self.total:
            return lab_text.CHOOSE
        most = SETTING_MAX // max(max(self.passes), 1)
        if self.n > most:
            return lab_text.TOO_MANY_INSTANCES.format(passes=max(self.passes), most=most)
        work = self.n * len(self.difficulties) * sum(max(n, 1) for n in self.passes)
        if work > TOTAL_MAX:
            return lab_text.TOO_MUCH.format(work=work, most=TOTAL_MAX)
        return ""

    @property
    def command(self) -> str:
        """A command that repeats the measurement, number for number."""
        passes, levels = (",".join(map(str, each)) for each in (self.passes, self.difficulties))
        return (
            f"python -m sleepviz eval --task {self.task} --checkpoint {self.checkpoint} --passes {passes} "
            f"--difficulty {levels} --n {self.n} --seed {self.seed} --json"
        )

    @property
    def python(self) -> str:
        """The same in Python: accuracy[N][difficulty] and its 95 % intervals."""
        return (
            "from sleepviz.config.run import RunSpec\n"
            "from sleepviz.training.evaluate import evaluate\n\n"
            f'spec = RunSpec("{self.task}", "", "{self.checkpoint}", seed={self.seed})\n'
            f"found = evaluate(spec, passes={self.passes}, difficulties={self.difficulties}, n={self.n})\n"
            'print(found["accuracy"], found["ci95"])\n'
        )

    @property
    def link(self) -> dict[str, str]:
        """The settings as a link's values."""
        passes, levels = (",".join(map(str, each)) for each in (self.passes, self.difficulties))
        return dict(zip(LINKED, (passes, levels, str(self.n), str(self.seed)), strict=True))


def read_link(given: Mapping[str, str], passes: Sequence[int], difficulties: Sequence[int]) -> dict[str, object]:
    """A link's values by name, checked against those that may be chosen. Raises LinkError."""
    found: dict[str, object] = {}
    for name, what, options in (("passes", lab_text.PASSES, passes), ("levels", "difficulties", difficulties)):
        if name in given:
            words = given[name].split(",")
            if not set(words) <= set(map(str, options)):
                listed = ", ".join(map(str, options))
                raise LinkError(lab_text.BAD_LIST.format(what=what, options=listed))
            found[name] = sorted({int(word) for word in words})
    if "n" in given:
        if given["n"] not in map(str, SIZES):
            raise LinkError(lab_text.BAD_SIZE.format(options=", ".join(map(str, SIZES))))
        found["n"] = int(given["n"])
    if "seed" in given:
        seed = given["seed"]
        if not (seed.isascii() and seed.isdigit() and len(seed) <= 7 and int(seed) <= SEED_MAX):
            raise LinkError(lab_text.BAD_SEED.format(most=SEED_MAX))
        found["seed"] = int(seed)
    return found


def widest(n: int) -> float:
    """Half the width of the 95 % Wilson interval in points, at its widest: that of a share of one half."""
    return 100 * Z / (2 * math.sqrt(n + Z * Z))


def measure(plan: Plan) -> Iterator[Result]:
    """Setting by setting, as the `eval` command does it. Called in a worker thread."""
    import numpy as np

    from sleepviz.runs.record import policy_of
    from sleepviz.training.evaluate import EVALUATION_STREAM, Setting, accuracy, wilson

    checkpoint = runs._loaded(runs.checkpoint_folder(), plan.checkpoint, plan.digest)
    for n_passes in plan.passes:
        policy = policy_of(RunSpec(plan.task, "", plan.checkpoint, n_passes), checkpoint)
        for difficulty in plan.difficulties:
            right = accuracy(
                checkpoint.model,
                checkpoint.task,
                Setting(policy),
                difficulty=difficulty,
                n=plan.n,
                n_windows=checkpoint.task.windows_max,
                seed=(EVALUATION_STREAM, plan.seed),
            )
            share = float(np.asarray(right.all(axis=-1)).mean())
            low, high = wilson(share * plan.n, plan.n)
            yield Result(LIVE, LIVE, n_passes, difficulty, plan.n, share, low, high, plan.checkpoint, plan.digest)
