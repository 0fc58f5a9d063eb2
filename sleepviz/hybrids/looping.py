"""N trips through a span of a decoder's own layers, inside one ordinary call of the decoder.

The first trip is the call itself. When the span's last layer is done, its layers are called again
N - 1 times with the arguments that the decoder gave them (masks, rotary tables, cache), each time on
the stream that they have just put out. So whatever a family does before its first layer (scaling
the embeddings, rotary tables) and after its last one (the final norm) is done once, and the carried
stream is the one before the final norm, as arXiv:2605.26099 Algorithm 1 has it.
Zamba2 gives each of its shared blocks the token embedding beside the stream; that stays the embedding.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn

from sleepviz.config.base import ConfigError

Call = tuple[nn.Module, tuple[Any, ...], dict[str, Any]]


@contextmanager
def looped(
    layers: Sequence[nn.Module],
    n_passes: int,
    *,
    before_pass: Callable[[int], None],
    after_pass: Callable[[int, Tensor], None],
) -> Iterator[None]:
    """While this is active, each call of the decoder runs `layers` `n_passes` times.

    `before_pass(pass_index)` is called before every pass but the first, and `after_pass(pass_index, h)`
    after every one, with h [B, T, D] as it leaves the span. Another thread's calls are left alone.
    """
    thread, calls, repeating = threading.get_ident(), list[Call](), False

    def ours() -> bool:
        return threading.get_ident() == thread and not repeating

    def remember(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if ours():
            calls.append((layer, args, kwargs))

    def repeat(layer: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        nonlocal repeating
        if not ours():
            return None
        repeating = True
        try:
            after_pass(0, stream_of(output))
            for pass_index in range(1, n_passes):
                before_pass(pass_index)
                for called, call_args, call_kwargs in calls:
                    output = _called_again(called, call_args, call_kwargs, stream_of(output))
                after_pass(pass_index, stream_of(output))
        finally:
            repeating = False
            calls.clear()
        return output

    with ExitStack() as hooks:
        for layer in layers:
            hooks.callback(layer.register_forward_pre_hook(remember, with_kwargs=True).remove)
        hooks.callback(layers[-1].register_forward_hook(repeat).remove)
        yield


def stream_of(output: Any) -> Tensor:
    """h [B, T, D] of what a decoder layer returns: the tensor itself, or the first of a tuple."""
    stream = output[0] if isinstance(output, tuple) else output
    if not isinstance(stream, Tensor):
        raise ConfigError("this model's layers do not return a stream of hidden states, so they cannot be looped.")
    return stream


def _called_again(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], h: Tensor) -> Any:
    if args:
        return layer(h, *args[1:], **kwargs)
    return layer(**{**kwargs, "hidden_states": h})
