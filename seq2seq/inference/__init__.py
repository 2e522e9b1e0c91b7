"""Text in, text out, by any bundle.

``translator`` cuts texts into pieces, hands them to an engine in batches, and turns the outputs into text;
``ctranslate2_engine`` runs bundles of the fast engine (https://opennmt.net/CTranslate2/), ``ensemble`` lets several
models search as one. ``documents`` splits texts into sentences, ``splitter`` into those that a model can read, and
``faults`` sees what is wrong with an output. ``pages`` translates HTML: ``html_tokens`` reads it, ``markup`` puts its
tags back by an ``alignment``. Trains nothing and writes nothing.
"""
