"""Reading S: how much of the answer it holds, by the model's own unembedding and by a linear probe."""
