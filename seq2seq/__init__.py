"""HOW: the library. Corpora, tokenizer, batches, models, search, training, metrics, bundles.

Knows nothing of Prefect, DVC, MLflow or a server; importing a module of it does nothing.
"""
