"""Training a preset, and measuring a checkpoint on held-out problems."""
