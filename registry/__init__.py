"""RECORD: all that knows MLflow.

What DVC's stages left goes in; runs, versions, aliases and answers of registered models come out. ``store`` opens the
MLflow store, ``record`` writes a run and its version, ``versions`` decides which version is champion,
``pyfunc_model`` is the code that MLflow keeps beside a model, ``live`` shows a learning curve while it grows,
and ``live_curve`` starts it; ``start`` fetches what a training goes on from. ``commits`` reads from git which commit a
run's code is of, and keeps what came on top;
``retention`` tells what the registry may lose, ``deleted`` what people removed. ``served`` tells what makes a version,
and ``server`` words what a server refuses, and asks whether we may register there.
See https://mlflow.org/docs/latest/ml/model-registry/. Imports ``seq2seq`` and never ``tasks``, ``flows`` or prefect.
"""
