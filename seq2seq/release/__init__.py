"""When a new model may take the place of the one in use: pure functions over numbers.

``gate`` compares a candidate with the versions that it has to meet, and answers; ``params`` names the registered model
and holds what its release depends on. Scores on resampled lines come in; an answer with its evidence goes out.
Knows no registry: aliases and versions are in the room ``registry``. The method is a test of non-inferiority over
paired bootstrap resamples (Koehn 2004); docs/gate.md has what is known of its power.
"""
