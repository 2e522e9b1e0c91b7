"""The architectures: recurrent, convolutional, Transformer, and pretrained ones of Hugging Face.

Padded pieces [B, S] go in, logits [B, V] come out, behind one small protocol: ``start`` once, ``step`` per piece
(``protocol``, ``encoder_decoder``). ``architectures`` lists them by name, ``batches`` pads pieces, ``lora`` adds
low-rank updates, ``dropout`` is the fast one. Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, and the papers
that each module names. Knows no training and no search.
"""
