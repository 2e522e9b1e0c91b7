"""Synthetic pairs: real target text, with sources that a backward model makes up.

Monolingual lines and a bundle go in, pairs come out. Sennrich et al. 2016, https://arxiv.org/abs/1511.06709.
``params`` says how many and how, ``back_translation`` makes them, in shards that outlast a kill. Imports no training.
"""
