"""Scores of outputs against references, with intervals.

Lists of strings go in, numbers come out. ``metric`` is the form that all metrics have, ``string_metrics`` has BLEU,
chrF, TER and exact match, ``resampling`` intervals and paired differences of any metric, ``scores`` what a run reports.
``tokenization`` says how BLEU cuts a language into words, ``rouge`` has ROUGE (Lin 2004). Knows no model and no file:
imports ``core`` and ``text`` alone.
"""
