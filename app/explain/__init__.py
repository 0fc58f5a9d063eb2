"""What explains a run: a guess, its question as a chain, the model as a drawing; and what explains the app."""
