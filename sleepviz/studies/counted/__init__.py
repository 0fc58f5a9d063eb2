"""What can be counted without running anything: bytes and operations, from the shape of a model."""
