"""GSM: who is computed from whom, what the question needs, and the value that every variable would get now."""

from __future__ import annotations

import json
import re
from typing import Any

import networkx as nx

from app.parts.units import count
from app.tasks.answers import UNKNOWN, context_tokens, first_wrong, one_answer_card, standing, woken_passes
from app.tasks.base import Table
from app.tasks.roll_call import told_spans, window_parts
from sleepviz.config.events import Answer, Trace
from sleepviz.tasks.gsm.task import GsmInstance
from sleepviz.tasks.gsm.text import dependencies, read_statements
from sleepviz.tasks.gsm.tokens import PART

ROLL_CALL_HEAD = "ask"  # the token that ends a window's statements
VARIABLE_TOKEN = re.compile(r"v([1-9][0-9]*)")


class GsmPicture:
    """A forest: every variable has at most one source. A woken answer ends with every variable, in order."""

    kind = "values"

    def __init__(self, trace: Trace) -> None:
        values = json.loads(trace.spec["input"])
        statements, own_question = read_statements(values["text"])
        self._trace = trace
        self._instance = GsmInstance(
            statements, values.get("question", own_question), values.get("equals"), values.get("question_first", False)
        )
        self._names = self._instance.names
        self._index = {name: index for index, name in enumerate(self._names)}
        self._graph = dependencies(self._instance.statements)

    @property
    def difficulty(self) -> int | None:
        """Operations of the asked variable; a question about all of them, or before the text, was measured apart."""
        question = self._instance.question
        if question is None or self._instance.question_first:
            return None
        return self._instance.solution.depths.get(question)

    @property
    def chance(self) -> float | None:
        """One value of all that the model knows."""
        limits = self._trace.checkpoint.get("limits")
        if self._instance.question is None or not limits:
            return None
        low, high = limits["values"]
        return 1 / (high - low + 1)

    def scene(self) -> dict[str, Any]:
        """Variables by depth, statements with the tokens that tell them, and the needed chain."""
        places = forest_places(self._graph, self._names)
        chain = self._chain()
        solution = self._instance.solution
        return {
            "kind": self.kind,
            "label": self._label(chain),
            "nodes": [
                {
                    "name": name,
                    "depth": places[name][0],
                    "row": places[name][1],
                    "truth": str(solution.values[name]) if name in solution.values else "?",
                    "asked": name in self._instance.asked and self._instance.question is not None,
                    "needed": name in chain,
                }
                for name in self._names
            ],
            "edges": self._statements(chain),
            "equals": None if self._instance.equals is None else str(self._instance.equals),
            "parts": window_parts(self._statement_spans(), len(context_tokens(self._trace)), "statements"),
        }

    def token(self, token: str) -> str:
        """The model's variables v1, v2, ... as the visitor's."""
        found = VARIABLE_TOKEN.fullmatch(token)
        place = int(found[1]) - 1 if found else len(self._names)
        return self._names[place] if place < len(self._names) else token

    def woken(self, woken: Answer) -> dict[str, Any] | None:
        """The value that every variable would get, and whether it is right, wrong or unknown."""
        if not woken.asked:
            return None
        values, truths = self._every(woken.answers), self._every(woken.truths)
        how = [standing(value, truth) for value, truth in zip(values, truths, strict=True)]
        n_right = how.count("right")
        return {
            "correct": all(woken.correct[: len(self._instance.asked)]),
            "values": list(values),
            "how": [each[0] for each in how],  # r, w or u
            "unit": f"{self._said(woken)} · {n_right} of {count(len(how), 'variable')} right",
        }

    def woken_text(self, woken: Answer) -> str:
        """The question's answer, and how many variables are right."""
        if not woken.asked:
            return "Nothing can be asked yet."
        right = self._every(woken.correct)
        return f"If it woke now, {self._told(woken)}. Of all {len(right)} variables, {sum(right)} are right."

    def update_text(self, woken: Answer) -> str:
        """How many variables S alone knows."""
        if not woken.asked:
            return ""
        right = self._every(woken.correct)
        return f"{sum(right)} of {count(len(right), 'variable')} right"

    def answer_text(self, answer: Answer) -> str:
        """The value that was answered, and whether it is right; or the variables that equal the asked value."""
        if self._instance.question is None:
            said = _named(self._equal(answer.answers))
            how = "right" if self._is_right(answer) else f"wrong: {_named(self._equal(answer.truths))}"
            return f"the variables named as equal to {self._instance.equals} are {said} ({how})"
        how = "right" if answer.correct[0] else f"wrong: it is {answer.truths[0]}"
        return f"{answer.answers[0]} for {answer.asked[0]}, {how}"

    def wrong_text(self, answer: Answer) -> str:
        """The value that it should have been."""
        return first_wrong(answer)

    def card(self, answer: Answer) -> dict[str, Any]:
        """One value; or every variable, of which those count that have the asked value or are said to."""
        if self._instance.question is not None:
            return one_answer_card(answer, answer.asked)
        right = self._is_right(answer)
        wrong = {self._names[i] for i, (a, b) in enumerate(self._pairs(answer)) if (a == b) is False}
        said, truth = self._equal(answer.answers), self._equal(answer.truths)
        return {
            **one_answer_card(answer, answer.asked),
            "rows": [
                {
                    "asked": f"equal {self._instance.equals}",
                    "answer": _named(said),
                    "truth": _named(truth),
                    "right": right,
                    "confidence": [],
                }
            ],
            "right": right,
            "verdict": ("Right" if right else "Wrong")
            + (f"; {len(wrong)} of {len(self._names)} variables have a wrong value" if wrong else ""),
            "least_of": "least sure value",
        }

    def seen(self) -> str:
        """One in eight was kept from training, but which ones depends on the names' tokens."""
        return (
            "A problem like this may have been seen in training; accuracies are measured on problems that training "
            "never used."
        )

    def table(self) -> Table | None:
        """Every variable's value after each pass; an x where it is not right."""
        passes = woken_passes(self._trace)
        if not passes:
            return None
        truths = self._every(passes[0].woken.truths)
        rows = []
        for event in passes:
            values = self._every(event.woken.answers)
            cells = (value if value == truth else f"{value} ×" for value, truth in zip(values, truths, strict=True))
            rows.append((f"{event.window_index + 1} · {event.pass_index + 1}", *cells))
        return Table(
            "The value that every variable would get if the model woke after each pass; × where it is not right, ? "
            "for unknown.",
            ("window · pass", *self._names),
            (*rows, ("truth", *truths)),
        )

    def _every(self, entries: tuple[Any, ...]) -> tuple[Any, ...]:
        """A woken answer's last entries: one for each variable."""
        return entries[len(entries) - len(self._names) :]

    def _pairs(self, answer: Answer) -> list[tuple[str, str]]:
        return list(zip(answer.answers, answer.truths, strict=True))

    def _equal(self, values: tuple[str, ...]) -> list[str]:
        """The variables with the asked value."""
        wanted = str(self._instance.equals)
        return [name for name, value in zip(self._names, values, strict=False) if value == wanted]

    def _is_right(self, answer: Answer) -> bool:
        return self._equal(answer.answers) == self._equal(answer.truths)

    def _said(self, woken: Answer) -> str:
        """What the person's question would be answered."""
        if self._instance.question is None:
            own = woken.answers[: len(self._names)]
            how = "right" if self._equal(own) == self._equal(woken.truths[: len(self._names)]) else "wrong"
            return f"equal to {self._instance.equals}: {_named(self._equal(own))}, {how}"
        how = standing(woken.answers[0], woken.truths[0])
        said = "unknown" if how == "unknown" else f"{woken.answers[0]}, {how}"
        return f"{self._instance.question} is {said}"

    def _told(self, woken: Answer) -> str:
        """The same in a sentence, to follow "If it woke now"."""
        if self._instance.question is None:
            own = woken.answers[: len(self._names)]
            how = "right" if self._equal(own) == self._equal(woken.truths[: len(self._names)]) else "wrong"
            return f"it would name as equal to {self._instance.equals}: {_named(self._equal(own))}, which is {how}"
        how = standing(woken.answers[0], woken.truths[0])
        said = "“unknown”" if how == UNKNOWN else f"{woken.answers[0]}, which is {how}"
        return f"it would say that {self._instance.question} is {said}"

    def _chain(self) -> set[str]:
        """What the question needs: the asked variable and whatever it is computed from."""
        question = self._instance.question
        return {question, *nx.ancestors(self._graph, question)} if question is not None else set()

    def _label(self, chain: set[str]) -> str:
        question, solution = self._instance.question, self._instance.solution
        what = f"A dependency graph of {count(len(self._names), 'variable')}"
        if question is None:
            return (
                f"{what}; the question is which equal {self._instance.equals}. The table below the player has every "
                "value."
            )
        order = sorted(chain, key=lambda name: solution.depths[name])
        return f"{what}; {question} needs {', '.join(order)}. The table below the player has every value."

    def _statements(self, chain: set[str]) -> list[dict[str, Any]]:
        """Each statement with the place of its last token, after which it is read, and its window."""
        tokens = context_tokens(self._trace)
        places: list[int] = []
        for first, last in self._statement_spans():
            places += range(first + 2 * PART - 1, last, PART)  # the first statement is the question's place
        return [
            {
                "from": self._index[statement.source] if statement.source is not None else -1,
                "to": self._index[statement.name],
                "change": _change(statement.change) if statement.source is not None else "",
                "token": place,
                "window": tokens[place].window_index,
                "needed": statement.name in chain,
            }
            for statement, place in zip(self._instance.statements, places, strict=False)  # padding follows
        ]

    def _statement_spans(self) -> list[tuple[int, int]]:
        """Where the statements stand among the tokens, [first, last) for each window of the task."""
        tokens = context_tokens(self._trace)
        heads = [place for place, token in enumerate(tokens) if token.token == ROLL_CALL_HEAD]
        return told_spans(heads, len(tokens))


def forest_places(graph: nx.DiGraph, names: tuple[str, ...]) -> dict[str, tuple[int, float]]:
    """(depth, row) of each variable: a source stands before what is computed from it, and midway beside it.

    A variable has one source at most, so without crossings; in a circle of definitions, one is first.
    """
    places: dict[str, tuple[int, float]] = {}
    rows = 0

    def place(name: str, depth: int) -> float:
        nonlocal rows
        places[name] = (depth, 0.0)  # taken: a circle ends here
        children = [child for child in names if child in graph[name] and child not in places]
        if not children:
            row = float(rows)
            rows += 1
        else:
            below = [place(child, depth + 1) for child in children if child not in places]
            row = (below[0] + below[-1]) / 2 if below else float(rows)
        places[name] = (depth, row)
        return row

    roots = [name for name in names if graph.in_degree(name) == 0]
    for name in (*roots, *names):
        if name not in places:
            place(name, 0)
    return places


def _change(change: int) -> str:
    return f"{change:+d}".replace("-", "−") if change else "="


def _named(names: list[str]) -> str:
    return ", ".join(names) or "none"
