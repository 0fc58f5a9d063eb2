"""What our text model gets right on held-out pages: `python -m sleepviz.studies.hybrids.text_results`.

It is loaded as any transformers model is. Every N answers the same questions on the same pages; each page is
asked one question of each number of hops, so that n counts pages. Writes assets/results/MODEL.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from sleepviz.hybrids.modeling import SleepForCausalLM
from sleepviz.hybrids.models.loading import load_sleeper, load_tokenizer
from sleepviz.hybrids.perplexity import losses_by_setting
from sleepviz.hybrids.sleep import predict
from sleepviz.hybrids.tuning.reading import policy_for
from sleepviz.runs.checkpoint import provenance, write_atomically
from sleepviz.studies.hybrids.text_model import FOLDER, NAME
from sleepviz.text.documents import HOPS_MAX, question
from sleepviz.text.lessons import Page, Writer
from sleepviz.text.losses import Losses, perplexity, saved
from sleepviz.training.evaluate import EVALUATION_STREAM, wilson

RESULTS = FOLDER.parent / "results"
PASSES = (0, 1, 2, 4)
WINDOWS = (1, 2, 4, 6)
BATCH = 64


@dataclass(frozen=True)
class Exam:
    """One page and the questions that it is asked: (tokens to read, answer's tokens), one for each number of hops."""

    page: Page
    asked: tuple[tuple[list[int], list[int]] | None, ...]  # None where the page has no chain that long
    is_cut: bool  # whether a window's end cuts the sentence that answers the question of one hop


def exams(writer: Writer, n: int, n_windows: int, seed: int) -> Iterator[Exam]:
    """n held-out pages of so many windows, the same for the same seed."""
    rng = np.random.default_rng((EVALUATION_STREAM, seed, n_windows))
    for _ in range(n):
        page = writer.page(rng, "held_out", n_windows * writer.window)
        found = [question(rng, page.facts, hops) for hops in range(1, HOPS_MAX + 1)]
        asked = []
        for hops, each in enumerate(found, start=1):
            tokens, _ = writer.answered(each)
            asked.append((tokens[:-2], tokens[-2:]) if each.hops == hops else None)
        yield Exam(page, tuple(asked), found[0].facts[0] in page.straddling)


@torch.inference_mode()
def right(model: SleepForCausalLM, taken: Sequence[Exam], n_passes: int) -> NDArray[np.float64]:
    """Whether each question is answered exactly, then ended -> [exams, hops], nan where it was not asked."""
    marks = np.full((len(taken), HOPS_MAX), np.nan)
    for start in range(0, len(taken), BATCH):
        part = taken[start : start + BATCH]
        context = torch.tensor([exam.page.context for exam in part])
        cache = model.sleep(context, policy_for(model, n_passes, "hard"))
        for hops in range(HOPS_MAX):
            by_length: dict[int, list[int]] = {}
            for index, exam in enumerate(part):
                if (pair := exam.asked[hops]) is not None:
                    by_length.setdefault(len(pair[0]), []).append(index)
            for chosen in by_length.values():
                pairs = [part[index].asked[hops] for index in chosen]
                read = torch.tensor([[*ask, *answer[:-1]] for ask, answer in pairs])  # type: ignore[misc]
                wanted = torch.tensor([answer for _, answer in pairs])  # type: ignore[misc]
                of_these = cache.fork()
                of_these.batch_select_indices(torch.tensor(chosen))
                logits, _ = predict(model, read, of_these)
                # Greedy decoding gives the answer exactly if each of its tokens is likeliest after those before it.
                exact = (logits[:, -wanted.shape[1] :].argmax(dim=-1) == wanted).all(dim=-1)
                marks[[start + index for index in chosen], hops] = exact.double().numpy()
    return marks


def entry(marks: NDArray[np.float64], **described: Any) -> dict[str, Any]:
    """Share of right answers with its Wilson interval; marks [n], nan where not asked."""
    asked = marks[~np.isnan(marks)]
    share = float(asked.mean()) if len(asked) else float("nan")
    low, high = wilson(share * len(asked), len(asked))
    return {**described, "n": len(asked), "accuracy": round(share, 4), "ci95": [round(low, 4), round(high, 4)]}


def onward_losses(model: SleepForCausalLM, pages: Sequence[Page]) -> list[Losses]:
    """Losses of the window after each page, where facts are told again, over all pages, for each setting."""
    found: dict[int | None, list[NDArray[np.float64]]] = {}
    for page in pages:
        tokens = torch.tensor([[*page.context, *page.onward]])
        for losses in losses_by_setting(model, tokens, window=model.window, passes=PASSES):
            after = np.array(losses.positions) > len(page.context)
            found.setdefault(losses.n_passes, []).append(losses.nats[after])
    joined = {n_passes: np.concatenate(parts) for n_passes, parts in found.items()}
    return [Losses(n_passes, nats, tuple(range(len(nats)))) for n_passes, nats in joined.items()]


def measure(folder: Path, *, n: int, n_pages: int, seed: int) -> dict[str, Any]:
    """Accuracy by windows, N and hops; accuracy where a window's end cuts the sentence; perplexity."""
    model, tokenizer = load_sleeper(folder), load_tokenizer(folder)
    assert isinstance(model, SleepForCausalLM)
    writer = Writer(tokenizer, model.window)
    entries, cut = [], []
    for n_windows in WINDOWS:
        taken = list(exams(writer, n, n_windows, seed))
        is_cut = np.array([exam.is_cut for exam in taken])
        for n_passes in tqdm(PASSES, desc=f"{n_windows} windows", file=sys.stderr):
            marks = right(model, taken, n_passes)
            entries += [
                entry(marks[:, hops - 1], windows=n_windows, passes=n_passes, hops=hops)
                for hops in range(1, HOPS_MAX + 1)
            ]
            if is_cut.any():
                cut.append(entry(marks[is_cut, 0], windows=n_windows, passes=n_passes, hops=1))
    pages = [exam.page for exam in exams(writer, n_pages, 4, seed + 1)]
    losses = onward_losses(model, pages)
    once = next(each for each in losses if each.n_passes == 1)
    values = [
        {
            "setting": each.name,
            "tokens": len(each.nats),
            **{name: [getattr(e, field) for field in ("value", "low", "high")] for name, e in pair.items()},
        }
        for each in losses
        for pair in ({"perplexity": perplexity(each), "nats_saved_against_n1": saved(each, once)},)
    ]
    return {
        "model": folder.name,
        "digest": model.config.digest,
        "command": f"python -m sleepviz.studies.hybrids.text_results --model {folder.name} --n {n} --seed {seed}",
        "window": model.window,
        "passes_trained": model.config.passes_trained,
        "entries": entries,
        "cut_sentences": cut,
        "perplexity": values,
        **provenance(),
    }


def main() -> int:
    """Measure, write, and print the accuracies."""
    parser = argparse.ArgumentParser(prog="python -m sleepviz.studies.hybrids.text_results", description=__doc__)
    parser.add_argument("--model", default=NAME, help="the folder in assets/models")
    parser.add_argument("--n", type=int, default=512, help="pages a cell")
    parser.add_argument("--pages", type=int, default=64, help="pages whose continuation is scored")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = measure(FOLDER / arguments.model, n=arguments.n, n_pages=arguments.pages, seed=arguments.seed)
    write_atomically(RESULTS / f"{arguments.model}.json", (json.dumps(found, indent=1) + "\n").encode())
    for each in found["entries"]:
        print("windows {windows} N {passes} hops {hops}: {accuracy:.3f} {ci95} n {n}".format(**each))
    return 0


if __name__ == "__main__":
    sys.exit(main())
