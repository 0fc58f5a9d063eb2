"""Models from outside: loading them, judging whether they can sleep, and their tokenizers."""
