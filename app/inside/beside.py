"""The second run: the first one with one thing changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from app.inside import inside_text as text
from sleepviz.config.run import RunSpec
from sleepviz.inside.seen import PASSES_MAX
from sleepviz.runs.checkpoint import CheckpointInfo
from sleepviz.tasks import FAMILIES, build_task

ALONE = ""


def choices(spec: RunSpec, info: CheckpointInfo, infos: Sequence[CheckpointInfo]) -> dict[str, str]:
    """What may stand beside a run, by its word in a link; only what differs from the run itself."""
    offered = {ALONE: text.ALONE}
    offered |= {"n1": text.ONE_PASS} if spec.n_passes > 1 else {}
    offered |= {"twice": text.TWICE} if 2 * spec.n_passes <= PASSES_MAX else {}
    offered |= {"another": text.ANOTHER} if _another(spec, info) else {}
    asleep = spec.sleep_attention or info.sleep_attention
    offered |= {"causal": text.CAUSAL} if asleep == "full" else {"full": text.FULL}
    offered |= {name: said for name, said in text.CONTROLS.items() if name != spec.control}
    sizes = info.meta["task_sizes"].get("nodes_max")
    for each in infos:
        same_sizes = sizes is None or each.meta["task_sizes"].get("nodes_max") == sizes
        if each.task == info.task and each.name != info.name and same_sizes:
            offered[f"model:{each.name}"] = text.MODEL.format(name=each.name)
    return offered


def beside(spec: RunSpec, info: CheckpointInfo, infos: Sequence[CheckpointInfo], word: str) -> RunSpec | None:
    """The run that a word of `choices` means; None where nothing stands beside."""
    if word in ("causal", "full"):
        return replace(spec, sleep_attention=word)  # type: ignore[arg-type]
    if word in text.CONTROLS:
        return replace(spec, control=word)  # type: ignore[arg-type]
    if word.startswith("model:"):
        return replace(spec, checkpoint=word.removeprefix("model:"), sleep_attention="")
    changed = {
        "n1": lambda: replace(spec, n_passes=1),
        "twice": lambda: replace(spec, n_passes=2 * spec.n_passes),
        "another": lambda: replace(spec, input=_another(spec, info)),
    }
    return changed[word]() if word in changed else None


def _another(spec: RunSpec, info: CheckpointInfo) -> str:
    """Another input of the task's page that fills as many windows; "" where there is none."""
    family, task = FAMILIES[info.task], build_task(info.task, info.meta["task_sizes"])
    given, _ = family.home(info.limits, info.earned)
    length = len(task.encode(task.parse(spec.input, info.limits)).context)
    for each in (given, *family.examples):
        try:
            instance = task.parse(json.dumps(dict(each)), info.limits)
        except ValueError:  # too large for this model
            continue
        if json.loads(spec.input) != dict(each) and len(task.encode(instance).context) == length:
            return json.dumps(dict(each))
    return ""
