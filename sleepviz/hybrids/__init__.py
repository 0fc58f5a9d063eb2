"""Sleep for models of the transformers library. Imported on demand only: transformers is slow to import.

families.py      small random models of every family: who sleeps, who is refused
cache.py         a cache with explicit eviction, whose state is assigned and never changed in place
looping.py       N trips through a span of a decoder's own layers inside one ordinary call
capability.py    can this model sleep? found out by experiment
sleep.py         sleep_hybrid, predict, generate
modeling.py      our own HybridLM as a transformers model
fast_weights.py  add_fast_weights: memory layers for an attention-only model
equivalence.py   the table of what was checked against what
"""
