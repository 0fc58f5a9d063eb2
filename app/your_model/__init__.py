"""The page "Your model": a model of the transformers library reads a text or a task's input, sleeps, and answers."""
