"""Which sentences an experiment without a section of its own is told in. Pure: results in, words out."""

from __future__ import annotations

from app.figures.over_windows import OVER_WINDOWS
from app.lab.findings import Finding, gain_finding, loss_findings
from app.lab.further.broken import UNBROKEN, broken_findings
from app.lab.further.models import models_findings
from app.lab.further.reading import ANSWER, memory_finding, probe_findings
from app.lab.further.windows import windows_finding
from app.shell.results import Results
from sleepviz.tasks import TASKS

PROBE = "linear"


def findings_of(results: Results, experiment: str, symbol: str, right: str, chance: float) -> tuple[Finding, ...]:
    """What an experiment found, by what kind of experiment it is."""
    entries = results.of(experiment)
    variants = {entry.variant for entry in entries}
    if UNBROKEN in variants:
        return broken_findings(results, experiment, symbol)
    if PROBE in variants:
        own = [e for e in results.of("accuracy") if e.checkpoint in {entry.checkpoint for entry in entries}]
        in_windows = TASKS[results.task]().difficulty_in_windows
        return probe_findings(entries, own, right, symbol, is_difficulty_in_windows=in_windows)
    if experiment in OVER_WINDOWS:
        found = windows_finding(entries, OVER_WINDOWS[experiment], symbol, chance)
    elif ANSWER in variants:
        found = memory_finding(entries, symbol)
    elif len({(entry.variant, entry.checkpoint) for entry in entries}) > 1:
        return models_findings(results, experiment, symbol, chance)
    else:
        gain = gain_finding(entries, symbol, chance)
        return (*([] if gain is None else [gain]), *loss_findings(entries, symbol, None, chance))
    return () if found is None else (found,)
