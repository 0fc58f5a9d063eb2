"""Models at every setting that all of them were measured at, and where they differ. Pure: results in, words out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from app.figures.measured import points
from app.figures.percent import percent
from app.lab.findings import Finding
from app.lab.lab_text import levels
from app.lab.lines import best_line
from app.lab.subjects import begun
from app.parts.units import count
from app.shell.difference import is_above
from app.shell.messages import joined
from app.shell.results import Result

Setting = Mapping[str, Result]  # by the model's subject: the same difficulty, and the same N unless each has its best


@dataclass(frozen=True)
class Beside:
    """Some models side by side."""

    settings: tuple[Setting, ...]
    is_at_best_n: bool  # each model with its own best N, as one of them knows a single pass only
    chance: float = 0.0

    @property
    def told(self) -> tuple[Setting, ...]:
        """Where one of the models is clearly better than guessing: elsewhere a comparison says nothing."""
        return tuple(s for s in self.settings if max(e.accuracy for e in s.values()) > 2 * self.chance)

    @property
    def differing(self) -> tuple[Setting, ...]:
        """Where one of the models is measurably ahead of another."""
        return tuple(s for s in self.told if any(self.leads(s, *pair) for pair in _ordered(s)))

    def leads(self, setting: Setting, one: str, other: str) -> bool:
        """Whether the one model is measurably ahead of the other there."""
        return is_above(setting[one], setting[other], self.chance)


def _ordered(names: Setting) -> Iterator[tuple[str, str]]:
    for one, other in combinations(names, 2):
        yield one, other
        yield other, one


def beside(models: Mapping[str, Sequence[Result]], chance: float = 0.0) -> Beside:
    """Pair the entries of some models by N and difficulty.

    A model that knows a single pass only is set beside the others' best N.
    """
    tried = [{entry.passes for entry in line} for line in models.values()]
    is_at_best_n = {1} in tried and any(each != {1} for each in tried)
    found: dict[tuple[int, int], dict[str, Result]] = defaultdict(dict)
    for name, line in models.items():
        for entry in best_line(line).entries if is_at_best_n else line:
            found[0 if is_at_best_n else entry.passes, entry.difficulty][name] = entry
    shared = tuple(found[place] for place in sorted(found) if len(found[place]) == len(models))
    return Beside(shared, is_at_best_n, chance)


def agreement(
    models: Mapping[str, Sequence[Result]], symbol: str, chance: float = 0.0, together: str = ""
) -> Finding | None:
    """Where the models differ and where not, over all their shared settings; None without any.

    `together` names models of one kind, which have no names of their own.
    """
    found = beside(models, chance)
    if not found.settings:
        return None
    names = together or joined([f"*{name}*" for name in models])
    said = [_measured(found, names), *_apart(found, symbol)]
    return Finding(" ".join(said))


def _measured(found: Beside, names: str) -> str:
    n, told = len(found.settings), len(found.told)
    places = count(n, "difficulty", "difficulties") if found.is_at_best_n else count(n, "setting")
    said = f"At {places}, {names} were compared.{' Each has its best N.' * found.is_at_best_n}"
    if not told:
        return f"{said} None of them is clearly better than guessing at any."
    return said if told == n else f"{said} At {told} of these, at least one is clearly better than guessing."


def _apart(found: Beside, symbol: str) -> Iterator[str]:
    n = len(found.told)
    if not n:
        return
    if not found.differing:
        yield f"No difference was measured at any of these {n}." if n > 1 else "No difference was measured."
        return
    names = list(found.settings[0])
    if len(names) == 2:
        for one, other in (names, names[::-1]):
            ahead = [setting for setting in found.told if found.leads(setting, one, other)]
            if ahead:
                yield f"*{begun(one)}* is ahead at {len(ahead)} of {n}. {_places(ahead, symbol)}"
    else:
        yield f"They differ at {len(found.differing)} of {n}. {_places(found.differing, symbol)}"
    apart = {_difficulty(setting) for setting in found.differing}
    alike = sorted({_difficulty(setting) for setting in found.told} - apart)
    if alike:
        yield f"At {levels(alike, symbol)}, no difference was measured."


def _difficulty(setting: Setting) -> int:
    return next(iter(setting.values())).difficulty


def _passes(setting: Setting) -> set[int]:
    return {entry.passes for entry in setting.values()}


def _places(settings: Sequence[Setting], symbol: str) -> str:
    """Where some settings lie, and the widest gap among them."""
    widest = max(settings, key=_gap)
    most, least = (pick(widest.values(), key=lambda entry: entry.accuracy) for pick in (max, min))
    at = f"{symbol} = {most.difficulty}" + (f" with N = {most.passes}" if len(_passes(widest)) == 1 else "")
    shares = f"{percent(most.accuracy)} against {points(least)}"
    if len(settings) == 1:
        return f"That is at {at}: {shares}."
    return f"{_grouped(settings, symbol)} The gap is widest at {at}: {shares}."


def _grouped(settings: Sequence[Setting], symbol: str) -> str:
    """Write them as "With N = 9, this is so at k = 6 and 7." for each N, those with the same difficulties together."""
    if any(len(_passes(setting)) > 1 for setting in settings):
        return f"This is so at {levels([_difficulty(setting) for setting in settings], symbol)}."
    by_passes: dict[int, list[int]] = defaultdict(list)
    for setting in settings:
        by_passes[min(_passes(setting))].append(_difficulty(setting))
    by_levels: dict[str, list[int]] = defaultdict(list)
    for n, hard in by_passes.items():
        by_levels[levels(hard, symbol)].append(n)
    return " ".join(f"With {levels(passes, 'N')}, this is so at {hard}." for hard, passes in by_levels.items())


def _gap(setting: Setting) -> float:
    shares = [entry.accuracy for entry in setting.values()]
    return max(shares) - min(shares)
