"""Messages that every page may have to give, and how a sentence is put together."""

from __future__ import annotations

from collections.abc import Sequence

from sleepviz.tasks import FAMILIES

INTERNAL_ERROR = "The run stopped on an internal error; the server's log says more."
OTHER_WEIGHTS_NOW = "The weights of {name} were replaced a moment ago; run again to use the new ones."
TOO_MANY = "Too many visitors' runs are waiting; try again in a moment."


def no_checkpoint(task: str) -> str:
    """What is said where a task has no trained model."""
    preset = FAMILIES[task].default_preset.name
    return f"No trained model for this page is here yet; `python -m sleepviz train --preset {preset}` makes one."


def no_results(task: str) -> str:
    """What is said where nothing was measured."""
    command = f"python -m sleepviz experiments --queue --only {task}"
    return f"The measured accuracies are not here; `{command}` makes them."


def plain(sentence: str) -> str:
    """What a person typed is text, never Markdown."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]()#+-.!|<>~$:" else char for char in sentence)


def code(text: str) -> str:
    """A text in Markdown as code on one line, whatever it holds; "" for none."""
    line = " ".join(text.split()).replace("`", "ˋ")  # no backtick can end the code before its time
    return f"`{line}`" if line else ""


def joined(parts: Sequence[str]) -> str:
    """Write ("a", "b", "c") as "a, b and c"."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last
