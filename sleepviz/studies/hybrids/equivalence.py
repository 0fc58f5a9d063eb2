"""What sleep on a transformers model is checked against: `python -m sleepviz.studies.hybrids.equivalence [--json]`.

With N = 1, sleep is the ordinary forward call under a block mask: the oracle is ONE call of the stock
model, without any cache, whose mask forbids what was evicted. For each family, on a small random
model in float32: the largest difference of the logits under hard and sliding eviction, and how large
it would be if S were lost; whether
`generate` from the compact cache gives the tokens of the oracle (N = 1) and of a loop of single calls
(N = 3); the relative difference of the gradient; the bytes of the cache after 64, 1024 and 8192 tokens.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import torch
import transformers
from torch import Tensor
from tqdm import tqdm
from transformers import PreTrainedModel

from sleepviz.config.model import Eviction, SleepPolicy
from sleepviz.core.delta_rule import gated_delta_scan, gated_delta_window
from sleepviz.core.model import unit_length
from sleepviz.hybrids.models.families import SLEEPER_NAMES, VOCAB_SIZE, tiny
from sleepviz.hybrids.sleep import generate, predict, sleep_hybrid

WINDOW = 8
CONTEXT = 28  # three windows and a half: the last sleep is over a shorter one
QUESTION = 5
NEW_TOKENS = 6
BYTES_AT = (64, 1024, 8192)
BYTES_WINDOW = 64
ERROR_MAX = 5e-5
GRADIENT_ERROR_MAX = 1e-3


@dataclass(frozen=True)
class Equivalence:
    """One family's row of the table."""

    family: str
    hard_error: float
    sliding_error: float
    generate_identical: bool
    lost_state: float  # how far the logits move, hard, if S is zeroed: what the two errors are small against
    gradient_error: float  # relative, over all slow weights together
    cache_bytes: tuple[int, ...]  # after BYTES_AT tokens, batch 1, hard eviction
    sliding_bytes: tuple[int, ...]

    @property
    def holds(self) -> bool:
        """Whether every claim holds."""
        exact = max(self.hard_error, self.sliding_error) <= ERROR_MAX < self.lost_state / 100
        constant = len(set(self.cache_bytes)) == len(set(self.sliding_bytes)) == 1
        return exact and self.generate_identical and self.gradient_error <= GRADIENT_ERROR_MAX and constant


