"""What a hostile or unlucky visitor sends: links and inputs that were valid once, mutated with a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass

from app.sharing.packed import packed
from app.tasks import PAGES
from sleepviz.config.run import CONTROLS
from sleepviz.runs.checkpoint import CheckpointInfo
from tests.app.states import INPUTS

LONG = 10**6  # characters
DIGITS = ("٣", "३", "３", "௩", "²", "Ⅲ", "𝟛")  # of other scripts; some are digits to str.isdigit, and none to int
MARKUP = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "[a](javascript:alert(1))",
    "![x](https://example.org/x.png)",
    "$\\frac{1}{0}$",
    ":material/bomb: :red[x]",
    "`#*_~|",
    "{passes} %s {0.__class__}",
    '=HYPERLINK("https://example.org")',
    "../../../../etc/passwd",
    "file:///etc/passwd",
    "https://example.org/model",
)
NUMBERS = ("-1", "0", "1", "4.5", "1e9", "+4", "0004", "99999999999999999999", "NaN", "inf", "0x4", "1_0", " 4", "4\n")
ODD = ("", " ", "\x00", "\x1b[31m", "\r\n", "\u202e", "\ufeff", "\u2028", "é", "e\u0301", "👩‍👩‍👧", "\x85", "\x7f")
HALF = ("\ud83d", "\udc00", "a\udfff")
LAB, LEARN, YOURS, LIMITS, INSIDE, COST = "lab", "learn", "your_model", "limits", "inside", "cost"
ALL_PAGES = (*INPUTS, LAB, LEARN, YOURS, LIMITS, INSIDE, COST)


@dataclass(frozen=True)
class Case:
    """A page, and the link that is opened there: each name with all its values."""

    page: str
    link: dict[str, list[str]]
    mark: str  # stands in some values, and in nobody else's session

    @property
    def first(self) -> dict[str, str]:
        """The value of each name that a page reads: the last one."""
        return {name: values[-1] for name, values in self.link.items()}


def case(draw: random.Random, infos: tuple[CheckpointInfo, ...], pages: tuple[str, ...] = ALL_PAGES) -> Case:
    """A valid link of some page with one to three faults."""
    page, mark = draw.choice(pages), f"mark{draw.getrandbits(40):010x}"
    link = {name: [value] for name, value in _valid(page, draw, infos).items()}
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        draw.choice(FAULTS)(link, draw, mark)
    return Case(page, link, mark)


def text(draw: random.Random, valid: str, mark: str) -> str:
    """One value, mutated."""
    place = draw.randint(0, len(valid))
    inserted = (*DIGITS, *MARKUP, *ODD, *HALF, mark, f"<b>{mark}</b>")
    kind = draw.random()
    if kind < 0.35:
        return valid[:place] + draw.choice(inserted) + valid[place:]
    if kind < 0.5:
        return valid[:place] + valid[place + draw.randint(1, 3) :]
    if kind < 0.6:
        return valid[:place]
    if kind < 0.7:
        return draw.choice(NUMBERS)
    if kind < 0.75:
        return (valid + draw.choice("a1,>. \n") + mark) * (LONG // (len(valid) + len(mark) + 1))
    if kind < 0.85:
        return "".join(draw.choice(DIGITS[:4]) if c.isdigit() and draw.random() < 0.5 else c for c in valid)
    if kind < 0.9:
        return valid * draw.randint(2, 40)
    return draw.choice(inserted)


def _change(link: dict[str, list[str]], draw: random.Random, mark: str) -> None:
    name = draw.choice(list(link))
    link[name] = [text(draw, link[name][-1], mark)]


def _double(link: dict[str, list[str]], draw: random.Random, mark: str) -> None:
    name = draw.choice(list(link))
    link[name] = [*link[name], text(draw, link[name][-1], mark)]


def _remove(link: dict[str, list[str]], draw: random.Random, mark: str) -> None:
    if len(link) > 1:
        del link[draw.choice(list(link))]


def _swap(link: dict[str, list[str]], draw: random.Random, mark: str) -> None:
    one, other = draw.choice(list(link)), draw.choice(list(link))
    link[one], link[other] = link[other], link[one]


def _add(link: dict[str, list[str]], draw: random.Random, mark: str) -> None:
    names = ("N", "task", "checkpoint", "step", "view", "lock", "embed", "event", "speed", "model", "doc", mark, "<b>")
    link[draw.choice(names)] = [draw.choice((*NUMBERS, *MARKUP, *ODD, mark))]


FAULTS: tuple[Callable[[dict[str, list[str]], random.Random, str], None], ...] = (
    *(_change,) * 5,
    *(_double, _remove, _swap, _add),
)


def _valid(page: str, draw: random.Random, infos: tuple[CheckpointInfo, ...]) -> dict[str, str]:
    """A link of this page that it would follow."""
    if page in INPUTS:
        return _of_task(page, draw, infos)
    if page == LAB:
        sweep = {"passes": "1,4", "levels": "1,2", "n": "8", "seed": str(draw.randint(0, 99))}
        return {"task": draw.choice(tuple(INPUTS)), **sweep}
    if page == INSIDE:
        place = {"layer": "1", "head": "2", "window": "0", "pass": "1", "attention": "1", "beside": "n1"}
        return {**_of_task(draw.choice(tuple(INPUTS)), draw, infos), **place, "key": "a", "reader": "1"}
    if page == COST:
        return {"model": "ouro-1.4b", "L": "2048", "N": "4", "T": "100000", "q": "30"}
    if page == LEARN:
        return {"step": str(draw.randint(1, 8))}
    if page == YOURS:
        task = draw.choice(("rule110", "depo", "gsm"))
        model = draw.choice(("random:Qwen3.5", "text:text-micro", f"checkpoint:{task}-micro"))
        asked = {"question": "Where is the key?", "L": "32", "doc": packed("The key is in a jar.") or ""}
        return {"model": model, "N": "2", "eviction": "hard", **asked, f"{task}_input": PAGES[task].example}
    return {"view": "present", "lock": "1"}


def _of_task(task: str, draw: random.Random, infos: tuple[CheckpointInfo, ...]) -> dict[str, str]:
    info = draw.choice([info for info in infos if info.task == task and not info.name.endswith("-oracle")])
    given = INPUTS[task](draw, info.limits)
    link = {"task": task, "N": str(draw.randint(0, 4)), "checkpoint": info.name}
    if task == "rule110":
        link |= {"rows": ",".join(given["rows"]), "t": str(given["steps"])}
    elif task == "depo":
        edges = ",".join(">".join(edge) for edge in given["edges"])
        link |= {"edges": edges, "start": given["start"], "k": str(given["hops"])}
    elif task == "text":
        link |= {"document": given["document"], "question": given["question"]}
    else:
        asked = {"equals": str(given["equals"])} if "equals" in given else {"question": given["question"]}
        ask = "equals" if "equals" in given else "first" if given.get("question_first") else "after"
        link |= {"text": given["text"], **asked, "ask": ask}
    further = {
        "trigger": draw.choice(("every:5", "manual:3,9", "statement:2", "surprise:1.5")),
        "spend": draw.choice(("still:0.2", "even:6", "hardest:12")),
        "control": draw.choice(CONTROLS),
        "speed": "2",
    }
    return link | {name: value for name, value in further.items() if draw.random() < 0.3}


def shown(case: Case) -> str:
    """A case in one line, cut, for the list of failures."""
    said = json.dumps({"page": case.page, "link": case.link})
    return said if len(said) < 1500 else f"{said[:1500]} ... ({len(said)} characters)"
