"""How fast a transformers hybrid sleeps: `python -m sleepviz.hybrids.throughput [--json]`.

Beside it, at equal passes, the model's stock chunked prefill: the same windows read in turn by the
same decoder with the library's own growing cache, N times over. Sleep pays for copies of its cache
and is spared the growing attention; with `chunk_size` = window it is also spared the padding of each
window to 64 tokens in the library's delta rule. Random weights: speed does not depend on them.
On a CUDA device the peak memory, and the share of the device's measured matrix rate, are given too.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
import transformers
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel, Qwen3_5ForCausalLM, Qwen3_5TextConfig

from sleepviz.config import SleepPolicy
from sleepviz.hybrids.families import tiny
from sleepviz.hybrids.sleep import predict, sleep_hybrid

REPEATS = 3  # the fastest counts: others share the machine
AWAKE_TOKENS = 8


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
    sleep_peak_bytes: int | None = None  # on CUDA: beside the weights
    stock_peak_bytes: int | None = None
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


def measure(model: PreTrainedModel, *, context: int, window: int, passes: int, batch: int) -> Throughput:
    """Measure one setting."""
    device = model.device
    vocab_size = model.config.vocab_size
    tokens = torch.randint(vocab_size, (batch, context), generator=torch.Generator().manual_seed(0)).to(device)
    policy, chunk = SleepPolicy(passes), min(window, 64)

    def read_asleep() -> None:
        sleep_hybrid(model, tokens, policy, window=window, chunk_size=chunk)

    def read_stock() -> None:
        for _ in range(passes):
            stock_prefill(model, tokens, window)

    with torch.inference_mode():
        sleep_s, sleep_peak = _fastest(read_asleep, device)
        stock_s, stock_peak = _fastest(read_stock, device)
        cache, stock = sleep_hybrid(model, tokens, policy, window=window), stock_prefill(model, tokens, window)

        def speak() -> None:
            after = cache
            for _ in range(AWAKE_TOKENS):
                _, after = predict(model, tokens[:, :1], after)

        awake_s, _ = _fastest(speak, device)
    n_parameters = sum(p.numel() for p in model.parameters())
    flops = 2 * (n_parameters - model.get_input_embeddings().weight.numel()) * batch * context * passes
    return Throughput(
        parameters=n_parameters,
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
        matrix_share=flops / sleep_s / matrix_rate(model) if device.type == "cuda" else None,
    )


def matrix_rate(model: PreTrainedModel, size: int = 8192, repeats: int = 20) -> float:
    """Operations a second of a large matrix product on the model's device, in its type."""
    a = torch.randn(size, size, device=model.device, dtype=model.dtype)

    def multiply() -> None:
        for _ in range(repeats):
            a @ a

    seconds, _ = _fastest(multiply, model.device)
    return 2 * size**3 * repeats / seconds


def _fastest(work: Callable[[], None], device: torch.device) -> tuple[float, int | None]:
    """(Seconds of the fastest of some runs, peak bytes above what was held before: CUDA only)."""
    on_cuda = device.type == "cuda"
    work()  # warm up
    if on_cuda:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    held = torch.cuda.memory_allocated() if on_cuda else 0
    seconds = []
    for _ in range(REPEATS):
        # CPU time where the CPU computes: it does not count what others do on the machine.
        clock = time.perf_counter if on_cuda else time.thread_time
        started = clock()
        work()
        if on_cuda:
            torch.cuda.synchronize()
        seconds.append(clock() - started)
    return min(seconds), torch.cuda.max_memory_allocated() - held if on_cuda else None


def table(rows: list[Throughput]) -> str:
    """The rows as Markdown."""
    lines = [
        "| context | window | N | asleep, tokens/s | stock prefill, N times | ratio | awake, tokens/s "
        "| cache bytes | stock cache bytes |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        rates = f"{row.sleep_tokens_per_s:.0f} | {row.stock_tokens_per_s:.0f} | {row.ratio:.2f}"
        held = f"{row.awake_tokens_per_s:.0f} | {row.sleep_cache_bytes} | {row.stock_cache_bytes}"
        lines.append(f"| {row.context} | {row.window} | {row.passes} | {rates} | {held} |")
    return "\n".join(lines)


def main() -> int:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m sleepviz.hybrids.throughput", description=__doc__)
    parser.add_argument("--size", choices=("tiny", "0.5B"), default="tiny")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--context", type=_numbers, default=(192,), help="tokens, comma-separated")
    parser.add_argument("--window", type=_numbers, default=(8, 16, 32, 64), help="tokens, comma-separated")
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
