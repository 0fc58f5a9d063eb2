"""Models from outside: loading them, judging whether they can sleep, and their tokenizers.

- `places`: the folder or the hub name that is meant, and what its weights take
- `boundary`: whatever a library raises about a model is one sentence; weights are whole and finite
- `loading`: load_sleeper, by hub name or folder; refused at once if it cannot sleep
- `capability`: can this model sleep? found out by experiment
- `tokens`: a text as its tokenizer reads it, and the piece of the text for each token
- `families`: small random models of every family: who sleeps, who is refused
- `text_tokenizer`: the byte-level tokenizer of our text model (sleepviz.text)
"""
