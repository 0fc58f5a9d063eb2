"""One run: a checkpoint, a recorded run of it, and what is measured on the way."""
