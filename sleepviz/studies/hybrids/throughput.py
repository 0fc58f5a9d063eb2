"""How fast a transformers hybrid sleeps: `python -m sleepviz.studies.hybrids.throughput [--json]`.

Beside it, at equal passes, the model's stock chunked prefill: the same windows read in turn by the
same decoder with the library's own growing cache, N times over. Sleep pays for copies of its cache
and is spared the growing attention, and what follows the last write of S in a window's last pass;
with a `chunk_size` of at most 16 it is also spared the padding of each window to 64 tokens in the
library's delta rule, whose work within a chunk grows with its square.
Random weights: speed does not depend on them. Peak memory is that of tensors, beside the weights. On a
CUDA device the share of the device's measured matrix rate is given too.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import accumulate

import torch
import transformers
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode
from transformers import DynamicCache, PreTrainedModel, Qwen3_5ForCausalLM, Qwen3_5TextConfig

from sleepviz.config.model import SleepPolicy
from sleepviz.hybrids.models.families import tiny
from sleepviz.hybrids.sleep import predict, sleep_hybrid

REPEATS = 5  # in turn with what it is compared to; the fastest counts: others share the machine
AWAKE_TOKENS = 8
CHUNK = 16  # tokens in a chunk of the delta rule, at most: as fast as any at windows from 16 to 96


@dataclass(frozen=True)
class Throughput:
    """One row: rates are context tokens a second, for the whole batch."""

    parameters: int
    context: int
    window: int
    passes: int
    sleep_tokens_per_s: float
    stock_tokens_per_s: float
    awake_tokens_per_s: float  # one at a time, after the sleep
    sleep_cache_bytes: int
    stock_cache_bytes: int
    sleep_peak_bytes: int  # beside the weights
    stock_peak_bytes: int
    matrix_share: float | None = None  # on CUDA: of the device's rate in a large matrix product

    @property
    def ratio(self) -> float:
        """Sleep's rate over the stock prefill's."""
        return self.sleep_tokens_per_s / self.stock_tokens_per_s


def half_billion() -> Qwen3_5TextConfig:
    """A Qwen3.5 of about 0.5 B parameters with a small vocabulary."""
    return Qwen3_5TextConfig(
        vocab_size=32_000,
        hidden_size=1024,
        intermediate_size=3584,
        num_hidden_layers=24,
        num_attention_heads=8,
        num_key_value_heads=2,
        head_dim=256,
        linear_num_key_heads=16,
        linear_num_value_heads=16,
        linear_key_head_dim=128,
        linear_value_head_dim=128,
        tie_word_embeddings=True,
        max_position_embeddings=262_144,
    )


def stock_prefill(model: PreTrainedModel, tokens: Tensor, window: int) -> DynamicCache:
    """The context in chunks of `window` tokens, with the library's own cache and settings."""
    cache = DynamicCache(config=model.config)
    decoder = model.get_decoder()
    for chunk in torch.split(tokens, window, dim=1):
        decoder(input_ids=chunk, cache=cache, use_cache=True)
    return cache


def cached_bytes(cache: DynamicCache) -> int:
    """Bytes of every tensor in a stock cache."""
    total = 0
    for layer in cache.layers:
        states = [getattr(layer, "keys", None), getattr(layer, "values", None)]
        for name in ("conv_states", "recurrent_states"):
            states += getattr(layer, name, {}).values()
        total += sum(state.numel() * state.element_size() for state in states if state is not None)
    return total


def chunk_of(window: int) -> int:
    """Tokens in each of the equal chunks, as few as can be, of at most CHUNK tokens, that a window is cut into."""
    return math.ceil(window / math.ceil(window / CHUNK))


def measure(model: PreTrainedModel, *, context: int, window: int, passes: int, batch: int) -> Throughput:
    """Measure one setting."""
    device = model.device
    vocab_size = model.config.vocab_size
    tokens = torch.randint(vocab_size, (batch, context), generator=torch.Generator().manual_seed(0)).to(device)
    policy, chunk = SleepPolicy(passes), chunk_of(window)

    def read_asleep() -> None:
        sleep_hybrid(model, tokens, policy, window=window, chunk_size=chunk)

    def read_stock() -> None:
        for _ in range(passes):
            stock_prefill(model, tokens, window)

    with torch.inference_mode():
        sleep_s, stock_s = _fastest(device, read_asleep, read_stock)
        sleep_peak, stock_peak = peak_bytes(read_asleep, device), peak_bytes(read_stock, device)
        cache, stock = sleep_hybrid(model, tokens, policy, window=window), stock_prefill(model, tokens, window)

        def speak() -> None:
            after = cache
            for _ in range(AWAKE_TOKENS):
                _, after = predict(model, tokens[:, :1], after)

        (awake_s,) = _fastest(device, speak)
        matrix_share = matrix_flops(read_asleep) / sleep_s / matrix_rate(model) if device.type == "cuda" else None
    return Throughput(
        parameters=sum(p.numel() for p in model.parameters()),
        context=context,
        window=window,
        passes=passes,
        sleep_tokens_per_s=batch * context / sleep_s,
        stock_tokens_per_s=batch * context / stock_s,
        awake_tokens_per_s=batch * AWAKE_TOKENS / awake_s,
        sleep_cache_bytes=cache.total_bytes,
        stock_cache_bytes=cached_bytes(stock),
        sleep_peak_bytes=sleep_peak,
        stock_peak_bytes=stock_peak,
        matrix_share=matrix_share,
    )


