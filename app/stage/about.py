"""Where a run comes from, one click away; and the page's explanations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.figures import accuracy_figure, accuracy_summary, drift_figure, windows_figure
from app.figures.measured import reach, right_of, share
from app.figures.percent import percent
from app.parts.html_table import html_table
from app.parts.units import count
from app.player.narration import narrate_as_text
from app.player.pictures import picture_of
from app.shell import messages
from app.shell.difference import is_above
from app.shell.results import MOSTLY_RIGHT, Comparison, Result, Results, comparisons, of_model
from app.shell.state import Visit
from app.shell.theme import Mode
from app.stage import deviations, stage_text
from app.stage.controls import Choice, is_plain
from app.tasks import PAGES
from app.tasks.base import Words
from sleepviz.config.events import Trace


def _fold(label: str, key: str) -> DeltaGenerator | None:
    """A part of the page that is sent once it is opened: the first picture does not wait for what nobody sees."""
    fold = st.expander(label, key=key, on_change="rerun")
    return fold if fold.open else None


def provenance(meta: dict[str, Any], trace: Trace) -> None:
    """A popover with the checkpoint's name, digest, training command and date."""
    checkpoint = trace.checkpoint
    with st.popover(stage_text.MODEL.format(name=checkpoint["name"]), icon=":material/verified:"):
        st.markdown(stage_text.DIGEST)
        st.code(str(checkpoint["digest"]), language=None, wrap_lines=True)
        st.markdown(stage_text.MADE_BY)
        st.code(str(meta.get("command", stage_text.NOT_RECORDED)), language=None, wrap_lines=True)
        date, commit = meta.get("created", stage_text.NOT_RECORDED), meta.get("commit") or stage_text.NOT_RECORDED
        st.markdown(stage_text.DATE_AND_COMMIT.format(date=date, commit=commit))


def departures(meta: dict[str, Any]) -> None:
    """In how many ways this differs from the paper, in sight; behind it, each way with a sentence."""
    found = deviations.of(meta)
    if not found:
        return
    said = stage_text.DEPARTS_IN_ONE if len(found) == 1 else stage_text.DEPARTS.format(n=len(found))
    if (fold := _fold(said, "departures")) is not None:
        fold.markdown("\n".join(f"- *{each.name}*: {each.sentence}" for each in found))


def training_note(trace: Trace) -> str:
    """Whether the model can have met this input in training."""
    return stage_text.UNTRAINED if trace.spec["control"] == "untrained" else picture_of(trace).seen()


def transcript(trace: Trace) -> None:
    """The run in words: an item for each event, and one for all tokens that are read in a row."""
    if (fold := _fold(stage_text.TRANSCRIPT, "transcript")) is not None:
        lines = (f"{messages.plain(said)} {messages.code(tokens)}".rstrip() for said, tokens in narrate_as_text(trace))
        fold.markdown("\n".join(f"- {line}" for line in lines))


def drift_curves(trace: Trace, mode: Mode) -> None:
    """Every head's drift as a plot, and what it is a plot of in numbers."""
    if (fold := _fold(stage_text.DRIFT, "drift")) is not None:
        figure = drift_figure(trace.events, mode=mode)
        fold.plotly_chart(figure, key="drift_figure", theme=None, alt=stage_text.DRIFT_ALT)


def numbers(trace: Trace) -> None:
    """The task's picture as a table, where it has one."""
    table = picture_of(trace).table()
    if table is None:
        return
    if (fold := _fold(stage_text.AS_TABLE, "numbers")) is not None:
        fold.markdown(table.caption)
        head, *rows = ([*map(messages.plain, row)] for row in (table.columns, *table.rows))
        lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
        fold.markdown("\n".join(f"| {' | '.join(row)} |" for row in lines))


