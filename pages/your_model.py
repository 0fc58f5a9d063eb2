"""Your model: the same sleep on a model of the transformers library."""

from app.your_model import page

page.show()
