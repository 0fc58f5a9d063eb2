"""Your model: the same sleep on a model of the transformers library."""

from app import your_model

your_model.show()
