"""The search for an output: greedy, beam and sampling, over any model of the protocol.

Padded sources go in, hypotheses come out. ``params`` has the knobs and says what an engine is, ``beam_search``
searches (Freitag and Al-Onaizan 2017, https://arxiv.org/abs/1702.01806), ``torch_engine`` runs it over batches, which
``batching`` cuts by length. Knows no architecture by name, no bundle and no training.
"""
