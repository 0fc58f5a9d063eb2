"""Inside a model of the transformers library: what its layers wrote into S, and what S gives back."""
