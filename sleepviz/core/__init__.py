"""The mechanism: fast weights, attention with a cache, the model, and how it sleeps."""
