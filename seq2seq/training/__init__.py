"""Training: from sentence pairs to a bundle, resumable to the same bytes.

``fit`` is the way in: ``recipe`` says what is trained and how, ``data`` in which direction and on which pairs
(``mixing``: with how many ``old_pairs``, with what ``augmentation``), which ``token_store`` holds encoded.
``initial_model`` makes what a training begins with, ``trainer`` updates and validates it, ``objective``, ``loss`` and
``r_drop`` are what it lowers, ``guessing`` is what it has to beat, ``optimizer`` and ``schedules`` change its weights,
``checkpoints`` has its states, ``distributed`` its processes, ``validation_score`` and ``learning_curve`` what early
stopping reads. Imports no evaluation, release or report.
"""
