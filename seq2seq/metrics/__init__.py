"""Scores of outputs against references, with intervals.

Lists of strings go in, numbers from 0 to 100 come out. ``scores`` has BLEU, chrF and TER by sacreBLEU (Post 2018,
https://aclanthology.org/W18-6319) with bootstrap intervals (Koehn 2004), ``tokenization`` says how BLEU cuts a
language into words, ``rouge`` has ROUGE (Lin 2004). Knows no model and no file: imports ``core`` and ``text`` alone.
"""
