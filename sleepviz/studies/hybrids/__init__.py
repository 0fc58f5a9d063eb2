"""What was measured of the adapter to transformers, and the training of the text model."""
