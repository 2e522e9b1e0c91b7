"""Text in, text out, by any bundle.

``translator`` cuts texts into pieces, hands them to an engine in batches, and turns the outputs into text;
``ctranslate2_engine`` runs bundles of the fast engine (https://opennmt.net/CTranslate2/), ``ensemble`` lets several
models search as one. Trains nothing and writes nothing.
"""
