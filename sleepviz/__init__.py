"""sleepviz: the mechanism of "Do Language Models Need Sleep?" (arXiv:2605.26099), small enough to watch."""

__version__ = "0.1.0"
