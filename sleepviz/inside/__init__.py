"""Inside the fast weights: what a run wrote into S, and what S gives back."""