def block_mask(n_context: int, n_tokens: int, window: int, eviction: Eviction) -> Tensor:
    """Who sees whom if each window of the context is evicted after it: bool [n_tokens, n_tokens].

    What follows the context is one more window. Under "sliding", L - 1 tokens before a window are kept;
    under "none", all.
    """
    position = torch.arange(n_tokens)
    causal = position[None, :] <= position[:, None]
    if eviction == "none":
        return causal
    start = torch.where(position < n_context, position // window * window, n_context)  # of each token's window
    kept = window - 1 if eviction == "sliding" else 0
    return causal & (position[None, :] >= start[:, None] - kept)


def masked_forward(model: PreTrainedModel, tokens: Tensor, n_context: int, window: int, eviction: Eviction) -> Tensor:
    """The oracle: one stock call, no cache -> logits [B, T, vocab_size]."""
    n_tokens = tokens.shape[1]
    batch, position = tokens.shape[0], torch.arange(n_tokens)
    near = position[:, None] - position[None, :] < (getattr(model.config, "sliding_window", None) or n_tokens)

    def added(allowed: Tensor) -> Tensor:
        mask = torch.zeros(allowed.shape).masked_fill(~allowed, torch.finfo(torch.float32).min)
        return mask.expand(batch, 1, n_tokens, n_tokens)

    seen = block_mask(n_context, n_tokens, window, eviction)
    by_kind = {"full_attention": added(seen), "sliding_attention": added(seen & near), "linear_attention": None}
    llama = model.config.model_type == "sleepviz_llama"  # it has one mask for all its layers
    masks = by_kind["full_attention"] if llama else by_kind
    positions = position.expand(batch, -1)  # Bamba's masks need them
    return model(input_ids=tokens, attention_mask=masks, position_ids=positions, use_cache=False).logits


def random_tokens(n_tokens: int, batch: int = 2, seed: int = 0) -> Tensor:
    """Uniform tokens [batch, n_tokens]."""
    return torch.randint(1, VOCAB_SIZE, (batch, n_tokens), generator=torch.Generator().manual_seed(seed))


def logits_error(model: PreTrainedModel, eviction: Eviction) -> float:
    """Largest difference between the logits after an N = 1 sleep and the oracle's."""
    tokens = random_tokens(CONTEXT + QUESTION)
    with torch.no_grad():
        cache = sleep_hybrid(model, tokens[:, :CONTEXT], SleepPolicy(1, eviction), window=WINDOW)
        logits, _ = predict(model, tokens[:, CONTEXT:], cache)
        oracle = masked_forward(model, tokens, CONTEXT, WINDOW, eviction)[:, CONTEXT:]
    return float((logits - oracle).abs().max())


def lost_state(model: PreTrainedModel) -> float:
    """How far the logits move if S is zeroed after a sleep: an adapter that lost S would be off by this."""
    tokens = random_tokens(CONTEXT + QUESTION)
    with torch.no_grad():
        cache = sleep_hybrid(model, tokens[:, :CONTEXT], SleepPolicy(1), window=WINDOW)
        empty = cache.with_fast_weights(tuple(torch.zeros_like(s) for s in cache.fast_weights))
        kept, lost = (predict(model, tokens[:, CONTEXT:], c)[0] for c in (cache, empty))
    return float((kept - lost).abs().max())


def generates_identically(model: PreTrainedModel) -> bool:
    """Whether greedy `generate` gives the oracle's tokens (N = 1), and those of single calls (N = 3)."""
    tokens, same = random_tokens(CONTEXT + QUESTION), True
    context, question = tokens[:, :CONTEXT], tokens[:, CONTEXT:]
    for eviction in ("hard", "sliding"):
        with torch.no_grad():
            once = sleep_hybrid(model, context, SleepPolicy(1, eviction), window=WINDOW)
            same &= torch.equal(_greedy(model, question, once), _oracle_greedy(model, tokens, eviction))
            thrice = sleep_hybrid(model, context, SleepPolicy(3, eviction), window=WINDOW)
            new, after, answer = question, thrice, []
            for _ in range(NEW_TOKENS):
                logits, after = predict(model, new, after)
                new = logits[:, -1:].argmax(dim=-1)
                answer.append(new)
            same &= torch.equal(_greedy(model, question, thrice), torch.cat(answer, dim=1))
    return same


def _greedy(model: PreTrainedModel, question: Tensor, cache: object) -> Tensor:
    return generate(model, question, cache, max_new_tokens=NEW_TOKENS, do_sample=False)  # type: ignore[arg-type]


def _oracle_greedy(model: PreTrainedModel, tokens: Tensor, eviction: Eviction) -> Tensor:
    for _ in range(NEW_TOKENS):
        logits = masked_forward(model, tokens, CONTEXT, WINDOW, eviction)
        tokens = torch.cat([tokens, logits[:, -1:].argmax(dim=-1)], dim=1)
    return tokens[:, -NEW_TOKENS:]


def gradient_error(model: PreTrainedModel) -> float:
    """Relative difference, over all slow weights, between the gradient through sleep and the oracle's."""
    tokens = random_tokens(CONTEXT + QUESTION)
    weight = torch.randn(2, QUESTION, VOCAB_SIZE, generator=torch.Generator().manual_seed(1))
    cache = sleep_hybrid(model, tokens[:, :CONTEXT], SleepPolicy(1), window=WINDOW)
    slept = _gradient(model, (predict(model, tokens[:, CONTEXT:], cache)[0] * weight).sum())
    oracle = masked_forward(model, tokens, CONTEXT, WINDOW, "hard")[:, CONTEXT:]
    stock = _gradient(model, (oracle * weight).sum())
    return float((slept - stock).norm() / stock.norm())


def _gradient(model: PreTrainedModel, loss: Tensor) -> Tensor:
    parameters = [p for p in model.parameters() if p.requires_grad]
    grads = torch.autograd.grad(loss, parameters, allow_unused=True)
    return torch.cat(
        [torch.zeros(p.numel()) if g is None else g.flatten() for p, g in zip(parameters, grads, strict=True)]
    )


def cache_bytes(model: PreTrainedModel, eviction: Eviction, lengths: Iterable[int] = BYTES_AT) -> tuple[int, ...]:
    """Bytes that remain after contexts of these lengths, in ascending order, one stream going on."""
    cache, done, found = None, 0, []
    for length in lengths:
        tokens = random_tokens(length - done, batch=1)
        with torch.inference_mode():
            cache = sleep_hybrid(model, tokens, SleepPolicy(1, eviction), window=BYTES_WINDOW, cache=cache)
        found.append(cache.total_bytes)
        done = length
    return tuple(found)


def measure(family: str) -> Equivalence:
    """Measure one family's row."""
    model = tiny(family)
    return Equivalence(
        family,
        logits_error(model, "hard"),
        logits_error(model, "sliding"),
        generates_identically(model),
        lost_state(model),
        gradient_error(model),
        cache_bytes(model, "hard"),
        cache_bytes(model, "sliding"),
    )


def delta_rule_error() -> float:
    """Largest difference between our delta rule's two forms, window and token by token, in float64."""
    generator, found = torch.Generator().manual_seed(0), 0.0
    for n_tokens in (1, 7, 64, 200):
        q, k = (torch.randn(2, 3, n_tokens, 6, generator=generator, dtype=torch.float64) for _ in range(2))
        v = torch.randn(2, 3, n_tokens, 10, generator=generator, dtype=torch.float64)
        gates = torch.rand(2, 2, 3, n_tokens, generator=generator, dtype=torch.float64)
        state = torch.randn(2, 3, 6, 10, generator=generator, dtype=torch.float64)
        written: dict[str, Any] = {
            "q": q,
            "k": unit_length(k),
            "v": v,
            "log_decay": gates[0].log() / 4,
            "beta": gates[1],
        }
        pairs = zip(gated_delta_window(state, **written), gated_delta_scan(state, **written), strict=True)
        found = max([found, *(float((a - b).abs().max()) for a, b in pairs)])
    return found


def table(rows: list[Equivalence]) -> str:
    """The rows as Markdown."""
    lengths = " / ".join(map(str, BYTES_AT))
    lines = [
        "| family | N = 1, hard | N = 1, sliding | if S were lost | generate | gradient | "
        f"cache bytes at {lengths} tokens, hard | sliding |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        same = "identical" if row.generate_identical else "differs"
        errors = (
            f"{row.hard_error:.1e} | {row.sliding_error:.1e} | {row.lost_state:.2g} | {same} | {row.gradient_error:.1e}"
        )
        held = " | ".join(" / ".join(map(str, held)) for held in (row.cache_bytes, row.sliding_bytes))
        lines.append(f"| {row.family} | {errors} | {held} |")
    return "\n".join(lines)


def main() -> int:
    """Print the table (or JSON); exit status 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(prog="python -m sleepviz.studies.hybrids.equivalence", description=__doc__)
    parser.add_argument("--family", action="append", choices=SLEEPER_NAMES, help="only this one; may be repeated")
    parser.add_argument("--json", action="store_true", help="JSON in place of Markdown")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()  # it tells of each kernel that is not installed
    torch.set_num_threads(1)  # the models are far too small for more
    families = arguments.family or list(SLEEPER_NAMES)
    rows = [measure(family) for family in tqdm(families, file=sys.stderr, disable=not sys.stderr.isatty())]
    forms = delta_rule_error()
    if arguments.json:
        print(json.dumps({"families": [asdict(row) for row in rows], "delta_rule_float64": forms}, indent=1))
    else:
        print(table(rows))
        print(f"\nOur own delta rule, a window at once against token by token, in float64: {forms:.1e}.")
    return 0 if all(row.holds for row in rows) and forms < 1e-12 else 1


if __name__ == "__main__":
    sys.exit(main())