def measured(visit: Visit, words: Words, results: Results | str, choice: Choice, mode: Mode) -> None:
    """Accuracy against N, and retention, from the results file; or the sentence that says why there is none."""
    st.header(stage_text.HELPS, anchor="accuracy")
    if isinstance(results, str):
        st.info(results, icon=":material/info:")
        return
    told = results if choice.info is None else of_model(results, choice.info.name)
    st.html(reach_table(told.of("accuracy", "any_n"), words, told.solved_from))
    st.markdown(f"{stage_text.ACCURACY} {_whose(told, choice)}".rstrip())
    st.markdown(fair_test(told, words, choice.difficulty))
    # The plots' code is megabytes: nobody waits for it who does not want a plot.
    plots = st.expander(stage_text.PLOTS, icon=":material/show_chart:", key=visit.key("plots"), on_change="rerun")
    if plots.open:
        with plots:
            _plots(words, told, choice, mode)
    controls_measured(comparisons(told), words)


def _plots(words: Words, results: Results, choice: Choice, mode: Mode) -> None:
    """Accuracy against N and, where it was measured, what is kept of the first window, each with what it shows."""
    difficulty = choice.difficulty
    asked = {"symbol": words.symbol, "difficulty": difficulty}
    st.markdown(f"{stage_text.PLOT.format(**asked)} {_where_it_stands(results, choice, asked)}")
    sizes = choice.info.meta["task_sizes"] if choice.info else {}
    figure = accuracy_figure(
        results,
        difficulty=difficulty,
        passes=choice.passes if _is_of_this_model(choice, results) else None,
        mode=mode,
        symbol=words.symbol,
        right=words.right,
        chance=PAGES[results.task].counts("accuracy", sizes).chance,
    )
    alt = accuracy_summary(results, difficulty, words.symbol)
    st.plotly_chart(figure, key="accuracy_figure", theme=None, alt=alt)
    if results.of("retention"):
        st.markdown(stage_text.RETENTION)
        figure = windows_figure(results, "retention", difficulty=difficulty, mode=mode, symbol=words.symbol)
        st.plotly_chart(figure, key="windows_figure", theme=None, alt=stage_text.RETENTION)


def reach_table(measured: Sequence[Result], words: Words, share: float) -> str:
    """How hard a question each N solves, where a further pass solves a harder one."""
    solved: dict[int, int] = {}
    for passes in sorted({entry.passes for entry in measured}):
        level = reach(measured, passes, share)
        if level is not None and level > max(solved.values(), default=-1):
            solved[passes] = level
    heads = ("", *(f"N\u00a0=\u00a0{passes}" for passes in solved))
    rows = [[stage_text.SOLVED, *(f"{words.symbol}\u00a0=\u00a0{level}" for level in solved.values())]]
    return html_table(stage_text.REACH_TABLE.format(solved=percent(share, 0)), heads, rows)


def fair_test(told: Results, words: Words, difficulty: int) -> str:
    """This model with its best N beside the best model of one pass, and whether the question needs more; "" without."""
    own = [entry for entry in told.of("accuracy", "any_n") if entry.difficulty == difficulty]
    other = told.best_of_one_pass(difficulty)
    if not own or other is None:
        return ""
    best = max(own, key=lambda entry: (entry.accuracy, -entry.passes))
    said = stage_text.FAIR_TEST.format(
        symbol=words.symbol,
        difficulty=difficulty,
        passes=count(best.passes, "pass"),
        own=right_of(best),
        alone=right_of(other),
    )
    is_needless = other.accuracy >= MOSTLY_RIGHT and not is_above(best, other)
    return f"{said} {stage_text.NO_NEED}" if is_needless else said


def _is_of_this_model(choice: Choice, results: Results) -> bool:
    """Whether the plot tells of what the controls ask; while they ask nothing that can be run, it does no harm."""
    if choice.spec is None or choice.info is None:
        return choice.spec is None
    measured = {entry.checkpoint for entry in results.of("accuracy", "any_n")}
    return choice.info.name in measured and is_plain(choice.spec)


def _whose(results: Results, choice: Choice) -> str:
    """Whose numbers are shown, where they are not those of the visitor's run."""
    if _is_of_this_model(choice, results):
        return ""
    accuracies = results.of("accuracy", "any_n")
    return stage_text.OTHER_RUN.format(checkpoint=accuracies[0].checkpoint if accuracies else "the task's own model")


