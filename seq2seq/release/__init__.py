"""When a new model may take the place of the one in use: pure functions over numbers.

``gate`` compares a candidate with the versions that it has to meet, and answers; ``params`` names the registered model
and holds what its release depends on. Comes in: scores on resampled lines. Goes out: an answer and its evidence.
Knows no registry: aliases and versions are in the room ``registry``. The method is a test of non-inferiority over
paired bootstrap resamples (Koehn 2004); docs/gate.md has its measured power.
"""
