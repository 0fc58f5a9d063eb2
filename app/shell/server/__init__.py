"""What the server does for all visitors at once: memory, warm models, and how it sends."""
