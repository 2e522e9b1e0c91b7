"""Text to pieces and back.

Strings go in, lists of piece ids come out, and the other way round. ``base`` says what every tokenizer is and has the
special ids, ``sentencepiece`` learns a vocabulary (Kudo and Richardson 2018, https://aclanthology.org/D18-2012),
``huggingface`` wraps the one of a pretrained model, ``load`` reads either. Knows no model: imports ``core`` and
``text`` alone.
"""
