"""What one task brings to the app: its form, its picture of a run, and its words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from app.shell.state import Reader, Visit
from sleepviz.config.events import Answer, Trace

Limits = Mapping[str, Any]
LAST = 1000  # the place of a page that names none


class Form(Protocol):
    """One task's own controls. `limits` is what may be asked of the checkpoint, its window included."""

    widths: tuple[float, ...]  # of the columns that `fields` fills

    def readers(self, limits: Limits) -> dict[str, Reader]:
        """How a link's values are read."""

    def first_values(self, recorded: Mapping[str, Any] | None, limits: Limits) -> dict[str, Any]:
        """What the controls hold on a first visit: the recorded input, so that view and controls agree."""

    def keep_within(self, visit: Visit, limits: Limits) -> None:
        """Another checkpoint may allow less: no widget must hold a value outside its range."""

    def presets(self, visit: Visit, limits: Limits) -> None:
        """Buttons that set a whole question."""

    def fields(self, visit: Visit, limits: Limits, columns: list[Any]) -> None:
        """The controls in sight."""

    def advanced(self, visit: Visit, limits: Limits) -> None:
        """What the task adds under "More settings"."""

    def input(self, visit: Visit) -> dict[str, Any]:
        """The task's input. Raises InputError."""

    def difficulty(self, visit: Visit, limits: Limits) -> int:
        """The difficulty that is asked, for the plots."""

    def link(self, visit: Visit) -> dict[str, str]:
        """The question as a link's values."""

    def notes(self, instance: Any) -> tuple[str, ...]:
        """What must be said of an instance that is allowed but unlike those of training."""


@dataclass(frozen=True)
class Table:
    """The picture in numbers: a caption, and columns with a row for each pass."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Picture(Protocol):
    """One run's picture. Sentences are for everyone; the dicts are drawn by the script that registers `kind`."""

    kind: str

    @property
    def difficulty(self) -> int | None:
        """Steps, hops or operations that are asked for; None where there is no such number."""

    @property
    def chance(self) -> float | None:
        """How often guessing one answer would be right, from 0 to 1; None where that is not known."""

    def scene(self) -> dict[str, Any]:
        """What does not change while the run plays; `kind` and `label` (for a screen reader) at least."""

    def token(self, token: str) -> str:
        """A token as the visitor wrote it."""

    def woken(self, woken: Answer) -> dict[str, Any] | None:
        """What is drawn of the answers "if it woke now", `unit` being their one line; None where nothing is asked."""

    def woken_text(self, woken: Answer) -> str:
        """The same in a sentence."""

    def update_text(self, woken: Answer) -> str:
        """The same in a few words, to follow `narration.told_from`; "" where nothing is asked."""

    def answer_text(self, answer: Answer) -> str:
        """The scored answer in words, to follow "Awake, in one ordinary pass"."""

    def wrong_text(self, answer: Answer) -> str:
        """What is wrong in an answer, in a few words; only asked of one that is not right."""

    def card(self, answer: Answer) -> dict[str, Any]:
        """The rows, the verdict and the surety of one answer among those compared."""

    def seen(self) -> str:
        """Whether the model can have met this input in training."""

    def table(self) -> Table | None:
        """What the picture shows after each pass, in numbers; None where the sentences say it all."""


@dataclass(frozen=True)
class Deviation:
    """A named departure from the paper, and what it is in one sentence."""

    name: str
    sentence: str


@dataclass(frozen=True)
class Evidence:
    """One line of what should be measured on a task; `variant` "" stands for any."""

    experiment: str
    variant: str
    said: str


@dataclass(frozen=True)
class Words:
    """How the app speaks of a task."""

    title: str  # of its page, where no question can be read
    asks: Callable[[Mapping[str, Any]], str]  # the question that an input asks, in one sentence
    explanation: str
    notice: str  # what to notice while a run plays
    symbol: str  # of the difficulty, in plots
    right: str  # what an accuracy counts
    window: str  # what one window holds, to end a sentence
    woken: str  # how right and wrong are drawn
    glossary: Mapping[str, str]  # the task's own terms, each "Term: what it is."
    lab: str  # its name in the Lab
    question: Callable[[Mapping[str, Any]], str]  # what an input asks, in one line
    departures: tuple[Deviation, ...]  # from the paper, of every model of this task
    evidence: tuple[Evidence, ...]  # what the Lab says is missing where it was not measured
    presets: str = ""  # how the presets were chosen
    sizes: str = ""  # a model's size in the Lab, filled in from the task's sizes


@dataclass(frozen=True)
class Scored:
    """What a measured share counts."""

    right: str  # to follow "share of" and to name an axis
    chance: float | None  # how often a guess, each possible answer equally likely, is right; None: not known


@dataclass(frozen=True)
class TaskPage:
    """One task's half of the app. Its page is the script pages/TASK.py."""

    task: str  # the engine's name
    title: str  # in the navigation
    icon: str
    url: str
    form: Form
    picture: Callable[[Trace], Picture]
    words: Words
    example: str  # an input as JSON, for the page "Your model"
    called: str = ""  # in a sentence; "" stands for the title
    unit: str = "step"  # of the difficulty: what is done so many times in a row
    start: Callable[[Mapping[str, Any]], str] = lambda given: "the start"  # where an input's question begins
    legend: Callable[[str], None] | None = None  # draws the task's rule beside its form; takes the component's key
    place: int = LAST  # in the navigation; the first page is the app's
    keys: Callable[[Answer], Mapping[str, tuple[tuple[str, int], ...]]] | None = None
    """The questions of an answer by what they ask about: each one's words and place. None: each stands alone."""
    scored: Callable[[str, Mapping[str, Any]], Scored] | None = None
    """(experiment, the task's sizes) -> what its shares count; None: `words.right`, and chance is not known."""

    def counts(self, experiment: str, sizes: Mapping[str, Any]) -> Scored:
        """What a share that an experiment measured counts. `sizes` are the task's as in a checkpoint; {}: unknown."""
        return Scored(self.words.right, None) if self.scored is None else self.scored(experiment, sizes)
