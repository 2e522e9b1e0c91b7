"""Training: from sentence pairs to a bundle, resumable to the same bytes.

``fit`` is the way in. ``data`` and ``token_store`` hold the encoded pairs, ``initial_model`` makes what a training
begins with, ``trainer`` updates and validates it, ``objective``, ``loss`` and ``r_drop`` are what it lowers,
``schedules`` its learning rate, ``checkpoints`` its states, ``distributed`` its processes, ``validation_score`` and
``learning_curve`` what early stopping reads. Knows no architecture by name, no release and no report.
"""
