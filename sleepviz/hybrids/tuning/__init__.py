"""Fine-tuning a transformers model for sleep."""
