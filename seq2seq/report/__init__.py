"""The report: one page about one run, and the tables that other tools read.

What the stages left goes in (``results``), HTML and CSV come out (``page``, ``plots``). ``comparisons`` computes what
it says in numbers, ``charts`` draws, ``samples`` chooses sentences, ``heat_maps`` shows attention (Bahdanau et al.
2015, https://arxiv.org/abs/1409.0473). Asks no server for anything, and changes no result.
"""
