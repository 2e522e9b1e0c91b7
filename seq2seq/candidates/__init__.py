"""What may be released: forms of the trained model, made, measured against float32, and one of them chosen.

``measure`` translates the validation set with each candidate, compares its outputs with those of float32, and has all
of them timed; ``choose`` picks by these numbers alone. Bundles and the validation set go in, bundles and numbers come
out. Never reads a test set or the gate set, and imports no training and no report.
"""
