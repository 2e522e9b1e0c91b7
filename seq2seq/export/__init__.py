"""From a trained bundle to the one that is released.

``ctranslate2`` writes the fast engine's form of a Transformer (https://opennmt.net/CTranslate2/conversion.html), and
int8 weights of every other architecture. Reads and writes bundles; knows no corpus and no training.
"""
