"""What a bundle is worth: translations of the held-out sets, their scores, and what stands beside them.

``held_out`` reads the sets, ``evaluate`` translates and scores them, ``baselines`` scores trivial models and measures
how much of a test set is in training. Decides nothing: that is ``release``.
"""