def matrix_flops(work: Callable[[], None]) -> int:
    """Operations of all matrix products in this, as they are executed."""
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def matrix_rate(model: PreTrainedModel, size: int = 8192, repeats: int = 20) -> float:
    """Operations a second of a large matrix product on the model's device, in its type."""
    a = torch.randn(size, size, device=model.device, dtype=model.dtype)

    def multiply() -> None:
        for _ in range(repeats):
            a @ a

    (seconds,) = _fastest(model.device, multiply)
    return 2 * size**3 * repeats / seconds


def peak_bytes(work: Callable[[], None], device: torch.device) -> int:
    """The most bytes that tensors take while this runs, above what they took before."""
    if device.type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        held = torch.cuda.memory_allocated()
        work()
        return torch.cuda.max_memory_allocated() - held
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        work()
    assert profile.profiler is not None
    events = profile.profiler.kineto_results.events()
    changes = sorted((e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]")
    return max(accumulate((change for _, change in changes), initial=0))


def _fastest(device: torch.device, *works: Callable[[], None]) -> list[float]:
    """Seconds of the fastest run of each, by turns: what slows the machine for a while slows all of them."""
    on_cuda = device.type == "cuda"
    # CPU time where the CPU computes: it does not count what others do on the machine.
    clock = time.perf_counter if on_cuda else time.thread_time
    seconds = [math.inf] * len(works)
    for turn in range(1 + REPEATS):
        for index, work in enumerate(works):
            if on_cuda:
                torch.cuda.synchronize()
            started = clock()
            work()
            if on_cuda:
                torch.cuda.synchronize()
            if turn:  # the first warms up
                seconds[index] = min(seconds[index], clock() - started)
    return seconds


def table(rows: list[Throughput]) -> str:
    """The rows as Markdown."""
    lines = [
        "| context | window | N | asleep, tokens/s | stock prefill, N times | ratio | awake, tokens/s "
        "| cache bytes | stock cache bytes | peak bytes | stock peak bytes |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        rates = f"{row.sleep_tokens_per_s:.0f} | {row.stock_tokens_per_s:.0f} | {row.ratio:.2f}"
        held = f"{row.awake_tokens_per_s:.0f} | {row.sleep_cache_bytes} | {row.stock_cache_bytes}"
        held += f" | {row.sleep_peak_bytes} | {row.stock_peak_bytes}"
        lines.append(f"| {row.context} | {row.window} | {row.passes} | {rates} | {held} |")
    return "\n".join(lines)


def main() -> int:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m sleepviz.studies.hybrids.throughput", description=__doc__)
    parser.add_argument("--size", choices=("tiny", "0.5B"), default="tiny")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--context", type=_numbers, default=(192,), help="tokens, comma-separated")
    parser.add_argument("--window", type=_numbers, default=(8, 16, 32, 48, 64), help="tokens, comma-separated")
    parser.add_argument("--passes", type=_numbers, default=(1, 4), help="comma-separated")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--json", action="store_true", help="JSON in place of Markdown")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()  # it tells of each kernel that is not installed
    torch.set_num_threads(1)
    if arguments.size == "tiny":
        model = tiny("Qwen3.5")
    else:
        with torch.device(arguments.device):
            model = Qwen3_5ForCausalLM(half_billion())
    model = model.to(device=arguments.device, dtype=getattr(torch, arguments.dtype)).eval()
    rows = [
        measure(model, context=context, window=window, passes=passes, batch=arguments.batch)
        for context in arguments.context
        for window in arguments.window
        for passes in arguments.passes
    ]
    print(
        json.dumps([{**asdict(row), "ratio": row.ratio} for row in rows], indent=1) if arguments.json else table(rows)
    )
    return 0


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
