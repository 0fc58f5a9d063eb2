"""A small hybrid that reads pages of plain English: documents, tokenizer, training and measurement.

The model itself is HybridLM under the transformers library (sleepviz.hybrids.modeling), kept as a folder
that any transformers model could have: config.json, model.safetensors, tokenizer.json.
"""
