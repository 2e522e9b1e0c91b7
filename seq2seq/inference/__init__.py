"""Text in, text out, by any bundle.

``translator`` cuts texts into pieces, orders and batches them, and puts the outputs back in place;
``ctranslate2_engine`` runs bundles of the fast engine (https://opennmt.net/CTranslate2/), ``ensemble`` lets several
models search as one. Trains nothing and writes nothing.
"""
