"""Sleep for models of the transformers library. Imported on demand only: transformers is slow to import.

- `cache`, `layers`: SleepCache, with explicit eviction; its state is assigned and never changed in place
- `looping`: N trips through a span of a decoder's own layers inside one ordinary call
- `slept`: what a sleep lets one see
- `sleep`: sleep_hybrid, sleep_windows, predict, generate
- `models`: loading a model from outside, judging whether it can sleep, tokenizers, small random models
- `modeling`: our own HybridLM as a transformers model; from_checkpoint
- `fast_weights`: add_fast_weights, memory layers for an attention-only model
- `tuning`: fine-tuning for sleep, `python -m sleepviz tune`
- `perplexity`: perplexity of how a text goes on after eviction, for every N
- `watched`: one run as a stream of events, for the app
What was measured of it stands in `sleepviz.studies.hybrids`, one command a module.
"""
