"""From a trained bundle to the one that is released.

``ctranslate2`` writes the fast engine's form of a Transformer (https://opennmt.net/CTranslate2/conversion.html),
``onnx`` graphs of recurrent and convolutional models, ``argos`` a package for argostranslate; ``quantization`` knows
which types of weights there are. Reads and writes bundles; knows no corpus and no training.
"""
