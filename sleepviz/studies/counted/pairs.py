"""How many pairs of tokens attention computes, where a token looks at itself and back."""

from __future__ import annotations


def causal_pairs(n_tokens: int, n_cached: int = 0, sliding: int | None = None) -> int:
    """Pairs of tokens that look and tokens looked at, with so many tokens before; `sliding` bounds how far they look.

    This is what a causal kernel computes, and of a long text it is half of the full square that torch's counter counts.
    """
    return _from_the_start(n_cached + n_tokens, sliding) - _from_the_start(n_cached, sliding)


def _from_the_start(n_tokens: int, sliding: int | None) -> int:
    """Token number i looks at i tokens, and at no more than `sliding`."""
    rising = n_tokens if sliding is None else min(n_tokens, sliding)
    return rising * (rising + 1) // 2 + (n_tokens - rising) * rising