def _where_it_stands(results: Results, choice: Choice, asked: Mapping[str, Any]) -> str:
    """Where the visitor's setting is in the plot, or why it is not."""
    if not _is_of_this_model(choice, results):
        return stage_text.OTHER_RING
    here = (choice.passes, choice.difficulty)
    if any((entry.passes, entry.difficulty) == here for entry in results.of("accuracy", "any_n")):
        return stage_text.RING
    return stage_text.NO_RING.format(passes=choice.passes, **asked)


def controls_measured(found: tuple[Comparison, ...], words: Words) -> None:
    """A table of the controls beside the run as it is, and a sentence on each; nothing if none was measured."""
    for passes in sorted({comparison.passes for comparison in found}):
        same = [comparison for comparison in found if comparison.passes == passes]
        st.markdown(stage_text.CONTROLS_MEASURED.format(passes=passes))
        st.html(control_table(same, words, passes))
        st.markdown("\n".join(f"- {control_sentence(comparison, words)}" for comparison in same))


def control_table(found: Sequence[Comparison], words: Words, passes: int) -> str:
    """A line for each control and one for the run as it is, a column for each difficulty."""
    whole = {pair[1].difficulty: pair[1] for comparison in found for pair in comparison.pairs}
    lines = {stage_text.AS_IT_IS: whole}
    for comparison in found:
        lines[_control_name(comparison)] = {broken.difficulty: broken for broken, _ in comparison.pairs}
    columns = sorted(whole)
    heads = ("", *(f"{words.symbol}\u00a0=\u00a0{level}" for level in columns))
    rows = [
        [name, *(share(entries[level]) if level in entries else "" for level in columns)]
        for name, entries in lines.items()
    ]
    return html_table(stage_text.CONTROLS_TABLE.format(right=words.right, passes=passes), heads, rows)


def control_sentence(comparison: Comparison, words: Words) -> str:
    """What one control shows, derived from the measured intervals alone."""
    falls, holds, rises = comparison.falls, comparison.holds, comparison.rises
    # Where a harder question survives than one that does not, what the control breaks is not simply needed or not.
    is_mixed = any(held > fell for held in holds for fell in falls)
    meaning = stage_text.CONTROL_MEANINGS.get(comparison.control)
    where = "accuracy falls"
    if falls and holds:
        where += f" at {_levels(falls, words)} but not at {_levels(holds, words)}"
    elif not falls:
        more = f"; at {_levels(rises, words)} accuracy even rises" if rises else ""
        where = "no loss was measured" + more
    shows = ""
    if meaning:
        shows = meaning.where_mixed if is_mixed else meaning.where_it_falls if falls else meaning.where_it_holds
    return f"With *{_control_name(comparison)}*, {where}. {shows}".rstrip()


def _control_name(comparison: Comparison) -> str:
    return stage_text.CONTROLS.get(comparison.control, comparison.control)


def _levels(difficulties: Sequence[int], words: Words) -> str:
    """Write (1, 4, 8) as "t = 1, 4 and 8"."""
    return f"{words.symbol} = {messages.joined(list(map(str, difficulties)))}"


def _beside(paragraphs: Iterable[str]) -> str:
    """Paragraphs of HTML side by side, one element in all: a browser takes its time over each."""
    return f'<div class="beside">{"".join(f"<p>{each}</p>" for each in paragraphs)}</div>'


def why() -> None:
    """The three questions that every newcomer has about the mechanism."""
    st.html(_beside(f"<strong>{escape(asked)}</strong> {escape(said)}" for asked, said in stage_text.WHY))


def explanations(words: Words) -> None:
    """The three functions, the analogy and where it ends, and the glossary."""
    st.header(stage_text.THREE_FUNCTIONS, anchor="functions")
    st.html(_beside(f"<strong>{escape(name)}.</strong> {escape(said)}" for name, said in stage_text.FUNCTIONS))
    st.header(stage_text.WHY_SLEEP, anchor="analogy")
    st.html(_beside(map(escape, (stage_text.ANALOGY, stage_text.ANALOGY_ENDS))))
    if (fold := _fold(stage_text.GLOSSARY, "glossary")) is not None:
        said = (sentence.partition(": ") for sentence in stage_text.glossary(words).values())
        fold.markdown("\n\n".join(f"**{name}**: {rest}" for name, _, rest in said))
    st.markdown(stage_text.PAPER)  # a caption would fade its link below what can be read
